// Several processes, each with several threads, on one file (T10): the writers of writers.cc, with
// transactions that are short or keep the lock for a while.
#include <cstdint>
#include <string>
#include <vector>

#include "contention/member.h"
#include "contention/scenarios.h"
#include "contention/sides.h"
#include "contention/small_writers.h"
#include "support/temp_dir.h"

namespace turnstile::bench {
namespace {

std::vector<std::string> member_arguments(const Arguments& arguments, const std::string& path,
                                          int member) {
  return {"process-member",
          "--side=" + name_of(arguments.side),
          "--threads=" + std::to_string(arguments.threads),
          "--synchronous=" + name_of(arguments.synchronous),
          "--seconds=" + std::to_string(arguments.seconds.count()),
          "--hold-ms=" + std::to_string(arguments.hold.count()),
          "--file=" + path,
          "--member=" + std::to_string(member)};
}

std::vector<Tally> run_members(const Arguments& arguments, const std::string& path) {
  std::vector<Member> members;
  members.reserve(static_cast<std::size_t>(arguments.processes));
  for (int i = 0; i < arguments.processes; ++i)
    members.emplace_back(member_arguments(arguments, path, i));
  for (Member& member : members)
    member.wait_until_ready();
  // The clock is the machine's, so one moment says it to all.
  const Window window = Window::after(arguments.warm_up, arguments.seconds);
  const std::string begin = std::to_string(window.begin().time_since_epoch().count());
  for (Member& member : members)
    member.go(begin);
  std::vector<Tally> tallies;
  for (Member& member : members) {
    const nlohmann::json result = member.result();
    for (const auto& tally : result.at("tallies"))
      tallies.push_back(Tally::from_json(tally));
  }
  return tallies;
}

}  // namespace

nlohmann::json run_process_member(const Arguments& arguments) {
  return with_side(arguments, arguments.file, [&](auto& side) {
    SmallWriters writers(side, arguments);
    const Time begin{Clock::duration(std::stoll(wait_for_go()))};
    writers.start(Window(begin, arguments.seconds));
    nlohmann::json tallies = nlohmann::json::array();
    for (const Tally& tally : writers.finish())
      tallies.push_back(tally.to_json());
    return nlohmann::json{{"tallies", tallies}};
  });
}

nlohmann::json run_processes(const Arguments& arguments) {
  const TempDir directory;
  const std::string path = directory.file("write.db");
  make_file(path, kRows);
  return report_small_writes(path, run_members(arguments, path), arguments.seconds);
}

}  // namespace turnstile::bench
