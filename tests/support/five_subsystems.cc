#include "support/five_subsystems.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <vector>

namespace turnstile::test {

namespace {

constexpr std::size_t kDimensions = 16;

}  // namespace

void change_entity(WriteTx& tx) {
  const auto total = tx.query<std::int64_t>("SELECT total FROM entity WHERE id = 1").one();
  tx.execute("UPDATE entity SET total = ? WHERE id = 1", total + 1);
}

void upsert_embedding(WriteTx& tx, std::int64_t writer, std::int64_t n) {
  std::array<float, kDimensions> vector{};
  vector.fill(static_cast<float>(n));
  tx.execute(
      "INSERT INTO embedding VALUES (?, ?, 1) ON CONFLICT(id) DO UPDATE "
      "SET vector = excluded.vector, writes = writes + 1",
      (writer + n) % kEmbeddings, vector);
}

double nearest_embedding(ReadTx& tx, std::int64_t n) {
  double best = std::numeric_limits<double>::max();
  for (const auto& stored : tx.query<std::vector<float>>("SELECT vector FROM embedding")) {
    double distance = 0;
    for (std::size_t i = 0; i < kDimensions; ++i) {
      const double difference = static_cast<double>(stored.at(i)) - static_cast<double>(n);
      distance += difference * difference;
    }
    best = std::min(best, distance);
  }
  if (best == std::numeric_limits<double>::max())
    throw std::runtime_error("the search found nothing");
  return best;
}

void insert_audit(WriteTx& tx, std::int64_t writer, std::int64_t n) {
  tx.execute("INSERT INTO audit(writer, n) VALUES (?, ?)", writer, n);
}

void run_jobs(WriteTx& tx) {
  for (const auto id : tx.query<std::int64_t>("SELECT id FROM job ORDER BY id"))
    tx.execute("UPDATE job SET runs = runs + 1 WHERE id = ?", id);
}

void insert_task(WriteTx& tx) {
  tx.execute("INSERT INTO task DEFAULT VALUES");
}

void claim_task(WriteTx& tx) {
  const auto id = tx.query<std::int64_t>(
                        "UPDATE task SET claimed = 1 WHERE id = (SELECT id FROM task "
                        "WHERE claimed = 0 ORDER BY id LIMIT 1) RETURNING id")
                      .one();
  if (id <= 0) throw std::runtime_error("a task has no id");
}

}  // namespace turnstile::test
