// Fresh starts: several threads or processes open a file at once that is not there yet (T1). Each
// opens it, brings the schema up to date and inserts a row.
#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "contention/ledger.h"
#include "contention/member.h"
#include "contention/raw_session.h"
#include "contention/scenarios.h"
#include "contention/tally.h"
#include "contention/team.h"
#include "support/raw.h"
#include "support/temp_dir.h"
#include "turnstile/database.h"

namespace turnstile::bench {
namespace {

const std::string kSchema = "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL)";
const std::string kNote = "INSERT INTO note(body) VALUES ('started')";

bool is_fresh(const RawConnection& connection) {
  RawStatement version(connection, "PRAGMA user_version");
  return version.step() && version.integer(0) == 0;
}

// The busy timeout is set first, by the constructor, and the schema's version is read again inside
// the transaction: the mistakes that are known are not made. The published cure begins with BEGIN.
void start_raw(const std::string& path, Synchronous synchronous, Begin how) {
  RawConnection connection(path, synchronous);
  connection.execute("PRAGMA journal_mode=WAL");
  connection.execute(how == Begin::Immediate ? "BEGIN IMMEDIATE" : "BEGIN");
  if (is_fresh(connection)) {
    connection.execute(kSchema);
    connection.execute("PRAGMA user_version=1");
  }
  connection.execute("COMMIT");
  connection.execute(kNote);
}

void start_turnstile(const std::string& path, Synchronous synchronous) {
  Database database = Database::open(
      path, {.synchronous = synchronous, .migrations = {{1, "make the table", kSchema}}});
  database.lane("start").write([](WriteTx& tx) { tx.execute(kNote); });
  database.close();  // Not left to the destructor, which would keep a failure to itself.
}

Tally start(const Arguments& arguments, const std::string& path) {
  Tally tally;
  tally.attempt(Window{}, [&] {
    if (arguments.side == Side::Turnstile)
      start_turnstile(path, arguments.synchronous);
    else
      start_raw(path, arguments.synchronous,
                arguments.side == Side::Published ? Begin::Deferred : Begin::Immediate);
  });
  return tally;
}

Tally start_by_threads(const Arguments& arguments, const std::string& path) {
  std::vector<Tally> tallies(static_cast<std::size_t>(arguments.threads));
  Team team(arguments.threads, [&](int i, Team& own) {
    own.wait_for_start();
    tallies[static_cast<std::size_t>(i)] = start(arguments, path);
  });
  team.wait_until_ready();
  team.start(Window{});
  team.finish();
  return total_of(tallies);
}

Tally start_by_processes(const Arguments& arguments, const std::string& path) {
  std::vector<Member> members;
  members.reserve(static_cast<std::size_t>(arguments.processes));
  for (int i = 0; i < arguments.processes; ++i)
    members.emplace_back(std::vector<std::string>{
        "start-member", "--side=" + name_of(arguments.side),
        "--synchronous=" + name_of(arguments.synchronous), "--file=" + path});
  for (Member& member : members)
    member.wait_until_ready();
  for (Member& member : members)
    member.go("");
  Tally total;
  for (Member& member : members)
    total.merge(Tally::from_json(member.result().at("tally")));
  return total;
}

}  // namespace

nlohmann::json run_start_member(const Arguments& arguments) {
  wait_for_go();
  return {{"tally", start(arguments, arguments.file).to_json()}};
}

nlohmann::json run_starts(const Arguments& arguments) {
  const TempDir directory;
  Tally total;
  int failed_starts = 0;
  std::string complaint;
  for (int i = 0; i < arguments.count; ++i) {
    const std::string path = directory.file("start-" + std::to_string(i) + ".db");
    const Tally tally = arguments.processes > 0 ? start_by_processes(arguments, path)
                                                : start_by_threads(arguments, path);
    total.merge(tally);
    if (tally.errors > 0) ++failed_starts;
    Ledger ledger(path);
    if (tally.acknowledged > 0)
      ledger.expect("SELECT count(*) FROM note", static_cast<std::int64_t>(tally.acknowledged));
    if (complaint.empty()) complaint = ledger.complaint();
  }
  return {{"starts", arguments.count},
          {"failed_starts", failed_starts},
          {"all", summary_of(total, Seconds(1))},
          {"complaint", complaint}};
}

}  // namespace turnstile::bench
