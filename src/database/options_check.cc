#include "database/options_check.h"

#include <bit>
#include <string>
#include <utility>

#include "database/migration/plan.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::database {

namespace {

void require(bool valid, std::string message, std::source_location where) {
  if (valid) return;
  Call call;
  call.where = where;
  sqlite::raise_misuse(code("OPTION_INVALID"), std::move(message), call);
}

bool valid_page_size(int size) {
  return size == 0 ||
         (size >= 512 && size <= 65536 && std::has_single_bit(static_cast<unsigned>(size)));
}

// `postgres://`, `redis://` and the like, which are reserved. A path has no colon before "//".
bool has_foreign_scheme(std::string_view path) {
  const std::size_t scheme = path.find("://");
  return scheme != std::string_view::npos && scheme > 0 && path.substr(0, scheme) != "file" &&
         path.substr(0, scheme).find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.") ==
             std::string_view::npos;
}

}  // namespace

OpenTarget to_target(std::string_view path, Options options, std::source_location where) {
  if (path.starts_with("file:")) return Options::from_uri(path, std::move(options), where);
  if (has_foreign_scheme(path)) {
    Call call;
    call.where = where;
    sqlite::raise_misuse(code("URI_INVALID"),
                         "'" + std::string(path) + "' has a scheme other than file:", call,
                         "Give a path or a file: URI; other schemes are reserved.");
  }
  return {std::string(path), std::move(options)};
}

void fill_in(Options& options) noexcept {
  constexpr int kConnections = 4;
  constexpr int kReadOnlyConnections = 2;
  if (options.connections != 0) return;
  options.connections = options.mode == OpenMode::ReadOnly ? kReadOnlyConnections : kConnections;
}

void validate(const Options& options, std::source_location where) {
  constexpr int kMostConnections = 64;
  constexpr int kMostFrames = 1 << 28;  // Four times as many fit into an int.
  require(options.connections >= 0 && options.connections <= kMostConnections,
          "Options::connections is " + std::to_string(options.connections) +
              "; it must be from 1 to " + std::to_string(kMostConnections) + ", or 0",
          where);
  require(options.busy_timeout.count() >= 0, "Options::busy_timeout is negative", where);
  require(options.migration_timeout.count() >= 0, "Options::migration_timeout is negative", where);
  require(!options.immutable || options.mode == OpenMode::ReadOnly,
          "Options::immutable is for OpenMode::ReadOnly", where);
  require(valid_page_size(options.page_size),
          "Options::page_size is " + std::to_string(options.page_size) +
              "; it must be 0 or a power of two from 512 to 65536",
          where);
  require(options.checkpoint_frames >= 1 && options.checkpoint_frames <= kMostFrames,
          "Options::checkpoint_frames is " + std::to_string(options.checkpoint_frames) +
              "; it must be from 1 to " + std::to_string(kMostFrames),
          where);
  require(options.wal_limit_bytes >= 0, "Options::wal_limit_bytes is negative", where);
  require(options.pinned_reader_warning.count() >= 1,
          "Options::pinned_reader_warning must be at least 1 ms", where);
  require(options.statement_cache_size >= 1, "Options::statement_cache_size must be at least 1",
          where);
  for (const Extension& extension : options.extensions)
    require(!extension.path.empty(), "an Extension has no path", where);
  validate(options.migrations, where);
}

}  // namespace turnstile::database
