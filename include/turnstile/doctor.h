// A look at a database and all that surrounds it, for what is wrong or soon will be. Works for any
// SQLite database, whatever program uses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace turnstile {

/// How a check came out, the worst last.
enum class CheckStatus : std::uint8_t {
  Pass,  ///< Nothing is wrong.
  Skip,  ///< It could not be told, or does not apply; the title says why.
  Warn,  ///< It works, and may fail or be slow.
  Fail,  ///< It does not work, or data is at risk.
};

/// `pass`, `skip`, `warn` or `fail`.
[[nodiscard]] std::string_view to_string(CheckStatus status) noexcept;

/// What one check says. A check that finds several things has one of these for each.
///
/// Threads: immutable.
struct Finding {
  std::string id{};  ///< The check's name, such as `log-size`; stable, for programs.
  CheckStatus status = CheckStatus::Pass;
  std::string title{};                  ///< One sentence without a full stop.
  std::vector<std::string> evidence{};  ///< What it rests on, a clause each.
  std::string cure{};                   ///< What to do, in sentences; empty when nothing is wrong.
  std::string cause{};  ///< Which cause of docs/reference/causes.md it leads to; may be empty.
  std::string fix{};    ///< What repair() would do about it, a clause; empty: nothing.
};

/// What a program expects of a collection of vectors. Threads: immutable.
struct ExpectedEmbedding {
  std::string collection{};
  std::int64_t dimension = 0;  ///< What the program's model gives.
};

/// Threads: immutable.
struct DoctorOptions {
  /// Check indexes against their tables too, and look into the database for as long as that takes,
  /// also beside programs that use it: a checkpoint that waits for readers waits for this one, with
  /// all writers behind it, and the log cannot start over meanwhile.
  bool full = false;
  /// The program means the file to be encrypted.
  bool expect_encryption = false;
  std::vector<ExpectedEmbedding> embeddings{};
  std::stop_token stop{};  ///< Ends the examination: Cancelled.
};

/// What examine() found. Threads: immutable.
struct DoctorReport {
  std::string path{};  ///< Absolute, without symbolic links.
  std::vector<Finding> findings{};

  [[nodiscard]] std::size_t count(CheckStatus status) const noexcept;  ///< Findings of that status.
  /// Pass when there are no findings.
  [[nodiscard]] CheckStatus worst() const noexcept;
};

/// Looks at the database at `path`, which need not exist, at its directory, and at the processes
/// that use it. All that is wrong is a finding.
///
/// Changes nothing and makes no file. No lock is taken that keeps anybody waiting: a file that
/// nobody uses is read without any; one in use that has a write-ahead log is read as of a snapshot,
/// and, unless `full`, for a fifth of a second at a time, because whoever wants to cut the log off
/// waits for that long at most; the inside of one in use without such a log is not looked at. May
/// be called in a process that has the database open itself.
///
/// Without the rights to look at other users' processes less is known of them, which a finding
/// says. Throws MisuseError (OPTION_INVALID) for a path that can be none, Cancelled.
///
/// Threads: shared.
[[nodiscard]] DoctorReport examine(std::string_view path, const DoctorOptions& options = {});

/// Does what `finding.fix` says, if it is still to be done, and returns what was done, a sentence.
/// `path` is that of the examination. Before a log or journal is taken in, the file and what lies
/// beside it are copied into a directory of a name like `app.db.aside-a1b2c3`, which stays; a log
/// only is where the whole file, indexes too, is sound with it. Throws MisuseError (OPTION_INVALID)
/// for a finding without a fix or one whose reason is gone, StorageError.
///
/// Threads: shared.
std::string repair(std::string_view path, const Finding& finding);

}  // namespace turnstile
