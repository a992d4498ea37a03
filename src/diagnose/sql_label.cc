#include "diagnose/sql_label.h"

#include <algorithm>
#include <cstddef>

namespace turnstile::diagnose {

namespace {

// https://sqlite.org/lang_keywords.html: only '...' is a string; the others are names.
constexpr std::string_view kSpace = " \t\r\n\f";

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

// Letters, digits, `_`, `$` and everything beyond ASCII, as SQLite has it for names.
bool is_name(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// Takes one token after the other off the front. Threads: confined.
class Labeller {
 public:
  explicit Labeller(std::string_view sql) noexcept : rest_(sql) {}

  std::string label() && {
    while (!rest_.empty())
      next();
    return std::move(label_);
  }

 private:
  void next() {
    const char c = rest_.front();
    const bool is_point = c == '.' && rest_.size() > 1 && is_digit(rest_[1]);
    if (kSpace.find(c) != kSpace.npos) return space(rest_.find_first_not_of(kSpace));
    if (rest_.starts_with("--")) return space(rest_.find('\n'));
    if (rest_.starts_with("/*")) return space(behind("*/", 2));
    if (c == '\'') return value(behind_quote('\''));
    if ((c == 'x' || c == 'X') && rest_.size() > 1 && rest_[1] == '\'') {
      rest_.remove_prefix(1);
      return value(behind_quote('\''));
    }
    if (is_digit(c) || is_point) return value(behind_number());
    if (c == '"' || c == '`') return keep(behind_quote(c));
    if (c == '[') return keep(behind("]", 1));
    if (is_name(c) || c == '?' || c == ':' || c == '@') return keep(behind_name());
    keep(1);
  }

  [[nodiscard]] std::size_t behind(std::string_view end, std::size_t from) const {
    const std::size_t at = rest_.find(end, from);
    return at == rest_.npos ? rest_.npos : at + end.size();
  }
  // A quote that is written twice belongs to the text.
  [[nodiscard]] std::size_t behind_quote(char quote) const {
    std::size_t at = 1;
    while (at < rest_.size() &&
           (rest_[at] != quote || rest_.substr(at + 1, 1) == rest_.substr(at, 1)))
      at += rest_[at] == quote ? 2U : 1U;
    return at + 1;
  }
  [[nodiscard]] std::size_t behind_name() const {
    std::size_t at = 1;
    while (at < rest_.size() && is_name(rest_[at]))
      ++at;
    return at;
  }
  // 12, 1.5, .5e-3, 0x1F, 1_000
  [[nodiscard]] std::size_t behind_number() const {
    std::size_t at = 1;
    while (at < rest_.size()) {
      const char before = rest_[at - 1];
      const bool is_sign = (rest_[at] == '+' || rest_[at] == '-') &&
                           (before == 'e' || before == 'E') && !rest_.starts_with("0x") &&
                           !rest_.starts_with("0X");
      if (!is_name(rest_[at]) && rest_[at] != '.' && !is_sign) break;
      ++at;
    }
    return at;
  }

  void space(std::size_t until) {
    skip(until);
    if (!label_.empty() && label_.back() != ' ' && !rest_.empty()) label_ += ' ';
  }
  void value(std::size_t until) {
    skip(until);
    label_ += '?';
  }
  void keep(std::size_t until) {
    label_ += rest_.substr(0, until);
    skip(until);
  }
  void skip(std::size_t until) noexcept { rest_.remove_prefix(std::min(until, rest_.size())); }

  std::string_view rest_;
  std::string label_;
};

}  // namespace

std::string sql_label(std::string_view sql) {
  return Labeller(sql).label();
}

}  // namespace turnstile::diagnose
