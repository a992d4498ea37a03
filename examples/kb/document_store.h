// Brings what was read from a file into the database: document, chunks, full-text index, audit and
// the end of the claim, all in one transaction.
#pragma once

#include <string>
#include <string_view>

#include "reader.h"
#include "turnstile/lane.h"
#include "work_queue.h"

namespace kb {

/// What storing a file's contents came to.
enum class Outcome {
  Added,
  Changed,
  Removed,    ///< There was a document; the file is gone, or is no text any more.
  Unchanged,  ///< Only the stamp differed, if anything.
  Skipped,    ///< No text, and there was no document.
  ClaimLost,  ///< The lease had run out; nothing was stored.
};

/// Threads: shared.
class DocumentStore {
 public:
  explicit DocumentStore(turnstile::Lane lane) : lane_(std::move(lane)) {}

  /// `actor` goes into the audit row.
  [[nodiscard]] Outcome store(const Claim& claim, const Contents& contents,
                              std::string_view actor) const;

 private:
  turnstile::Lane lane_;
};

}  // namespace kb
