// One reader, alone or beside writers that write at a given rate (T12).
#include <cstddef>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "contention/ledger.h"
#include "contention/pacer.h"
#include "contention/scenarios.h"
#include "contention/sides.h"
#include "contention/team.h"
#include "support/temp_dir.h"

namespace turnstile::bench {
namespace {

/// Keeps the compiler from leaving out what made `value`.
template <class T>
void use(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

template <class Client>
Tally read_all(Client client, Team& team) {
  Keys keys(0);
  Tally tally;
  const Window& window = team.wait_for_start();
  while (!window.is_over()) {
    tally.attempt(
        window, [&] { client.read([key = keys.next()](auto& tx) { use(point_read(tx, key)); }); });
  }
  return tally;
}

template <class Client>
Tally write_paced(Client client, int index, double per_second, Team& team) {
  const Records records;
  Keys keys(index);
  Tally tally;
  const Window& window = team.wait_for_start();
  Pacer pacer(Clock::now(), per_second);
  for (std::int64_t written = index; !window.is_over(); ++written) {
    std::this_thread::sleep_until(pacer.due());
    tally.attempt(window, [&] {
      client.write([&](auto& tx) { small_write(tx, records[written], keys.next()); });
    });
    pacer.advance();
  }
  return tally;
}

}  // namespace

nlohmann::json run_reader(const Arguments& arguments) {
  const TempDir directory;
  const std::string path = directory.file("read.db");
  make_file(path, kRows);
  const int writers = arguments.writes_per_second > 0 ? arguments.threads : 0;
  const double each = writers > 0 ? arguments.writes_per_second / static_cast<double>(writers) : 0;
  std::vector<Tally> tallies(static_cast<std::size_t>(writers) + 1);
  Window window;
  with_side(arguments, path, [&](auto& side) {
    // The log holds a commit also where nobody writes; while it is empty, SQLite asks for the
    // file's size at every read.
    side.client("bench").write([](auto& tx) { tx.execute(Query::Update, std::int64_t{1}); });
    Team team(writers + 1, [&](int i, Team& own) {
      tallies[static_cast<std::size_t>(i)] = i == 0
                                                 ? read_all(side.client("bench"), own)
                                                 : write_paced(side.client("bench"), i, each, own);
    });
    team.wait_until_ready();
    window = Window::after(arguments.warm_up, arguments.seconds);
    team.start(window);
    team.finish();
  });
  const Tally writes = total_of(std::span(tallies).subspan(1));
  Ledger ledger(path);
  ledger.expect("SELECT count(*) FROM t WHERE id > " + std::to_string(kRows),
                static_cast<std::int64_t>(writes.acknowledged));
  return {{"reads", summary_of(tallies.front(), window.length())},
          {"writes", summary_of(writes, window.length())},
          {"complaint", ledger.complaint()}};
}

}  // namespace turnstile::bench
