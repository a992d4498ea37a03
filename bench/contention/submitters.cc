// Threads that hand small transactions in and do not wait for them (T9, T11).
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "contention/log_watch.h"
#include "contention/scenarios.h"
#include "contention/sides.h"
#include "contention/small_writers.h"
#include "contention/team.h"
#include "support/temp_dir.h"

namespace turnstile::bench {
namespace {

/// Posts until the window is over, then waits for what is left. `records` outlives the side.
template <class Client>
Tally submit_all(Client client, int index, const Records& records, Team& team) {
  Keys keys(index);
  Tally tally;
  const Window& window = team.wait_for_start();
  for (std::int64_t written = index; !window.is_over(); ++written) {
    const Record& record = records[written];
    client.post(tally, window,
                [&record, key = keys.next()](auto& tx) { small_write(tx, record, key); });
  }
  client.settle(tally, window);
  return tally;
}

}  // namespace

nlohmann::json run_submitters(const Arguments& arguments) {
  const TempDir directory;
  const std::string path = directory.file("submit.db");
  make_file(path, kRows);
  const Records records;
  std::vector<Tally> tallies(static_cast<std::size_t>(arguments.threads));
  Window window;
  std::uint64_t log = 0;
  with_side(arguments, path, [&](auto& side) {
    Team team(arguments.threads, [&](int i, Team& own) {
      tallies[static_cast<std::size_t>(i)] = submit_all(side.client("bench"), i, records, own);
    });
    team.wait_until_ready();
    window = Window::after(arguments.warm_up, arguments.seconds);
    team.start(window);
    log = longest_log(path, window);
    team.finish();
  });
  return report_small_writes(path, tallies, window.length(), log);
}

}  // namespace turnstile::bench
