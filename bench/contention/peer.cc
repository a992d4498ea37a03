// What writers.cc does, done by a program that uses another library (T20, bench/peers). The file is
// made here and compared with what the program says, so that no peer is believed at its word, and
// no other SQLite comes into this process.
#include <stdexcept>
#include <string>
#include <vector>

#include "contention/member.h"
#include "contention/scenarios.h"
#include "contention/small_writers.h"
#include "support/temp_dir.h"

namespace turnstile::bench {
namespace {

/// The program has ended when this returns, and the file can be looked at.
nlohmann::json ask(const Arguments& arguments, const std::string& path) {
  const nlohmann::json task{{"file", path},
                            {"threads", arguments.threads},
                            {"warm_up", arguments.warm_up.count()},
                            {"seconds", arguments.seconds.count()},
                            {"insert", kInsert},
                            {"count", kCount}};
  return Member(arguments.peer, {task.dump()}).result();
}

}  // namespace

nlohmann::json run_peer(const Arguments& arguments) {
  if (arguments.peer.empty()) throw std::invalid_argument("--peer must name a program");
  const TempDir directory;
  const std::string path = directory.file("write.db");
  make_file(path, kRows);
  const nlohmann::json answer = ask(arguments, path);
  std::vector<Tally> tallies;
  for (const nlohmann::json& tally : answer.at("tallies"))
    tallies.push_back(Tally::from_json(tally));
  nlohmann::json report = report_small_writes(path, tallies, arguments.seconds);
  report["side"] = "peer";
  report["peer"] = answer.at("peer");
  report["sqlite"] = answer.at("sqlite");
  return report;
}

}  // namespace turnstile::bench
