#include "database/recovery/schema.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "sqlite/utf8.h"

namespace turnstile::database::recovery {

namespace {

// SQLite itself writes the first words of each statement, with one blank between them.
bool begins_with(std::string_view text, std::string_view words) {
  if (text.size() < words.size()) return false;
  return std::ranges::equal(text.substr(0, words.size()), words, [](char a, char b) {
    return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 32) : a) == b;
  });
}

}  // namespace

std::optional<SchemaObject> SchemaObject::parse(std::span<const Field> fields,
                                                Destination& destination) {
  constexpr std::size_t kColumns = 5;
  if (fields.size() != kColumns) return std::nullopt;
  SchemaObject object;
  object.type = destination.text(fields[0]);
  object.name = destination.text(fields[1]);
  object.table = destination.text(fields[2]);
  object.sql = destination.text(fields[4]);
  const std::int64_t root = fields[3].integer;
  if (root < 0 || root > std::numeric_limits<PageNumber>::max()) return std::nullopt;
  object.root = static_cast<PageNumber>(root);
  const bool has_type = object.type == "table" || object.type == "index" || object.type == "view" ||
                        object.type == "trigger";
  if (!has_type || object.name.empty()) return std::nullopt;
  const bool is_text = sqlite::find_invalid_utf8(object.name) == std::string_view::npos;
  if (!is_text) return std::nullopt;
  return object;
}

bool SchemaObject::is_virtual_table() const {
  return type == "table" && begins_with(sql, "CREATE VIRTUAL TABLE ");
}

bool SchemaObject::is_unique_index() const {
  return type == "index" && begins_with(sql, "CREATE UNIQUE INDEX ");
}

bool SchemaObject::is_statistics() const {
  return name.starts_with("sqlite_stat");
}

bool SchemaObject::can_be_run() const {
  if (type == "table") return begins_with(sql, "CREATE TABLE ");
  if (type == "index") return begins_with(sql, "CREATE INDEX ") || is_unique_index();
  if (type == "view") return begins_with(sql, "CREATE VIEW ");
  return begins_with(sql, "CREATE TRIGGER ");
}

}  // namespace turnstile::database::recovery
