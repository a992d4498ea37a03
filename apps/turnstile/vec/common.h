// What the commands about vectors have in common.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "context.h"
#include "turnstile/database.h"
#include "turnstile/vectors.h"

namespace turnstile::cli {

/// Opens DB to change what is in it.
[[nodiscard]] Options options_for_vectors();

/// `base` with what the flags of create and rebuild say. Throws Failure (USAGE).
[[nodiscard]] VectorDefinition definition_from(const Arguments& arguments, VectorDefinition base);

[[nodiscard]] nlohmann::ordered_json to_json(const Value& value);
/// Members `id`, `vector`, the columns, `payload` and `version`, where they are not empty.
[[nodiscard]] nlohmann::ordered_json to_json(const VectorItem& item);

/// The numbers of a JSON array; throws Failure (USAGE), beginning with `what`.
[[nodiscard]] std::vector<float> vector_from(const nlohmann::ordered_json& json,
                                             std::string_view what);

/// Throws Failure (USAGE), beginning with `what`.
[[nodiscard]] nlohmann::ordered_json parse_json(std::string_view text, std::string_view what);

/// The payload as JSON, if it is some, else as a text.
[[nodiscard]] nlohmann::ordered_json payload_to_json(const std::string& payload);

}  // namespace turnstile::cli
