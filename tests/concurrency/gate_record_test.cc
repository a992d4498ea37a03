#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>

#include "gate/gate_file.h"

namespace turnstile::gate {
namespace {

// All of an owner follows from one number, so that a mixture of two is noticed.
GateOwner owner_of(std::int64_t number) {
  GateOwner owner;
  owner.pid = number;
  owner.thread_id = number + 1;
  owner.since_ns = number + 2;
  owner.pid_namespace = static_cast<std::uint64_t>(number) + 3;
  owner.slot = static_cast<int>(number % kGateSlots);
  owner.generation = static_cast<std::uint32_t>(number);
  owner.set_lane(std::string(40, static_cast<char>('a' + number % 26)));
  return owner;
}

bool is_whole(const GateOwner& owner) {
  const GateOwner expected = owner_of(owner.pid);
  return owner.thread_id == expected.thread_id && owner.since_ns == expected.since_ns &&
         owner.pid_namespace == expected.pid_namespace && owner.slot == expected.slot &&
         owner.generation == expected.generation && owner.lane == expected.lane;
}

TEST(GateRecord, IsNeverReadInPieces) {
  constexpr std::int64_t kReadings = 20000;
  GateRecord record{};
  std::atomic<bool> done{false};
  std::jthread writer([&] {
    for (std::int64_t number = 1; !done; ++number) {
      record.write(owner_of(number));
      if (number % 8 == 0) record.clear();
    }
  });
  std::int64_t seen = 0;
  std::int64_t torn = 0;
  while (seen < kReadings) {
    if (const std::optional<GateOwner> owner = record.read()) {
      ++seen;
      torn += is_whole(*owner) ? 0 : 1;
    }
  }
  done = true;
  EXPECT_EQ(torn, 0);
}

}  // namespace
}  // namespace turnstile::gate
