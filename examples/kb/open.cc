#include "open.h"

#include <filesystem>

namespace kb {

namespace {

turnstile::Options options_for(const Common& common, turnstile::OpenMode mode) {
  turnstile::Options options;
  options.busy_timeout = common.timeout;
  options.mode = mode;
  return options;
}

}  // namespace

turnstile::HostOptions host_options(const Common& common) {
  // Everything this program keeps is in the one file, so its directory is the data directory.
  const std::filesystem::path file = std::filesystem::absolute(common.db);
  return {.data_directory = file.parent_path(),
          .database = file,
          .options = options_for(common, turnstile::OpenMode::ReadWriteCreate),
          .maintenance = turnstile::MaintenanceSchedule{}};
}

turnstile::Database open_existing(const Common& common) {
  return turnstile::Database::open(common.db, options_for(common, turnstile::OpenMode::ReadWrite));
}

turnstile::Database open_or_create(const Common& common) {
  return turnstile::Database::open(common.db,
                                   options_for(common, turnstile::OpenMode::ReadWriteCreate));
}

std::unique_ptr<Embedder> make_embedder(const Common& common) {
  return common.embedder.empty() ? make_hashing_embedder() : make_command_embedder(common.embedder);
}

}  // namespace kb
