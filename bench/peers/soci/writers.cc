// SOCI's connection_pool, SOCI's own answer to more threads than sessions. Of pools of 1, 2, 4, 10
// and 16 sessions the one of 4 was fastest. Whoever writes leases a session and uses a
// soci::transaction. Statements are prepared once for each session and kept beside it, which SOCI's
// documentation recommends for what is executed again and again; a session that is made from the
// pool in the short way would have to prepare them for each write.
#include <soci/soci.h>
#include <soci/version.h>

#include <memory>

#include "peers/writers.h"

namespace turnstile::bench {
namespace {

/// A session of the pool, and the statements and values that belong to it. Threads: confined.
class SociWriter {
 public:
  explicit SociWriter(soci::session& session)
      : session_(session),
        payload_(session),
        insert_((session.prepare << std::string(kInsert), soci::use(name_), soci::use(val_),
                 soci::use(payload_), soci::use(created_))),
        count_((session.prepare << std::string(kCount), soci::use(key_))) {}

  void write(const Record& record, std::int64_t key) {
    name_ = record.name;
    val_ = record.val;
    // All have the same length, so that nothing is left of the one before.
    payload_.write(0, reinterpret_cast<const char*>(record.payload.data()), record.payload.size());
    created_ = record.created;
    key_ = key;
    soci::transaction transaction(session_);
    insert_.execute(true);
    count_.execute(true);
    transaction.commit();
  }

 private:
  soci::session& session_;
  std::string name_;
  long long val_ = 0;
  soci::blob payload_;
  long long created_ = 0;
  long long key_ = 0;
  soci::statement insert_;
  soci::statement count_;
};

/// Threads: shared.
class SociPool {
 public:
  explicit SociPool(const std::string& path) : pool_(kSessions) {
    for (std::size_t i = 0; i < kSessions; ++i) {
      soci::session& session = pool_.at(i);
      session.open("sqlite3", "db=\"" + path + "\" timeout=5 synchronous=NORMAL");
      session << "PRAGMA foreign_keys=ON";
      writers_.push_back(std::make_unique<SociWriter>(session));
    }
  }

  void write(const Record& record, std::int64_t key) {
    const Lease lease(pool_);
    writers_[lease.position()]->write(record, key);
  }

 private:
  static constexpr std::size_t kSessions = 4;

  /// Threads: confined.
  class Lease {
   public:
    explicit Lease(soci::connection_pool& pool) : pool_(pool), position_(pool.lease()) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { pool_.give_back(position_); }
    [[nodiscard]] std::size_t position() const noexcept { return position_; }

   private:
    soci::connection_pool& pool_;
    std::size_t position_;
  };

  soci::connection_pool pool_;
  std::vector<std::unique_ptr<SociWriter>> writers_;  // They end before their sessions.
};

/// Threads: confined.
class SociClient {
 public:
  explicit SociClient(SociPool& pool) : pool_(pool) {}
  void write(const Record& record, std::int64_t key) { pool_.write(record, key); }

 private:
  SociPool& pool_;
};

}  // namespace
}  // namespace turnstile::bench

int main(int argc, char** argv) {
  using namespace turnstile::bench;
  constexpr int kVersion = SOCI_VERSION;  // 400'003 is 4.0.3.
  const std::string peer = "SOCI " + std::to_string(kVersion / 100'000) + "." +
                           std::to_string(kVersion / 100 % 1000) + "." +
                           std::to_string(kVersion % 100);
  return answer(argc, argv, peer, [](const Task& task) {
    SociPool pool(task.file);
    return write_with(task, [&pool] { return SociClient(pool); });
  });
}
