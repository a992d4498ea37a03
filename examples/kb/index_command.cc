#include <fmt/core.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "commands.h"
#include "display.h"
#include "indexer.h"
#include "interrupt.h"
#include "open.h"

namespace kb {

namespace {

using std::chrono::steady_clock;

// How soon the end of a pass and a signal are noticed.
constexpr std::chrono::milliseconds kTick{20};

double seconds_since(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

std::string progress(const Indexer& indexer, const turnstile::DatabaseInfo& info, double seconds) {
  const Tally& tally = indexer.tally();
  const std::int64_t handled = tally.handled();
  return fmt::format(
      "indexing: {} documents, {} ({:.0f}/s), {} queued, {} commits, longest wait {}",
      with_commas(tally.added + tally.changed), human_bytes(tally.text_bytes),
      static_cast<double>(handled) / std::max(seconds, 0.001), with_commas(indexer.queue_size()),
      with_commas(static_cast<std::int64_t>(info.counters.writes)),
      human_time(info.counters.longest_write_wait));
}

nlohmann::ordered_json to_json(const Indexer& indexer, const turnstile::DatabaseInfo& info,
                               double seconds) {
  const Tally& tally = indexer.tally();
  return {{"pid", ::getpid()},
          {"files", tally.files.load()},
          {"queued", tally.queued.load()},
          {"added", tally.added.load()},
          {"changed", tally.changed.load()},
          {"removed", tally.removed.load()},
          {"unchanged", tally.unchanged.load()},
          {"skipped", tally.skipped.load()},
          {"unnameable", tally.unnameable.load()},
          {"claims_lost", tally.claims_lost.load()},
          {"text_bytes", tally.text_bytes.load()},
          {"commits", info.counters.writes},
          {"longest_wait_ms", in_ms(info.counters.longest_write_wait)},
          {"lock_failures", indexer.failures().lock_failures()},
          {"failures", indexer.failures().others()},
          {"seconds", seconds}};
}

void print(const Indexer& indexer, const turnstile::DatabaseInfo& info, double seconds) {
  const Tally& tally = indexer.tally();
  fmt::print("files          {} found, {} of them new or different\n", with_commas(tally.files),
             with_commas(tally.queued));
  fmt::print("documents      {} added, {} changed, {} removed, {} unchanged\n",
             with_commas(tally.added), with_commas(tally.changed), with_commas(tally.removed),
             with_commas(tally.unchanged));
  fmt::print("not text       {}\n", with_commas(tally.skipped));
  if (tally.unnameable > 0)
    fmt::print("left out       {}, whose names are not UTF-8\n", with_commas(tally.unnameable));
  fmt::print("text           {} in {:.1f} s\n", human_bytes(tally.text_bytes), seconds);
  fmt::print("commits        {}\n", with_commas(static_cast<std::int64_t>(info.counters.writes)));
  fmt::print("longest wait   {}\n", human_time(info.counters.longest_write_wait));
  fmt::print("lock failures  {}\n", indexer.failures().lock_failures());
}

// One pass; false when a signal came.
bool run_pass(Indexer& indexer, const turnstile::Database& database, Interrupt& interrupt,
              steady_clock::time_point begin) {
  ProgressLine line;
  indexer.start();
  while (!indexer.is_done()) {
    if (interrupt.wait_for(kTick)) indexer.stop();
    if (line.is_due()) line.show(progress(indexer, database.info(), seconds_since(begin)));
  }
  line.end();
  indexer.finish();
  if (!indexer.scan_problem().empty()) {
    fmt::print(stderr, "kb: a part of the directory was not looked at: {}\n",
               indexer.scan_problem());
  }
  return !interrupt.requested();
}

bool wait_for_next_pass(Interrupt& interrupt, std::chrono::milliseconds span) {
  fmt::print(stderr, "indexing: next look in {} s, Ctrl-C ends\n", span.count() / 1000);
  const auto until = steady_clock::now() + span;
  while (steady_clock::now() < until)
    if (interrupt.wait_for(kTick)) return false;
  return true;
}

}  // namespace

ExitCode run_index(const Common& common, const IndexCommand& command) {
  Interrupt interrupt;
  const auto begin = steady_clock::now();
  const turnstile::Database database = open_for_writing(common);
  Indexer indexer(database,
                  {command.directory, command.workers, command.max_text_bytes, command.lease});
  const auto report = [&] {
    const double seconds = seconds_since(begin);
    if (common.json)
      fmt::print("{}\n", to_json(indexer, database.info(), seconds).dump());
    else
      print(indexer, database.info(), seconds);
  };
  try {
    while (run_pass(indexer, database, interrupt, begin) && !command.once &&
           wait_for_next_pass(interrupt, command.every)) {
    }
  } catch (...) {
    report();  // What was done before is worth knowing, a lock failure in particular.
    throw;
  }
  report();
  return interrupt.requested() ? ExitCode::Interrupted : ExitCode::Done;
}

}  // namespace kb
