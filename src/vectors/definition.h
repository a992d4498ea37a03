// What a collection is, as the program says it and as the table vector_collection keeps it.
#pragma once

#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/vectors.h"

namespace turnstile::vectors {

// All values of each kind, for readers of their names.
[[nodiscard]] std::span<const VectorMetric> all_metrics() noexcept;
[[nodiscard]] std::span<const VectorElement> all_elements() noexcept;
[[nodiscard]] std::span<const VectorStorage> all_storages() noexcept;
[[nodiscard]] std::span<const VectorCodes> all_codes() noexcept;
[[nodiscard]] std::span<const VectorColumnType> all_column_types() noexcept;

/// The one of `all` that is called `name`.
template <class T>
[[nodiscard]] std::optional<T> named(std::span<const T> all, std::string_view name) {
  for (const T value : all)
    if (to_string(value) == name) return value;
  return std::nullopt;
}

/// Throws MisuseError (VECTOR_COLLECTION_INVALID).
void validate_name(std::string_view name, std::source_location where);

/// The definition with its metric, and without what has no effect. Throws MisuseError
/// (VECTOR_COLLECTION_INVALID).
[[nodiscard]] VectorDefinition validated(VectorDefinition definition, std::source_location where);

/// The partition's column, if there is one, and then the others.
[[nodiscard]] std::vector<VectorColumn> all_columns(const VectorDefinition& definition);

/// `lang:text,year:integer`, and back. read_columns() throws StorageError (DB_CORRUPT).
[[nodiscard]] std::string write_columns(std::span<const VectorColumn> columns);
[[nodiscard]] std::vector<VectorColumn> read_columns(std::string_view text);

/// What two valid definitions do not have in common, as `dimension 128, not 768; model 'a', not
/// 'b'`; empty when they are the same.
[[nodiscard]] std::string difference(const VectorDefinition& there, const VectorDefinition& wanted);

}  // namespace turnstile::vectors
