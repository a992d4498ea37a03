#include "vectors/definition.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "sqlite/ascii.h"
#include "sqlite/error_code.h"
#include "vectors/fail.h"

namespace turnstile {

std::string_view to_string(VectorMetric metric) noexcept {
  switch (metric) {
    case VectorMetric::Cosine:
      return "cosine";
    case VectorMetric::L2:
      return "l2";
    case VectorMetric::InnerProduct:
      return "ip";
    case VectorMetric::Hamming:
      return "hamming";
  }
  return "";
}

std::string_view to_string(VectorElement element) noexcept {
  switch (element) {
    case VectorElement::Float32:
      return "float32";
    case VectorElement::Int8:
      return "int8";
    case VectorElement::Bit:
      return "bit";
  }
  return "";
}

std::string_view to_string(VectorStorage storage) noexcept {
  return storage == VectorStorage::Packed ? "packed" : "sqlite-vec";
}

std::string_view to_string(VectorCodes codes) noexcept {
  return codes == VectorCodes::Int8 ? "int8" : "bit";
}

std::string_view to_string(VectorColumnType type) noexcept {
  switch (type) {
    case VectorColumnType::Text:
      return "text";
    case VectorColumnType::Integer:
      return "integer";
    case VectorColumnType::Real:
      return "real";
  }
  return "";
}

namespace vectors {

namespace {

constexpr int kMaxDimension = 16384;
constexpr int kMaxDimensionOfVec0 = 8192;  // sqlite-vec's own limit, as are 16 columns.
constexpr std::size_t kMaxColumns = 16;
constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxModel = 255;

constexpr auto kTaken = std::to_array<std::string_view>(
    {"distance", "id", "k", "payload", "rowid", "slot", "vector", "version"});

bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// A clause, or empty.
std::string why_no_column_name(std::string_view name) {
  const bool fits =
      !name.empty() && name.size() <= kMaxName && !is_digit(name.front()) &&
      std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
  if (!fits) {
    return "the column name " + in_quotes(name) +
           " is not made of up to 64 ASCII letters, digits and _, beginning with no digit";
  }
  if (std::ranges::count(kTaken, sqlite::lower_ascii(name)) > 0)
    return "the column name " + in_quotes(name) + " is taken by the collection itself";
  return {};
}

std::string why_invalid_columns(const VectorDefinition& definition) {
  if (definition.columns.size() > kMaxColumns) {
    return std::to_string(definition.columns.size()) + " columns are too many; " +
           std::to_string(kMaxColumns) + " are allowed";
  }
  std::vector<std::string> seen;
  for (const VectorColumn& column : all_columns(definition)) {
    if (std::string why = why_no_column_name(column.name); !why.empty()) return why;
    std::string lower = sqlite::lower_ascii(column.name);
    if (std::ranges::count(seen, lower) > 0)
      return "the column " + in_quotes(column.name) + " is there twice";
    seen.push_back(std::move(lower));
  }
  if (definition.partition && definition.partition->type == VectorColumnType::Real)
    return "a partition is by texts or integers, not by real numbers";
  return {};
}

std::string why_invalid(const VectorDefinition& definition) {
  const bool vec0 = definition.storage == VectorStorage::SqliteVec;
  const bool bits = definition.element == VectorElement::Bit;
  const int most = vec0 ? kMaxDimensionOfVec0 : kMaxDimension;
  if (definition.dimension < 1 || definition.dimension > most) {
    return "the dimension " + std::to_string(definition.dimension) + " is not from 1 to " +
           std::to_string(most);
  }
  if (bits && definition.dimension % 8 != 0) {
    return "the dimension " + std::to_string(definition.dimension) +
           " is no multiple of 8, as that of bits must be";
  }
  if (bits != (definition.metric == VectorMetric::Hamming)) {
    return "the metric " + std::string(to_string(*definition.metric)) +
           " does not go with elements of " + std::string(to_string(definition.element)) +
           ": hamming is for bits, and bits are for hamming";
  }
  if (vec0 && definition.metric == VectorMetric::InnerProduct)
    return "sqlite-vec has no inner product; use packed storage, or normalise and use cosine";
  if (definition.model.size() > kMaxModel) return "the model's name is longer than 255 bytes";
  return why_invalid_columns(definition);
}

}  // namespace

std::span<const VectorMetric> all_metrics() noexcept {
  static constexpr auto kAll = std::to_array(
      {VectorMetric::Cosine, VectorMetric::L2, VectorMetric::InnerProduct, VectorMetric::Hamming});
  return kAll;
}
std::span<const VectorElement> all_elements() noexcept {
  static constexpr auto kAll =
      std::to_array({VectorElement::Float32, VectorElement::Int8, VectorElement::Bit});
  return kAll;
}
std::span<const VectorStorage> all_storages() noexcept {
  static constexpr auto kAll = std::to_array({VectorStorage::Packed, VectorStorage::SqliteVec});
  return kAll;
}
std::span<const VectorCodes> all_codes() noexcept {
  static constexpr auto kAll = std::to_array({VectorCodes::Int8, VectorCodes::Bit});
  return kAll;
}
std::span<const VectorColumnType> all_column_types() noexcept {
  static constexpr auto kAll =
      std::to_array({VectorColumnType::Text, VectorColumnType::Integer, VectorColumnType::Real});
  return kAll;
}

void validate_name(std::string_view name, std::source_location where) {
  const bool fits =
      !name.empty() && name.size() <= kMaxName && std::ranges::all_of(name, [](char c) {
        return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
      });
  if (fits) return;
  refuse(code("VECTOR_COLLECTION_INVALID"),
         "the name " + in_quotes(name) +
             " is not made of 1 to 64 ASCII letters, digits, '_', '-' and '.'",
         {}, where);
}

VectorDefinition validated(VectorDefinition definition, std::source_location where) {
  const bool bits = definition.element == VectorElement::Bit;
  if (!definition.metric) definition.metric = bits ? VectorMetric::Hamming : VectorMetric::Cosine;
  if (definition.element != VectorElement::Float32 || definition.storage != VectorStorage::Packed)
    definition.codes = VectorCodes::Int8;
  if (std::string why = why_invalid(definition); !why.empty())
    refuse(code("VECTOR_COLLECTION_INVALID"), std::move(why), {}, where);
  return definition;
}

std::vector<VectorColumn> all_columns(const VectorDefinition& definition) {
  std::vector<VectorColumn> columns;
  if (definition.partition) columns.push_back(*definition.partition);
  columns.insert(columns.end(), definition.columns.begin(), definition.columns.end());
  return columns;
}

std::string write_columns(std::span<const VectorColumn> columns) {
  std::string text;
  for (const VectorColumn& column : columns) {
    if (!text.empty()) text += ',';
    text += column.name;
    text += ':';
    text += to_string(column.type);
  }
  return text;
}

std::vector<VectorColumn> read_columns(std::string_view text) {
  std::vector<VectorColumn> columns;
  while (!text.empty()) {
    const std::string_view column = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), column.size() + 1));
    const std::size_t colon = column.find(':');
    const auto type = colon == std::string_view::npos
                          ? std::nullopt
                          : named(all_column_types(), column.substr(colon + 1));
    if (!type) {
      fail(code("DB_CORRUPT"),
           "vector_collection has a column that cannot be read: " + in_quotes(column));
    }
    columns.push_back({std::string(column.substr(0, colon)), *type});
  }
  return columns;
}

std::string difference(const VectorDefinition& there, const VectorDefinition& wanted) {
  std::string text;
  const auto compare = [&text](std::string_view what, const std::string& a, const std::string& b) {
    if (a == b) return;
    if (!text.empty()) text += "; ";
    text += std::string(what) + " " + a + ", not " + b;
  };
  const auto name = [](auto value) { return std::string(to_string(value)); };
  const auto partition = [](const VectorDefinition& definition) {
    return definition.partition ? write_columns({&*definition.partition, 1}) : std::string("none");
  };
  const auto columns = [](const VectorDefinition& definition) {
    return definition.columns.empty() ? std::string("none") : write_columns(definition.columns);
  };
  compare("dimension", std::to_string(there.dimension), std::to_string(wanted.dimension));
  compare("model", in_quotes(there.model), in_quotes(wanted.model));
  compare("metric", name(*there.metric), name(*wanted.metric));
  compare("element", name(there.element), name(wanted.element));
  compare("storage", name(there.storage), name(wanted.storage));
  compare("codes", name(there.codes), name(wanted.codes));
  compare("partition", partition(there), partition(wanted));
  compare("columns", columns(there), columns(wanted));
  return text;
}

}  // namespace vectors
}  // namespace turnstile
