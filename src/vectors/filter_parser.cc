#include "vectors/filter_parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "sqlite/utf8.h"
#include "vectors/fail.h"

namespace turnstile::vectors {

namespace {

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_figure(char c) noexcept {
  return c >= '0' && c <= '9';
}
bool begins_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool equal_ignoring_case(std::string_view word, std::string_view upper) noexcept {
  return std::ranges::equal(word, upper, [](char a, char b) {
    return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 'a' + 'A') : a) == b;
  });
}

enum class Kind { End, Word, Name, Text, Number, Sign };

struct Token {
  Kind kind = Kind::End;
  std::size_t offset = 0;
  std::string_view spelling{};
  std::string content{};  // Of a name or a text, without its quotes.
  Value number{};

  [[nodiscard]] bool is_word(std::string_view upper) const noexcept {
    return kind == Kind::Word && equal_ignoring_case(spelling, upper);
  }
  [[nodiscard]] bool is_sign(std::string_view sign) const noexcept {
    return kind == Kind::Sign && spelling == sign;
  }
};

struct Sign {
  std::string_view spelling;
  VectorComparison comparison;
};
constexpr auto kComparisons = std::to_array<Sign>({{"=", VectorComparison::Equal},
                                                   {"==", VectorComparison::Equal},
                                                   {"<", VectorComparison::Less},
                                                   {"<=", VectorComparison::AtMost},
                                                   {">", VectorComparison::Greater},
                                                   {">=", VectorComparison::AtLeast}});

/// Threads: confined.
class Scanner {
 public:
  Scanner(std::string_view text, std::source_location where) : text_(text), where_(where) {}

  Token next() {
    while (at_ < text_.size() && is_blank(text_[at_]))
      ++at_;
    Token token;
    token.offset = at_;
    if (at_ == text_.size()) return token;
    const char c = text_[at_];
    if (begins_word(c)) {
      token.kind = Kind::Word;
      while (at_ < text_.size() && (begins_word(text_[at_]) || is_figure(text_[at_])))
        ++at_;
    } else if (c == '\'' || c == '"') {
      token.kind = c == '"' ? Kind::Name : Kind::Text;
      token.content = read_quoted(c);
    } else if (is_figure(c) || c == '-' || c == '+' || c == '.') {
      token.kind = Kind::Number;
      token.number = read_number();
    } else {
      token.kind = Kind::Sign;
      at_ += sign_length();
    }
    token.spelling = text_.substr(token.offset, at_ - token.offset);
    return token;
  }

  [[noreturn]] void refuse_at(std::size_t offset, const std::string& what,
                              std::string hint = {}) const {
    refuse(code("VECTOR_FILTER_INVALID"),
           what + sqlite::position_in(text_, offset) + " of the filter", std::move(hint), where_);
  }

 private:
  std::string read_quoted(char quote) {
    const std::size_t begin = at_;
    std::string content;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] != quote) {
        content += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == quote) {
        content += text_[at_++];
      } else {
        ++at_;
        return content;
      }
    }
    refuse_at(begin, std::string("there is no ") + quote + " that ends what begins");
  }

  Value read_number() {
    const std::size_t begin = at_;
    if (text_[at_] == '+' || text_[at_] == '-') ++at_;
    const auto belongs = [this](std::size_t at) {
      const char c = text_[at];
      const bool exponent_sign = (c == '+' || c == '-') && (text_[at - 1] | 0x20) == 'e';
      return is_figure(c) || begins_word(c) || c == '.' || exponent_sign;
    };
    while (at_ < text_.size() && belongs(at_))
      ++at_;
    std::string_view spelling = text_.substr(begin, at_ - begin);
    if (spelling.starts_with('+')) spelling.remove_prefix(1);
    const char* end = spelling.data() + spelling.size();
    std::int64_t integer = 0;
    const auto whole = std::from_chars(spelling.data(), end, integer);
    if (whole.ec == std::errc() && whole.ptr == end) return integer;
    double real = 0;
    const auto read = std::from_chars(spelling.data(), end, real);
    if (read.ec == std::errc() && read.ptr == end && std::isfinite(real)) return real;
    refuse_at(begin, "this is no number that can be read");
  }

  [[nodiscard]] std::size_t sign_length() const {
    for (const std::string_view sign : {"<=", ">=", "==", "!=", "<>"})
      if (text_.substr(at_).starts_with(sign)) return sign.size();
    // A whole character, so that a message does not show half of one.
    std::size_t length = 1;
    while (at_ + length < text_.size() && (text_[at_ + length] & 0xC0) == 0x80)
      ++length;
    return length;
  }

  std::string_view text_;
  std::source_location where_;
  std::size_t at_ = 0;
};

/// Threads: confined.
class Parser {
 public:
  Parser(std::string_view text, std::source_location where)
      : scanner_(text, where), token_(scanner_.next()) {}

  std::vector<VectorCondition> run() {
    std::vector<VectorCondition> conditions;
    if (token_.kind == Kind::End) return conditions;
    read_condition(conditions);
    while (token_.kind != Kind::End) {
      if (!token_.is_word("AND")) refuse_token("AND or the end");
      advance();
      read_condition(conditions);
    }
    return conditions;
  }

 private:
  void advance() { token_ = scanner_.next(); }

  [[noreturn]] void refuse_token(const std::string& expected) const {
    const std::string found =
        token_.kind == Kind::End ? "there is nothing more" : in_quotes(token_.spelling) + " stands";
    std::string hint;
    if (token_.is_word("OR") || token_.is_word("NOT") || token_.is_sign("!=") ||
        token_.is_sign("<>") || token_.is_word("LIKE") || token_.is_word("IS")) {
      hint = "A filter has comparisons with =, <, <=, >, >=, BETWEEN and IN, joined by AND.";
    } else if (token_.kind == Kind::Name) {
      hint = "Texts are in single quotes, columns in double ones.";
    }
    scanner_.refuse_at(token_.offset, found + " where " + expected + " is expected",
                       std::move(hint));
  }

  std::string read_column() {
    std::string column;
    if (token_.kind == Kind::Name)
      column = token_.content;
    else if (token_.kind == Kind::Word)
      column = token_.spelling;
    else
      refuse_token("a column");
    advance();
    return column;
  }

  Value read_value() {
    Value value;
    if (token_.kind == Kind::Text)
      value = token_.content;
    else if (token_.kind == Kind::Number)
      value = token_.number;
    else
      refuse_token("a text or a number");
    advance();
    return value;
  }

  void read_condition(std::vector<VectorCondition>& conditions) {
    std::string column = read_column();
    if (token_.is_word("IN")) {
      advance();
      conditions.push_back({std::move(column), VectorComparison::OneOf, read_list()});
      return;
    }
    if (token_.is_word("BETWEEN")) {
      advance();
      conditions.push_back({column, VectorComparison::AtLeast, {read_value()}});
      if (!token_.is_word("AND")) refuse_token("the AND of BETWEEN");
      advance();
      conditions.push_back({std::move(column), VectorComparison::AtMost, {read_value()}});
      return;
    }
    const auto* sign = std::ranges::find_if(
        kComparisons, [this](const Sign& known) { return token_.is_sign(known.spelling); });
    if (sign == kComparisons.end()) refuse_token("a comparison");
    advance();
    conditions.push_back({std::move(column), sign->comparison, {read_value()}});
  }

  std::vector<Value> read_list() {
    if (!token_.is_sign("(")) refuse_token("the ( of IN");
    std::vector<Value> values;
    do {
      advance();
      values.push_back(read_value());
    } while (token_.is_sign(","));
    if (!token_.is_sign(")")) refuse_token("a comma or the ) of IN");
    advance();
    return values;
  }

  Scanner scanner_;
  Token token_;
};

}  // namespace

std::vector<VectorCondition> parse_filter(std::string_view text, std::source_location where) {
  if (sqlite::find_invalid_utf8(text) != std::string_view::npos)
    refuse(code("VECTOR_FILTER_INVALID"), "the filter is not UTF-8", {}, where);
  return Parser(text, where).run();
}

}  // namespace turnstile::vectors
