// Turnstile, through its public interface, in the shape of the other sides (raw_sides.h).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "contention/pending.h"
#include "contention/queries.h"
#include "turnstile/database.h"
#include "turnstile/error.h"

namespace turnstile::bench {

/// A ReadTx or a WriteTx in the shape of RawSession. Threads: scoped.
template <class Tx>
class LaneTx {
 public:
  explicit LaneTx(Tx& tx) : tx_(tx) {}

  template <class... Args>
  void execute(Query query, const Args&... args) {
    tx_.execute(text_of(query), args...);
  }
  template <class... T, class... Args>
  auto first(Query query, const Args&... args) {
    return tx_.template query<T...>(text_of(query), args...).first();
  }
  template <class F>
  void scan(Query query, F&& each) {
    for (auto [id, bytes] : tx_.template query<std::int64_t, BlobView>(text_of(query)))
      each(id, bytes);
  }

 private:
  Tx& tx_;
};

/// One Database; each client has a lane. Threads: shared.
class LaneSide {
 public:
  LaneSide(const std::string& path, Synchronous synchronous)
      : database_(Database::open(path, {.synchronous = synchronous})) {}

  /// Threads: confined.
  class Client {
   public:
    explicit Client(Lane lane) : lane_(std::move(lane)) {}

    template <class F>
    void write(F&& closure) {
      lane_.write([&](WriteTx& tx) {
        LaneTx<WriteTx> wrapped(tx);
        closure(wrapped);
      });
    }
    template <class F>
    void read(F&& closure) {
      lane_.read([&](ReadTx& tx) {
        LaneTx<ReadTx> wrapped(tx);
        closure(wrapped);
      });
    }

    /// Submits; waits only for own older writes, half of them, and only when kMostPending wait.
    /// What `closure` refers to must outlive the side.
    template <class F>
    void post(Tally& tally, const Window& window, F closure) {
      const Time from = Clock::now();
      if (pending_.size() == kMostPending) pending_.settle_half(tally, window);
      try {
        pending_.add(lane_.submit([closure](WriteTx& tx) mutable {
          LaneTx<WriteTx> wrapped(tx);
          closure(wrapped);
        }));
      } catch (const Error& error) {
        tally.fail(error.what());
      }
      tally.measure(window, from, Clock::now());
      pending_.settle_done(tally, window);
    }
    /// Waits for all that was posted.
    void settle(Tally& tally, const Window& window) { pending_.settle_all(tally, window); }

   private:
    // A thirty-second part of a lane's queue, so that the threads of a scenario fit into it: a
    // caller that runs into QueueFull all the time would measure what exceptions cost.
    static constexpr std::size_t kMostPending = 128;

    Lane lane_;
    Pending pending_;
  };

  [[nodiscard]] Client client(std::string_view name) const { return Client(database_.lane(name)); }

 private:
  Database database_;
};

}  // namespace turnstile::bench
