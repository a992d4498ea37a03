// Finds out which files are to be read: new, changed and missing ones become tasks.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "knowledge.h"
#include "scanner.h"

namespace kb {

/// What a look at the directory came to.
struct Look {
  std::int64_t files = 0;
  std::int64_t queued = 0;  ///< Of these, and of those that are missing, not known as they are.
  std::int64_t unnameable = 0;
  std::string problem;  ///< Why a part was not looked at; empty: all was.
};

/// A name of 64 letters for a path, which may be longer than names can be.
[[nodiscard]] std::string key_of(std::string_view path);

/// Threads: shared.
class FileWatch {
 public:
  FileWatch(Knowledge& knowledge, const Scanner& scanner)
      : knowledge_(knowledge), scanner_(scanner) {}

  /// Looks at the directory once. `note` is told what was found since the last call of it.
  Look look(const std::string& actor, const std::function<void(const Look&)>& note,
            const std::stop_token& stop) const;

 private:
  std::int64_t offer(std::span<const FoundFile> files) const;
  std::int64_t offer_missing() const;
  void enqueue(turnstile::WriteTx& tx, const std::string& path) const;

  Knowledge& knowledge_;
  const Scanner& scanner_;
};

}  // namespace kb
