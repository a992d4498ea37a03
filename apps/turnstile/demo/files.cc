// The file, its name, and what lies beside it.
#include <array>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "demo/demo.h"
#include "demo/plain.h"
#include "turnstile/recovery.h"
#include "turnstile/transaction.h"

namespace turnstile::cli::demo {

namespace {

namespace fs = std::filesystem;

constexpr int kRows = 100;
constexpr std::string_view kRowTable = "CREATE TABLE entry(id INTEGER PRIMARY KEY, data BLOB)";
constexpr std::string_view kAddRow = "INSERT INTO entry(data) VALUES (randomblob(2000))";
constexpr std::string_view kCountEntries = "SELECT count(*) FROM entry";
constexpr std::string_view kReadAll = "SELECT sum(length(data)) FROM entry";

// A file with kRows rows, closed.
void make_rows(Part& part, std::string_view name) {
  Plain db(part, name);
  db.must("PRAGMA journal_mode=WAL");
  db.must(kRowTable);
  for (int i = 0; i < kRows; ++i)
    db.must(kAddRow);
}

void add_row(const Database& db) {
  db.lane("demo").write([](WriteTx& tx) { tx.execute(kAddRow); });
}

std::int64_t count_rows(const Database& db) {
  return db.lane("demo").read(
      [](ReadTx& tx) { return tx.query<std::int64_t>(kCountEntries).one(); });
}

// The same file, made by Turnstile.
Database open_rows(const Part& part, std::string_view name = "app.db") {
  Options options;
  options.migrations = {{1, "entries", std::string(kRowTable)}};
  Database db = Database::open(part.file(name), std::move(options));
  db.lane("demo").write([](WriteTx& tx) {
    for (int i = 0; i < kRows; ++i)
      tx.execute(kAddRow);
  });
  return db;
}

// As a deployment does it that knows the database only.
void replace(const Part& part, const char* by) {
  fs::rename(part.file(by), part.file("app.db"));
}

void replaced_under_a_log(Part& part) {
  make_rows(part, "other.db");
  {
    Plain db(part, "app.db");
    db.must("PRAGMA journal_mode=WAL");
    db.must(kRowTable);
    replace(part, "other.db");
    for (int round = 0; round < kRounds; ++round)
      db.work(kAddRow);
    part.known().file_replaced = db.has_moved();
  }
  fs::remove(part.file("app.db-wal"));
  fs::remove(part.file("app.db-shm"));
  Plain again(part, "app.db");
  again.lost(kRows + kRounds - again.number(kCountEntries), "ROWS_MISSING", kAddRow);
  part.known().file_replaced = false;
}

void deleted_under_a_log(Part& part) {
  Plain db(part, "gone.db");
  db.must("PRAGMA journal_mode=WAL");
  db.must(kRowTable);
  fs::remove(part.file("gone.db"));
  for (int round = 0; round < kRounds; ++round)
    db.work(kAddRow);
  part.known().file_replaced = db.has_moved();
  db.close();
  if (!fs::exists(part.file("gone.db"))) db.lost(kRounds, "ROWS_MISSING", kAddRow);
  part.known().file_replaced = false;
}

void replaced(Part& part) {
  replaced_under_a_log(part);
  deleted_under_a_log(part);
  make_rows(part, "other.db");
  Plain db(part, "app.db");
  db.must("PRAGMA journal_mode=DELETE");
  replace(part, "other.db");
  for (int round = 0; round < kRounds; ++round)
    db.work(kAddRow);
}

void replaced_and_noticed(Part& part) {
  open_rows(part, "other.db").close();
  Database db = open_rows(part);
  replace(part, "other.db");
  part.refused("a write into the former file is refused", [&] { add_row(db); });
  db.close();
  const Database gone = open_rows(part, "gone.db");
  fs::remove(part.file("gone.db"));
  part.refused("a write into a deleted file is refused", [&] { add_row(gone); });
  for (const char* const left : {"app.db-wal", "app.db-shm"})
    fs::remove(part.file(left));
  db = Database::open(part.file("app.db"));
  for (int round = 0; round < kRounds; ++round)
    part.call([&] { add_row(db); });
  part.expect("rows in the new file", kRows + kRounds, count_rows(db));
}

void copied_without_log(Part& part) {
  Plain db(part, "app.db");
  db.must("PRAGMA journal_mode=WAL");
  db.must(kRowTable);
  db.must("PRAGMA wal_checkpoint(TRUNCATE)");
  for (int i = 0; i < kRows; ++i)
    db.work(kAddRow);
  fs::copy_file(part.file("app.db"), part.file("copy.db"));
  Plain copy(part, "copy.db");
  part.known().copied = true;
  copy.lost(kRows - copy.number(kCountEntries), "ROWS_MISSING", kCountEntries);
}

void backed_up(Part& part) {
  const Database db = open_rows(part);
  part.call([&] { db.backup(part.file("copy.db")); });
  const Database copy = Database::open(part.file("copy.db"));
  part.expect("rows in the copy", kRows, count_rows(copy));
}

// Changes the content of a blob in its place, so that the log has pages of content only.
void overwrite_blob(Plain& db) {
  sqlite3_blob* blob = nullptr;
  const std::string text(1000, 'x');
  if (sqlite3_blob_open(db.handle(), "main", "something", "data", 1, 1, &blob) != SQLITE_OK)
    throw std::runtime_error(sqlite3_errmsg(db.handle()));
  for (int at = 0; at + 1000 <= sqlite3_blob_bytes(blob); at += 1000)
    sqlite3_blob_write(blob, text.data(), 1000, at);
  sqlite3_blob_close(blob);
}

void leftover_log(Part& part) {
  make_rows(part, "good.db");
  {
    Plain former(part, "app.db");
    former.must("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0");
    former.must("CREATE TABLE something(id INTEGER PRIMARY KEY, data BLOB)");
    former.must("INSERT INTO something VALUES (1, zeroblob(200000))");
    former.must("PRAGMA wal_checkpoint(TRUNCATE)");
    overwrite_blob(former);
    // What a crash leaves.
    fs::copy_file(part.file("app.db-wal"), part.file("left"));
  }
  fs::copy_file(part.file("good.db"), part.file("app.db"), fs::copy_options::overwrite_existing);
  fs::rename(part.file("left"), part.file("app.db-wal"));
  Plain db(part, "app.db");
  part.known().copied = true;
  for (int round = 0; round < kRounds; ++round)
    db.work(kReadAll);
}

void restored(Part& part) {
  Database good = open_rows(part, "good.db");
  good.backup(part.file("backup.db"));
  open_counter(part).close();
  part.call([&] { restore(part.file("backup.db"), part.file("app.db")); });
  const Database db = Database::open(part.file("app.db"));
  for (int round = 0; round < kRounds; ++round)
    part.call([&] { part.expect("rows", kRows, count_rows(db)); });
}

void two_names(Part& part) {
  Plain db(part, "app.db");
  db.must("PRAGMA journal_mode=WAL");
  db.must(kRowTable);
  db.must("PRAGMA wal_checkpoint(TRUNCATE)");
  fs::create_hard_link(part.file("app.db"), part.file("name.db"));
  for (int i = 0; i < kRows; ++i)
    db.work(kAddRow);
  for (int round = 0; round < kRounds; ++round) {
    Plain other(part, "name.db");
    // A process of its own would miss the rows in silence; here the two logs share an index.
    if (other.work(kCountEntries))
      other.lost(kRows - other.number(kCountEntries) > 0 ? 1 : 0, "ROWS_MISSING", kCountEntries);
  }
}

void one_name(Part& part) {
  const Database db = open_rows(part);
  fs::create_hard_link(part.file("app.db"), part.file("name.db"));
  part.refused("a second name is refused",
               [&] { static_cast<void>(Database::open(part.file("name.db"))); });
  for (int round = 0; round < kRounds; ++round)
    part.call([&] { add_row(db); });
  part.expect("rows", kRows + kRounds, count_rows(db));
}

void immutable(Part& part) {
  Plain db(part, "app.db");
  db.must("PRAGMA journal_mode=WAL");
  db.must(kRowTable);
  db.must("PRAGMA wal_checkpoint(TRUNCATE)");
  for (int i = 0; i < kRows; ++i)
    db.work(kAddRow);
  Plain reader(part, "file:app.db?immutable=1", {.flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI});
  reader.lost(kRows - reader.number(kCountEntries), "ROWS_MISSING", kCountEntries);
}

void read_with_its_log(Part& part) {
  const Database db = open_rows(part);
  Shell other(part);
  other.must("PRAGMA user_version");  // So that the log stays, whoever closes.
  part.refused("immutable is refused where a log has content", [&] {
    Helper apart = part.start("helper");
    const Json said = Json::parse(apart.finish());
    if (!said.at("notes").empty())
      throw StorageError({.code = "DB_LOG_LEFT", .message = said.at("notes").at(0)});
  });
  part.call([&] { part.expect("rows", kRows, count_rows(db)); });
}

// A process that has not opened the file yet.
void open_as_immutable(Part& part) {
  Options options;
  options.mode = OpenMode::ReadOnly;
  options.immutable = true;
  part.refused("immutable",
               [&] { static_cast<void>(Database::open(part.file("app.db"), std::move(options))); });
}

void cut_short(Part& part) {
  make_rows(part, "app.db");
  fs::resize_file(part.file("app.db"), fs::file_size(part.file("app.db")) / 2);
  Plain db(part, "app.db");
  for (int round = 0; round < kRounds; ++round)
    db.work(kReadAll);
}

void save_what_is_there(Part& part) {
  part.call([&] {
    const RecoveryReport report = recover(part.file("app.db"), part.file("saved.db"));
    part.tally().note(std::to_string(report.rows()) + " rows of " + std::to_string(kRows) +
                      " were saved");
    part.expect("some rows were saved", 1, report.rows() > 0 ? 1 : 0);
  });
  const Database db = Database::open(part.file("saved.db"));
  for (int round = 0; round < kRounds; ++round)
    part.call([&] { add_row(db); });
}

void cut_short_and_saved(Part& part) {
  open_rows(part).close();
  fs::resize_file(part.file("app.db"), fs::file_size(part.file("app.db")) / 2);
  save_what_is_there(part);
}

// In the middle of the table's pages.
void overwrite_a_page(const Part& part) {
  std::fstream file(part.file("app.db"), std::ios::binary | std::ios::in | std::ios::out);
  constexpr std::streamoff kPage = 4096;
  file.seekp(kPage * 10);
  file << std::string(static_cast<std::size_t>(kPage), 'x');
}

void damaged(Part& part) {
  make_rows(part, "app.db");
  overwrite_a_page(part);
  Plain db(part, "app.db");
  for (int round = 0; round < kRounds; ++round)
    db.work(kReadAll);
}

void damaged_and_saved(Part& part) {
  open_rows(part).close();
  overwrite_a_page(part);
  save_what_is_there(part);
}

void write_letter(const Part& part) {
  std::ofstream(part.file("app.db")) << std::string(1000, 'a') << '\n';
}

void no_database(Part& part) {
  write_letter(part);
  Plain db(part, "app.db");
  for (int round = 0; round < kRounds; ++round)
    db.work("CREATE TABLE t(x)");
}

void no_database_is_refused(Part& part) {
  write_letter(part);
  const auto size = static_cast<std::int64_t>(fs::file_size(part.file("app.db")));
  part.refused("a file that is no database is refused",
               [&] { static_cast<void>(Database::open(part.file("app.db"))); });
  part.call([&] {
    part.expect("bytes of the file as before", size,
                static_cast<std::int64_t>(fs::file_size(part.file("app.db"))));
  });
}

void no_directory(Part& part) {
  for (int round = 0; round < kRounds; ++round) {
    Plain db(part, "data/" + std::to_string(round) + "/app.db");
    db.work("CREATE TABLE t(x)");
  }
}

void directory_is_made(Part& part) {
  Options options;
  options.create_directories = true;
  for (int round = 0; round < kRounds; ++round) {
    part.call([&] {
      const std::string path = part.file("data/" + std::to_string(round) + "/app.db");
      const Database db = Database::open(path, options);
      db.lane("demo").write([](WriteTx& tx) { tx.execute("CREATE TABLE t(x)"); });
    });
  }
}

constexpr auto kFileDemos = std::to_array<Demo>({
    {.name = "replaced-file",
     .work = "A program writes on after its file was replaced by another one, or deleted.",
     .plain = replaced,
     .turnstile = replaced_and_noticed},
    {.name = "copied-without-log",
     .work = "A database with 100 new rows is copied.",
     .plain = copied_without_log,
     .turnstile = backed_up},
    {.name = "leftover-log",
     .work = "A backup is put in the place of a database.",
     .plain = leftover_log,
     .turnstile = restored},
    {.name = "hard-link",
     .work = "A file with two names is written by one and read by the other.",
     .plain = two_names,
     .turnstile = one_name},
    {.name = "immutable-with-log",
     .work = "A program reads 100 rows that another one has written.",
     .plain = immutable,
     .turnstile = read_with_its_log,
     .helper = open_as_immutable},
    {.name = "truncated-file",
     .work = "The second half of the file is cut off.",
     .plain = cut_short,
     .turnstile = cut_short_and_saved},
    {.name = "damaged-file",
     .work = "A page of the file is overwritten.",
     .plain = damaged,
     .turnstile = damaged_and_saved},
    {.name = "not-a-database",
     .work = "A program opens a text file.",
     .plain = no_database,
     .turnstile = no_database_is_refused},
    {.name = "missing-directory",
     .work = "A program starts with a new directory.",
     .plain = no_directory,
     .turnstile = directory_is_made},
});

}  // namespace

std::span<const Demo> file_demos() noexcept {
  return kFileDemos;
}

}  // namespace turnstile::cli::demo
