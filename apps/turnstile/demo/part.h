// One part of a demonstration: `plain`, which does the work with SQLite alone, `turnstile`, which
// does the same through the library, or a process that helps one of them. Each is a process of its
// own, so that what goes wrong in it stays there.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "demo/helper.h"
#include "demo/tally.h"
#include "turnstile/database.h"

namespace turnstile::cli::demo {

/// How often a demonstration repeats what fails, where once would do.
inline constexpr int kRounds = 10;

/// The demonstration cannot be given on this machine.
class Impossible : public std::exception {
 public:
  explicit Impossible(std::string why) : why_(std::move(why)) {}
  [[nodiscard]] const char* what() const noexcept override { return why_.c_str(); }

 private:
  std::string why_;
};

/// Threads: confined, but for tally() and call().
class Part {
 public:
  /// Works in the current directory, and speaks over standard input and output.
  explicit Part(std::string_view cause) : cause_(cause) {}

  [[nodiscard]] std::string file(std::string_view name) const;
  [[nodiscard]] Tally& tally() noexcept { return tally_; }

  /// What is known besides of every failure that follows.
  [[nodiscard]] FailureEvidence& known() noexcept { return known_; }

  /// To the process that started this one.
  void say(std::string_view line) const;
  /// The next line from it; empty when there is none any more.
  [[nodiscard]] std::string hear();

  /// Another process in the same directory.
  [[nodiscard]] Helper start(std::string_view part) const;

  /// An operation of the work through Turnstile: counts it, and what it throws.
  void call(const std::function<void()>& operation);
  /// What has to throw an Error: its code goes into a note. Counts as failed when it does not.
  void refused(std::string_view what, const std::function<void()>& operation);
  /// Fails the demonstration unless the two are equal: nothing acknowledged may be missing.
  void expect(std::string_view what, std::int64_t wanted, std::int64_t found);

 private:
  std::string cause_;
  FailureEvidence known_;
  Tally tally_;
  std::string buffer_;
};

// ---- Work that several demonstrations do through Turnstile ----

/// `app.db` with a table `counter(id, value)` of two rows.
[[nodiscard]] Database open_counter(const Part& part, Options options = {});

[[nodiscard]] std::int64_t value_of(const Database& db, int id = 1);

/// Adds one.
void add_one(WriteTx& tx, int id = 1);

/// Threads that all read a value and write it, kRounds times each; none of it may be missing.
void count_together(Part& part, const Database& db, int threads = 2);

/// The same in a new file.
void two_threads_count(Part& part);

/// A transaction reads while another one writes and commits.
void read_beside_writer(Part& part, const Database& db);

/// Processes that open the file at the same moment, write, and close.
void start_together(Part& part, int processes = 4);

/// The helper of start_together(), which demonstrations may start as `start`.
void run_start(Part& part);

}  // namespace turnstile::cli::demo
