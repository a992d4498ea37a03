#include "database/options_check.h"

#include <bit>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "database/migration/plan.h"
#include "sqlite/ascii.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "sqlite/utf8.h"

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

bool valid_name(std::string_view name) {
  constexpr std::size_t kLongestName = 255;
  return !name.empty() && name.size() <= kLongestName &&
         name.find('\0') == std::string_view::npos &&
         sqlite::find_invalid_utf8(name) == std::string_view::npos;
}

void validate(const std::vector<Function>& functions, std::source_location where) {
  constexpr int kMostArguments = 100;
  std::set<std::pair<std::string, int>> seen;
  for (const Function& function : functions) {
    require(valid_name(function.name),
            "a Function needs a name of 1 to 255 bytes of UTF-8; it is '" +
                sqlite::escape_invalid_utf8(function.name) + "'",
            where);
    require(function.call != nullptr, "the Function '" + function.name + "' has nothing to call",
            where);
    require(function.arguments >= -1 && function.arguments <= kMostArguments,
            "the Function '" + function.name + "' takes " + std::to_string(function.arguments) +
                " arguments; it may be 0 to " + std::to_string(kMostArguments) + ", or -1",
            where);
    require(seen.emplace(sqlite::lower_ascii(function.name), function.arguments).second,
            "the Function '" + function.name + "' is there twice with the same number of arguments",
            where);
  }
}

void validate(const std::vector<Collation>& collations, std::source_location where) {
  std::set<std::string> seen;
  for (const Collation& collation : collations) {
    require(valid_name(collation.name),
            "a Collation needs a name of 1 to 255 bytes of UTF-8; it is '" +
                sqlite::escape_invalid_utf8(collation.name) + "'",
            where);
    require(collation.compare != nullptr,
            "the Collation '" + collation.name + "' has nothing to compare with", where);
    require(seen.insert(sqlite::lower_ascii(collation.name)).second,
            "the Collation '" + collation.name + "' is there twice", where);
  }
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
  validate(SqlDefinitions{options.extensions, options.functions, options.collations}, where);
  validate(options.migrations, where);
}

void validate(const SqlDefinitions& definitions, std::source_location where) {
  for (const Extension& extension : definitions.extensions)
    require(!extension.path.empty(), "an Extension has no path", where);
  validate(definitions.functions, where);
  validate(definitions.collations, where);
}

}  // namespace turnstile::database
