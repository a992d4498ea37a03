#include "audit/json_text.h"

#include <charconv>
#include <cstdint>

#include "sqlite/utf8.h"

namespace turnstile::audit {

namespace {

constexpr std::string_view kEscaped = "\"\\/bfnrt";
constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// Reads one text from its beginning to its end. Functions are false at the first fault.
///
/// Threads: confined.
class Reader {
 public:
  /// `compact` may be null.
  Reader(std::string_view text, std::size_t deepest, std::string* compact)
      : text_(text), deepest_(deepest), compact_(compact) {}

  /// One value and nothing else.
  [[nodiscard]] std::optional<JsonFault> read() {
    if (const std::size_t invalid = sqlite::find_invalid_utf8(text_); invalid != text_.npos)
      return JsonFault{invalid, "UTF-8"};
    if (!value(0) || !end()) return fault_;
    if (compact_ != nullptr) compact_->append(text_.substr(kept_));
    return std::nullopt;
  }

  /// An object and nothing else; `found` gets its members.
  [[nodiscard]] bool read_members(std::vector<JsonMember>& found) {
    skip_space();
    return peek() == '{' && members(0, &found) && end();
  }

 private:
  bool fail(std::string_view expected) noexcept {
    fault_ = {at_, expected};
    return false;
  }
  [[nodiscard]] char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) noexcept {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool end() {
    skip_space();
    return at_ == text_.size() || fail("the end");
  }

  void skip_space() {
    const std::size_t space = at_;
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != text_.npos)
      ++at_;
    if (at_ == space || compact_ == nullptr) return;
    compact_->append(text_.substr(kept_, space - kept_));
    kept_ = at_;
  }

  bool value(std::size_t depth) {
    skip_space();
    switch (peek()) {
      case '{':
        return members(depth, nullptr);
      case '[':
        return elements(depth);
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  bool members(std::size_t depth, std::vector<JsonMember>* found) {
    ++at_;
    if (depth == deepest_) return fail("less depth");
    skip_space();
    if (take('}')) return true;
    do {
      skip_space();
      const std::size_t name = at_;
      if (!string()) return false;
      const std::string_view quoted = text_.substr(name, at_ - name);
      skip_space();
      if (!take(':')) return fail("a colon");
      skip_space();
      const std::size_t start = at_;
      if (!value(depth + 1)) return false;
      if (found != nullptr)
        found->push_back({quoted.substr(1, quoted.size() - 2), text_.substr(start, at_ - start)});
      skip_space();
    } while (take(','));
    return take('}') || fail("a comma or a closing brace");
  }

  bool elements(std::size_t depth) {
    ++at_;
    if (depth == deepest_) return fail("less depth");
    skip_space();
    if (take(']')) return true;
    do {
      if (!value(depth + 1)) return false;
      skip_space();
    } while (take(','));
    return take(']') || fail("a comma or a closing bracket");
  }

  bool string() {
    if (!take('"')) return fail("a string");
    while (!take('"')) {
      if (at_ == text_.size()) return fail("a closing quote");
      if (static_cast<unsigned char>(text_[at_]) < 0x20) return fail("no control character");
      if (!take('\\'))
        ++at_;
      else if (!escape())
        return fail("an escape");
    }
    return true;
  }

  bool escape() {
    const bool is_code = take('u');
    for (int digits = is_code ? 4 : 1; digits > 0; --digits, ++at_) {
      const std::string_view allowed = is_code ? "0123456789abcdefABCDEF" : kEscaped;
      if (at_ == text_.size() || allowed.find(text_[at_]) == allowed.npos) return false;
    }
    return true;
  }

  bool number() {
    const bool is_negative = take('-');
    if (!is_digit(peek())) return fail(is_negative ? "a digit" : "a value");
    if (!take('0')) skip_digits();
    if (take('.') && !skip_digits()) return fail("a digit");
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (!skip_digits()) return fail("a digit");
    }
    return true;
  }

  bool skip_digits() noexcept {
    const std::size_t first = at_;
    while (is_digit(peek()))
      ++at_;
    return at_ != first;
  }

  bool word(std::string_view expected) noexcept {
    if (text_.substr(at_, expected.size()) != expected) return fail(expected);
    at_ += expected.size();
    return true;
  }

  const std::string_view text_;
  const std::size_t deepest_;
  std::string* const compact_;
  std::size_t at_ = 0;
  std::size_t kept_ = 0;  // Up to here `compact_` has it, or leaves it out.
  JsonFault fault_;
};

/// The four digits behind `\u`.
std::uint32_t code_unit(std::string_view digits) noexcept {
  std::uint32_t unit = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
  return unit;
}

void append_utf8(std::string& text, std::uint32_t point) {
  const auto append = [&text](std::uint32_t byte) { text += static_cast<char>(byte); };
  const auto append_rest = [&](unsigned bits) { append(0x80U | (point >> bits & 0x3FU)); };
  if (point < 0x80) return append(point);
  if (point < 0x800) {
    append(0xC0U | point >> 6U);
  } else if (point < 0x10000) {
    append(0xE0U | point >> 12U);
    append_rest(6);
  } else {
    append(0xF0U | point >> 18U);
    append_rest(12);
    append_rest(6);
  }
  append_rest(0);
}

/// Takes the escape at the beginning of `rest`, which is well formed; false when it is one half of
/// a pair of surrogates and the other half does not follow.
bool read_escape(std::string_view& rest, std::string& text) {
  const char kind = rest[1];
  if (kind != 'u') {
    text += kMeant[kEscaped.find(kind)];
    rest.remove_prefix(2);
    return true;
  }
  std::uint32_t point = code_unit(rest.substr(2, 4));
  rest.remove_prefix(6);
  if (point >= 0xD800 && point < 0xDC00 && rest.starts_with("\\u")) {
    const std::uint32_t low = code_unit(rest.substr(2, 4));
    if (low < 0xDC00 || low > 0xDFFF) return false;
    point = 0x10000 + ((point - 0xD800) << 10U) + (low - 0xDC00);
    rest.remove_prefix(6);
  }
  if (point >= 0xD800 && point <= 0xDFFF) return false;
  append_utf8(text, point);
  return true;
}

}  // namespace

std::optional<JsonFault> make_compact(std::string_view text, std::string& compact) {
  compact.clear();
  compact.reserve(text.size());
  return Reader(text, kDeepestJson, &compact).read();
}

std::optional<std::vector<JsonMember>> members_of(std::string_view text) {
  std::vector<JsonMember> members;
  // The object itself is one level above the values, which may be as deep as any.
  if (!Reader(text, kDeepestJson + 1, nullptr).read_members(members)) return std::nullopt;
  return members;
}

std::optional<std::string> read_json_string(std::string_view value) {
  const bool is_quoted = value.starts_with('"') && value.ends_with('"');
  if (!is_quoted || Reader(value, 0, nullptr).read()) return std::nullopt;
  std::string text;
  for (std::string_view rest = value.substr(1, value.size() - 2); !rest.empty();) {
    if (rest.front() == '\\') {
      if (!read_escape(rest, text)) return std::nullopt;
    } else {
      text += rest.front();
      rest.remove_prefix(1);
    }
  }
  return text;
}

void append_json_string(std::string& json, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  json += '"';
  for (const char c : text) {
    const std::size_t meant = c == '/' ? kMeant.npos : kMeant.find(c);
    if (meant != kMeant.npos)
      json += {'\\', kEscaped[meant]};
    else if (const auto code = static_cast<unsigned char>(c); code < 0x20)
      json += {'\\', 'u', '0', '0', kHex[code >> 4U], kHex[code & 15U]};
    else
      json += c;
  }
  json += '"';
}

}  // namespace turnstile::audit
