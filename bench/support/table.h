// The table that all benchmarks use, about 100 bytes a row, and what they put into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/raw.h"

namespace turnstile::bench {

inline constexpr std::string_view kCreateTable =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT NOT NULL, val INTEGER NOT NULL, "
    "payload BLOB NOT NULL, created INTEGER NOT NULL)";
inline constexpr std::string_view kInsert =
    "INSERT INTO t(name, val, payload, created) VALUES (?1, ?2, ?3, ?4)";
inline constexpr std::string_view kUpdate = "UPDATE t SET val = val + 1 WHERE id = ?1";
/// The counters fit into a few pages, as those of an application do: writes that share a commit
/// share them too.
inline constexpr std::string_view kCreateCounters =
    "CREATE TABLE counter(id INTEGER PRIMARY KEY, n INTEGER NOT NULL); "
    "WITH RECURSIVE i(id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM i WHERE id < 999) "
    "INSERT INTO counter SELECT id, 0 FROM i";
inline constexpr std::string_view kCount = "UPDATE counter SET n = n + 1 WHERE id = ?1 % 1000";
inline constexpr std::string_view kSelect =
    "SELECT id, name, val, payload, created FROM t WHERE id = ?1";

/// Rows that a file has before the clock starts. 1.3 MiB, less than SQLite's default cache of 2
/// MiB: what is compared is the way to a row and not the disk.
inline constexpr std::int64_t kRows = 10'000;

/// One row. Threads: confined.
struct Record {
  std::int64_t id = 0;
  std::string name;
  std::int64_t val = 0;
  std::vector<std::byte> payload;
  std::int64_t created = 0;
};

/// Random keys of the table, the same ones in every run: xorshift64, which costs a nanosecond.
/// Threads: confined.
class Keys {
 public:
  explicit Keys(int seed) : state_(0x9E3779B97F4A7C15U * (static_cast<std::uint64_t>(seed) + 1)) {}

  std::int64_t next() noexcept {
    state_ ^= state_ << 13U;
    state_ ^= state_ >> 7U;
    state_ ^= state_ << 17U;
    return static_cast<std::int64_t>(state_ % static_cast<std::uint64_t>(kRows)) + 1;
  }

 private:
  std::uint64_t state_;
};

/// Rows made beforehand, so that making them is not what is measured. Threads: immutable.
class Records {
 public:
  Records() {
    constexpr std::size_t kPayloadBytes = 64;
    for (std::int64_t i = 0; i < kCount; ++i) {
      Record& record = records_.emplace_back();
      record.name = "record number " + std::to_string(1'000'000 + i);
      record.val = i * 1000;
      record.payload.assign(kPayloadBytes, static_cast<std::byte>(i));
      record.created = 1'700'000'000'000'000 + i;
    }
  }

  [[nodiscard]] const Record& operator[](std::int64_t i) const {
    return records_[static_cast<std::size_t>(i % kCount)];
  }

 private:
  static constexpr std::int64_t kCount = 1024;

  std::vector<Record> records_;
};

inline void insert_raw(RawStatement& insert, const Record& record) {
  insert.bind(1, record.name);
  insert.bind(2, record.val);
  insert.bind(3, record.payload);
  insert.bind(4, record.created);
  insert.run();
}

/// Makes a file in WAL mode with the table and so many rows, and leaves it closed.
inline void make_file(const std::string& path, std::int64_t rows) {
  RawConnection connection(path);
  connection.execute("PRAGMA journal_mode=WAL");
  connection.execute(std::string(kCreateTable));
  connection.execute(std::string(kCreateCounters));
  const Records records;
  connection.execute("BEGIN IMMEDIATE");
  {
    RawStatement insert(connection, kInsert);
    for (std::int64_t i = 0; i < rows; ++i)
      insert_raw(insert, records[i]);
  }
  connection.execute("COMMIT");
}

}  // namespace turnstile::bench
