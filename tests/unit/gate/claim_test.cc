#include "gate/claim.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <chrono>
#include <source_location>
#include <string>
#include <thread>

#include "gate/file_locks.h"

namespace turnstile::gate {
namespace {

using std::chrono::milliseconds;

TEST(Claim, CarriesTheKernelsIdOfItsThread) {
  EXPECT_EQ(Claim::of_this_thread("notes", std::source_location::current()).thread_id, ::gettid());
  std::thread([main = this_thread_id()] {
    EXPECT_EQ(this_thread_id(), ::gettid());
    EXPECT_NE(this_thread_id(), main);
  }).join();
}

TEST(Claim, NamesThreadLanePlaceAndProcessAsHolder) {
  Holder holder;
  const auto where = std::source_location::current();
  std::thread([&] {
    ::pthread_setname_np(::pthread_self(), "indexer");
    holder = Claim::of_this_thread("notes", where).as_holder("writer turn");
    EXPECT_EQ(holder.thread_id, ::gettid());
  }).join();
  EXPECT_EQ(holder.kind, Holder::Kind::Thread);
  EXPECT_EQ(holder.lock, "writer turn");
  EXPECT_EQ(holder.lane, "notes");
  EXPECT_EQ(holder.thread, "indexer");
  EXPECT_EQ(holder.pid, ::getpid());
  EXPECT_EQ(holder.program, program_of(::getpid()));
  EXPECT_EQ(holder.where, std::string(where.file_name()) + ":" + std::to_string(where.line()));
}

TEST(Claim, TellsTheAgeOnTheSystemsClock) {
  Claim claim = Claim::of_this_thread("notes", std::source_location::current());
  claim.since -= milliseconds(5000);
  const auto age = std::chrono::system_clock::now() - claim.as_holder("writer turn").since;
  EXPECT_GE(age, milliseconds(4999));
  EXPECT_LT(age, milliseconds(60000));
}

TEST(Claim, LeavesOutAThreadThatIsGone) {
  Claim claim;
  std::thread([&] {
    claim = Claim::of_this_thread("notes", std::source_location::current());
  }).join();
  EXPECT_EQ(claim.as_holder("writer turn").lane, "notes");
}

}  // namespace
}  // namespace turnstile::gate
