// Keeps everybody else waiting for the writer's turn.
#pragma once

#include <future>
#include <latch>

#include "turnstile/lane.h"

namespace turnstile::test {

/// Keeps the writer's turn until it is destroyed or let go.
///
/// Threads: confined.
class BusyWriter {
 public:
  explicit BusyWriter(const Lane& lane)
      : write_(std::async(std::launch::async, [this, lane] {
          lane.write([this](WriteTx&) {
            begun_.count_down();
            done_.wait();
          });
        })) {
    begun_.wait();
  }
  ~BusyWriter() { let_go(); }
  BusyWriter(const BusyWriter&) = delete;
  BusyWriter& operator=(const BusyWriter&) = delete;

  void let_go() {
    if (!write_.valid()) return;
    done_.count_down();
    write_.get();
  }

 private:
  std::latch begun_{1};
  std::latch done_{1};
  std::future<void> write_;
};

}  // namespace turnstile::test
