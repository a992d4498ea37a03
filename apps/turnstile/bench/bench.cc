// turnstile bench: what a disk gives to plain SQLite and to Turnstile, in turns so short that both
// meet it in the same state.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "bench/plain_side.h"
#include "bench/report.h"
#include "bench/turnstile_side.h"
#include "command.h"
#include "context.h"
#include "failure.h"
#include "progress_bar.h"
#include "trial_directory.h"

namespace turnstile::cli {

namespace {

using namespace bench;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

// What both sides do by turns. Threads: immutable.
struct Work {
  std::string_view name;
  bool has_reader;
  milliseconds share;  // Of the time.
};

// One run, in its phases. Threads: confined.
class BenchRun {
 public:
  BenchRun(Context& context, const Settings& settings, const TrialDirectory& directory,
           const std::stop_token& stop)
      : settings_(settings),
        plain_file_((directory.path() / "plain.db").string()),
        turnstile_file_((directory.path() / "turnstile.db").string()),
        stop_(stop),
        progress_(context.arguments.json()) {}

  // Ends early when a stop is requested.
  void run(Report& report) {
    show("files");
    make_file(plain_file_);
    make_file(turnstile_file_);
    begin_ = std::chrono::steady_clock::now();
    measure_syncs(report.synced);
    PlainSide plain(plain_file_, settings_);
    TurnstileSide turnstile(turnstile_file_, settings_);
    compare(plain, turnstile, {"writes", false, settings_.duration * 6 / 10}, report.writing);
    compare(plain, turnstile, {"reads", true, settings_.duration * 3 / 10}, report.reading);
  }

 private:
  void show(std::string_view phase) {
    const auto total = settings_.duration.count();
    const auto done =
        std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin_);
    if (const ProgressSink sink = progress_.sink())
      sink({.phase = phase, .done = std::min(done.count(), total), .total = total});
  }

  void measure_syncs(Counts& synced) {
    show("syncs");
    Settings settings = settings_;
    settings.threads = 1;
    settings.synchronous = Synchronous::Full;
    PlainSide side(plain_file_, settings);
    const milliseconds length = settings_.duration / 10;
    synced.add(take_turn(side, {.writers = 1, .length = length}, stop_).writes, length);
  }

  // Each pair of turns begins with the side that the last one ended with, so that neither has the
  // better place.
  void compare(PlainSide& plain, TurnstileSide& turnstile, const Work& work, Comparison& result) {
    constexpr milliseconds kTurn = 500ms;
    const auto pairs = std::max<std::int64_t>(2, work.share / (2 * kTurn) / 2 * 2);
    result.turns = static_cast<int>(pairs);
    result.turn = work.share / (2 * pairs);
    Turn turn{settings_.threads, work.has_reader, result.turn / 4};
    show(work.name);
    static_cast<void>(take_turn(plain, turn, stop_));  // To warm up.
    static_cast<void>(take_turn(turnstile, turn, stop_));
    turn.length = result.turn;
    for (std::int64_t pair = 0; pair < pairs && !stop_.stop_requested(); ++pair) {
      std::pair<TurnCounts, TurnCounts> both;
      if (pair % 2 == 0) {
        both.first = measure(plain, turn, work.name);
        both.second = measure(turnstile, turn, work.name);
      } else {
        both.second = measure(turnstile, turn, work.name);
        both.first = measure(plain, turn, work.name);
      }
      take_in(both.first, both.second, turn, result);
    }
  }

  [[nodiscard]] TurnCounts measure(Side& side, const Turn& turn, std::string_view phase) {
    show(phase);
    return take_turn(side, turn, stop_);
  }

  static void take_in(const TurnCounts& plain, const TurnCounts& turnstile, const Turn& turn,
                      Comparison& result) {
    const auto number_of = [&turn](const TurnCounts& counts) {
      return static_cast<double>((turn.has_reader ? counts.reads : counts.writes).number());
    };
    if (number_of(plain) > 0) result.ratios.push_back(number_of(turnstile) / number_of(plain));
    result.plain.writes.add(plain.writes, turn.length);
    result.plain.reads.add(plain.reads, turn.length);
    result.turnstile.writes.add(turnstile.writes, turn.length);
    result.turnstile.reads.add(turnstile.reads, turn.length);
  }

  const Settings settings_;
  const std::string plain_file_;
  const std::string turnstile_file_;
  const std::stop_token stop_;
  ProgressBar progress_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

Settings settings_of(const Arguments& arguments) {
  // So many that the files and the waits stay small.
  constexpr std::int64_t kMostSeconds = 300;
  constexpr std::int64_t kMostThreads = 256;
  Settings settings;
  if (const auto seconds = arguments.integer("--seconds", 1, kMostSeconds))
    settings.duration = std::chrono::seconds(*seconds);
  settings.threads =
      static_cast<int>(arguments.integer("--threads", 1, kMostThreads).value_or(settings.threads));
  if (arguments.value("--synchronous") == "full") settings.synchronous = Synchronous::Full;
  settings.timeout = arguments.timeout();
  return settings;
}

}  // namespace

ExitCode run_bench(Context& context) {
  // For the calls that wait, and for closing the files.
  constexpr std::chrono::seconds kGrace{10};
  constexpr std::uintmax_t kMibPerMinute = 180;
  const Settings settings = settings_of(context.arguments);
  Report report(settings);
  std::stop_source stop;
  {
    // In front of the directory: a signal that finds no action would leave that behind.
    const Interrupts::StopAction on_signal(
        context.interrupts, [&stop] { stop.request_stop(); }, kGrace);
    const TrialDirectory directory(
        context.arguments.positional("DIR"), "bench",
        std::chrono::duration_cast<std::chrono::seconds>(settings.duration), kMibPerMinute);
    BenchRun(context, settings, directory, stop.get_token()).run(report);
  }
  if (stop.stop_requested()) {
    report_interruption(nullptr, context.arguments.json());
    return ExitCode::Interrupted;
  }
  if (context.arguments.json())
    context.output.write_json(report.to_json());
  else
    report.print(context.output);
  return ExitCode::Done;
}

}  // namespace turnstile::cli
