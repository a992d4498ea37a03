#include <fmt/core.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "commands.h"
#include "display.h"
#include "indexer.h"
#include "interrupt.h"
#include "open.h"
#include "turnstile/host.h"

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

std::int64_t lock_failures(const Indexer& indexer) {
  // What a worker of the pool could not do in the file, too, although it has tried again.
  return indexer.failures().lock_failures() + indexer.workers().storage_failures;
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
          {"vectors", tally.vectors.load()},
          {"looks", tally.looks.load()},
          {"claims_lost", tally.claims_lost.load()},
          {"text_bytes", tally.text_bytes.load()},
          {"commits", info.counters.writes},
          {"longest_wait_ms", in_ms(info.counters.longest_write_wait)},
          {"lock_failures", lock_failures(indexer)},
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
  fmt::print("vectors        {} made\n", with_commas(tally.vectors));
  fmt::print("not text       {}\n", with_commas(tally.skipped));
  if (tally.unnameable > 0)
    fmt::print("left out       {}, whose names are not UTF-8\n", with_commas(tally.unnameable));
  fmt::print("text           {} in {:.1f} s\n", human_bytes(tally.text_bytes), seconds);
  fmt::print("commits        {}\n", with_commas(static_cast<std::int64_t>(info.counters.writes)));
  fmt::print("longest wait   {}\n", human_time(info.counters.longest_write_wait));
  fmt::print("lock failures  {}\n", lock_failures(indexer));
}

// Until all is done, or for ever, or until a signal comes.
void run_until_done(const Indexer& indexer, const turnstile::Database& database,
                    Interrupt& interrupt, bool once, steady_clock::time_point begin) {
  ProgressLine line;
  while (!(once && indexer.is_done()) && !interrupt.wait_for(kTick))
    if (line.is_due()) line.show(progress(indexer, database.info(), seconds_since(begin)));
  line.end();
}

}  // namespace

ExitCode run_index(const Common& common, const IndexCommand& command) {
  Interrupt interrupt;
  const auto begin = steady_clock::now();
  const std::unique_ptr<Embedder> embedder = make_embedder(common);
  turnstile::Host host(host_options(common));
  Indexer indexer(host, *embedder,
                  {.directory = command.directory,
                   .workers = command.workers,
                   .max_text_bytes = command.max_text_bytes,
                   .lease = command.lease,
                   .every = command.every});
  const auto report = [&](const turnstile::DatabaseInfo& info) {
    const double seconds = seconds_since(begin);
    if (common.json)
      fmt::print("{}\n", to_json(indexer, info, seconds).dump());
    else
      print(indexer, info, seconds);
  };
  try {
    host.start();
    run_until_done(indexer, host.database(), interrupt, command.once, begin);
  } catch (...) {
    report(host.database().info());  // What was done before is worth knowing.
    host.stop();
    throw;
  }
  const turnstile::DatabaseInfo info = host.database().info();
  const turnstile::HostStopReport stopped = host.stop();
  report(info);
  if (const std::string problem = indexer.scan_problem(); !problem.empty())
    fmt::print(stderr, "kb: a part of the directory was not looked at: {}\n", problem);
  for (const turnstile::ComponentStatus& component : stopped.components)
    if (!component.reason.empty())
      fmt::print(stderr, "kb: {}: {}\n", component.name, component.reason);
  return interrupt.requested() ? ExitCode::Interrupted : ExitCode::Done;
}

}  // namespace kb
