#include "turnstile/error.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "sqlite/error_code.h"

namespace turnstile {
namespace {

using namespace std::chrono_literals;

Error::Details details() {
  Error::Details details;
  details.code = code("DB_NOT_FOUND");
  details.message = "there is no file x.db";
  return details;
}

TEST(Error, SaysItsCodeAndItsMessage) {
  EXPECT_STREQ(Error(details()).what(), "DB_NOT_FOUND: there is no file x.db");
}

TEST(Error, TakesTheHintOfItsCode) {
  EXPECT_EQ(Error(details()).hint(),
            "Check the path, or open with OpenMode::ReadWriteCreate to make it.");
}

TEST(Error, KeepsAHintOfItsOwn) {
  Error::Details given = details();
  given.hint = "Mount the disk first.";
  EXPECT_EQ(Error(given).hint(), "Mount the disk first.");
}

TEST(Error, HasNoHintForACodeThatIsNotInTheTable) {
  Error::Details given = details();
  given.code = "SOMETHING_ELSE";
  EXPECT_EQ(Error(given).hint(), "");
}

TEST(Error, CanBeAskedAfterItWasMovedFrom) {
  Error error(details());
  const Error other = std::move(error);      // NOLINT(performance-move-const-arg)
  EXPECT_STREQ(error.what(), other.what());  // NOLINT(bugprone-use-after-move): it is the point
}

TEST(Error, IsCopiedWithoutThrowing) {
  EXPECT_TRUE(std::is_nothrow_copy_constructible_v<Error>);
  EXPECT_TRUE(std::is_nothrow_copy_constructible_v<Timeout>);
}

TEST(Timeout, KnowsItsHolderAfterItWasMovedFrom) {
  Timeout timeout(details(), Holder{.kind = Holder::Kind::Process, .pid = 42}, 5ms);
  const Timeout other = std::move(timeout);  // NOLINT(performance-move-const-arg)
  EXPECT_EQ(timeout.holder().pid, 42);       // NOLINT(bugprone-use-after-move): it is the point
  EXPECT_EQ(other.waited(), 5ms);
}

TEST(Holder, IsDescribedAsAProcess) {
  Holder holder;
  holder.kind = Holder::Kind::Process;
  holder.pid = 4711;
  holder.program = "sqlite3";
  holder.lock = "WAL write lock";
  EXPECT_EQ(holder.describe(), "process 4711 (sqlite3) holds the WAL write lock");
}

TEST(Holder, IsDescribedAsAThreadWithItsCall) {
  Holder holder;
  holder.kind = Holder::Kind::Thread;
  holder.thread_id = 12;
  holder.thread = "indexer";
  holder.lane = "notes";
  holder.lock = "writer turn";
  holder.where = "notes.cc:7";
  EXPECT_EQ(holder.describe(),
            "thread 12 (indexer), lane notes, holds the writer turn, since the call at notes.cc:7");
}

TEST(Holder, IsNotMadeUpWhenUnknown) {
  Holder holder;
  holder.lock = "gate";
  EXPECT_EQ(holder.describe(), "the holder of the gate could not be found");
}

TEST(Holder, HasNotHeldForANegativeTime) {
  Holder holder;
  holder.kind = Holder::Kind::Process;
  holder.pid = 1;
  holder.since = std::chrono::system_clock::now() + 1h;
  EXPECT_EQ(holder.describe(), "process 1 holds the lock, for 0 ms");
}

TEST(CommitState, HasAName) {
  EXPECT_EQ(to_string(CommitState::NotCommitted), "not committed");
  EXPECT_EQ(to_string(CommitState::Committed), "committed");
  EXPECT_EQ(to_string(CommitState::Unknown), "unknown");
}

TEST(ErrorCodes, AreInAlphabeticalOrderWithoutDoubles) {
  const auto codes = error_codes();
  EXPECT_TRUE(std::ranges::is_sorted(codes, {}, &ErrorCodeInfo::code));
  EXPECT_EQ(std::ranges::adjacent_find(codes, {}, &ErrorCodeInfo::code), codes.end());
}

TEST(ErrorCodes, AreUpperCase) {
  for (const ErrorCodeInfo& info : error_codes()) {
    EXPECT_TRUE(std::ranges::all_of(info.code, [](char c) {
      return (c >= 'A' && c <= 'Z') || c == '_';
    })) << info.code;
  }
}

TEST(ErrorCodes, AreExplainedInSentences) {
  for (const ErrorCodeInfo& info : error_codes()) {
    EXPECT_TRUE(info.meaning.ends_with('.')) << info.code;
    EXPECT_TRUE(info.hint.ends_with('.')) << info.code;
  }
}

}  // namespace
}  // namespace turnstile
