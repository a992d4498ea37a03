#include "torture/verdict.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "torture/load.h"
#include "torture/storage_failure.h"
#include "turnstile/turnstile.h"

namespace turnstile::cli::torture {

namespace {

std::string name_of(std::int64_t run, std::int64_t thread, std::int64_t n) {
  if (run == kForeignRun) return fmt::format("row {} of the sqlite3 shell", n);
  return fmt::format("write {} of thread {} of process {}", n, thread, run);
}

// What keeps somebody from looking is what is found, and not the end of the run. False then.
template <class F>
bool looking(Report& report, std::string_view otherwise, F&& look) {
  try {
    look();
    return true;
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& error) {
    report.find(is_damage(error) ? "DAMAGED" : otherwise, error.what());
  } catch (const std::exception& error) {
    report.find(otherwise, error.what());
  }
  return false;
}

std::optional<Database> open_to_judge(const std::filesystem::path& database, const Options& options,
                                      Report& report) {
  std::optional<Database> db;
  try {
    db.emplace(Database::open(database.string(), options));
  } catch (const Cancelled&) {
    throw;
  } catch (const std::exception& error) {
    report.find("UNOPENABLE", error.what());
  }
  return db;
}

// The entries of one thread, against what it was told. A thread asks for its next write when it has
// the answer to the one before, so that only the last one may be in the file unanswered.
void judge_thread(std::int64_t run, std::int64_t thread,
                  const std::map<std::int64_t, Answer>& answers,
                  const std::vector<std::int64_t>& entries, bool is_complete, Report& report) {
  std::int64_t last = 0;
  for (const auto& [n, answer] : answers) {
    const bool is_there = std::ranges::binary_search(entries, n);
    if (answer == Answer::Done && !is_there)
      report.find("LOST", name_of(run, thread, n) + " was acknowledged and is not there");
    if (answer == Answer::Refused && is_there)
      report.find("KEPT", name_of(run, thread, n) + " was refused and is there");
    if (n != last + 1)
      report.find("LEDGER_GAP", name_of(run, thread, last + 1) + " has no line in the ledger");
    last = n;
  }
  for (const std::int64_t n : entries) {
    const auto told = answers.find(n);
    if (is_complete && n > last + 1)
      report.find("KEPT", name_of(run, thread, n) + " is there and was never asked for");
    if (n == last + 1 || (told != answers.end() && told->second == Answer::Unknown))
      report.with_numbers([](Numbers& numbers) { ++numbers.in_doubt; });
  }
}

void judge_entries(ReadTx& tx, const Ledger::Content& ledger, Report& report) {
  auto answers = ledger.answers;
  answers.try_emplace({kForeignRun, 0});
  for (const auto& [run, thread] :
       tx.query<std::int64_t, std::int64_t>("SELECT run, thread FROM tally").all())
    answers.try_emplace({run, thread});
  for (const auto& [who, told] : answers) {
    const auto& [run, thread] = who;
    const auto entries =
        run == kForeignRun
            ? tx.query<std::int64_t>("SELECT id FROM foreign_row ORDER BY id").all()
            : tx.query<std::int64_t>("SELECT n FROM entry WHERE run = ? AND thread = ? ORDER BY n",
                                     run, thread)
                  .all();
    judge_thread(run, thread, told, entries, ledger.is_complete, report);
  }
}

bool has_tasks(ReadTx& tx) {
  return tx.query<std::int64_t>("SELECT count(*) FROM sqlite_schema WHERE name = 'task_item'")
             .one() != 0;
}

void judge_tasks(ReadTx& tx, const Ledger::Content& ledger, Report& report) {
  for (const auto& [task, count] :
       tx.query<std::int64_t, std::int64_t>(
             "SELECT task, count(*) FROM outcome GROUP BY task HAVING count(*) > 1")
           .all())
    report.find("DONE_TWICE", fmt::format("task {} was completed {} times", task, count));
  for (const std::int64_t task : ledger.tasks)
    if (tx.query<std::int64_t>("SELECT count(*) FROM outcome WHERE task = ?", task).one() == 0)
      report.find("LOST", fmt::format("task {} was completed, and its outcome is not there", task));
  const bool has_table = has_tasks(tx);
  for (const std::int64_t task : ledger.enqueued)
    if (!has_table ||
        tx.query<std::int64_t>("SELECT count(*) FROM task_item WHERE id = ?", task).one() == 0)
      report.find("LOST", fmt::format("task {} was put in, and is not there", task));
  if (!has_table) return;
  for (const auto task :
       tx.query<std::int64_t>("SELECT id FROM task_item WHERE (state = 'done') !="
                              " (EXISTS (SELECT 1 FROM outcome WHERE task = task_item.id))"
                              " UNION SELECT task FROM outcome WHERE task NOT IN"
                              " (SELECT id FROM task_item)")
           .all())
    report.find("HALF_DONE", fmt::format("task {} and its outcome do not fit", task));
}

}  // namespace

// Who comes back has others before it in line, so that nobody has two turns in a row while others
// wait. Those who were not scheduled for a moment did not wait: where that happened often, turns
// took longer than they take by themselves, and the order says nothing.
void judge_turns(const std::filesystem::path& database, Report& report) {
  constexpr std::int64_t kFewest = 100;  // Of the 250 for which there is time.
  Options options;
  options.mode = OpenMode::ReadOnly;
  const std::optional<Database> db = open_to_judge(database, options, report);
  std::vector<std::int64_t> runs;
  const auto read_turns = [&runs](ReadTx& tx) {
    runs = tx.query<std::int64_t>("SELECT run FROM turn ORDER BY seq").all();
  };
  if (!db || !looking(report, "UNEXPECTED_ERROR", [&] { db->lane("check").read(read_turns); }))
    return;
  std::int64_t repeated = 0;
  for (std::size_t i = 1; i < runs.size(); ++i)
    repeated += runs[i] == runs[i - 1] ? 1 : 0;
  const auto turns = static_cast<std::int64_t>(runs.size());
  report.with_numbers([&](Numbers& numbers) {
    numbers.turns = turns;
    numbers.repeated_turns = repeated;
  });
  if (turns < kFewest) return report.skip("the order of turns, because the machine was too busy");
  if (repeated * 2 > turns) {
    report.find("OUT_OF_ORDER",
                fmt::format("of {} turns {} went to the process that had just had one, while "
                            "others waited",
                            turns, repeated));
  }
}

void judge(const std::filesystem::path& database, const Ledger& ledger, const Settings& settings,
           Report& report, const std::stop_token& stop) {
  Options options;
  options.busy_timeout = settings.timeout;
  options.migrations = tables();
  const Ledger::Content told = ledger.read();
  for (const std::string& line : told.bad_lines)
    report.find("LEDGER_GAP", line);
  const std::optional<Database> db = open_to_judge(database, options, report);
  if (!db) return;
  looking(report, "UNEXPECTED_ERROR", [&] {
    for (const std::string& problem :
         db->maintenance().integrity_check(IntegrityCheck::Full, {.stop = stop}))
      report.find("DAMAGED", problem);
  });
  looking(report, "UNEXPECTED_ERROR", [&] {
    db->lane("judge").read({.stop = stop}, [&](ReadTx& tx) {
      for (const std::string& broken : broken_rules(tx))
        report.find("RULE_BROKEN", broken);
      judge_entries(tx, told, report);
      judge_tasks(tx, told, report);
    });
  });
}

}  // namespace turnstile::cli::torture
