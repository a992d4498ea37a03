// What the tests of recovery have in common: a source that is made by SQLite, damaged by hand, and
// compared with what comes out of it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "support/child_process.h"
#include "support/files.h"
#include "support/raw_sqlite.h"
#include "support/temp_dir.h"
#include "turnstile/recovery.h"

namespace turnstile::test {

/// Numbers from 1 to `last`, as the table `n(i)` for an INSERT ... SELECT.
[[nodiscard]] inline std::string numbers(int last) {
  return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
         std::to_string(last) + ") ";
}

/// Of every kind of table, index and value that the file format knows.
[[nodiscard]] inline std::string schema_of_all_kinds() {
  return R"sql(
    CREATE TABLE note(id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, body BLOB,
                      score REAL);
    CREATE TABLE plain(a, b DEFAULT 'x');
    INSERT INTO plain(rowid, a) VALUES (10, 1), (20, -5), (-7, NULL), (9223372036854775807, 1e300),
                                       (30, 'täxt'), (31, 40000), (32, 9000000), (33, -3000000000),
                                       (34, 100000000000000), (35, 9e15), (36, x''), (37, '');
    ALTER TABLE plain ADD COLUMN added TEXT DEFAULT 'later';
    INSERT INTO plain(rowid, a, b, added) VALUES (40, 1, 2, 'now');
    CREATE TABLE keyed(v TEXT, k2 INTEGER, k1 TEXT, w, PRIMARY KEY(k1, k2)) WITHOUT ROWID;
    CREATE TABLE computed(a INTEGER, v AS (a * 2) VIRTUAL, s TEXT AS ('s' || a) STORED, b);
    INSERT INTO computed(a, b) VALUES (1, 'b1'), (2, 'b2');
    CREATE TABLE exact(a INT, b TEXT, c ANY, d REAL) STRICT;
    INSERT INTO exact VALUES (1, 'x', x'00ff', 2.0), (NULL, NULL, 'any', 3.5);
    CREATE TABLE descending(id INTEGER PRIMARY KEY DESC, v);
    INSERT INTO descending VALUES (3, 'c'), (1, 'a');
    CREATE TABLE "odd ""name"""("rowid" TEXT, "select" INT UNIQUE ON CONFLICT REPLACE);
    INSERT INTO "odd ""name""" VALUES ('r', 1), ('s', 2);
    CREATE TABLE child(id INTEGER PRIMARY KEY, note REFERENCES note(id));
    CREATE TABLE bare(a);
    CREATE INDEX note_title ON note(title);
    CREATE UNIQUE INDEX note_once ON note(title, score) WHERE score > 3;
    CREATE INDEX by_size ON plain(abs(a));
    CREATE VIEW good AS SELECT id, title FROM note WHERE score > 10;
    CREATE TRIGGER into_good INSTEAD OF INSERT ON good
      BEGIN INSERT INTO note(title) VALUES (new.title); END;
    CREATE TRIGGER counted AFTER INSERT ON child BEGIN INSERT INTO plain(a) VALUES (new.id); END;
    CREATE VIRTUAL TABLE docs USING fts5(title, body);
  )sql" + numbers(200) +
         "INSERT INTO note(title, body, score) SELECT 'note ' || i, randomblob(i * 11), i / 4.0 "
         "FROM n;" +
         numbers(150) +
         "INSERT INTO keyed SELECT 'value ' || i, i, 'key ' || (i % 7), zeroblob(i * 9) FROM n;"
         "INSERT INTO docs SELECT title, 'words of ' || title FROM note;"
         "DELETE FROM note WHERE id > 190; INSERT INTO child VALUES (1, 5); ANALYZE;";
}

class RecoveryTest : public testing::Test {
 protected:
  /// Makes the source anew.
  void make(const std::string& sql) const {
    std::filesystem::remove(source_);
    run_raw(source_, sql);
  }
  void make_all_kinds(int page_size = 1024) const {
    make("PRAGMA page_size=" + std::to_string(page_size) + ";" + schema_of_all_kinds());
  }
  /// A table `t(id, v)` with `rows` rows, about ten on a page of 512 bytes.
  void make_rows(int rows) const {
    make("PRAGMA page_size=512; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);" + numbers(rows) +
         "INSERT INTO t SELECT i, printf('value %030d', i) FROM n");
  }

  [[nodiscard]] RecoveryReport recover(const RecoveryOptions& options = {}) const {
    std::filesystem::remove(destination_);
    return turnstile::recover(source_, destination_, options);
  }

  /// One value out of the new file.
  [[nodiscard]] std::string ask(const std::string& sql) const { return run_raw(destination_, sql); }

  [[nodiscard]] std::uint32_t root_of(const std::string& name) const {
    return static_cast<std::uint32_t>(std::stoul(
        run_raw(source_, "SELECT rootpage FROM sqlite_schema WHERE name='" + name + "'")));
  }
  [[nodiscard]] std::size_t page_size() const {
    return std::stoul(run_raw(source_, "PRAGMA page_size"));
  }

  /// The numbers of the pages of a table or index that are `leaf` or `internal`.
  [[nodiscard]] std::vector<std::uint32_t> pages_of(const std::string& name,
                                                    const std::string& kind) const {
    const std::string list =
        run_raw(source_, "SELECT group_concat(pageno) FROM dbstat WHERE name='" + name +
                             "' AND pagetype='" + kind + "'");
    std::vector<std::uint32_t> pages;
    for (std::size_t at = 0; at < list.size();) {
      const std::size_t end = std::min(list.find(',', at), list.size());
      pages.push_back(static_cast<std::uint32_t>(std::stoul(list.substr(at, end - at))));
      at = end + 1;
    }
    return pages;
  }

  void patch(std::size_t offset, std::string_view bytes) const {
    std::string content = read_file(source_);
    content.replace(offset, bytes.size(), bytes);
    write_file(source_, content);
  }
  void zero_page(std::uint32_t number) const {
    const std::size_t size = page_size_;
    patch((number - 1) * size, std::string(size, '\0'));
  }

  /// What a database has, by the sqlite3 program, in an order that does not depend on the file.
  [[nodiscard]] static std::vector<std::string> dump_of(const std::string& path) {
    const ProgramResult dumped = run_program({"sqlite3", path, ".dump"});
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < dumped.output.size();) {
      const std::size_t end = std::min(dumped.output.find('\n', at), dumped.output.size());
      std::string line = dumped.output.substr(at, end - at);
      // Statistics are not recovered.
      if (line.find("sqlite_stat") == line.npos && !line.starts_with("ANALYZE"))
        lines.push_back(std::move(line));
      at = end + 1;
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  /// Tells where two dumps differ without filling the test's output with them.
  void expect_same_content() const {
    const std::vector<std::string> expected = dump_of(source_);
    const std::vector<std::string> found = dump_of(destination_);
    ASSERT_GT(expected.size(), 2U);
    EXPECT_EQ(found.size(), expected.size());
    const auto [missing, other] =
        std::mismatch(expected.begin(), expected.end(), found.begin(), found.end());
    EXPECT_TRUE(missing == expected.end() && other == found.end())
        << "the source has: " << (missing == expected.end() ? "" : missing->substr(0, 300))
        << "\nthe new file has: " << (other == found.end() ? "" : other->substr(0, 300));
  }

  static const RecoveredTable& table(const RecoveryReport& report, const std::string& name) {
    for (const RecoveredTable& each : report.tables)
      if (each.name == name) return each;
    throw std::runtime_error("the report has no table " + name);
  }

  TempDir directory_;
  std::string source_ = directory_.file("source.db");
  std::string destination_ = directory_.file("new.db");
  std::size_t page_size_ = 512;  // For zero_page(), which cannot ask a damaged file.
};

}  // namespace turnstile::test
