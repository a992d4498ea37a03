#include "torture/load.h"

#include <fmt/core.h>

#include <array>
#include <string_view>
#include <tuple>

namespace turnstile::cli::torture {

namespace {

constexpr std::int64_t kAccounts = 16;

// A query that counts what should not be, and what it is then.
struct Rule {
  std::string_view sql;
  std::string_view broken;
};

constexpr auto kRules = std::to_array<Rule>({
    {"SELECT sum(balance) FROM account", "the accounts do not add up to nothing"},
    {"SELECT count(*) FROM account AS a LEFT JOIN"
     " (SELECT source, sum(amount) AS spent FROM entry GROUP BY source) ON source = a.id LEFT JOIN"
     " (SELECT target, sum(amount) AS gained FROM entry GROUP BY target) ON target = a.id"
     " WHERE a.balance != coalesce(gained, 0) - coalesce(spent, 0)",
     "an account is not the sum of its entries"},
    {"SELECT count(*) FROM (SELECT run, thread, n FROM part GROUP BY run, thread, n"
     " HAVING count(*) != 2)",
     "an entry has one of its two parts"},
    {"SELECT (SELECT count(*) FROM part) - 2 * (SELECT count(*) FROM entry)",
     "entries and parts do not fit each other"},
    {"SELECT count(*) FROM entry WHERE NOT EXISTS (SELECT 1 FROM part AS p WHERE"
     " p.run = entry.run AND p.thread = entry.thread AND p.n = entry.n)",
     "an entry has no parts"},
    {"SELECT count(*) FROM tally AS t WHERE entries !="
     " (SELECT count(*) FROM entry AS e WHERE e.run = t.run AND e.thread = t.thread)",
     "a count is not that of the entries"},
    {"SELECT (SELECT coalesce(sum(entries), 0) FROM tally) - (SELECT count(*) FROM entry)",
     "entries are counted nowhere"},
});

}  // namespace

Migrations tables() {
  return {{1, "torture", R"(
CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
INSERT INTO account WITH RECURSIVE i(n) AS
  (SELECT 0 UNION ALL SELECT n + 1 FROM i WHERE n < 15) SELECT n, 0 FROM i;
CREATE TABLE entry(run INTEGER, thread INTEGER, n INTEGER, source INTEGER NOT NULL,
  target INTEGER NOT NULL, amount INTEGER NOT NULL, PRIMARY KEY(run, thread, n)) WITHOUT ROWID;
CREATE TABLE part(run INTEGER, thread INTEGER, n INTEGER, k INTEGER,
  PRIMARY KEY(run, thread, n, k)) WITHOUT ROWID;
CREATE TABLE tally(run INTEGER, thread INTEGER, entries INTEGER NOT NULL,
  PRIMARY KEY(run, thread)) WITHOUT ROWID;
CREATE TABLE outcome(id INTEGER PRIMARY KEY, task INTEGER NOT NULL, run INTEGER NOT NULL);
CREATE TABLE turn(seq INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL);
CREATE TABLE foreign_row(id INTEGER PRIMARY KEY, process INTEGER NOT NULL);
)"}};
}

void write_entry(WriteTx& tx, const Entry& entry) {
  const auto& [run, thread, n] = entry;
  const std::int64_t source = (n + thread) % kAccounts;
  const std::int64_t target = (source + 1 + n % (kAccounts - 1)) % kAccounts;
  const std::int64_t amount = 1 + n % 97;
  tx.execute("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", run, thread, n, source, target, amount);
  tx.execute("UPDATE account SET balance = balance - ? WHERE id = ?", amount, source);
  tx.execute("INSERT INTO part VALUES (?, ?, ?, 1)", run, thread, n);
  tx.execute("UPDATE account SET balance = balance + ? WHERE id = ?", amount, target);
  tx.execute("INSERT INTO part VALUES (?, ?, ?, 2)", run, thread, n);
  tx.execute("INSERT INTO tally VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET entries = entries + 1",
             run, thread);
}

std::vector<std::string> broken_rules(ReadTx& tx) {
  std::vector<std::string> broken;
  for (const Rule& rule : kRules) {
    const auto count = tx.query<std::int64_t>(rule.sql).one();
    if (count != 0) broken.push_back(fmt::format("{} ({})", rule.broken, count));
  }
  return broken;
}

std::string broken_rule_of(ReadTx& tx, std::int64_t run, std::int64_t thread,
                           std::int64_t& entries) {
  std::int64_t parts = 0;
  std::int64_t tally = 0;
  std::tie(entries, parts, tally) =
      tx.query<std::int64_t, std::int64_t, std::int64_t>(
            "SELECT (SELECT count(*) FROM entry WHERE run = ?1 AND thread = ?2),"
            " (SELECT count(*) FROM part WHERE run = ?1 AND thread = ?2),"
            " (SELECT coalesce(sum(entries), 0) FROM tally WHERE run = ?1 AND thread = ?2)",
            run, thread)
          .one();
  if (tx.query<std::int64_t>(kRules.front().sql).one() != 0)
    return std::string(kRules.front().broken);
  if (parts != 2 * entries || tally != entries) {
    return fmt::format("a snapshot has {} entries of a thread, {} parts and a count of {}", entries,
                       parts, tally);
  }
  return {};
}

}  // namespace turnstile::cli::torture
