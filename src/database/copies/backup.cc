// Database::backup(): one snapshot, copied while others write, checked, and only then given its
// name.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "database/copies/file_error.h"
#include "database/copies/manifest.h"
#include "database/copies/whole_file.h"
#include "database/core.h"
#include "database/registry.h"
#include "gate/sync_point.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile {

namespace {

namespace fs = std::filesystem;
using database::Attention;
using database::TempFile;

std::string utc_now() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(now - day);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  return text.data();
}

/// Threads: confined; used once.
class Backup {
 public:
  Backup(std::string_view destination, const BackupOptions& options, const Call& call)
      : options_(options), attention_{call, options.progress}, path_(resolve(destination, call)) {
    if (options.pages_per_step < 1 || options.pages_per_step > 1'000'000) {
      sqlite::raise_misuse(code("OPTION_INVALID"),
                           "pages_per_step is " + std::to_string(options.pages_per_step) +
                               ", and may be 1 to 1000000",
                           call);
    }
    require_free_name();
  }

  /// `model` has the permissions that the copy gets; empty in memory.
  BackupReport run(detail::Core& core, const fs::path& model) {
    const auto start = std::chrono::steady_clock::now();
    BackupReport report;
    report.path = path_.string();
    TempFile copy(path_, attention_.call);
    core.read_aside(attention_.call, [&](sqlite::Connection& source) {
      gate::sync_point("Backup:snapshot");
      reading_ = database::reading_of(source);
      // A sealed database lies in memory, and its copy is a plain one.
      if (core.location().in_memory) reading_.protection.reset();
      copy_pages(source, copy, options_.pages_per_step, attention_);
      report.tables = count_rows(source, attention_);
      schema_version_ = source.query_integer("PRAGMA user_version");
    });
    gate::sync_point("Backup:copied");
    if (options_.compact) {
      TempFile compacted(path_, attention_.call);
      copy_compactly(*database::open_immutable(copy.path(), attention_.call, reading_), compacted,
                     attention_);
      finish(compacted, model, report);
    } else {
      finish(copy, model, report);
    }
    report.duration = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - start);
    return report;
  }

 private:
  [[nodiscard]] static fs::path resolve(std::string_view destination, const Call& call) {
    std::error_code error;
    const fs::path path = fs::absolute(fs::path(destination), error);
    if (destination.empty() || error || !path.has_filename() || fs::is_directory(path, error)) {
      sqlite::raise_misuse(code("OPTION_INVALID"),
                           "'" + std::string(destination) + "' does not name a file", call,
                           "Name a file, which may be one inside it.");
    }
    return fs::weakly_canonical(path.parent_path(), error) / path.filename();
  }

  // Looked at before the work; the rename decides.
  void require_free_name() const {
    std::error_code error;
    if (!fs::exists(path_, error)) return;
    if (!options_.overwrite) {
      sqlite::raise_system(code("BACKUP_EXISTS"), "there is a file '" + path_.string() + "'", 0,
                           attention_.call);
    }
    require_unused();
  }

  // A log would be taken for the new file's.
  void require_unused() const {
    Options readable;
    readable.mode = OpenMode::ReadOnly;
    const database::Reservation reservation(
        database::locate(path_.string(), readable, attention_.call), attention_.call);
    for (const char* suffix : {"-wal", "-journal"}) {
      std::error_code error;
      if (!fs::exists(path_.native() + suffix, error)) continue;
      sqlite::raise_misuse(code("DB_IN_USE"),
                           "'" + path_.string() + suffix +
                               "' lies beside the file that is to be "
                               "overwritten: somebody uses it, or has left it in the middle",
                           attention_.call);
    }
  }

  void finish(TempFile& copy, const fs::path& model, BackupReport& report) {
    report.warnings = require_true_copy(copy, report.tables, options_.check, attention_, reading_);
    gate::sync_point("Backup:checked");
    report.bytes = copy.size();
    if (options_.manifest) report.sha256 = hash_file(copy.descriptor(), report.bytes, attention_);
    report.pages =
        report.bytes /
        std::max<std::int64_t>(1, database::open_immutable(copy.path(), attention_.call, reading_)
                                      ->query_integer("PRAGMA page_size"));
    if (!model.empty()) copy.imitate(model);
    copy.sync();
    attention_.require_wanted();
    gate::sync_point("Backup:synced");
    // The former one's would contradict the new file.
    std::error_code error;
    if (options_.overwrite) fs::remove(database::manifest_path(path_), error);
    copy.publish(options_.overwrite);
    gate::sync_point("Backup:published");
    if (options_.manifest) {
      database::write_manifest(path_,
                               {.file = path_.filename().string(),
                                .created = utc_now(),
                                .bytes = report.bytes,
                                .sha256 = report.sha256,
                                .schema_version = schema_version_,
                                .tables = report.tables},
                               attention_.call);
    }
  }

  const BackupOptions& options_;
  const Attention attention_;
  const fs::path path_;
  database::Reading reading_;  // Of the original, and so of the copy.
  std::int64_t schema_version_ = 0;
};

}  // namespace

BackupReport detail::Core::backup(std::string_view destination, const BackupOptions& options,
                                  std::source_location where) {
  const Call call =
      make_call("backup", CallOptions{.stop = options.stop}, code("READ_TIMEOUT"), where);
  require_open(call);
  return Backup(destination, options, call).run(*this, location_.path);
}

}  // namespace turnstile
