// Five subsystems at once on one file (T1, T13).
#include <algorithm>
#include <array>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "contention/ledger.h"
#include "contention/player.h"
#include "contention/scenarios.h"
#include "contention/sides.h"
#include "contention/subsystems.h"
#include "contention/team.h"
#include "support/temp_dir.h"

namespace turnstile::bench {
namespace {

/// Plays the thread's subsystems in turn, each when it is due.
template <class Players>
void play(Players& players, const Window& window) {
  while (!window.is_over()) {
    Time next = window.end();
    for (const auto& player : players)
      next = std::min(next, player.due());
    if (next > Clock::now()) std::this_thread::sleep_until(next);
    for (auto& player : players)
      if (player.due() <= Clock::now() && !window.is_over()) player.step();
  }
}

template <class S>
MixTally run_thread(S& side, int index, int threads, Team& team) {
  using Client = decltype(side.client(""));
  std::deque<Player<Client>> players;  // They do not move.
  for (const Role role : roles_of(index, threads))
    players.emplace_back(role, index * kRoles + static_cast<int>(role),
                         [&] { return side.client(lane_of(role)); });
  const Window& window = team.wait_for_start();
  for (auto& player : players)
    player.begin(window);
  play(players, window);
  MixTally tally;
  for (auto& player : players)
    tally.merge(player.finish());
  return tally;
}

Tally total_of_writes(const MixTally& tally) {
  const std::array<Tally, 4> writes{tally.updates, tally.upserts, tally.cron, tally.tasks};
  return total_of(writes);
}

Tally total_of_all(const MixTally& tally) {
  const std::array<Tally, 4> all{total_of_writes(tally), tally.reads, tally.searches, tally.audit};
  return total_of(all);
}

}  // namespace

nlohmann::json run_mix(const Arguments& arguments) {
  const TempDir directory;
  const std::string path = directory.file("mix.db");
  make_mix_file(path);
  std::vector<MixTally> tallies(static_cast<std::size_t>(arguments.threads));
  Window window;
  with_side(arguments, path, [&](auto& side) {
    Team team(arguments.threads, [&](int i, Team& own) {
      tallies[static_cast<std::size_t>(i)] = run_thread(side, i, arguments.threads, own);
    });
    team.wait_until_ready();
    window = Window::after(arguments.warm_up, arguments.seconds);
    team.start(window);
    team.finish();
  });
  MixTally total;
  for (const MixTally& tally : tallies)
    total.merge(tally);
  Ledger ledger(path);
  expect_mix(ledger, total);
  const Seconds length = window.length();
  // `writes` is what waits for its turn, and so without audit, which need not wait on every side.
  return {{"all", summary_of(total_of_all(total), length)},
          {"writes", summary_of(total_of_writes(total), length)},
          {"reads", summary_of(total.reads, length)},
          {"updates", summary_of(total.updates, length)},
          {"upserts", summary_of(total.upserts, length)},
          {"searches", summary_of(total.searches, length)},
          {"audit", summary_of(total.audit, length)},
          {"cron", summary_of(total.cron, length)},
          {"tasks", summary_of(total.tasks, length)},
          {"complaint", ledger.complaint()}};
}

}  // namespace turnstile::bench
