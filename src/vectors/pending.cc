#include "vectors/pending.h"

#include <algorithm>
#include <tuple>

namespace turnstile::vectors {

std::optional<std::int64_t> set_mark(const State& collection, WriteTx& tx, std::string_view id,
                                     std::int64_t version, Time due) {
  collection.require_there(tx);
  const auto item = tx.query<std::int64_t, std::int64_t>(collection.tables().find_item, id).first();
  if (item && std::get<1>(*item) > version) return std::nullopt;
  const auto there =
      tx.query<std::int64_t>("SELECT version FROM vector_pending WHERE collection = ? AND id = ?",
                             collection.number(), id)
          .first();
  if (there && *there > version) return std::nullopt;
  return tx
      .execute("REPLACE INTO vector_pending(collection, id, version, due) VALUES (?, ?, ?, ?)",
               collection.number(), id, version, due)
      .last_insert_rowid;
}

std::vector<Mark> claim_marks(const State& collection, WriteTx& tx, Time now, Time until,
                              std::int64_t most) {
  std::vector<Mark> marks;
  for (auto& [id, version, attempts, error] :
       tx.query<std::string, std::int64_t, std::int64_t, std::string>(
             "SELECT id, version, attempts, error FROM vector_pending "
             "WHERE collection = ? AND due <= ? ORDER BY due, mark LIMIT ?",
             collection.number(), now, most)
           .all()) {
    const auto number =
        tx.execute(
              "REPLACE INTO vector_pending(collection, id, version, due, attempts, error) "
              "VALUES (?, ?, ?, ?, ?, ?)",
              collection.number(), id, version, until, attempts, error)
            .last_insert_rowid;
    marks.push_back({number, std::move(id), version});
  }
  return marks;
}

bool take_mark_away(WriteTx& tx, std::int64_t number) {
  return tx.execute("DELETE FROM vector_pending WHERE mark = ?", number).changes == 1;
}

std::chrono::milliseconds Backoff::after(std::int64_t attempts) const noexcept {
  std::chrono::milliseconds wait = first;
  for (std::int64_t i = 1; i < attempts && wait < longest; ++i)
    wait *= 2;
  return std::min(wait, longest);
}

void note_failure(WriteTx& tx, std::int64_t number, Time now, const Backoff& backoff,
                  std::string_view error) {
  const auto attempts =
      tx.query<std::int64_t>("SELECT attempts FROM vector_pending WHERE mark = ?", number).first();
  if (!attempts) return;
  tx.execute("UPDATE vector_pending SET due = ?, attempts = ?, error = ? WHERE mark = ?",
             now + backoff.after(*attempts + 1), *attempts + 1, error, number);
}

void make_due(WriteTx& tx, std::int64_t number, Time now) {
  tx.execute("UPDATE vector_pending SET due = ? WHERE mark = ?", now, number);
}

std::optional<Time> next_due(const State& collection, ReadTx& tx) {
  return tx
      .query<std::optional<Time>>("SELECT min(due) FROM vector_pending WHERE collection = ?",
                                  collection.number())
      .one();
}

std::int64_t count_marks(const State& collection, ReadTx& tx) {
  return tx
      .query<std::int64_t>("SELECT count(*) FROM vector_pending WHERE collection = ?",
                           collection.number())
      .one();
}

}  // namespace turnstile::vectors
