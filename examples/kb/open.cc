#include "open.h"

#include <utility>

#include "schema.h"

namespace kb {

namespace {

turnstile::Options options_for(const Common& common) {
  turnstile::Options options;
  options.busy_timeout = common.timeout;
  options.migrations = schema();
  return options;
}

}  // namespace

turnstile::Database open_for_writing(const Common& common) {
  return turnstile::Database::open(common.db, options_for(common));
}

turnstile::Database open_for_reading(const Common& common) {
  turnstile::Options options = options_for(common);
  options.mode = turnstile::OpenMode::ReadWrite;  // Never makes a file for a mistyped name.
  return turnstile::Database::open(common.db, std::move(options));
}

}  // namespace kb
