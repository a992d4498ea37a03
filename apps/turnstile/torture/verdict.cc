#include "torture/verdict.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "torture/load.h"
#include "turnstile/turnstile.h"

namespace turnstile::cli::torture {

namespace {

std::string name_of(std::int64_t run, std::int64_t thread, std::int64_t n) {
  return fmt::format("write {} of thread {} of process {}", n, thread, run);
}

// The entries of one thread, against what it was told. A thread asks for its next write when it has
// the answer to the one before, so that only the last one may be in the file unanswered.
void judge_thread(std::int64_t run, std::int64_t thread, const std::vector<Answer>& answers,
                  const std::vector<std::int64_t>& entries, Report& report) {
  const auto has = [&](std::int64_t n) { return std::ranges::binary_search(entries, n); };
  const auto last = static_cast<std::int64_t>(answers.size());
  for (std::int64_t n = 1; n <= last; ++n) {
    const Answer answer = answers[static_cast<std::size_t>(n - 1)];
    if (answer == Answer::Done && !has(n))
      report.find("LOST", name_of(run, thread, n) + " was acknowledged and is not there");
    if (answer == Answer::Refused && has(n))
      report.find("KEPT", name_of(run, thread, n) + " was refused and is there");
    if (answer == Answer::None)
      report.find("LEDGER_GAP", name_of(run, thread, n) + " has no line in the ledger");
  }
  for (const std::int64_t n : entries) {
    if (n > last + 1)
      report.find("KEPT", name_of(run, thread, n) + " is there and was never asked for");
    if (n == last + 1 || (n <= last && answers[static_cast<std::size_t>(n - 1)] == Answer::Unknown))
      report.with_numbers([](Numbers& numbers) { ++numbers.in_doubt; });
  }
}

void judge_entries(ReadTx& tx, const Ledger::Content& ledger, Report& report) {
  auto answers = ledger.answers;
  for (const auto& [run, thread] :
       tx.query<std::int64_t, std::int64_t>("SELECT run, thread FROM tally").all())
    answers.try_emplace({run, thread});
  for (const auto& [who, told] : answers) {
    const auto entries =
        tx.query<std::int64_t>("SELECT n FROM entry WHERE run = ? AND thread = ? ORDER BY n",
                               who.first, who.second)
            .all();
    judge_thread(who.first, who.second, told, entries, report);
  }
}

void judge_tasks(ReadTx& tx, const Ledger::Content& ledger, Report& report) {
  for (const auto& [task, count] :
       tx.query<std::int64_t, std::int64_t>(
             "SELECT task, count(*) FROM outcome GROUP BY task HAVING count(*) > 1")
           .all())
    report.find("DONE_TWICE", fmt::format("task {} was completed {} times", task, count));
  if (tx.query<std::int64_t>("SELECT count(*) FROM sqlite_schema WHERE name = 'task_item'").one() ==
      0)
    return;
  for (const auto task :
       tx.query<std::int64_t>("SELECT id FROM task_item WHERE (state = 'done') !="
                              " (EXISTS (SELECT 1 FROM outcome WHERE task = task_item.id))")
           .all())
    report.find("HALF_DONE", fmt::format("task {} and its outcome do not fit", task));
  for (const std::int64_t task : ledger.tasks)
    if (tx.query<std::int64_t>("SELECT count(*) FROM outcome WHERE task = ?", task).one() == 0)
      report.find("LOST", fmt::format("task {} was completed, and its outcome is not there", task));
}

}  // namespace

// Who comes back has others before it in line, so that nobody has two turns in a row while others
// wait. Those who were not scheduled for a moment did not wait: where that happened often, turns
// took longer than they take by themselves, and the order says nothing.
void judge_turns(const std::filesystem::path& database, Report& report) {
  constexpr std::int64_t kFewest = 100;  // Of the 250 for which there is time.
  Options options;
  options.mode = OpenMode::ReadOnly;
  const Database db = Database::open(database.string(), options);
  const auto runs = db.lane("check").read(
      [](ReadTx& tx) { return tx.query<std::int64_t>("SELECT run FROM turn ORDER BY seq").all(); });
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
  const Database db = Database::open(database.string(), options);
  for (const std::string& problem :
       db.maintenance().integrity_check(IntegrityCheck::Full, {.stop = stop}))
    report.find("DAMAGED", problem);
  const Ledger::Content told = ledger.read();
  db.lane("judge").read({.stop = stop}, [&](ReadTx& tx) {
    for (const std::string& broken : broken_rules(tx))
      report.find("RULE_BROKEN", broken);
    judge_entries(tx, told, report);
    judge_tasks(tx, told, report);
  });
}

}  // namespace turnstile::cli::torture
