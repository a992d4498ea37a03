#include "vec/common.h"

#include <fmt/core.h>

#include <cmath>
#include <utility>

#include "failure.h"
#include "json.h"
#include "json_input.h"
#include "text.h"
#include "vectors/definition.h"

namespace turnstile::cli {

namespace {

VectorColumn column_from(std::string_view flag, const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon != std::string::npos) {
    const auto type =
        vectors::named(vectors::all_column_types(), std::string_view(text).substr(colon + 1));
    if (type) return {text.substr(0, colon), *type};
  }
  throw usage_failure(fmt::format("'{}' is no NAME:TYPE for {}", printable(text), flag),
                      "TYPE is text, integer or real, as in lang:text.");
}

// The flag's words are checked against the table of commands by the parser.
template <class T>
void take(const Arguments& arguments, std::string_view flag, std::span<const T> all, T& value) {
  if (const auto name = arguments.value(flag)) value = *vectors::named(all, *name);
}

}  // namespace

Options options_for_vectors() {
  Options options;
  options.mode = OpenMode::ReadWrite;
  return options;
}

VectorDefinition definition_from(const Arguments& arguments, VectorDefinition base) {
  constexpr int kMostNumbers = 16384;
  if (const auto dimension = arguments.integer("--dim", 1, kMostNumbers))
    base.dimension = static_cast<int>(*dimension);
  if (const auto model = arguments.value("--model")) base.model = *model;
  if (const auto metric = arguments.value("--metric"))
    base.metric = *vectors::named(vectors::all_metrics(), *metric);
  const VectorElement element = base.element;
  take(arguments, "--type", vectors::all_elements(), base.element);
  // Bits have a metric of their own.
  if (base.element != element && !arguments.has("--metric")) base.metric.reset();
  take(arguments, "--storage", vectors::all_storages(), base.storage);
  take(arguments, "--codes", vectors::all_codes(), base.codes);
  if (arguments.has("--column")) base.columns.clear();
  for (const std::string& column : arguments.values("--column"))
    base.columns.push_back(column_from("--column", column));
  if (const auto partition = arguments.value("--partition"))
    base.partition = column_from("--partition", *partition);
  return base;
}

Json to_json(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  if (const auto* real = std::get_if<double>(&value)) return *real;
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return {};
}

Json payload_to_json(const std::string& payload) {
  return read_json(payload).value_or(Json(payload));
}

Json to_json(const VectorItem& item) {
  Json json = {{"id", item.id}, {"vector", item.vector}};
  for (const auto& [column, value] : item.values)
    json[column] = to_json(value);
  if (!item.payload.empty()) json["payload"] = payload_to_json(item.payload);
  if (item.version != 0) json["version"] = item.version;
  return json;
}

std::vector<float> vector_from(const Json& json, std::string_view what) {
  const auto fail = [&](const std::string& why) -> Failure {
    return usage_failure(fmt::format("{} {}", what, why),
                         "A vector is an array of numbers, such as [0.1, -0.2].");
  };
  if (!json.is_array()) throw fail("is no array");
  std::vector<float> vector;
  vector.reserve(json.size());
  for (const Json& number : json) {
    if (!number.is_number()) throw fail("has something in it that is no number");
    const auto value = number.get<float>();
    if (!std::isfinite(value)) throw fail("has a number in it that no float can hold");
    vector.push_back(value);
  }
  return vector;
}

Json parse_json(std::string_view text, std::string_view what) {
  auto json = read_json(text);
  if (!json) {
    throw usage_failure(fmt::format("{} is not JSON, or too deep", what),
                        "Check the quotes and brackets; 100 of them may be inside one another.");
  }
  return *std::move(json);
}

}  // namespace turnstile::cli
