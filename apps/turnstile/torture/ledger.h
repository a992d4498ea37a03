// What the workers were told about their writes, kept outside the database: a file for each worker,
// only ever appended to, a line once the answer is there. A write is in the ledger only after its
// worker has heard that it is done, so that the file owes every line of it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace turnstile::cli::torture {

/// What became of a write, as far as its worker knows.
enum class Answer : char {
  None = 0,       ///< It was killed in the middle, or never began.
  Done = 'a',     ///< Acknowledged.
  Refused = 'n',  ///< An error, and nothing of it is in the file.
  Unknown = 'u',  ///< An error that leaves it open.
};

/// Threads: shared, a worker by one at a time.
class Ledger {
 public:
  /// Makes the files. Throws std::system_error.
  Ledger(std::filesystem::path directory, int workers);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  /// Throws std::system_error when the line cannot be written.
  void append(int worker, Answer answer, std::int64_t run, std::int64_t thread, std::int64_t n);
  /// A task that was completed.
  void append_task(int worker, std::int64_t task);

  struct Content {
    /// By process and thread: the answers to its writes from the first on.
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<Answer>> answers;
    std::vector<std::int64_t> tasks;
  };
  /// What the files say.
  [[nodiscard]] Content read() const;

 private:
  [[nodiscard]] std::filesystem::path file_of(std::size_t worker) const;
  void write_line(int worker, std::string_view line);

  const std::filesystem::path directory_;
  std::vector<int> descriptors_;
};

}  // namespace turnstile::cli::torture
