// What is written down beside a backup, so that it can be told later whether it is still the file
// that was written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sqlite/call.h"
#include "turnstile/progress.h"

namespace turnstile::database {

/// As JSON: `{"format": 1, "file", "created", "bytes", "sha256", "schema_version", "tables": {NAME:
/// ROWS, ...}}`. Threads: immutable.
struct Manifest {
  std::string file;     ///< The name without its folder, for people.
  std::string created;  ///< ISO 8601 in UTC.
  std::int64_t bytes = 0;
  std::string sha256;
  std::int64_t schema_version = 0;
  std::vector<TableRows> tables;

  [[nodiscard]] std::string to_json() const;
  /// Empty when the text is no manifest of this format.
  [[nodiscard]] static std::optional<Manifest> from_json(const std::string& text);
};

/// `NAME.manifest` for the file `NAME`.
[[nodiscard]] std::filesystem::path manifest_path(const std::filesystem::path& file);

/// Puts the manifest beside its file, in one step, over one that is there. Throws StorageError.
void write_manifest(const std::filesystem::path& file, const Manifest& manifest, const Call& call);

}  // namespace turnstile::database
