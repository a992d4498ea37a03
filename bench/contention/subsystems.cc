#include "contention/subsystems.h"

#include <algorithm>
#include <cstring>

#include "support/raw.h"

namespace turnstile::bench {
namespace {

constexpr const char* kTables =
    "CREATE TABLE entity(id INTEGER PRIMARY KEY, name TEXT NOT NULL, val INTEGER NOT NULL);"
    "CREATE TABLE embedding(id INTEGER PRIMARY KEY, revision INTEGER NOT NULL, "
    "  vector BLOB NOT NULL);"
    "CREATE TABLE audit(id INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, "
    "  what TEXT NOT NULL);"
    "CREATE TABLE cron(id INTEGER PRIMARY KEY, runs INTEGER NOT NULL);"
    "CREATE TABLE task(id INTEGER PRIMARY KEY, state INTEGER NOT NULL, payload TEXT NOT NULL);"
    "CREATE INDEX task_open ON task(id) WHERE state = 0;";

void fill(RawConnection& connection) {
  RawStatement entity(connection, "INSERT INTO entity(name, val) VALUES (?1, 0)");
  for (std::int64_t i = 0; i < kEntities; ++i) {
    const std::string name = "entity number " + std::to_string(i);
    entity.bind(1, name);
    entity.run();
  }
  RawStatement embedding(connection, text_of(Query::EmbeddingUpsert));
  for (std::int64_t i = 1; i <= kEmbeddings; ++i) {
    const Embedding vector = make_embedding(static_cast<std::uint64_t>(i));
    embedding.bind(1, i);
    embedding.bind(2, std::as_bytes(std::span(vector)));
    embedding.run();
  }
  RawStatement cron(connection, "INSERT INTO cron(runs) VALUES (0)");
  for (std::int64_t i = 0; i < kCronJobs; ++i)
    cron.run();
}

std::int64_t wanted(std::uint64_t count) {
  return static_cast<std::int64_t>(count);
}

}  // namespace

void MixTally::merge(const MixTally& other) {
  reads.merge(other.reads);
  updates.merge(other.updates);
  upserts.merge(other.upserts);
  searches.merge(other.searches);
  audit.merge(other.audit);
  cron.merge(other.cron);
  tasks.merge(other.tasks);
  enqueued += other.enqueued;
  completed += other.completed;
}

void make_mix_file(const std::string& path) {
  RawConnection connection(path);
  connection.execute("PRAGMA journal_mode=WAL");
  connection.execute("BEGIN IMMEDIATE");
  connection.execute(kTables);
  fill(connection);
  connection.execute("COMMIT");
}

void expect_mix(Ledger& ledger, const MixTally& tally) {
  ledger.expect("SELECT sum(val) FROM entity", wanted(tally.updates.acknowledged));
  ledger.expect("SELECT sum(revision) FROM embedding",
                wanted(tally.upserts.acknowledged) * kUpserts);
  ledger.expect("SELECT count(*) FROM audit", wanted(tally.audit.acknowledged));
  ledger.expect("SELECT sum(runs) FROM cron", wanted(tally.cron.acknowledged));
  ledger.expect("SELECT count(*) FROM task", wanted(tally.enqueued));
  ledger.expect("SELECT count(*) FROM task WHERE state = 2", wanted(tally.completed));
}

Embedding make_embedding(std::uint64_t seed) {
  Embedding embedding{};
  std::uint64_t state = seed * 0x9E3779B97F4A7C15U + 1;
  for (float& value : embedding) {
    state ^= state << 13U;
    state ^= state >> 7U;
    state ^= state << 17U;
    value = static_cast<float>(state % 2001) / 1000.0F - 1.0F;
  }
  return embedding;
}

float likeness(const Embedding& one, std::span<const std::byte> other) {
  // Copied, because bytes in a page need not be aligned.
  Embedding copy{};
  std::memcpy(copy.data(), other.data(), std::min(other.size(), sizeof(copy)));
  float sum = 0;
  for (std::size_t i = 0; i < kDimensions; ++i)
    sum += one[i] * copy[i];
  return sum;
}

std::vector<Role> roles_of(int index, int threads) {
  std::vector<Role> roles;
  for (int role = 0; role < kRoles; ++role)
    if (threads < kRoles ? role % threads == index : role == index % kRoles)
      roles.push_back(static_cast<Role>(role));
  return roles;
}

std::string_view lane_of(Role role) {
  constexpr std::array<std::string_view, kRoles> kLanes{"records", "vectors", "audit", "cron",
                                                        "tasks"};
  return kLanes[static_cast<std::size_t>(role)];
}

}  // namespace turnstile::bench
