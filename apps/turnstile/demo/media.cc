// Permissions and space.
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "demo/demo.h"
#include "demo/plain.h"
#include "turnstile/transaction.h"

namespace turnstile::cli::demo {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCountAll = "SELECT count(*) FROM record";
constexpr std::string_view kAddRecord = "INSERT INTO record(data) VALUES (zeroblob(1000))";
constexpr std::string_view kRecordTable = "CREATE TABLE record(id INTEGER PRIMARY KEY, data BLOB)";
constexpr const char* kMedium = "medium/app.db";

// A directory `medium` with a database, which nobody may write to any more; with a log if asked.
void make_medium(Part& part, bool with_log) {
  fs::create_directory(part.file("medium"));
  {
    Plain db(part, "app.db");
    db.must("PRAGMA journal_mode=WAL");
    db.must(kRecordTable);
    for (int i = 0; i < kRounds; ++i)
      db.must(kAddRecord);
    fs::copy_file(part.file("app.db"), part.file(kMedium));
    if (with_log) fs::copy_file(part.file("app.db-wal"), part.file("medium/app.db-wal"));
  }
  if (!with_log)
    fs::copy_file(part.file("app.db"), part.file(kMedium), fs::copy_options::overwrite_existing);
  ::chmod(part.file("medium").c_str(), 0555);
  ::chmod(part.file(kMedium).c_str(), 0444);
}

// For root, permissions mean nothing.
void become_nobody() {
  constexpr uid_t kNobody = 65534;
  if (::geteuid() != 0) return;
  if (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)
    throw Impossible("root cannot become another user here");
}

void read_medium(Part& part) {
  Plain db(part, kMedium);
  for (int round = 0; round < kRounds; ++round)
    db.work(kCountAll);
}

void medium_without_log(Part& part) {
  make_medium(part, false);
  become_nobody();
  read_medium(part);
}

void medium_with_log(Part& part) {
  make_medium(part, true);
  become_nobody();
  read_medium(part);
}

void count_records(Part& part, const Database& db) {
  for (int round = 0; round < kRounds; ++round) {
    part.call([&] {
      const auto found =
          db.lane("demo").read([](ReadTx& tx) { return tx.query<std::int64_t>(kCountAll).one(); });
      part.expect("rows", kRounds, found);
    });
  }
}

void read_as_immutable(Part& part) {
  make_medium(part, false);
  become_nobody();
  Options options;
  options.mode = OpenMode::ReadOnly;
  part.refused("what is missing is told",
               [&] { static_cast<void>(Database::open(part.file(kMedium), options)); });
  options.immutable = true;
  const Database db = Database::open(part.file(kMedium), options);
  count_records(part, db);
}

void read_a_copy_of_both(Part& part) {
  make_medium(part, true);
  // What the hint of the refusal says: both files, to a place that can be written.
  fs::create_directory(part.file("here"));
  for (const char* const name : {"app.db", "app.db-wal"})
    fs::copy_file(part.file("medium") + "/" + name, part.file("here") + "/" + name);
  ::chmod(part.file("here/app.db").c_str(), 0666);
  ::chmod(part.file("here/app.db-wal").c_str(), 0666);
  ::chmod(part.file("here").c_str(), 0777);
  become_nobody();
  Options options;
  options.mode = OpenMode::ReadOnly;
  part.refused("what to do is told",
               [&] { static_cast<void>(Database::open(part.file(kMedium), options)); });
  const Database db = Database::open(part.file("here/app.db"));
  count_records(part, db);
}

constexpr std::size_t kDiskBytes = 2 << 20;
constexpr std::size_t kSpareBytes = 1 << 20;
constexpr int kRecords = 900;  // More than there is room for beside the spare file.

// In WAL mode deleting rows needs room, too.
constexpr int kDeleted = 20;
constexpr std::string_view kDeleteSome = "DELETE FROM record WHERE id <= 20";

void keep_a_spare_file(const Part& part) {
  std::ofstream(part.file("spare")) << std::string(kSpareBytes, 's');
}

void fill_the_disk(Part& part) {
  keep_a_spare_file(part);
  Plain db(part, "app.db");
  make_counter(db);
  db.must(kRecordTable);
  for (int i = 0; i < kRecords; ++i)
    db.work(kAddRecord);
  db.work(kDeleteSome);
}

void go_on_with_space(Part& part) {
  keep_a_spare_file(part);
  Options options;
  options.checkpoint_frames = 50;  // The log has to fit on the disk, too.
  const Database db = Database::open(part.file("app.db"), options);
  const Lane lane = db.lane("demo");
  lane.write([](WriteTx& tx) { tx.execute_script(kRecordTable); });
  const auto add = [&] { lane.write([](WriteTx& tx) { tx.execute(kAddRecord); }); };
  for (int i = 0; i < kRecords; ++i) {
    part.call([&] {
      try {
        add();
      } catch (const StorageError& error) {
        if (error.code() != "DB_DISK_FULL" || !fs::remove(part.file("spare"))) throw;
        part.tally().note("room was made after: " + std::string(error.what()));
        db.maintenance().checkpoint();
        add();
      }
    });
  }
  const auto stored = lane.read([](ReadTx& tx) { return tx.query<std::int64_t>(kCountAll).one(); });
  part.expect("rows that were reported as stored", kRecords, stored);
  db.maintenance().checkpoint();
  part.call([&] {
    lane.write([&](WriteTx& tx) {
      part.expect("rows that are deleted", kDeleted, tx.execute(kDeleteSome).changes);
    });
  });
}

constexpr auto kMediumDemos = std::to_array<Demo>({
    {.name = "read-only-directory",
     .work = "A program reads a database in a directory that it may not write to.",
     .plain = medium_without_log,
     .turnstile = read_as_immutable},
    {.name = "missing-shm",
     .work = "A program reads a database with a log, in a directory that it may not write to.",
     .plain = medium_with_log,
     .turnstile = read_a_copy_of_both},
    {.name = "disk-full",
     .work = "900 rows go to a disk with too little room but for a spare file; some are deleted.",
     .plain = fill_the_disk,
     .turnstile = go_on_with_space,
     .small_disk_bytes = kDiskBytes},
});

}  // namespace

std::span<const Demo> medium_demos() noexcept {
  return kMediumDemos;
}

}  // namespace turnstile::cli::demo
