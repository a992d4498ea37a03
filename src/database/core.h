// The open database behind all its handles and lanes.
//
//   Lane::read    Scope -> [SharedTurn] -> ReaderPool -> BEGIN ... COMMIT
//   Lane::write   Scope -> WriterTurn -> [SharedTurn] -> ProcessGate -> BEGIN IMMEDIATE ... COMMIT
//   Lane::submit  Submitter ----^  (on the submitter's thread)
//
// [SharedTurn] only where there is no write-ahead log. The order of the waits is the same on every
// path, which together with the rules of Scope rules out cycles.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "database/bootstrap.h"
#include "database/checkpointer.h"
#include "database/metrics.h"
#include "database/submitter.h"
#include "gate/claim.h"
#include "gate/mutex.h"
#include "gate/process_gate.h"
#include "gate/reader_pool.h"
#include "gate/shared_turn.h"
#include "gate/writer_turn.h"
#include "turnstile/database.h"

namespace turnstile::detail {

/// A lane's own state. It lives as long as its Core.
///
/// Threads: shared.
class LaneState {
 public:
  LaneState(Core& core, std::string name, LaneOptions options)
      : core_(core), name_(std::move(name)), options_(options) {}

  [[nodiscard]] Core& core() const noexcept { return core_; }
  [[nodiscard]] std::string_view name() const noexcept { return name_; }

  /// False when the lane has as many submitted closures waiting as it may have.
  [[nodiscard]] bool try_reserve_submission() noexcept;
  void end_submission() noexcept { submitted_.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] const LaneOptions& options() const noexcept { return options_; }
  [[nodiscard]] database::LaneRecorder& recorder() noexcept { return recorder_; }

 private:
  Core& core_;
  const std::string name_;
  const LaneOptions options_;
  std::atomic<std::size_t> submitted_{0};
  database::LaneRecorder recorder_;
};

/// Threads: shared.
class Core {
 public:
  explicit Core(database::Opened opened);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  /// True in a child of fork(), where nothing of this may be used, closed or destroyed.
  [[nodiscard]] bool forked() const noexcept { return fork_guard_.forked(); }
  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] const database::Location& location() const noexcept { return location_; }

  [[nodiscard]] LaneState& lane(std::string_view name, LaneOptions options);

  void read(LaneState& lane, const CallOptions& options, FunctionRef<void(ReadTx&)> body,
            std::source_location where);
  void write(LaneState& lane, const CallOptions& options, FunctionRef<void(WriteTx&)> body,
             std::source_location where);
  void submit(LaneState& lane, std::unique_ptr<SubmittedWrite> write, std::source_location where);

  [[nodiscard]] DatabaseInfo info();
  [[nodiscard]] Metrics metrics() TURNSTILE_EXCLUDES(lanes_mutex_);

  /// See Database::close; called for the last handle.
  CloseReport close(std::chrono::milliseconds drain, std::source_location where);
  /// Ends what a close() that threw Timeout has begun, however long the closures take.
  void close_when_idle() noexcept;
  /// True where close() would wait for the calling thread itself.
  [[nodiscard]] bool must_not_wait_here() const;

 private:
  friend class database::Submitter;
  class SharedPermit;
  class WritePermit;
  using Actions = std::vector<std::function<void()>>;

  [[nodiscard]] Call make_call(std::string_view lane, const CallOptions& options,
                               std::string_view timeout_code, std::source_location where) const;
  void require_open(const Call& call) const;
  /// True where a read and a write need the same thing and so keep each other out.
  [[nodiscard]] bool exclusive() const noexcept { return shared_turn_ || !readers_; }

  void read_from_pool(LaneState& lane, const Call& call, FunctionRef<void(ReadTx&)> body);
  void read_from_writer(LaneState& lane, const Call& call, FunctionRef<void(ReadTx&)> body);
  void read_on(sqlite::Connection& connection, const Call& call, FunctionRef<void(ReadTx&)> body);
  void finish_read(sqlite::Connection& connection) noexcept;

  /// BEGIN, `body`, COMMIT, by whoever has the turn. Returns what is to be done after it.
  [[nodiscard]] Actions write_on_writer(LaneState& lane, const Call& call,
                                        FunctionRef<void(WriteTx&)> body);
  void commit(const Call& call);
  static void run_after_commit(const Actions& actions, const Call& call);

  /// Runs a submitted write whose turn has come; gives the turn up. Returns what is to be done
  /// before the write is completed; nothing when it failed, which it knows by then.
  [[nodiscard]] std::optional<Actions> run_granted(LaneState& lane, SubmittedWrite& write,
                                                   const gate::Claim& claim) noexcept;
  /// Does it, and completes the write.
  static void complete(SubmittedWrite& write, const Actions& actions,
                       const gate::Claim& claim) noexcept;

  [[noreturn]] void raise_turn_timeout(const Call& call) const;
  [[noreturn]] void raise_closed(const Call& call) const;
  [[nodiscard]] Holder writer_holder() const;

  [[nodiscard]] Counters counters() TURNSTILE_EXCLUDES(lanes_mutex_);
  [[nodiscard]] PoolInfo pool_info() const;
  void count_free_pages(DatabaseInfo& info, const Call& call);

  void stop_writers(CloseReport& report, const Call& call);
  void stop_readers(CloseReport& report, const Call& call);
  [[nodiscard]] bool close_files(const Call& call) noexcept;

  // Constant after construction.
  const sqlite::ForkGuard fork_guard_;
  const Options options_;
  const database::Location location_;
  const bool has_wal_;
  const bool writable_;
  const int schema_version_;
  std::vector<BootstrapPhase> phases_;
  const std::vector<Setting> settings_;

  // Who may go when. The objects stay until the end, so that a call that comes too late finds them
  // closed and not gone. The writer connection belongs to whoever has the turn.
  gate::WriterTurn turn_;
  std::unique_ptr<gate::SharedTurn> shared_turn_;  // Null with a write-ahead log.
  std::unique_ptr<gate::ProcessGate> gate_;        // Null in memory and read-only.
  std::unique_ptr<sqlite::Connection> writer_;     // Null read-only.
  std::unique_ptr<gate::ReaderPool> readers_;      // Null when the writer is the only connection.
  std::unique_ptr<database::Checkpointer> checkpointer_;  // Null without a write-ahead log.
  std::unique_ptr<database::Submitter> submitter_;

  // What the writer is waiting for, so that those behind it can be told of the real cause.
  enum class Stage { Idle, AtGate, AtEngine, Working };
  std::atomic<Stage> stage_{Stage::Idle};

  std::atomic<bool> accepting_{true};

  gate::Mutex lanes_mutex_;
  std::map<std::string, LaneState, std::less<>> lanes_ TURNSTILE_GUARDED_BY(lanes_mutex_);

  database::Recorder recorder_;
};

}  // namespace turnstile::detail
