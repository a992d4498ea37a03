// The frame of the peers in C++: threads that write small transactions as those of
// contention/small_writers.h do, and the answer to contention/peer.cc. It is made of the same
// parts, none of which is the product; the SQLite in such a program is the peer's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "contention/tally.h"
#include "contention/team.h"
#include "support/table.h"

namespace turnstile::bench {

/// What to do, as the program's one argument says.
struct Task {
  std::string file;
  int threads = 0;
  Seconds warm_up{0};
  Seconds seconds{0};

  static Task from_json(const nlohmann::json& json) {
    return {json.at("file"), json.at("threads"), Seconds(json.at("warm_up").get<double>()),
            Seconds(json.at("seconds").get<double>())};
  }
};

/// Each thread makes a client and calls its write(record, key) until the window is over.
template <class MakeClient>
nlohmann::json write_with(const Task& task, const MakeClient& make_client) {
  const Records records;
  std::vector<Tally> tallies(static_cast<std::size_t>(task.threads));
  Team team(task.threads, [&](int index, Team& own) {
    auto client = make_client();
    Keys keys(index);
    Tally tally;
    const Window& window = own.wait_for_start();
    for (std::int64_t written = index; !window.is_over(); ++written)
      tally.attempt(window, [&] { client.write(records[written], keys.next()); });
    tallies[static_cast<std::size_t>(index)] = std::move(tally);
  });
  team.wait_until_ready();
  team.start(Window::after(task.warm_up, task.seconds));
  team.finish();
  nlohmann::json answer = nlohmann::json::array();
  for (const Tally& tally : tallies)
    answer.push_back(tally.to_json());
  return answer;
}

/// The main function: `run(task)` gives the tallies, `peer` is name and version of what is
/// measured.
template <class Run>
int answer(int argc, char** argv, const std::string& peer, const Run& run) {
  try {
    const Task task = Task::from_json(nlohmann::json::parse(argc == 2 ? argv[1] : "{}"));
    const nlohmann::json tallies = run(task);
    const nlohmann::json all{
        {"peer", peer}, {"sqlite", sqlite3_libversion()}, {"tallies", tallies}};
    std::cout << all.dump() << std::endl;
    return 0;
  } catch (const std::exception& error) {
    std::cerr << peer << ": " << error.what() << '\n';
    return 1;
  }
}

}  // namespace turnstile::bench
