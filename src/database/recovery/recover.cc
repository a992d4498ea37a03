// recover(), and what its report sums up.
#include <unistd.h>
#include <algorithm>
#include <numeric>
#include <utility>

#include "database/location.h"
#include "database/recovery/salvage.h"
#include "database/registry.h"
#include "gate/file_locks.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "turnstile/recovery.h"

namespace turnstile {

namespace {

namespace fs = std::filesystem;

// How long another thread that opens or closes the source is waited for.
constexpr std::chrono::milliseconds kPatience{5000};

database::Location find_source(const fs::path& source, const Call& call) {
  Options options;
  options.mode = OpenMode::ReadOnly;
  // Absolute, so that no name means a database in memory.
  return database::locate(source.empty() ? source.native() : fs::absolute(source).native(), options,
                          call);
}

fs::path absolute_destination(const fs::path& destination, const Call& call) {
  if (!destination.has_filename()) {
    sqlite::raise_misuse(code("OPTION_INVALID"),
                         "'" + destination.string() + "' is no name for a file", call);
  }
  return fs::absolute(destination).lexically_normal();
}

void check(const RecoveryOptions& options, const Call& call) {
  const std::uint32_t size = options.page_size_bytes;
  if (size == 0 || database::recovery::is_page_size(size)) return;
  sqlite::raise_misuse(code("OPTION_INVALID"),
                       "page_size_bytes is " + std::to_string(size) +
                           ", and must be a power of two from 512 to 65536",
                       call);
}

// A connection has a lock for as long as it uses a log, otherwise only while it works.
std::optional<Holder> other_user_of(const fs::path& path) {
  for (const gate::FileLock& lock : gate::file_locks(path)) {
    if (lock.pid == ::getpid()) continue;
    Holder holder;
    holder.kind = Holder::Kind::Process;
    holder.lock = lock.lock;
    holder.pid = lock.pid;
    holder.program = lock.program;
    return holder;
  }
  return std::nullopt;
}

}  // namespace

bool RecoveryReport::complete() const noexcept {
  return rows_lost_and_found == 0 && lost_objects.empty() && losses.empty() &&
         std::ranges::all_of(tables, &RecoveredTable::complete);
}

std::uint64_t RecoveryReport::rows() const noexcept {
  return std::accumulate(
      tables.begin(), tables.end(), std::uint64_t{0},
      [](std::uint64_t sum, const RecoveredTable& table) { return sum + table.rows; });
}

std::uint64_t RecoveryReport::rows_rejected() const noexcept {
  return std::accumulate(
      tables.begin(), tables.end(), std::uint64_t{0},
      [](std::uint64_t sum, const RecoveredTable& table) { return sum + table.rows_rejected; });
}

std::size_t RecoveryReport::damaged_pages() const noexcept {
  return std::accumulate(tables.begin(), tables.end(), std::size_t{0},
                         [](std::size_t sum, const RecoveredTable& table) {
                           return sum + table.damaged_pages.size();
                         });
}

RecoveryReport recover(const fs::path& source, const fs::path& destination,
                       const RecoveryOptions& options, std::source_location where) {
  Call call;
  call.lane = "recover";
  call.where = where;
  call.deadline = Deadline::after(kPatience);
  call.timeout_code = code("OPEN_TIMEOUT");
  check(options, call);
  const fs::path target = absolute_destination(destination, call);
  const database::Location location = find_source(source, call);
  const database::Reservation reservation(location, call);
  std::optional<Holder> other = other_user_of(location.path);
  RecoveryReport report = database::recovery::Salvage(location.path, target, options, call).run();
  report.in_use_by = std::move(other);
  return report;
}

}  // namespace turnstile
