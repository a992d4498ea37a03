// Three ways to share a file among threads with SQLite's C interface. A side is the process's part
// and lives as long as the run; a client is what one thread has of it, with write(), read() and
// post(). The scenarios are templates over them.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contention/raw_session.h"
#include "contention/tally.h"

namespace turnstile::bench {

/// Every thread its own connection; a write begins with BEGIN IMMEDIATE. Threads: shared.
class NaiveSide {
 public:
  NaiveSide(std::string path, Synchronous synchronous)
      : path_(std::move(path)), synchronous_(synchronous) {}

  /// Threads: confined.
  class Client {
   public:
    Client(const std::string& path, Synchronous synchronous) : session_(path, synchronous) {}

    template <class F>
    void write(F&& closure) {
      session_.write(Begin::Immediate, closure);
    }
    template <class F>
    void read(F&& closure) {
      closure(session_);
    }
    /// Nobody takes the write over, so the caller waits for it.
    template <class F>
    void post(Tally& tally, const Window& window, F&& closure) {
      tally.attempt(window, [&] { write(closure); });
    }
    void settle(Tally& /*tally*/, const Window& /*window*/) {}

   private:
    RawSession session_;
  };

  [[nodiscard]] Client client(std::string_view /*name*/) const { return {path_, synchronous_}; }

 private:
  std::string path_;
  Synchronous synchronous_;
};

/// The cure that circulates: a pool of four connections, each of which sets the write-ahead log and
/// a busy timeout; transactions begin with plain BEGIN. Threads: shared.
class PublishedSide {
 public:
  PublishedSide(const std::string& path, Synchronous synchronous) {
    for (int i = 0; i < kConnections; ++i) {
      sessions_.push_back(std::make_unique<RawSession>(path, synchronous));
      sessions_.back()->connection().execute("PRAGMA journal_mode=WAL");
    }
  }

  /// Threads: confined.
  class Client {
   public:
    explicit Client(PublishedSide& side) : side_(side) {}

    template <class F>
    void write(F&& closure) {
      const Lease lease(side_);
      lease.session().write(Begin::Deferred, closure);
    }
    template <class F>
    void read(F&& closure) {
      const Lease lease(side_);
      closure(lease.session());
    }
    template <class F>
    void post(Tally& tally, const Window& window, F&& closure) {
      tally.attempt(window, [&] { write(closure); });
    }
    void settle(Tally& /*tally*/, const Window& /*window*/) {}

   private:
    PublishedSide& side_;
  };

  [[nodiscard]] Client client(std::string_view /*name*/) { return Client(*this); }

 private:
  static constexpr int kConnections = 4;

  /// Threads: confined.
  class Lease {
   public:
    explicit Lease(PublishedSide& side) : side_(side), session_(side.take()) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { side_.give(std::move(session_)); }
    [[nodiscard]] RawSession& session() const noexcept { return *session_; }

   private:
    PublishedSide& side_;
    std::unique_ptr<RawSession> session_;
  };

  std::unique_ptr<RawSession> take() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return !sessions_.empty(); });
    auto session = std::move(sessions_.back());
    sessions_.pop_back();
    return session;
  }
  void give(std::unique_ptr<RawSession> session) {
    {
      const std::lock_guard lock(mutex_);
      sessions_.push_back(std::move(session));
    }
    returned_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<RawSession>> sessions_;
};

/// One connection behind one mutex. Threads: shared.
class MutexSide {
 public:
  MutexSide(const std::string& path, Synchronous synchronous) : session_(path, synchronous) {}

  /// Threads: confined.
  class Client {
   public:
    explicit Client(MutexSide& side) : side_(side) {}

    template <class F>
    void write(F&& closure) {
      const std::lock_guard lock(side_.mutex_);
      side_.session_.write(Begin::Immediate, closure);
    }
    template <class F>
    void read(F&& closure) {
      const std::lock_guard lock(side_.mutex_);
      closure(side_.session_);
    }
    template <class F>
    void post(Tally& tally, const Window& window, F&& closure) {
      tally.attempt(window, [&] { write(closure); });
    }
    void settle(Tally& /*tally*/, const Window& /*window*/) {}

   private:
    MutexSide& side_;
  };

  [[nodiscard]] Client client(std::string_view /*name*/) { return Client(*this); }

 private:
  std::mutex mutex_;
  RawSession session_;
};

}  // namespace turnstile::bench
