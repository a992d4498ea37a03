// One thread that plays one of the five subsystems through a client of some side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "contention/subsystems.h"

namespace turnstile::bench {

/// Threads: confined.
template <class Client>
class Player {
 public:
  /// `client` is a function that makes the client: connections do not move.
  template <class MakeClient>
  Player(Role role, int seed, const MakeClient& client)
      : role_(role), client_(client()), keys_(seed) {}

  void begin(const Window& window) {
    window_ = window;
    if (role_ == Role::Audit) pacer_ = Pacer(Clock::now(), kAuditPerSecond);
    if (role_ == Role::Cron) pacer_ = Pacer(Clock::now(), kCronPerSecond);
    if (role_ == Role::Tasks) pacer_ = Pacer(Clock::now(), kTaskStepsPerSecond);
  }

  [[nodiscard]] Time due() const noexcept { return pacer_.due(); }

  /// One call, or a read and a write that belong together.
  void step() {
    switch (role_) {
      case Role::Records:
        records();
        break;
      case Role::Vectors:
        vectors();
        break;
      case Role::Audit:
        audit();
        break;
      case Role::Cron:
        cron();
        break;
      case Role::Tasks:
        tasks();
        break;
    }
    ++steps_;
    pacer_.advance();
  }

  /// Waits for what was posted.
  MixTally finish() {
    client_.settle(tally_.audit, window_);
    return std::move(tally_);
  }

 private:
  static constexpr int kReadsPerUpdate = 8;

  void records() {
    for (int i = 0; i < kReadsPerUpdate; ++i) {
      tally_.reads.attempt(window_, [&] {
        client_.read([&](auto& tx) { found_ = read_entity(tx, keys_.next()).has_value(); });
      });
    }
    // The key outside the closure: what a transaction does depends on nothing that it changes.
    tally_.updates.attempt(window_, [&, key = keys_.next()] {
      client_.write([&](auto& tx) {
        const auto row = read_entity(tx, key);
        tx.execute(Query::EntityWrite, key, std::get<1>(row.value()) + 1);
      });
    });
  }

  template <class Tx>
  static auto read_entity(Tx& tx, std::int64_t key) {
    return tx.template first<std::string, std::int64_t>(Query::EntityRead, key);
  }

  void vectors() {
    const Embedding embedding = make_embedding(static_cast<std::uint64_t>(keys_.next()));
    const std::int64_t first = keys_.next();
    tally_.upserts.attempt(window_, [&] {
      client_.write([&](auto& tx) {
        for (std::int64_t i = 0; i < kUpserts; ++i)
          tx.execute(Query::EmbeddingUpsert, (first + i) % kEmbeddings + 1,
                     std::as_bytes(std::span(embedding)));
      });
    });
    tally_.searches.attempt(
        window_, [&] { client_.read([&](auto& tx) { nearest_ = nearest(tx, embedding); }); });
  }

  template <class Tx>
  static std::int64_t nearest(Tx& tx, const Embedding& wanted) {
    std::int64_t best = 0;
    float best_likeness = 0;
    tx.scan(Query::EmbeddingScan, [&](std::int64_t id, std::span<const std::byte> bytes) {
      const float this_likeness = likeness(wanted, bytes);
      if (best != 0 && this_likeness <= best_likeness) return;
      best = id;
      best_likeness = this_likeness;
    });
    return best;
  }

  void audit() {
    client_.post(tally_.audit, window_, [at = steps_](auto& tx) {
      tx.execute(Query::AuditAppend, at, std::string_view("someone"),
                 std::string_view("changed the entity with the number in question"));
    });
  }

  void cron() {
    tally_.cron.attempt(window_, [&, job = keys_.next() % kCronJobs + 1] {
      client_.write([&](auto& tx) {
        const std::int64_t runs = tx.template first<std::int64_t>(Query::CronRead, job).value();
        tx.execute(Query::CronWrite, job, runs + 1);
      });
    });
  }

  void tasks() {
    switch (steps_ % 3) {
      case 0:
        if (tally_.tasks.attempt(window_, [&] { enqueue(); })) ++tally_.enqueued;
        break;
      case 1:
        claimed_.reset();
        tally_.tasks.attempt(window_, [&] { claim(); });
        break;
      default:
        if (claimed_ && tally_.tasks.attempt(window_, [&] { complete(); })) ++tally_.completed;
    }
  }
  void enqueue() {
    client_.write([](auto& tx) {
      tx.execute(Query::TaskEnqueue, std::string_view("chunk and embed document 4711"));
    });
  }
  void claim() {
    std::optional<std::int64_t> found;
    client_.write([&](auto& tx) {
      found = tx.template first<std::int64_t>(Query::TaskFind);
      if (found) tx.execute(Query::TaskClaim, *found);
    });
    claimed_ = found;  // Only now is it ours.
  }
  void complete() {
    client_.write([&](auto& tx) { tx.execute(Query::TaskComplete, *claimed_); });
  }

  Role role_;
  Client client_;
  Keys keys_;
  Window window_;
  Pacer pacer_;
  MixTally tally_;
  std::int64_t steps_ = 0;
  std::optional<std::int64_t> claimed_;
  std::int64_t nearest_ = 0;  // Kept, so that the compiler does not leave the search out.
  bool found_ = false;
};

}  // namespace turnstile::bench
