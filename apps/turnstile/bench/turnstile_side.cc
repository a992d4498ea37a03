#include "bench/turnstile_side.h"

#include <fmt/core.h>

#include "turnstile/error.h"
#include "turnstile/transaction.h"

namespace turnstile::cli::bench {

namespace {

// The message of a call that did not get its turn in time.
template <class Call>
std::optional<std::string> failure_of_call(const Call& call) {
  try {
    call();
    return std::nullopt;
  } catch (const Timeout& timeout) {
    return std::string(timeout.message());
  }
}

}  // namespace

TurnstileSide::TurnstileSide(const std::string& path, const Settings& settings)
    : database_(Database::open(
          path, {.busy_timeout = settings.timeout, .synchronous = settings.synchronous})) {
  for (int place = 0; place <= settings.threads; ++place)
    lanes_.push_back(database_.lane(fmt::format("bench {}", place)));
}

std::optional<std::string> TurnstileSide::write(std::size_t place, std::int64_t key) {
  return failure_of_call([&] {
    lanes_[place].write([key](WriteTx& tx) {
      tx.execute(kInsert, key, kPayload);
      tx.execute(kCount, key % kCounters);
    });
  });
}

std::optional<std::string> TurnstileSide::read(std::size_t place, std::int64_t key) {
  return failure_of_call([&] {
    static_cast<void>(lanes_[place].read(
        [key](ReadTx& tx) { return tx.query<std::int64_t, std::string>(kSelect, key).first(); }));
  });
}

void make_file(const std::string& path) {
  const std::string script = fmt::format(
      "CREATE TABLE item(id INTEGER PRIMARY KEY, value INTEGER NOT NULL, payload TEXT NOT NULL);"
      "INSERT INTO item WITH RECURSIVE i(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM i"
      " WHERE id < {}) SELECT id, id, '{}' FROM i;"
      "CREATE TABLE counter(id INTEGER PRIMARY KEY, n INTEGER NOT NULL);"
      "INSERT INTO counter WITH RECURSIVE i(id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM i"
      " WHERE id < {}) SELECT id, 0 FROM i;",
      kRows, kPayload, kCounters - 1);
  Options options;
  options.migrations = {{1, "bench", script}};
  Database::open(path, options).close();
}

}  // namespace turnstile::cli::bench
