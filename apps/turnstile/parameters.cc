#include "parameters.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <system_error>

#include "failure.h"
#include "number.h"
#include "text.h"

namespace turnstile::cli {

namespace {

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

std::string_view without_digits(std::string_view text) noexcept {
  return text.substr(std::min(text.find_first_not_of("0123456789"), text.size()));
}

enum class Shape { Text, Integer, Real };

// The grammar of JSON (RFC 8259, section 6), which has no leading zeros and no `+`.
Shape shape_of(std::string_view text) noexcept {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || !is_digit(text[0])) return Shape::Text;
  text = text[0] == '0' ? text.substr(1) : without_digits(text);
  Shape shape = Shape::Integer;
  if (text.starts_with('.')) {
    shape = Shape::Real;
    if (text.size() == 1 || !is_digit(text[1])) return Shape::Text;
    text = without_digits(text.substr(1));
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    shape = Shape::Real;
    text.remove_prefix(1);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (text.empty() || !is_digit(text[0])) return Shape::Text;
    text = without_digits(text);
  }
  return text.empty() ? shape : Shape::Text;
}

bool is_quoted(std::string_view text, std::size_t start) noexcept {
  return text.size() >= start + 2 && text[start] == '\'' && text.back() == '\'';
}

std::optional<Blob> blob_from(std::string_view text) {
  const bool has_form = (text.starts_with('x') || text.starts_with('X')) && is_quoted(text, 1);
  if (!has_form || text.size() % 2 == 0) return std::nullopt;
  Blob blob;
  for (std::size_t i = 2; i + 1 < text.size(); i += 2) {
    unsigned byte = 0;
    const char* const end = text.data() + i + 2;
    const auto [rest, error] = std::from_chars(text.data() + i, end, byte, 16);
    if (error != std::errc() || rest != end) return std::nullopt;
    blob.push_back(static_cast<std::byte>(byte));
  }
  return blob;
}

std::string unquoted(std::string_view text) {
  std::string result;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    result += text[i];
    if (text[i] == '\'' && text[i + 1] == '\'' && i + 2 < text.size()) ++i;
  }
  return result;
}

// As the user writes it: `:id` and `id` are the same, `?2` is 2.
std::string bare_name(std::string_view name) {
  const bool has_prefix =
      !name.empty() && std::string_view(":@$?").find(name[0]) != std::string_view::npos;
  return std::string(name.substr(has_prefix ? 1 : 0));
}

}  // namespace

Value parse_value(std::string_view text) {
  if (text == "NULL") return {};
  switch (shape_of(text)) {
    case Shape::Integer:
      if (const auto integer = parse_number<std::int64_t>(text)) return *integer;
      return std::string(text);
    case Shape::Real:
      if (const auto real = parse_number<double>(text); real && std::isfinite(*real)) return *real;
      return std::string(text);
    case Shape::Text:
      break;
  }
  if (auto blob = blob_from(text)) return *std::move(blob);
  return is_quoted(text, 0) ? unquoted(text) : std::string(text);
}

std::vector<Parameter> parse_parameters(const std::vector<std::string>& words) {
  std::vector<Parameter> parameters;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    const std::string name = bare_name(std::string_view(word).substr(0, equals));
    if (equals == std::string::npos || name.empty()) {
      throw usage_failure(fmt::format("'{}' is no NAME=VALUE", word),
                          "Write -p NAME=VALUE, such as -p id=7, or -p 1=7 for the first ?.");
    }
    if (std::ranges::find(parameters, name, &Parameter::name) != parameters.end()) {
      throw usage_failure(fmt::format("the parameter {} is given twice", name),
                          "Give each parameter one value.");
    }
    parameters.push_back({name, parse_value(std::string_view(word).substr(equals + 1))});
  }
  return parameters;
}

void bind_parameters(Statement& statement, std::span<const Parameter> parameters) {
  std::vector<std::string> names;
  for (int index = 1; index <= statement.parameter_count(); ++index) {
    const std::string_view full_name = statement.parameter_name(index);
    std::string name = full_name.empty() ? std::to_string(index) : bare_name(full_name);
    const auto found = std::ranges::find(parameters, name, &Parameter::name);
    if (found == parameters.end()) {
      throw usage_failure(
          fmt::format("the parameter {} has no value",
                      full_name.empty() ? fmt::format("number {}", index) : full_name),
          fmt::format("Add -p {}=VALUE.", name));
    }
    statement.bind(index, found->value);
    names.push_back(std::move(name));
  }
  for (const Parameter& parameter : parameters) {
    if (std::ranges::find(names, parameter.name) == names.end()) {
      const std::vector<std::string_view> known(names.begin(), names.end());
      const std::string_view best = nearest(parameter.name, known);
      throw usage_failure(fmt::format("the statement has no parameter {}", parameter.name),
                          best.empty() ? "Leave that -p out, or name the parameter in the SQL."
                                       : fmt::format("Did you mean {}?", best));
    }
  }
}

}  // namespace turnstile::cli
