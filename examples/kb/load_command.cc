#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "commands.h"
#include "display.h"
#include "interrupt.h"
#include "open.h"
#include "search_load.h"

namespace kb {

namespace {

std::string progress(const SearchLoad& load) {
  return fmt::format("searching: {} searches, {} hits, {} misses, longest {}",
                     with_commas(load.searches()), with_commas(load.hits()), load.misses(),
                     human_time(load.longest()));
}

nlohmann::ordered_json to_json(const SearchLoad& load) {
  return {{"searches", load.searches()},
          {"hits", load.hits()},
          {"misses", load.misses()},
          {"failures", load.failures().others()},
          {"lock_failures", load.failures().lock_failures()},
          {"longest_wait_ms", in_ms(load.longest())}};
}

}  // namespace

ExitCode run_load(const Common& common, const LoadCommand& command) {
  Interrupt interrupt;
  const std::unique_ptr<Embedder> embedder = make_embedder(common);
  const turnstile::Database database = open_or_create(common);
  const Knowledge knowledge(database, *embedder, Tables::Ensure);
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::milliseconds>(
                                             std::chrono::duration<double>(command.seconds));
  SearchLoad load(database, knowledge, *embedder);
  ProgressLine line;
  load.start(command.threads, command.pause);
  constexpr std::chrono::milliseconds kTick{20};
  while (!interrupt.wait_for(kTick) &&
         (command.seconds <= 0 || std::chrono::steady_clock::now() < until)) {
    if (line.is_due()) line.show(progress(load));
  }
  load.finish();
  line.end();
  if (common.json) {
    fmt::print("{}\n", to_json(load).dump());
  } else {
    fmt::print("{}\nfailures       {}\nlock failures  {}\n", progress(load),
               load.failures().others(), load.failures().lock_failures());
  }
  const bool sound =
      load.misses() == 0 && load.failures().others() == 0 && load.failures().lock_failures() == 0;
  if (!sound) return ExitCode::Findings;
  // Without a time a signal is how it is meant to end.
  return interrupt.requested() && command.seconds > 0 ? ExitCode::Interrupted : ExitCode::Done;
}

}  // namespace kb
