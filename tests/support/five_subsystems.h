// What five subsystems of an application do with the one database that they share: entities,
// embeddings, an audit log, cron jobs and tasks.
#pragma once

#include <cstdint>

#include "turnstile/transaction.h"

namespace turnstile::test {

inline constexpr int kCronJobs = 8;
inline constexpr int kEmbeddings = 50;

/// The SQL that makes their tables: `entity`, `embedding`, `audit`, `job`, `task`.
inline constexpr const char* kSubsystemTables =
    "CREATE TABLE entity(id INTEGER PRIMARY KEY, total INTEGER NOT NULL);"
    "INSERT INTO entity VALUES (1, 0);"
    "CREATE TABLE embedding(id INTEGER PRIMARY KEY, vector BLOB NOT NULL, writes INTEGER);"
    "CREATE TABLE audit(id INTEGER PRIMARY KEY, writer INTEGER, n INTEGER, UNIQUE(writer, n));"
    "CREATE TABLE job(id INTEGER PRIMARY KEY, runs INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE task(id INTEGER PRIMARY KEY, claimed INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX task_open ON task(id) WHERE claimed = 0;"
    "WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < 8)"
    "INSERT INTO job(id) SELECT n FROM c;";

/// Read, modify, write: adds one to `entity.total`.
void change_entity(WriteTx& tx);
/// Operation `n` of `writer`: the embedding (writer + n) modulo kEmbeddings becomes all `n`.
void upsert_embedding(WriteTx& tx, std::int64_t writer, std::int64_t n);
/// How near the embedding nearest to one that is all `n` comes; looks at each. Throws
/// std::runtime_error when there is none.
double nearest_embedding(ReadTx& tx, std::int64_t n);
void insert_audit(WriteTx& tx, std::int64_t writer, std::int64_t n);
/// Updates each job while the list of jobs is being read.
void run_jobs(WriteTx& tx);
void insert_task(WriteTx& tx);
/// Claims the first open task. Throws Error when there is none.
void claim_task(WriteTx& tx);

}  // namespace turnstile::test
