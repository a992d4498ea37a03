// verify_file(): whether a file that lies there is a whole database.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "database/copies/file_error.h"
#include "database/copies/manifest.h"
#include "database/copies/whole_file.h"
#include "database/location.h"
#include "database/options_check.h"
#include "database/registry.h"
#include "gate/file_locks.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "turnstile/backup.h"

namespace turnstile {

namespace {

using database::Attention;
using database::Manifest;

/// Threads: confined; used once.
class Verification {
 public:
  Verification(std::string_view path, const VerifyOptions& options, const Call& call)
      : options_(options), attention_{call, options.progress} {
    database::validate(options.definitions, call.where);
    Options readable;
    readable.mode = OpenMode::ReadOnly;
    location_ = database::locate(path, readable, call);
    if (location_.in_memory)
      sqlite::raise_misuse(code("OPTION_INVALID"), "a database in memory is no file", call);
    report_.path = location_.path.string();
  }

  VerifyReport run() {
    std::error_code error;
    report_.bytes = static_cast<std::int64_t>(std::filesystem::file_size(location_.path, error));
    const bool in_use = is_in_use();
    if (!in_use) look_for_logs();
    if (report_.ok()) look_inside(in_use);
    compare_with_manifest(in_use);
    return std::move(report_);
  }

 private:
  [[nodiscard]] std::filesystem::path beside(std::string_view suffix) const {
    return location_.path.native() + std::string(suffix);
  }
  [[nodiscard]] bool has_content(std::string_view suffix) const {
    std::error_code error;
    const auto size = std::filesystem::file_size(beside(suffix), error);
    return !error && size > 0;
  }
  // By this process or another: then what lies beside the file belongs to it.
  [[nodiscard]] bool is_in_use() {
    try {
      reservation_.emplace(location_, attention_.call);
    } catch (const MisuseError&) {
      return true;
    }
    return !gate::file_locks(location_.path).empty();
  }

  void look_for_logs() {
    if (has_content("-wal")) {
      report_.problems.push_back(
          "a write-ahead log lies beside the file (" + beside("-wal").filename().string() +
          "), and nobody uses it: what is in it is missing here, or it belongs to another file and "
          "would damage this one");
    }
    if (has_content("-journal")) {
      report_.problems.push_back("a rollback journal lies beside the file (" +
                                 beside("-journal").filename().string() +
                                 "), of a transaction that was not finished");
    }
  }

  [[nodiscard]] std::unique_ptr<sqlite::Connection> open(bool in_use) const {
    // Only what is in use has a log that must be read too; for that no file needs to be made.
    const database::Reading reading = database::reading_with(options_.definitions);
    if (!in_use) return database::open_immutable(location_.path, attention_.call, reading);
    sqlite::Connection::Config config;
    config.path = location_.path.string();
    config.read_only = true;
    config.definitions = reading.definitions;
    return std::make_unique<sqlite::Connection>(std::move(config), attention_.call);
  }

  void look_inside(bool in_use) {
    if (report_.bytes == 0) {
      report_.problems.emplace_back("the file is empty");
      return;
    }
    try {
      const auto connection = open(in_use);
      const std::stop_callback on_stop(attention_.call.stop,
                                       [&connection] { connection->interrupt(); });
      report_.page_size_bytes = connection->query_integer("PRAGMA page_size");
      report_.schema_version = connection->query_integer("PRAGMA user_version");
      report_.problems = database::find_damage(*connection, options_.check, attention_);
      report_.warnings = database::find_orphans(*connection, attention_);
      report_.tables = database::count_rows(*connection, attention_);
    } catch (const StorageError& error) {
      if (error.code() == "DB_PERMISSION" || error.code() == "DB_IO") throw;
      report_.problems.emplace_back(error.message());
    } catch (const Timeout&) {
      throw;
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& error) {
      // Such as a schema that cannot be parsed.
      report_.problems.emplace_back(error.message());
    }
  }

  void compare_with_manifest(bool in_use) {
    std::ifstream file(database::manifest_path(location_.path), std::ios::binary);
    if (!file) return;
    report_.has_manifest = true;
    const auto manifest = Manifest::from_json({std::istreambuf_iterator<char>(file), {}});
    if (!manifest) {
      report_.problems.emplace_back("its manifest cannot be understood");
      return;
    }
    if (in_use) {
      report_.warnings.emplace_back("it is in use, and was not compared with its manifest");
      return;
    }
    if (manifest->bytes != report_.bytes) {
      report_.problems.push_back("it has " + std::to_string(report_.bytes) +
                                 " bytes, and its manifest says " +
                                 std::to_string(manifest->bytes));
    }
    report_.sha256 = hash();
    if (manifest->sha256 != report_.sha256)
      report_.problems.emplace_back("its content is not that which its manifest was written for");
    else if (!report_.tables.empty() && manifest->tables != report_.tables)
      report_.problems.emplace_back("its tables have other rows than its manifest says");
  }

  [[nodiscard]] std::string hash() const {
    const int descriptor = ::open(location_.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor == -1)
      database::raise_file_error(errno, "cannot read '" + report_.path + "'", attention_.call);
    const auto close = [descriptor] { ::close(descriptor); };
    try {
      std::string digits = database::hash_file(descriptor, report_.bytes, attention_);
      close();
      return digits;
    } catch (...) {
      close();
      throw;
    }
  }

  const VerifyOptions& options_;
  const Attention attention_;
  database::Location location_;
  // No connection of this process may come while its file is read beside SQLite.
  std::optional<database::Reservation> reservation_;
  VerifyReport report_;
};

}  // namespace

VerifyReport verify_file(std::string_view path, const VerifyOptions& options,
                         std::source_location where) {
  Call call;
  call.lane = "verify";
  call.where = where;
  call.deadline = Deadline::after(std::chrono::seconds(5));
  call.stop = options.stop;
  return Verification(path, options, call).run();
}

}  // namespace turnstile
