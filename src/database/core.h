// The open database behind all its handles and lanes.
//
//   Lane::read    Scope -> [SharedTurn] -> ReaderPool -> BEGIN ... COMMIT
//   Lane::write   Scope -> Writer: turn -> [SharedTurn] -> gate -> BEGIN IMMEDIATE ... COMMIT
//   Lane::submit ------------^
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

#include "database/board.h"
#include "database/bootstrap.h"
#include "database/checkpointer.h"
#include "database/housekeeping.h"
#include "database/lane_state.h"
#include "database/metrics.h"
#include "database/observation/observers.h"
#include "database/shared_permit.h"
#include "database/writer.h"
#include "gate/claim.h"
#include "gate/mutex.h"
#include "gate/process_gate.h"
#include "gate/reader_pool.h"
#include "gate/shared_turn.h"
#include "gate/writer_turn.h"
#include "turnstile/database.h"

namespace turnstile::detail {

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
  /// Null for a plain database.
  [[nodiscard]] const std::shared_ptr<sqlite::Protection>& protection() const noexcept {
    return reader_config_.protection;
  }
  [[nodiscard]] const std::shared_ptr<const SqlDefinitions>& definitions() const noexcept {
    return reader_config_.definitions;
  }

  [[nodiscard]] LaneState& lane(std::string_view name, LaneOptions options);

  void read(LaneState& lane, const CallOptions& options, FunctionRef<void(ReadTx&)> body,
            std::source_location where);
  void write(LaneState& lane, const CallOptions& options, FunctionRef<void(WriteTx&)> body,
             std::source_location where);
  void submit(LaneState& lane, const CallOptions& options, std::unique_ptr<SubmittedWrite> write,
              std::source_location where);

  /// Has the turn for a submitted job of a lane that shares no transactions, and completes it.
  void run_submitted(std::unique_ptr<database::SubmittedJob> job) noexcept;

  /// See Database::migrate.
  [[nodiscard]] MigrationReport migrate(std::string_view component, const Migrations& steps,
                                        const MigrateOptions& options, std::source_location where);

  /// Calls `callback` for the commits that touch `tables`.
  [[nodiscard]] Observation observe(std::vector<std::string> tables, OnChange callback,
                                    std::source_location where);
  [[nodiscard]] Observation observe_query(LaneState& lane, std::unique_ptr<ObservedQuery> query);
  [[nodiscard]] static std::vector<std::string> tables_read_by(ReadTx& tx, std::string_view sql);

  /// Calls `use` with a connection of its own, for what reads too long to keep a reader of the pool
  /// from the others: in a read transaction, its snapshot fixed. It is a guest of the pool.
  void read_aside(const Call& call, FunctionRef<void(sqlite::Connection&)> use);
  /// Calls `use` with the writer's connection, in no transaction, when it is this call's turn. What
  /// is committed is to be committed through the notes, so that observers know whose it is.
  void with_writer(const Call& call, Priority priority, database::Writer::Use use);
  [[nodiscard]] Call make_call(std::string_view lane, const CallOptions& options,
                               std::string_view timeout_code, std::source_location where) const;
  /// Null without a write-ahead log, and where nobody writes.
  [[nodiscard]] database::Checkpointer* checkpointer() noexcept {
    return writer_ == nullptr ? nullptr : writer_->checkpointer();
  }

  [[nodiscard]] BackupReport backup(std::string_view destination, const BackupOptions& options,
                                    std::source_location where);

  [[nodiscard]] DatabaseInfo info();
  [[nodiscard]] Capabilities capabilities() const noexcept;
  [[nodiscard]] Metrics metrics() TURNSTILE_EXCLUDES(lanes_mutex_);
  /// Whether a read or a write goes on or waits.
  [[nodiscard]] bool is_busy() const;

  /// See Database::close; called for the last handle.
  CloseReport close(std::chrono::milliseconds drain, std::source_location where);
  /// Ends what a close() that threw Timeout has begun, however long the closures take.
  void close_when_idle() noexcept;
  /// True where close() would wait for the calling thread itself.
  [[nodiscard]] bool must_not_wait_here();

 private:
  void require_open(const Call& call) const;
  /// True where a read and a write need the same thing and so keep each other out.
  [[nodiscard]] bool exclusive() const noexcept { return shared_turn_ || !has_readers_; }

  void read_from_pool(LaneState& lane, const Call& call, FunctionRef<void(ReadTx&)> body);
  void read_from_writer(LaneState& lane, const Call& call, FunctionRef<void(ReadTx&)> body);
  void read_on(sqlite::Connection& connection, const Call& call, FunctionRef<void(ReadTx&)> body);
  void finish_read(sqlite::Connection& connection) noexcept;

  /// What migrate() does read-only: nothing, if the file has the steps.
  [[nodiscard]] MigrationReport find_migrated(std::string_view component, const Migrations& steps,
                                              std::source_location where);

  void submit_alone(LaneState& lane, std::unique_ptr<database::SubmittedJob> job);
  [[noreturn]] static void raise_queue_full(const LaneState& lane, const Call& call);

  [[nodiscard]] Counters counters() TURNSTILE_EXCLUDES(lanes_mutex_);
  [[nodiscard]] PoolInfo pool_info() const;
  void count_free_pages(DatabaseInfo& info, const Call& call);

  [[nodiscard]] static std::shared_ptr<database::Observers> make_observers(
      const Core& core, const database::Opened& opened, database::Recorder& recorder);
  void stop_observers(const Call& call);
  void stop_writers(CloseReport& report, const Call& call);
  [[nodiscard]] std::vector<LaneState*> lanes() TURNSTILE_EXCLUDES(lanes_mutex_);
  [[nodiscard]] bool drain_lane_workers(Deadline deadline);
  [[nodiscard]] std::size_t cancel_lane_workers();
  void stop_readers(CloseReport& report, const Call& call);
  [[nodiscard]] bool close_files(const Call& call) noexcept;

  // Constant after construction.
  const sqlite::ForkGuard fork_guard_;
  const Options options_;
  const database::Location location_;
  const bool has_wal_;
  const bool writable_;
  const bool has_readers_;  // False: the writer is the only connection.
  const sqlite::Connection::Config reader_config_;
  std::vector<BootstrapPhase> phases_;
  const std::vector<Setting> settings_;

  std::atomic<int> schema_version_;

  database::Board board_{location_};
  database::Recorder& recorder_ = board_.page().recorder;
  const database::Housekeeping housekeeping_{options_, recorder_};

  // Who may go when. The objects stay until the end, so that a call that comes too late finds them
  // closed and not gone.
  std::shared_ptr<database::Observers> observers_;
  std::unique_ptr<gate::SharedTurn> shared_turn_;  // Null with a write-ahead log.
  std::unique_ptr<database::Writer> writer_;       // Null read-only.
  std::unique_ptr<gate::ReaderPool> readers_;

  std::atomic<bool> accepting_{true};

  gate::Mutex lanes_mutex_;
  std::map<std::string, LaneState, std::less<>> lanes_ TURNSTILE_GUARDED_BY(lanes_mutex_);
};

}  // namespace turnstile::detail
