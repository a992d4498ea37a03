// The workers of a torture run, and what is done to them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "torture/child.h"
#include "torture/ledger.h"
#include "torture/report.h"

namespace turnstile::cli::torture {

/// Processes that come again when they are killed. Each life of one has a number of its own, so
/// that what it writes is told apart from what its predecessor wrote.
///
/// Threads: confined, to the thread that made it: the workers end with that.
class Crew {
 public:
  /// Throws std::system_error when they cannot be started.
  Crew(std::filesystem::path database, const Settings& settings, Ledger& ledger, Report& report);
  /// Kills them.
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Tells all of them.
  void tell(std::string_view line);
  /// Waits until each has answered the last tell() with `answer`; false when one did not within the
  /// time, or `give_up` says so, which is asked often.
  [[nodiscard]] bool await(char answer, std::chrono::milliseconds limit,
                           const std::function<bool()>& give_up);

  [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
  /// kill -9; another one takes its place at once.
  void kill(std::size_t member);
  /// SIGSTOP, until look_after() finds that the time is over.
  void stop(std::size_t member, std::chrono::milliseconds span);
  void resume_all();
  /// No file of theirs may grow beyond this; empty: as they like. Calls that find no room while
  /// there is a limit are counted, and no findings.
  void limit_file_size(std::optional<std::uint64_t> bytes);
  /// Lets those go on whose time is over, and replaces who has ended by itself, which is a finding.
  void look_after();

  /// Ends their input and waits for them; who does not end by itself is a finding.
  void finish();
  /// Kills all at once.
  void kill_all();

 private:
  struct Member {
    int place = 0;
    std::int64_t run = 0;
    std::unique_ptr<Child> child;
    std::thread listener;
    std::chrono::steady_clock::time_point goes_on{};
    bool is_stopped = false;
  };
  using Clock = std::chrono::steady_clock;

  void start(Member& member);
  void replace(Member& member);
  void resume(Member& member);
  void take(int place, std::int64_t run, std::string_view line);
  void take_failure(std::string_view what, std::string_view line);
  [[nodiscard]] bool met_limit(Clock::time_point began);

  const std::filesystem::path database_;
  const Settings settings_;
  Ledger& ledger_;
  Report& report_;
  std::mt19937_64 random_;
  std::int64_t runs_ = 0;
  bool is_working_ = false;
  std::vector<Member> members_;

  std::mutex mutex_;  // Guards what follows.
  std::condition_variable answered_;
  std::map<char, std::size_t> answers_;
  Clock::time_point limited_until_ = Clock::time_point::min();  // The maximum while there is one.
};

}  // namespace turnstile::cli::torture
