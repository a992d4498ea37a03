// What the workers were told about their writes, kept outside the database: a file for each worker,
// only ever appended to, a line once the answer is there. A write is in the ledger only after its
// worker has heard that it is done, so that the file owes every line of it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace turnstile::cli::torture {

/// What became of a write, as far as its worker knows.
enum class Answer : char {
  Done = 'a',     ///< Acknowledged.
  Refused = 'n',  ///< An error, and nothing of it is in the file.
  Unknown = 'u',  ///< An error that leaves it open.
};

/// Whose writes these are that no worker made: rows of the foreign shell, thread 0.
inline constexpr std::int64_t kForeignRun = 0;

/// Threads: shared, a worker by one at a time.
class Ledger {
 public:
  /// Makes the files, one for each worker and one for the foreign shell. Throws std::system_error.
  Ledger(std::filesystem::path directory, int workers);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  /// All throw std::system_error when the line cannot be written: nothing of it is there then, and
  /// the ledger is incomplete from now on.
  void append(int worker, Answer answer, std::int64_t run, std::int64_t thread, std::int64_t n);
  void append_foreign(Answer answer, std::int64_t row);
  /// A task that was put in.
  void append_enqueued(int worker, std::int64_t task);
  /// A task that was completed.
  void append_task(int worker, std::int64_t task);

  struct Content {
    /// By process and thread: the answers to its writes, by their number, which begins with 1.
    std::map<std::pair<std::int64_t, std::int64_t>, std::map<std::int64_t, Answer>> answers;
    std::vector<std::int64_t> enqueued;
    std::vector<std::int64_t> tasks;
    /// Lines that make no sense, each with its place.
    std::vector<std::string> bad_lines;
    /// False when lines are missing, so that what it does not say means nothing.
    bool is_complete = true;
  };
  /// What the files say.
  [[nodiscard]] Content read() const;

 private:
  [[nodiscard]] std::filesystem::path file_of(std::size_t worker) const;
  void write_line(std::size_t worker, std::string_view line);

  const std::filesystem::path directory_;
  std::vector<int> descriptors_;  // That of the foreign shell is the last.
  std::atomic<bool> is_complete_{true};
};

}  // namespace turnstile::cli::torture
