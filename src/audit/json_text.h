// JSON as text: checked, made compact and taken apart without changing a byte of its values, which
// a library that reads it into numbers and writes it again would not promise. The hash of an event
// is of the text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace turnstile::audit {

/// Arrays and objects inside one another.
inline constexpr std::size_t kDeepestJson = 100;

/// Why a text is no JSON (RFC 8259). Threads: immutable.
struct JsonFault {
  std::size_t offset = 0;
  std::string_view expected;  ///< What should be there.
};

/// Sets `compact` to `text` without the space between its tokens.
[[nodiscard]] std::optional<JsonFault> make_compact(std::string_view text, std::string& compact);

/// A member of an object. Both are parts of the text; the name is between its quotes.
struct JsonMember {
  std::string_view name;
  std::string_view value;
};
/// Nothing when `text` is no object.
[[nodiscard]] std::optional<std::vector<JsonMember>> members_of(std::string_view text);

/// What a string with its quotes stands for; nothing when it is none, or no Unicode.
[[nodiscard]] std::optional<std::string> read_json_string(std::string_view value);
/// Appends `text`, which is UTF-8, as a string with quotes.
void append_json_string(std::string& json, std::string_view text);

}  // namespace turnstile::audit
