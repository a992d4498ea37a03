// An audit log whose disk is full: it keeps the events, says so, and does not spin.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>

#include "support/audit_database.h"
#include "support/files.h"
#include "support/log_events.h"
#include "support/small_disk.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

std::chrono::microseconds processor_time() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

// AUD-06: the counter rises, the processor rests, and what was recorded is written in the end.
TEST(AuditOnAFullDisk, KeepsTheEventsTellsAndDoesNotSpin) {
  const std::string answer = on_small_disk(1 << 20, [](const std::string& disk) -> std::string {
    LogEvents told;
    const Database db = Database::open(disk + "/app.db");
    AuditOptions options;
    options.log_sink = told.sink();
    AuditLog log(db.lane("audit"), options);
    log.start();
    log.record({.action = "before"});
    if (!log.flush()) return "cannot write at first";
    write_file(disk + "/ballast", std::string(fs::space(disk).available, 'x'));
    for (int i = 0; i < 200; ++i)
      log.record({.action = "act", .detail = '"' + std::string(1000, 'x') + '"'});
    if (log.flush(1s)) return "there was room";
    const auto before = processor_time();
    // sleep: what a log costs that cannot write is what is measured.
    std::this_thread::sleep_for(2s);
    const auto used = processor_time() - before;
    const std::uint64_t failures = log.stats().failures;
    const std::string told_first = told.of("AUDIT_WRITE_FAILED").front();
    fs::remove(disk + "/ballast");
    if (!log.flush(30s)) return "cannot write afterwards";
    const AuditVerification verification = log.trail().verify();
    return "failures " + std::to_string(failures) + ", cpu " +
           std::to_string(used.count() * 100 / 2'000'000) + " %, events " +
           std::to_string(verification.events) + ", ok " + std::to_string(verification.ok()) +
           ", told " + told_first;
  });
  std::cout << answer << '\n';
  if (is_without_small_disk(answer)) return;
  ASSERT_THAT(answer, StartsWith("failures "));
  const auto number_behind = [&](std::string_view word) {
    return std::stoi(answer.substr(answer.find(word) + word.size()));
  };
  EXPECT_GE(number_behind("failures "), 2);
  EXPECT_LT(number_behind("cpu "), 5);
  EXPECT_EQ(number_behind("events "), 201);
  EXPECT_EQ(number_behind("ok "), 1);
  EXPECT_THAT(answer, HasSubstr("told DB_DISK_FULL"));
}

TEST(AuditOnAFullDisk, FailsTheCallerOfRecordSyncAndLeavesTheChainWhole) {
  const std::string answer = on_small_disk(1 << 20, [](const std::string& disk) -> std::string {
    const Database db = Database::open(disk + "/app.db");
    AuditLog log(db.lane("audit"));
    record_many(log, 3);
    write_file(disk + "/ballast", std::string(fs::space(disk).available, 'x'));
    std::string code = "nothing was thrown";
    try {
      for (int i = 0; i < 100; ++i)
        log.record_sync({.action = "act", .detail = '"' + std::string(10'000, 'x') + '"'});
    } catch (const StorageError& error) {
      code = error.code();
    }
    fs::remove(disk + "/ballast");
    record_many(log, 1);
    return code + " " + std::to_string(log.trail().verify().ok());
  });
  if (is_without_small_disk(answer)) return;
  EXPECT_EQ(answer, "DB_DISK_FULL 1");
}

}  // namespace
}  // namespace turnstile::test
