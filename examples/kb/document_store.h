// Brings what was read from a file into the database: document, chunks, their words, the audit
// event, the task that makes their vectors, and the end of the task that read the file, all in one
// transaction.
#pragma once

#include <string>
#include <string_view>

#include "knowledge.h"
#include "reader.h"
#include "turnstile/task_worker.h"

namespace kb {

/// What storing a file's contents came to.
enum class Outcome {
  Added,
  Changed,
  Removed,    ///< There was a document; the file is gone, or is no text any more.
  Unchanged,  ///< Only the stamp differed, if anything.
  Skipped,    ///< No text, and there was no document.
};

[[nodiscard]] std::string_view to_string(Outcome outcome) noexcept;

/// Threads: shared.
class DocumentStore {
 public:
  explicit DocumentStore(const Knowledge& knowledge) : knowledge_(knowledge) {}

  /// `actor` goes into the audit event. Throws turnstile::Cancelled (TASK_LEASE_LOST), and stores
  /// nothing, when somebody else has the task by now.
  [[nodiscard]] Outcome store(const turnstile::TaskContext& task, const std::string& path,
                              const Contents& contents, std::string_view actor) const;

 private:
  Outcome replace(turnstile::WriteTx& tx, const std::string& path, const Contents& contents,
                  const std::vector<std::string_view>& chunks, turnstile::AuditEvent event) const;
  void remove_chunks(turnstile::WriteTx& tx, std::int64_t document) const;
  void put_chunks(turnstile::WriteTx& tx, std::int64_t document,
                  const std::vector<std::string_view>& chunks) const;
  void remember_skipped(turnstile::WriteTx& tx, const std::string& path,
                        const Contents& contents) const;
  void record(turnstile::WriteTx& tx, turnstile::AuditEvent event, const char* action) const;

  const Knowledge& knowledge_;
};

}  // namespace kb
