// restore(): a checked copy takes the place of a database, in one step.
//
//   check the backup -> copy it beside the target -> check the copy
//     -> gate, and nobody else has the target -> put the former one aside -> rename -> open
//
// Up to the rename the target is the former database, after it the new one.
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "database/copies/aside.h"
#include "database/copies/former_file.h"
#include "database/copies/temp_file.h"
#include "database/copies/whole_file.h"
#include "database/location.h"
#include "database/registry.h"
#include "gate/file_locks.h"
#include "gate/process_gate.h"
#include "gate/sync_point.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "turnstile/backup.h"

namespace turnstile {

namespace {

namespace fs = std::filesystem;
using database::Attention;
using database::FormerFile;
using database::TempFile;
using std::chrono::milliseconds;

// How long others may be kept from the target before it is given back to them.
constexpr milliseconds kAttempt{100};
// And how long they have it then.
constexpr milliseconds kPause{50};
constexpr int kPagesPerStep = 1024;

database::Location locate_existing(std::string_view path, const Call& call) {
  Options options;
  options.mode = OpenMode::ReadOnly;
  database::Location location = database::locate(path, options, call);
  if (location.in_memory)
    sqlite::raise_misuse(code("OPTION_INVALID"), "a database in memory is no file", call);
  return location;
}

/// Threads: confined; used once.
class Restoration {
 public:
  Restoration(const RestoreOptions& options, const Call& call) : options_(options), call_(call) {}

  RestoreReport run(std::string_view backup, std::string_view target) {
    const database::Location source = locate_existing(backup, call_);
    check(source);
    find_target(target, source);
    TempFile copy(path_, call_);
    make_copy(source, copy);
    gate::sync_point("Restore:copied");
    report_.bytes = copy.size();
    copy.sync();
    exchange(copy);
    return std::move(report_);
  }

 private:
  void check(const database::Location& source) const {
    const VerifyReport verified = verify_file(source.path.string(),
                                              {.check = options_.check,
                                               .definitions = options_.definitions,
                                               .progress = options_.progress,
                                               .stop = options_.stop},
                                              call_.where);
    if (verified.ok()) return;
    Error::Details details;
    details.code = code("BACKUP_INVALID");
    details.message =
        "'" + source.path.string() + "' cannot be restored: " + database::list(verified.problems);
    details.lane = call_.lane;
    details.where = call_.where;
    throw StorageError(std::move(details));
  }

  void find_target(std::string_view target, const database::Location& source) {
    std::error_code error;
    const fs::path path = fs::absolute(fs::path(target), error);
    database::finish_interrupted_exchange(
        fs::weakly_canonical(path.parent_path(), error) / path.filename(), call_);
    if (fs::exists(path, error)) {
      former_ = locate_existing(target, call_);
      path_ = former_->path;
      reservation_.emplace(*former_, call_);
      if (former_->identity() == source.identity())
        sqlite::raise_misuse(code("OPTION_INVALID"), "the backup and the target are one file",
                             call_);
    } else {
      path_ = fs::weakly_canonical(path.parent_path(), error) / path.filename();
    }
    report_.path = path_.string();
  }

  // Through SQLite: the backup may be open in this process, and closing a file that is drops locks.
  void make_copy(const database::Location& source, TempFile& copy) {
    const auto connection = open_source(source);
    const std::stop_callback on_stop(call_.stop, [&connection] { connection->interrupt(); });
    if (const int began = connection->begin_deferred(); began != 0)
      sqlite::raise(*connection, began);
    report_.tables = count_rows(*connection, attention_);
    copy_pages(*connection, copy, kPagesPerStep, attention_);
    require_true_copy(copy, report_.tables, options_.check, attention_, reading_);
    if (former_) copy.imitate(former_->path);
  }

  [[nodiscard]] std::unique_ptr<sqlite::Connection> open_source(
      const database::Location& source) const {
    if (gate::file_locks(source.path).empty())
      return database::open_immutable(source.path, call_, reading_);
    sqlite::Connection::Config config;
    config.path = source.path.string();
    config.read_only = true;
    config.definitions = reading_.definitions;
    return std::make_unique<sqlite::Connection>(std::move(config), call_);
  }

  void exchange(TempFile& copy) {
    call_.deadline = Deadline::after(options_.timeout);
    gate::ProcessGate gate(path_);
    const std::unique_ptr<FormerFile> former = enter(gate);
    gate::sync_point("Restore:entered");
    attention_.require_wanted();
    const fs::path aside = database::aside_name(path_);
    database::settle_aside(path_, call_);
    try {
      database::put_aside(path_, aside, former == nullptr || !former->is_alone(), call_);
      gate::sync_point("Restore:aside");
      copy.publish(former_.has_value());
    } catch (...) {
      database::settle_aside(path_, call_);
      throw;
    }
    gate::sync_point("Restore:published");
    database::settle_aside(path_, call_);
    prove();
    gate::sync_point("Restore:proved");
    std::error_code error;
    if (!options_.keep_old)
      remove(aside);
    else if (fs::exists(aside, error))
      report_.old_path = aside.string();
  }

  // In short attempts: those who write through the gate wait for it meanwhile.
  [[nodiscard]] std::unique_ptr<FormerFile> enter(gate::ProcessGate& gate) const {
    for (;;) {
      take(gate);
      Call attempt = call_;
      attempt.deadline = Deadline::at(call_.deadline.within(kAttempt));
      try {
        require_alone(gate);
        return former_ ? std::make_unique<FormerFile>(path_, attempt) : nullptr;
      } catch (const Timeout&) {
        gate.give();
        if (call_.deadline.expired()) throw;
      }
      attention_.require_wanted();
      // sleep: nobody tells when a program closes a file.
      std::this_thread::sleep_until(call_.deadline.within(kPause));
    }
  }

  // Without a write-ahead log an idle database has no lock of SQLite's, but its place at the gate.
  // Who opens it at this moment without the gate has the name pinned.
  void require_alone(gate::ProcessGate& gate) const {
    const bool is_claimed = gate.claim_name();
    const std::vector<std::int64_t> others = gate.others();
    if (is_claimed && others.empty()) return;
    Holder holder;
    if (!others.empty()) {
      holder.kind = Holder::Kind::Process;
      holder.lock = "open database";
      holder.pid = others.front();
      holder.program = gate::program_of(holder.pid);
    }
    database::raise_in_use(path_, std::move(holder), call_);
  }

  void take(gate::ProcessGate& gate) const {
    const auto claim = gate::Claim::of_this_thread("restore", call_.where, call_.started);
    const auto outcome =
        gate.take(claim, call_.deadline, [this] { return call_.stop.stop_requested(); });
    if (outcome == gate::Wait::Cancelled) sqlite::raise_stopped(call_);
    if (outcome == gate::Wait::Granted) return;
    const gate::GateView view = gate.view();
    sqlite::raise_timeout(call_, code("OPEN_TIMEOUT"),
                          view.holder ? view.holder->as_holder("gate") : Holder{});
  }

  // As whoever comes next will open it.
  void prove() const {
    sqlite::Connection::Config config;
    config.path = path_.string();
    config.read_only = true;
    sqlite::Connection connection(std::move(config), call_);
    static_cast<void>(connection.query_integer("SELECT count(*) FROM sqlite_schema"));
  }

  static void remove(const fs::path& aside) {
    for (const char* suffix : {"-wal", "-journal", ""}) {
      std::error_code error;
      fs::remove(aside.native() + suffix, error);
    }
  }

  const RestoreOptions& options_;
  Call call_;
  const Attention attention_{call_, options_.progress};
  const database::Reading reading_ = database::reading_with(options_.definitions);
  fs::path path_;
  std::optional<database::Location> former_;
  std::optional<database::Reservation> reservation_;
  RestoreReport report_;
};

}  // namespace

RestoreReport restore(std::string_view backup, std::string_view target,
                      const RestoreOptions& options, std::source_location where) {
  Call call;
  call.lane = "restore";
  call.where = where;
  call.deadline = Deadline::after(options.timeout);
  call.timeout_code = code("OPEN_TIMEOUT");
  call.stop = options.stop;
  RestoreReport report = Restoration(options, call).run(backup, target);
  report.duration = call.waited();
  return report;
}

}  // namespace turnstile
