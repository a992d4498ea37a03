#include "demo/part.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <utility>

#include "text.h"
#include "turnstile/transaction.h"

namespace turnstile::cli::demo {

std::string Part::file(std::string_view name) const {
  return (std::filesystem::current_path() / name).string();
}

void Part::say(std::string_view line) const {
  const std::string text = std::string(line) + "\n";
  if (::write(STDOUT_FILENO, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("nobody listens to this part of the demonstration");
}

std::string Part::hear() {
  std::size_t end = 0;
  std::array<char, 4096> block{};
  while ((end = buffer_.find('\n')) == std::string::npos) {
    const ssize_t count = ::read(STDIN_FILENO, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return {};
    buffer_.append(block.data(), static_cast<std::size_t>(count));
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return line;
}

Helper Part::start(std::string_view part) const {
  return Helper(cause_, part, {.directory = std::filesystem::current_path().string()});
}

void Part::call(const std::function<void()>& operation) {
  try {
    operation();
    tally_.done();
  } catch (const Error& error) {
    tally_.failed(error.code(), error.message(), diagnose_failure(error));
  }
}

void Part::refused(std::string_view what, const std::function<void()>& operation) {
  try {
    operation();
  } catch (const Error& error) {
    tally_.note(std::string(what) + ": " + error.what());
    return;
  }
  tally_.failed("NOT_REFUSED", std::string(what) + " was not refused", std::nullopt);
}

void Part::expect(std::string_view what, std::int64_t wanted, std::int64_t found) {
  if (wanted == found) return;
  tally_.note(std::string(what) + ": " + std::to_string(found) + " instead of " +
              std::to_string(wanted));
  tally_.lost(wanted > found ? wanted - found : found - wanted, "WRONG_RESULT", std::nullopt);
}

Database open_counter(const Part& part, Options options) {
  options.migrations = {{1, "counter",
                         "CREATE TABLE counter(id INTEGER PRIMARY KEY, value INTEGER NOT NULL);"
                         "INSERT INTO counter VALUES (1, 0), (2, 0);"}};
  return Database::open(part.file("app.db"), std::move(options));
}

std::int64_t value_of(const Database& db, int id) {
  return db.lane("demo").read([id](ReadTx& tx) {
    return tx.query<std::int64_t>("SELECT value FROM counter WHERE id = ?", id).one();
  });
}

void add_one(WriteTx& tx, int id) {
  const auto value = tx.query<std::int64_t>("SELECT value FROM counter WHERE id = ?", id).one();
  tx.execute("UPDATE counter SET value = ? WHERE id = ?", value + 1, id);
}

void count_together(Part& part, const Database& db, int threads) {
  const std::int64_t before = value_of(db);
  std::vector<std::jthread> all;
  for (int i = 0; i < threads; ++i) {
    all.emplace_back([&part, lane = db.lane("demo")] {
      for (int round = 0; round < kRounds; ++round)
        part.call([&] { lane.write([](WriteTx& tx) { add_one(tx); }); });
    });
  }
  all.clear();
  part.expect("additions that are in the file", before + std::int64_t{threads} * kRounds,
              value_of(db));
}

void two_threads_count(Part& part) {
  const Database db = open_counter(part);
  count_together(part, db);
}

void read_beside_writer(Part& part, const Database& db) {
  const Lane lane = db.lane("demo");
  for (int round = 0; round < kRounds; ++round) {
    part.call([&] {
      lane.read([&](ReadTx& tx) {
        const char* const sql = "SELECT value FROM counter WHERE id = 1";
        const auto before = tx.query<std::int64_t>(sql).one();
        std::jthread([&] {
          part.call([&] { lane.write([](WriteTx& write) { add_one(write); }); });
        }).join();
        part.expect("the reader's snapshot", before, tx.query<std::int64_t>(sql).one());
      });
    });
  }
  part.expect("additions that are in the file", kRounds, value_of(db));
}

void start_together(Part& part, int processes) {
  std::vector<Helper> helpers;
  for (int i = 0; i < processes; ++i)
    helpers.push_back(part.start("start"));
  for (Helper& helper : helpers)
    static_cast<void>(helper.hear());
  for (const Helper& helper : helpers)
    helper.send("go");
  for (Helper& helper : helpers)
    part.tally().add(Json::parse(helper.finish()));
}

void run_start(Part& part) {
  part.say("ready");
  if (part.hear().empty()) return;
  part.call([&] {
    // As many may start at once as the machine lets them, so patience costs nothing.
    Options options;
    options.busy_timeout = std::chrono::seconds(30);
    Database db = open_counter(part, options);
    db.lane("start").write([](WriteTx& tx) { add_one(tx, 2); });
    db.close();
  });
}

}  // namespace turnstile::cli::demo
