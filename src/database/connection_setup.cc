#include "database/connection_setup.h"

#include <cstdint>
#include <string_view>

#include "database/wal_size.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::database {

namespace {

// As PRAGMA synchronous numbers them. Without a log a commit is the deletion of a journal: only
// EXTRA syncs the directory then, or a power failure could bring the journal back, and SQLite would
// undo a commit that had returned by it; and NORMAL could take half a journal for a whole one.
int synchronous_of(sqlite::Connection& connection, const Options& options, Role role) {
  constexpr int kExtra = 3;
  if (role == Role::Writer && options.mode != OpenMode::Memory &&
      connection.query_text("PRAGMA journal_mode") != "wal")
    return kExtra;
  return options.synchronous == Synchronous::Full ? 2 : 1;
}

void verify(sqlite::Connection& connection, std::string_view setting, std::int64_t asked) {
  const std::int64_t in_force = connection.query_integer("PRAGMA " + std::string(setting));
  if (in_force == asked) return;
  Error::Details details;
  details.lane = connection.call().lane;
  details.where = connection.call().where;
  details.code = code("ENGINE_ERROR");
  details.message = "the connection's setting " + std::string(setting) + " is " +
                    std::to_string(in_force) + " although " + std::to_string(asked) + " was set";
  throw Error(std::move(details));
}

void apply(sqlite::Connection& connection, std::string_view setting, std::int64_t value) {
  connection.execute("PRAGMA " + std::string(setting) + "=" + std::to_string(value));
  verify(connection, setting, value);
}

}  // namespace

void set_up_connection(sqlite::Connection& connection, const Options& options, Role role) {
  apply(connection, "foreign_keys", options.foreign_keys ? 1 : 0);
  apply(connection, "synchronous", synchronous_of(connection, options, role));
  // Reading through a mapping would turn a truncation by somebody else into SIGBUS.
  if (connection.query_integer("PRAGMA mmap_size") != 0) apply(connection, "mmap_size", 0);
  if (role == Role::Reader) apply(connection, "query_only", 1);
  if (role == Role::Writer) {
    // After a reader has pinned the log its file is large. The commit that starts the log over cuts
    // it off here, where it would not cut off what the log uses every time. A truncating checkpoint
    // would do it a little sooner, but only while nobody reads.
    const std::int64_t page_size = connection.query_integer("PRAGMA page_size");
    apply(connection, "journal_size_limit",
          wal_bytes(2 * std::int64_t{options.checkpoint_frames}, page_size));
  }
}

std::unique_ptr<sqlite::Connection> connect(const sqlite::Connection::Config& config,
                                            const Options& options, Role role, const Call& call) {
  auto connection = std::make_unique<sqlite::Connection>(config, call);
  set_up_connection(*connection, options, role);
  return connection;
}

std::vector<Setting> report_settings(sqlite::Connection& connection, const Options& options) {
  const auto on_off = [](bool on) { return std::string(on ? "on" : "off"); };
  const auto in_force = [&](const std::string& name) {
    return connection.query_text("PRAGMA " + name);
  };
  const auto ms = [](auto duration) { return std::to_string(duration.count()) + " ms"; };
  const std::string synchronous = in_force("synchronous");
  return {
      {"journal_mode", options.mode == OpenMode::Memory ? "memory" : "wal",
       in_force("journal_mode")},
      {"busy_timeout", ms(options.busy_timeout), ms(options.busy_timeout)},
      {"synchronous", options.synchronous == Synchronous::Full ? "full" : "normal",
       synchronous == "3"   ? "extra"
       : synchronous == "2" ? "full"
       : synchronous == "1" ? "normal"
                            : synchronous},
      {"foreign_keys", on_off(options.foreign_keys), on_off(in_force("foreign_keys") == "1")},
      {"page_size",
       options.page_size == 0 ? std::string("default") : std::to_string(options.page_size),
       in_force("page_size")},
      {"wal_autocheckpoint", "off",
       in_force("wal_autocheckpoint") == "0" ? "off" : in_force("wal_autocheckpoint")},
  };
}

}  // namespace turnstile::database
