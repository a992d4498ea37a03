// The start-up, phase by phase:
//
//   locate -> gate -> initialise -> migrate -> pool -> start
//                    \___ one connection ___/
//
// What belongs to the file (journal mode, page size, schema) is settled by one connection, which
// has the gate meanwhile: no other one of this library, in any process, changes any of it. That
// connection comes out as an Initialized, and a pool can be made from nothing else: the order is a
// matter of types, not of discipline. Where another process has the gate, perhaps for long, and
// there is nothing to be settled, it goes on without (docs/decisions/0025).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "database/location.h"
#include "database/migration/migrate.h"
#include "gate/process_gate.h"
#include "sqlite/connection.h"
#include "turnstile/info.h"
#include "turnstile/options.h"

namespace turnstile::database {

/// Proof that a file's own settings and its schema are in order, with the connection that saw to
/// it. Only Bootstrap makes one.
///
/// Threads: confined.
class Initialized {
 public:
  [[nodiscard]] bool has_wal() const noexcept { return has_wal_; }
  [[nodiscard]] int schema_version() const noexcept { return schema_version_; }

 private:
  friend class Bootstrap;
  Initialized() = default;

  std::unique_ptr<sqlite::Connection> connection_;
  bool has_wal_ = false;
  int schema_version_ = 0;
};

/// What the start-up leaves to its database. Threads: confined.
struct Opened {
  Location location;
  Options options;  ///< As asked for, but for what the path settles (the mode).
  std::unique_ptr<gate::ProcessGate> gate;     ///< Null in memory and read-only.
  std::unique_ptr<sqlite::Connection> writer;  ///< Null read-only.
  std::vector<std::unique_ptr<sqlite::Connection>> readers;
  bool has_wal = false;
  int schema_version = 0;
  std::vector<BootstrapPhase> phases;
  std::vector<Setting> settings;
};

/// Threads: confined; used once.
class Bootstrap {
 public:
  /// `locate_time`: what the first phase took, which comes before a Bootstrap can be.
  /// `on_migration` is called when schema steps begin to be run, here or by another process that is
  /// waited for. `protection` is null for a plain file.
  Bootstrap(
      Location location, Options options, std::shared_ptr<sqlite::Protection> protection,
      const Call& call, std::chrono::microseconds locate_time,
      std::function<void()> on_migration = [] {});

  /// Runs the phases. Whatever it throws, nothing stays open or locked.
  [[nodiscard]] Opened run();

 private:
  template <class Phase>
  auto timed(std::string_view name, Phase&& phase);

  /// A connection with the program's definitions, and nothing else done.
  [[nodiscard]] std::unique_ptr<sqlite::Connection> connect() const;
  void enter_gate();
  [[nodiscard]] gate::Wait wait_at_gate(const gate::Claim& claim);
  void look_first();
  [[nodiscard]] bool is_in_order(sqlite::Connection& connection) const;
  [[nodiscard]] Initialized initialise();
  [[nodiscard]] std::int64_t page_count(sqlite::Connection& connection) const;
  void settle_new_file(sqlite::Connection& connection);
  [[nodiscard]] bool settle_journal_mode(sqlite::Connection& connection);
  [[nodiscard]] std::string switch_to_wal(sqlite::Connection& connection);
  void migrate_schema(Initialized& initialized);
  [[nodiscard]] MigrationReport run_steps(sqlite::Connection& connection);
  void require_expected_schema(sqlite::Connection& connection) const;
  void fill_pool(Initialized initialized);

  Opened opened_;
  const std::shared_ptr<sqlite::Protection> protection_;
  const std::shared_ptr<const SqlDefinitions> definitions_;
  std::unique_ptr<sqlite::Connection> looked_;  // Has found nothing to be done.
  Call call_;  // Its deadline begins anew after a migration that was waited for.
  std::function<void()> on_migration_;
};

}  // namespace turnstile::database
