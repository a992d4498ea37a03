#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "turnstile/causes.h"

namespace turnstile {
namespace {

std::vector<std::string> names_in(std::string_view list) {
  std::istringstream stream{std::string(list)};
  std::vector<std::string> names;
  for (std::string name; stream >> name;)
    names.push_back(name);
  return names;
}

// The names that other parts of the program and the order for this one rely on.
TEST(Causes, HaveTheNamesThatAreAgreedOn) {
  for (const char* const id :
       {"upgrade-after-read", "stale-snapshot", "shared-cache-table-lock",
        "wal-switch-beside-writer", "recovery-after-crash", "foreign-writer",
        "exclusive-locking-mode", "open-statement", "checkpoint-waits-on-reader", "last-close",
        "hot-journal", "two-engines", "forked-connection", "replaced-file", "network-file-system",
        "read-only-directory", "missing-shm", "disk-full"}) {
    EXPECT_NE(find_cause(id), nullptr) << id;
  }
  EXPECT_EQ(find_cause("no-such-cause"), nullptr);
}

TEST(Causes, HaveEachNameOnce) {
  std::set<std::string_view> ids;
  for (const Cause& cause : causes())
    EXPECT_TRUE(ids.insert(cause.id).second) << cause.id;
}

TEST(Causes, SayWhatHappensHowItIsFoundAndHowItIsCured) {
  for (const Cause& cause : causes()) {
    for (const std::string_view text : {cause.meaning, cause.signs, cause.cure, cause.turnstile})
      EXPECT_TRUE(text.ends_with('.')) << cause.id << ": " << text;
    EXPECT_FALSE(cause.title.empty() || cause.title.ends_with('.')) << cause.id;
  }
}

TEST(Causes, NameResultCodesThatThereAre) {
  for (const Cause& cause : causes())
    for (const std::string& name : names_in(cause.sqlite_codes))
      EXPECT_TRUE(std::ranges::any_of(result_codes(),
                                      [&](const ResultCode& code) { return code.name == name; }))
          << cause.id << ": " << name;
}

TEST(Causes, NameErrorCodesThatThereAre) {
  for (const Cause& cause : causes())
    for (const std::string& name : names_in(cause.error_codes))
      EXPECT_TRUE(std::ranges::any_of(error_codes(),
                                      [&](const ErrorCodeInfo& info) { return info.code == name; }))
          << cause.id << ": " << name;
}

// Every failure of the kinds that this is about leads somewhere.
TEST(Causes, ThereIsOneForEachKindOfFailure) {
  for (const int kind :
       {SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL, SQLITE_SCHEMA, SQLITE_FULL, SQLITE_IOERR,
        SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_NOTADB, SQLITE_CORRUPT}) {
    for (const ResultCode& code : result_codes()) {
      if ((code.number & 0xff) != kind) continue;
      const auto found = explain(code.name);
      ASSERT_TRUE(found) << code.name;
      EXPECT_FALSE(found->causes.empty()) << code.name;
    }
  }
}

TEST(ResultCodes, SayWhatTheEngineSays) {
  for (const ResultCode& code : result_codes())
    EXPECT_EQ(code.message, sqlite3_errstr(code.number)) << code.name;
}

TEST(ResultCodes, AreInOrderAndNotDoubled) {
  for (std::size_t i = 1; i < result_codes().size(); ++i)
    EXPECT_LT(result_codes()[i - 1].number, result_codes()[i].number);
}

}  // namespace
}  // namespace turnstile
