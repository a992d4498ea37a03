#include "turnstile/database.h"

#include <cstdint>
#include <string>
#include <utility>

#include "database/core.h"
#include "database/migration/history.h"
#include "database/migration/plan.h"
#include "database/migration/schema.h"
#include "database/options_check.h"
#include "database/protected_open.h"
#include "database/registry.h"
#include "sqlite/engine.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile {

namespace {

void require_engine(const Options& options, std::source_location where) {
  Error::Details details;
  details.where = where;
  if (const std::string why = sqlite::why_engine_is_unsuitable(); !why.empty()) {
    details.code = code("ENGINE_UNSUITABLE");
    details.message = "this SQLite must not be used: " + why;
    throw Error(std::move(details));
  }
  if (options.allow_second_engine) return;
  if (const auto second = sqlite::find_second_engine()) {
    details.code = code("ENGINE_CONFLICT");
    details.message = "a second copy of SQLite is loaded in this process: " + *second;
    throw MisuseError(std::move(details));
  }
}

[[noreturn]] void raise_no_handle(std::source_location where) {
  Call call;
  call.where = where;
  sqlite::raise_misuse(code("DB_CLOSED"), "the handle was closed or moved from", call);
}

}  // namespace

Database::Database(std::shared_ptr<detail::Core> core) noexcept : core_(std::move(core)) {}
Database::Database(Database&& other) noexcept = default;

Database& Database::operator=(Database&& other) noexcept {
  if (this != &other) {
    Database old(std::move(core_));
    core_ = std::move(other.core_);
  }
  return *this;
}

Database::~Database() {
  if (core_) database::drop_handle(std::move(core_));
}

Database Database::open(std::string_view path, Options options, std::source_location where) {
  OpenTarget target = database::to_target(path, std::move(options), where);
  database::validate(target.options, where);
  database::fill_in(target.options);
  require_engine(target.options, where);
  return Database(database::open_handle(target, where));
}

Database detail::ProtectedOpen::open(std::string path, Options options,
                                     const std::shared_ptr<sqlite::Protection>& protection,
                                     std::source_location where) {
  database::validate(options, where);
  database::fill_in(options);
  require_engine(options, where);
  return Database(database::open_handle({std::move(path), std::move(options)}, where, protection));
}

Lane Database::lane(std::string_view name, LaneOptions options) const {
  if (!core_) raise_no_handle(std::source_location::current());
  if (core_->forked()) sqlite::raise_used_after_fork();
  // The lane's state belongs to the core; this shares the core's life.
  return Lane(std::shared_ptr<detail::LaneState>(core_, &core_->lane(name, options)));
}

DatabaseInfo Database::info() const {
  if (!core_) raise_no_handle(std::source_location::current());
  return core_->info();
}

Metrics Database::metrics() const {
  if (!core_) raise_no_handle(std::source_location::current());
  return core_->metrics();
}

CommitState Database::outcome_of(std::string_view key, std::source_location where) const {
  return lane("outcome_of")
      .read(
          [key](ReadTx& tx) {
            const bool any =
                tx.query<std::int64_t>("SELECT 1 FROM sqlite_schema WHERE name = 'turnstile_once'")
                    .first()
                    .has_value();
            return any && tx.query<std::int64_t>("SELECT 1 FROM turnstile_once WHERE key = ?", key)
                               .first()
                               .has_value()
                       ? CommitState::Committed
                       : CommitState::NotCommitted;
          },
          where);
}

MigrationReport Database::migrate(std::string_view component, const Migrations& migrations,
                                  const MigrateOptions& options, std::source_location where) const {
  if (!core_) raise_no_handle(where);
  return core_->migrate(component, migrations, options, where);
}

std::vector<MigrationStatus> Database::migration_status(std::string_view component,
                                                        const Migrations& migrations,
                                                        std::source_location where) const {
  database::validate_component(component, where);
  database::validate(migrations, where);
  const auto history =
      lane("migration_status")
          .read([component](ReadTx& tx) { return database::read_history(tx, component); }, where);
  return database::status_of(history, component, migrations);
}

std::vector<SchemaDifference> Database::compare_schema(std::string_view sql, ExtraObjects extra,
                                                       std::source_location where) const {
  if (!core_) raise_no_handle(where);
  Call call;
  call.lane = "compare_schema";
  call.where = where;
  const database::Schema expected = database::schema_of_script(sql, core_->definitions(), call);
  return lane(call.lane).read(
      [&](ReadTx& tx) { return database::compare(expected, database::read_schema(tx), extra); },
      where);
}

Observation Database::observe(std::vector<std::string> tables, OnChange callback,
                              std::source_location where) const {
  if (!core_) raise_no_handle(where);
  return core_->observe(std::move(tables), std::move(callback), where);
}

BackupReport Database::backup(std::string_view destination, const BackupOptions& options,
                              std::source_location where) const {
  if (!core_) raise_no_handle(where);
  // It outlives a close() that has waited for the copying and not for the checking.
  const std::shared_ptr<detail::Core> core = core_;
  return core->backup(destination, options, where);
}

Maintenance Database::maintenance() const {
  if (!core_) raise_no_handle(std::source_location::current());
  return Maintenance(core_);
}

Capabilities Database::capabilities() const {
  if (!core_) raise_no_handle(std::source_location::current());
  return core_->capabilities();
}

CloseReport Database::close(std::chrono::milliseconds drain, std::source_location where) {
  return detail::ProtectedOpen::close(*this, drain, nullptr, where);
}

CloseReport detail::ProtectedOpen::close(Database& handle, std::chrono::milliseconds drain,
                                         std::shared_ptr<const void> kept,
                                         std::source_location where) {
  if (!handle.core_) raise_no_handle(where);
  if (!handle.core_->forked() && handle.core_->must_not_wait_here()) {
    Call call;
    call.lane = "close";
    call.where = where;
    sqlite::raise_misuse(code("CLOSE_INSIDE_CLOSURE"),
                         "close() was called inside a closure of the same database", call);
  }
  // Whatever comes of it, the handle is given up.
  return database::close_handle(std::move(handle.core_), drain, where, std::move(kept));
}

bool detail::ProtectedOpen::is_busy(const Database& handle) {
  if (!handle.core_) raise_no_handle(std::source_location::current());
  return handle.core_->is_busy();
}

}  // namespace turnstile
