#include "turnstile/records/condition.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::detail {

namespace {

std::string_view operator_of(Comparison comparison, bool nullable) noexcept {
  switch (comparison) {
    case Comparison::Equal:
      return nullable ? " IS ?" : " = ?";
    case Comparison::NotEqual:
      return nullable ? " IS NOT ?" : " <> ?";
    case Comparison::Less:
      return " < ?";
    case Comparison::LessOrEqual:
      return " <= ?";
    case Comparison::Greater:
      return " > ?";
    case Comparison::GreaterOrEqual:
      return " >= ?";
    case Comparison::Like:
      break;
  }
  return " LIKE ?";
}

ConditionText join(ConditionText a, ConditionText b, std::string_view separator) {
  a.sql = "(" + a.sql + std::string(separator) + b.sql + ")";
  std::move(b.values.begin(), b.values.end(), std::back_inserter(a.values));
  return a;
}

void append_hexadecimal(std::string& text, BlobView bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<std::size_t>(byte >> 4U)];
    text += kDigits[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
}

void append_element(std::string& list, const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    list += std::to_string(*integer);
    return;
  }
  list += '"';
  if (const auto* text = std::get_if<std::string>(&value))
    append_hexadecimal(list, std::as_bytes(std::span(*text)));
  else if (const auto* blob = std::get_if<Blob>(&value))
    append_hexadecimal(list, *blob);
  list += '"';
}

}  // namespace

ConditionText compare(const Table& table, std::size_t column, Comparison comparison, Value value) {
  std::string sql = table.qualified(column);
  sql += operator_of(comparison, table.columns()[column].storage.nullable);
  return {std::move(sql), {std::move(value)}};
}

ConditionText contains(const Table& table, std::size_t column, Value text) {
  return {"instr(" + table.qualified(column) + ", ?) > 0", {std::move(text)}};
}

ConditionText is_one_of(const Table& table, std::size_t column, const std::vector<Value>& values) {
  return {table.qualified(column) + " IN (SELECT " +
              list_element(table.columns()[column].storage.type, "json_each.value") +
              " FROM json_each(?))",
          {list_parameter(values)}};
}

ConditionText both(ConditionText a, ConditionText b) {
  if (a.sql.empty()) return b;
  if (b.sql.empty()) return a;
  return join(std::move(a), std::move(b), " AND ");
}

ConditionText either(ConditionText a, ConditionText b) {
  if (a.sql.empty() || b.sql.empty()) return {};
  return join(std::move(a), std::move(b), " OR ");
}

ConditionText negated(ConditionText condition) {
  condition.sql = condition.sql.empty() ? "FALSE" : "NOT (" + condition.sql + ")";
  return condition;
}

Value list_parameter(const std::vector<Value>& values) {
  std::string list = "[";
  for (const Value& value : values) {
    if (list.size() > 1) list += ',';
    append_element(list, value);
  }
  return list + "]";
}

// Hexadecimal, because JSON has no blobs, and so that no character of a text needs care.
std::string list_element(ValueType type, std::string_view element) {
  std::string text(element);
  if (type == ValueType::Text) return "CAST(unhex(" + text + ") AS TEXT)";
  if (type == ValueType::Blob) return "unhex(" + text + ")";
  return text;
}

void raise_value_out_of_range() {
  sqlite::raise_misuse(code("PARAMETER_INVALID"),
                       "a value does not fit in a signed integer of 64 bits");
}

void raise_key_out_of_range(std::int64_t rowid) {
  sqlite::raise_misuse(code("COLUMN_RANGE"),
                       "the key " + std::to_string(rowid) + " does not fit the type of its member");
}

}  // namespace turnstile::detail
