#include "vec/item_line.h"

#include <fmt/core.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "failure.h"
#include "json.h"
#include "text.h"
#include "vec/common.h"

namespace turnstile::cli {

namespace {

// Empty for anything else, and for an integer that 64 bits with a sign cannot hold.
std::optional<std::int64_t> integer_from(const Json& json) {
  if (!json.is_number_integer()) return std::nullopt;
  if (json.is_number_unsigned() && !std::in_range<std::int64_t>(json.get<std::uint64_t>()))
    return std::nullopt;
  return json.get<std::int64_t>();
}

std::string id_from(const Json& json, const std::string& what) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number_integer()) return json.dump();
  throw usage_failure(what + ": the id is neither a text nor an integer",
                      "A line is an object such as {\"id\": \"a\", \"vector\": [1, 0]}.");
}

Value value_from(const Json& json, const std::string& what, const std::string& name) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_boolean()) return std::int64_t{json.get<bool>()};
  if (json.is_number_float()) return json.get<double>();
  if (const auto integer = integer_from(json)) return *integer;
  throw usage_failure(
      fmt::format("{}: the member '{}' is neither a text nor a number", what, printable(name)),
      "What else belongs to an item can be put into its payload.");
}

}  // namespace

VectorItem item_from_line(std::string_view line, const std::string& what) {
  const Json json = parse_json(line, what);
  VectorItem item;
  if (!json.is_object() || !json.contains("id") || !json.contains("vector"))
    throw usage_failure(what + " is no object with id and vector",
                        "A line is an object such as {\"id\": \"a\", \"vector\": [1, 0]}.");
  item.id = id_from(json.at("id"), what);
  item.vector = vector_from(json.at("vector"), what + ": the vector");
  for (const auto& [name, member] : json.items()) {
    if (name == "id" || name == "vector") continue;
    if (name == "payload") {
      item.payload = member.is_string() ? member.get<std::string>() : member.dump();
    } else if (name == "version") {
      const auto version = integer_from(member);
      if (!version)
        throw usage_failure(what + ": the version is no integer of 64 bits",
                            "Leave it out, or number it.");
      item.version = *version;
    } else {
      item.values.emplace(name, value_from(member, what, name));
    }
  }
  return item;
}

}  // namespace turnstile::cli
