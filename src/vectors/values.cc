#include "vectors/values.h"

#include <algorithm>
#include <cmath>

#include "sqlite/utf8.h"
#include "vectors/fail.h"

namespace turnstile::vectors {

namespace {

constexpr std::size_t kLongestId = 512;

bool is_utf8(std::string_view text) noexcept {
  return sqlite::find_invalid_utf8(text) == std::string_view::npos;
}

std::string why_unfit(const VectorColumn& column, const VectorValues& values) {
  const auto found = values.find(column.name);
  if (found == values.end()) return "has no value for the column " + in_quotes(column.name);
  if (stored_value(column.type, found->second)) return {};
  return "has " + std::string(describe(found->second)) + " in the column " +
         in_quotes(column.name) + ", which is of type " + std::string(to_string(column.type));
}

}  // namespace

std::optional<Value> stored_value(VectorColumnType type, const Value& value) {
  switch (type) {
    case VectorColumnType::Text:
      if (const auto* text = std::get_if<std::string>(&value); text != nullptr && is_utf8(*text))
        return value;
      break;
    case VectorColumnType::Integer:
      if (std::holds_alternative<std::int64_t>(value)) return value;
      break;
    case VectorColumnType::Real:
      if (const auto* integer = std::get_if<std::int64_t>(&value))
        return static_cast<double>(*integer);
      if (const auto* real = std::get_if<double>(&value); real != nullptr && std::isfinite(*real))
        return value;
      break;
  }
  return std::nullopt;
}

std::string_view describe(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value))
    return is_utf8(*text) ? "a text" : "a text that is not UTF-8";
  if (const auto* real = std::get_if<double>(&value))
    return std::isfinite(*real) ? "a real number" : "NaN or infinity";
  if (std::holds_alternative<std::int64_t>(value)) return "an integer";
  return std::holds_alternative<Blob>(value) ? "a blob" : "no value";
}

std::string why_unfit(const std::vector<VectorColumn>& columns, const VectorItem& item) {
  if (item.id.empty()) return "has an empty id";
  if (item.id.size() > kLongestId) return "has an id longer than 512 bytes";
  if (!is_utf8(item.id)) return "has an id that is not UTF-8";
  if (!is_utf8(item.payload)) return "has a payload that is not UTF-8";
  for (const VectorColumn& column : columns)
    if (std::string why = why_unfit(column, item.values); !why.empty()) return why;
  for (const auto& [name, value] : item.values) {
    const bool known = std::ranges::any_of(
        columns, [&](const VectorColumn& column) { return column.name == name; });
    if (!known)
      return "has a value for " + in_quotes(name) + ", which is no column of the collection";
  }
  return {};
}

std::vector<Value> in_order(const std::vector<VectorColumn>& columns, const VectorValues& values) {
  std::vector<Value> ordered;
  ordered.reserve(columns.size());
  for (const VectorColumn& column : columns)
    ordered.push_back(*stored_value(column.type, values.at(column.name)));
  return ordered;
}

}  // namespace turnstile::vectors
