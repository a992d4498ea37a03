// turnstile torture: workers write with all that can happen to them, and afterwards what they were
// told is compared with what is there.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>

#include "command.h"
#include "context.h"
#include "progress_bar.h"
#include "torture/bystanders.h"
#include "torture/crew.h"
#include "torture/ledger.h"
#include "torture/report.h"
#include "torture/verdict.h"
#include "torture/worker.h"
#include "trial_directory.h"

namespace turnstile::cli {

namespace {

using namespace torture;
using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Random = std::mt19937_64;

// One run, in its phases. Threads: confined.
class TortureRun {
 public:
  TortureRun(Context& context, const Settings& settings, const TrialDirectory& place,
             Report& report)
      : context_(context),
        settings_(settings),
        place_(place),
        report_(report),
        random_(settings.seed),
        ledger_(place.path(), settings.processes),
        progress_(context.arguments.json()),
        begin_(steady_clock::now()),
        on_signal_(
            context.interrupts, [this] { stop_.request_stop(); }, kGrace) {}

  // False when it was interrupted. Throws Cancelled when that comes while it judges.
  [[nodiscard]] bool run() {
    {
      Crew crew(database(), settings_, ledger_, report_);
      if (!start_together(crew) || !take_turns(crew)) return false;
      crew.tell("work");
      if (!make_trouble(crew)) return false;
      // What is in the middle of a write shows more than what has closed in peace.
      if (settings_.kill)
        crew.kill_all();
      else
        crew.finish();
    }
    show("verification");
    judge(database(), ledger_, settings_, report_, stop_.get_token());
    return true;
  }

 private:
  [[nodiscard]] std::filesystem::path database() const { return place_.path() / "torture.db"; }
  [[nodiscard]] bool is_interrupted() { return context_.interrupts.requested(); }

  void show(std::string_view phase) {
    const auto total = settings_.duration.count();
    const auto done = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin_);
    if (const ProgressSink sink = progress_.sink())
      sink({.phase = phase, .done = std::min(done.count(), total), .total = total});
  }

  [[nodiscard]] bool await(Crew& crew, char answer) {
    if (crew.await(answer, 2 * settings_.timeout, [this] { return is_interrupted(); })) return true;
    if (!is_interrupted()) report_.find("WORKER_HANGS", "a worker does not answer");
    return false;
  }

  // All processes open files that none of them has seen.
  [[nodiscard]] bool start_together(Crew& crew) {
    constexpr int kFiles = 5;
    constexpr milliseconds kLongest{20'000};
    const auto end = begin_ + std::min(settings_.duration / 6, kLongest);
    const std::filesystem::path folder = place_.path() / "starts";
    do {
      show("starts");
      std::filesystem::create_directory(folder);
      crew.tell(fmt::format("start {} {}", kFiles, (folder / "fresh").string()));
      if (!await(crew, 'f')) return is_going_on();
      report_.with_numbers([](Numbers& n) { n.starts += kFiles; });
      std::filesystem::remove_all(folder);
    } while (steady_clock::now() < end);
    return true;
  }

  [[nodiscard]] bool take_turns(Crew& crew) {
    constexpr milliseconds kSpan{600};
    crew.tell("open");
    if (!await(crew, 'o')) return is_going_on();
    if (settings_.processes < 2) {
      report_.skip("the order of turns, because there is one process");
      return true;
    }
    show("turns");
    crew.tell(fmt::format("turns {}", kSpan.count()));
    if (!await(crew, 'c')) return is_going_on();
    judge_turns(database(), report_);
    return true;
  }

  // After a finding that keeps a phase from its end, the rest of the run still has something to
  // say.
  [[nodiscard]] bool is_going_on() { return !is_interrupted(); }

  [[nodiscard]] bool make_trouble(Crew& crew) {
    const Bystanders bystanders(place_.path(), settings_, ledger_, report_);
    const bool has_ended = hurt_until_the_end(crew);
    full_until_.reset();
    crew.limit_file_size({});
    busy_.reset();
    // Somebody may wait for one that stands still, and their end is waited for here.
    if (has_ended)
      crew.resume_all();
    else
      crew.kill_all();
    return has_ended;
  }

  [[nodiscard]] bool hurt_until_the_end(Crew& crew) {
    // Where the phases before have taken long there is time for this all the same.
    const auto end =
        std::max(begin_ + settings_.duration, steady_clock::now() + settings_.duration / 2);
    while (steady_clock::now() < end) {
      if (context_.interrupts.wait_for(milliseconds(30 + random_() % 120))) return false;
      crew.look_after();
      end_phases(crew);
      hurt(crew);
      show(fmt::format("{} writes",
                       report_.with_numbers([](const Numbers& n) { return n.acknowledged; })));
    }
    return true;
  }

  void hurt(Crew& crew) {
    const std::size_t member = random_() % crew.size();
    switch (random_() % 6) {
      case 0:
      case 1:
        if (settings_.kill) crew.kill(member);
        return;
      case 2:
      case 3:
        // Longer than a lease now and then, shorter than anybody waits.
        if (settings_.kill) crew.stop(member, milliseconds(50 + random_() % 700));
        return;
      case 4:
        if (settings_.full_disk && !full_until_) fill_disk(crew);
        return;
      default:
        if (!busy_) slow_disk();
        return;
    }
  }

  // What a process writes beyond a place in a file that is there already fails, as on a full disk:
  // that needs no rights and disturbs nobody else.
  void fill_disk(Crew& crew) {
    constexpr std::uint64_t kLeast = 65536;
    std::error_code error;
    const auto log = std::filesystem::file_size(database().string() + "-wal", error);
    crew.limit_file_size(kLeast + (error ? 0 : random_() % std::max<std::uint64_t>(log, 1)));
    full_until_ = steady_clock::now() + milliseconds(100 + random_() % 300);
    report_.with_numbers([](Numbers& n) { ++n.full_disks; });
  }

  void slow_disk() {
    busy_ = std::make_unique<Child>(Child::of_this_program(
        {std::string(kDiskWord), std::to_string(::getpid()), (place_.path() / "busy").string()}));
    busy_until_ = steady_clock::now() + milliseconds(200 + random_() % 500);
    report_.with_numbers([](Numbers& n) { ++n.slow_disks; });
  }

  void end_phases(Crew& crew) {
    const auto now = steady_clock::now();
    if (full_until_ && now >= *full_until_) {
      crew.limit_file_size({});
      full_until_.reset();
    }
    if (busy_ && now >= busy_until_) busy_.reset();
  }

  // For the workers' end, and for all that they have made.
  static constexpr std::chrono::seconds kGrace{10};

  Context& context_;
  const Settings settings_;
  const TrialDirectory& place_;
  Report& report_;
  Random random_;
  Ledger ledger_;
  ProgressBar progress_;
  const steady_clock::time_point begin_;
  std::optional<steady_clock::time_point> full_until_;
  std::unique_ptr<Child> busy_;
  steady_clock::time_point busy_until_;
  std::stop_source stop_;
  const Interrupts::StopAction on_signal_;  // The last, so that it ends first.
};

Settings settings_of(const Arguments& arguments) {
  constexpr std::int64_t kMostProcesses =
      60;  // As many as the gate has places, with some to spare.
  constexpr std::int64_t kMostThreads = 256;
  Settings settings;
  settings.processes = static_cast<int>(
      arguments.integer("--processes", 1, kMostProcesses).value_or(settings.processes));
  settings.threads =
      static_cast<int>(arguments.integer("--threads", 1, kMostThreads).value_or(settings.threads));
  constexpr std::int64_t kLongest = std::chrono::duration_cast<std::chrono::seconds>(kDay).count();
  if (const auto seconds = arguments.integer("--seconds", 1, kLongest))
    settings.duration = std::chrono::seconds(*seconds);
  if (arguments.has("--timeout")) settings.timeout = arguments.timeout();
  settings.kill = arguments.has("--kill");
  settings.full_disk = arguments.has("--full-disk");
  settings.seed = static_cast<std::uint64_t>(
      arguments.integer("--seed", 0).value_or(static_cast<std::int64_t>(std::random_device()())));
  return settings;
}

// False when it was interrupted. What ends a run before its end is found, like all else: what it
// has made until then may be the evidence.
bool run_to_report(Context& context, const Settings& settings, const TrialDirectory& place,
                   Report& report) {
  try {
    TortureRun run(context, settings, place, report);
    return run.run();
  } catch (const Cancelled&) {
    throw;
  } catch (const std::exception& error) {
    if (context.interrupts.requested()) return false;
    report.find("UNEXPECTED_ERROR", error.what());
    return true;
  }
}

}  // namespace

ExitCode run_torture(Context& context) {
  const Settings settings = settings_of(context.arguments);
  constexpr std::uintmax_t kMibPerMinute = 20;
  TrialDirectory place(context.arguments.positional("DIR"), "torture",
                       std::chrono::duration_cast<std::chrono::seconds>(settings.duration),
                       kMibPerMinute);
  Report report;
  const bool has_ended = run_to_report(context, settings, place, report);
  const bool is_kept = has_ended && !report.is_clean();
  if (is_kept) place.keep();
  if (!has_ended) return ExitCode::Interrupted;
  const std::string kept = is_kept ? place.path().string() : std::string();
  if (context.arguments.json())
    context.output.write_json(report.to_json(settings, kept));
  else
    context.output.write(report.text(settings, kept));
  return is_kept ? ExitCode::Findings : ExitCode::Done;
}

}  // namespace turnstile::cli
