#include "vectors/items.h"

#include <cstdint>
#include <tuple>
#include <utility>

#include "sqlite/error_code.h"
#include "turnstile/error.h"
#include "vectors/elements.h"
#include "vectors/fail.h"
#include "vectors/values.h"

namespace turnstile::vectors {

namespace {

/// Threads: scoped.
class Upsert {
 public:
  Upsert(const State& collection, WriteTx& tx)
      : collection_(collection),
        tx_(tx),
        writer_(collection.index().writer(tx)),
        find_(tx.prepare(collection.tables().find_item)),
        replace_item_(tx.prepare(collection.tables().replace_item)),
        replace_exact_(tx.prepare(collection.tables().replace_exact)) {}

  void put(const VectorItem& item) {
    const std::vector<Value> values = in_order(collection_.tables().columns, item.values);
    const IndexEntry entry{item.id, item.vector, values};
    const auto there = find(item.id);
    if (!there) {
      write(writer_->insert(entry), item, values);
      ++result_.inserted;
      return;
    }
    const auto [slot, version] = *there;
    if (version > item.version) {
      ++result_.stale;
      return;
    }
    const std::int64_t now_in = writer_->replace(slot, entry);
    if (now_in != slot) {
      tx_.execute(collection_.tables().delete_item, slot);
      tx_.execute(collection_.tables().delete_exact, slot);
    }
    write(now_in, item, values);
    ++result_.replaced;
  }

  VectorUpsert finish() {
    writer_->finish();
    return result_;
  }

 private:
  std::optional<std::tuple<std::int64_t, std::int64_t>> find(const std::string& id) {
    return find_.query<std::int64_t, std::int64_t>(id).first();
  }

  void write(std::int64_t slot, const VectorItem& item, std::span<const Value> values) {
    int parameter = 0;
    replace_item_.bind(++parameter, slot);
    replace_item_.bind(++parameter, item.id);
    replace_item_.bind(++parameter, item.version);
    replace_item_.bind(++parameter, item.payload);
    for (const Value& value : values)
      replace_item_.bind(++parameter, value);
    replace_item_.step();
    replace_item_.rewind();
    replace_exact_.execute(slot, to_bytes(collection_.definition(), item.vector));
  }

  const State& collection_;
  WriteTx& tx_;
  std::unique_ptr<IndexWriter> writer_;
  Statement find_;
  Statement replace_item_;
  Statement replace_exact_;
  VectorUpsert result_;
};

/// What was given for them is there now: marks of the same or an older version are done with.
void take_marks_away(const State& collection, WriteTx& tx, std::span<const VectorItem> items) {
  const bool any =
      tx.query<std::int64_t>("SELECT EXISTS (SELECT 1 FROM vector_pending WHERE collection = ?)",
                             collection.number())
          .one() != 0;
  if (!any) return;
  Statement remove =
      tx.prepare("DELETE FROM vector_pending WHERE collection = ? AND id = ? AND version <= ?");
  for (const VectorItem& item : items)
    remove.execute(collection.number(), item.id, item.version);
}

[[noreturn]] void refuse_item(const State& collection, const VectorItem& item, std::size_t index,
                              std::string_view why) {
  std::string message = "the item " + in_quotes(item.id);
  message.append(" (index ").append(std::to_string(index)).append(") of the collection ");
  message.append(in_quotes(collection.name())).append(" ").append(why);
  refuse(code("VECTOR_INVALID"), std::move(message));
}

}  // namespace

void check_items(const State& collection, std::span<const VectorItem> items,
                 std::size_t first_index) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    std::string why = why_unfit(collection.tables().columns, items[i]);
    if (why.empty()) {
      why = why_unfit(collection.definition(), items[i].vector);
      if (!why.empty()) why.insert(0, "has a vector that ");
    }
    if (!why.empty()) refuse_item(collection, items[i], first_index + i, why);
  }
}

VectorUpsert upsert_items(const State& collection, WriteTx& tx, std::span<const VectorItem> items) {
  collection.require_there(tx);
  if (items.empty()) return {};
  Upsert upsert(collection, tx);
  for (const VectorItem& item : items)
    upsert.put(item);
  const VectorUpsert result = upsert.finish();
  take_marks_away(collection, tx, items);
  return result;
}

std::int64_t remove_items(const State& collection, WriteTx& tx, std::span<const std::string> ids) {
  collection.require_there(tx);
  const Tables& tables = collection.tables();
  const auto writer = collection.index().writer(tx);
  Statement find = tx.prepare(tables.find_item);
  Statement remove_item = tx.prepare(tables.delete_item);
  Statement remove_exact = tx.prepare(tables.delete_exact);
  Statement remove_mark = tx.prepare("DELETE FROM vector_pending WHERE collection = ? AND id = ?");
  std::int64_t removed = 0;
  for (const std::string& id : ids) {
    remove_mark.execute(collection.number(), id);
    const auto there = find.query<std::int64_t, std::int64_t>(id).first();
    if (!there) continue;
    const std::int64_t slot = std::get<0>(*there);
    writer->remove(slot);
    remove_item.execute(slot);
    remove_exact.execute(slot);
    ++removed;
  }
  writer->finish();
  return removed;
}

VectorItem read_item(const State& collection, Statement& select_item, std::int64_t slot) {
  VectorItem item;
  bool found = false;
  for (const Row row : select_item.query(slot)) {
    item.id = row.get<std::string>(0);
    item.version = row.get<std::int64_t>(1);
    item.payload = row.get<std::string>(2);
    int column = kFirstColumn;
    for (const VectorColumn& declared : collection.tables().columns)
      item.values.emplace(declared.name, row.get<Value>(column++));
    found = true;
  }
  if (found) return item;
  Error::Details details;
  details.code = code("DB_CORRUPT");
  details.message = "slot " + std::to_string(slot) + " of the collection " +
                    in_quotes(collection.name()) + " has no item";
  throw StorageError(std::move(details));
}

std::optional<VectorItem> find_item(const State& collection, ReadTx& tx, std::string_view id) {
  collection.require_there(tx);
  const auto there =
      tx.query<std::int64_t, std::int64_t>(collection.tables().find_item, id).first();
  if (!there) return std::nullopt;
  const std::int64_t slot = std::get<0>(*there);
  Statement select = tx.prepare(collection.tables().select_item);
  VectorItem item = read_item(collection, select, slot);
  item.vector = from_bytes(collection.definition(),
                           tx.query<Blob>(collection.tables().select_exact, slot).one());
  return item;
}

}  // namespace turnstile::vectors
