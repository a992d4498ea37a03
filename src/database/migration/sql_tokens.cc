#include "database/migration/sql_tokens.h"
#include "sqlite/ascii.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace turnstile::database {

namespace {

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_space(char c) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// All bytes of UTF-8 sequences are letters, as for SQLite.
bool is_word_character(char c) noexcept {
  return lower(c) != c || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

/// Threads: confined.
class Tokenizer {
 public:
  explicit Tokenizer(std::string_view sql) noexcept : rest_(sql) {}

  [[nodiscard]] std::vector<SqlToken> all() {
    std::vector<SqlToken> tokens;
    for (skip_blanks(); !rest_.empty(); skip_blanks())
      tokens.push_back(next());
    return tokens;
  }

 private:
  std::string_view take(std::size_t count) noexcept {
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  // All the rest when `end` does not come.
  std::string_view take_through(std::string_view end, std::size_t from) noexcept {
    const std::size_t place = rest_.find(end, from);
    return take(place == std::string_view::npos ? place : place + end.size());
  }

  void skip_blanks() noexcept {
    for (;;)
      if (!rest_.empty() && is_space(rest_[0]))
        take(1);
      else if (rest_.starts_with("--"))
        take(rest_.find('\n'));
      else if (rest_.starts_with("/*"))
        take_through("*/", 2);
      else
        return;
  }

  SqlToken next() {
    switch (rest_[0]) {
      case '\'':
        return {SqlToken::Kind::String, std::string(quoted('\''))};
      case '"':
      case '`':
        return {SqlToken::Kind::Name, unquoted(quoted(rest_[0]))};
      case '[': {
        const std::string_view whole = take_through("]", 1);
        return {SqlToken::Kind::Name, sqlite::lower_ascii(whole.substr(1, whole.size() - 2))};
      }
      default:
        break;
    }
    if (!is_word_character(rest_[0])) return {SqlToken::Kind::Symbol, std::string(take(1))};
    const auto* const end = std::find_if_not(rest_.begin(), rest_.end(), is_word_character);
    return {SqlToken::Kind::Word,
            sqlite::lower_ascii(take(static_cast<std::size_t>(end - rest_.begin())))};
  }

  // To the closing quote; a doubled one is part of it.
  std::string_view quoted(char quote) noexcept {
    std::size_t end = 1;
    for (; end < rest_.size(); ++end) {
      if (rest_[end] != quote) continue;
      if (end + 1 == rest_.size() || rest_[end + 1] != quote) break;
      ++end;
    }
    return take(end + 1);
  }

  static std::string unquoted(std::string_view whole) {
    std::string name;
    for (std::size_t i = 1; i + 1 < whole.size(); ++i) {
      name += lower(whole[i]);
      if (whole[i] == whole[0]) ++i;
    }
    return name;
  }

  std::string_view rest_;
};

/// Reads the tokens of a CREATE TABLE. Threads: confined.
class TableReader {
 public:
  explicit TableReader(const std::vector<SqlToken>& tokens) noexcept
      : at_(tokens.data()), end_(tokens.data() + tokens.size()) {}

  [[nodiscard]] TableText read() {
    while (at_ != end_ && !at_->is_symbol('('))
      ++at_;
    while (at_ != end_ && !at_->is_symbol(')')) {
      ++at_;
      read_item();
    }
    std::ranges::sort(table_.checks);
    return std::move(table_);
  }

 private:
  // A column or a constraint, up to the comma or the parenthesis behind it.
  void read_item() {
    const bool is_constraint = std::ranges::any_of(
        kConstraints, [this](std::string_view word) { return at_ != end_ && at_->is_word(word); });
    if (!is_constraint && at_ != end_) table_.columns.push_back({.name = (at_++)->text});
    while (at_ != end_ && !at_->is_symbol(',') && !at_->is_symbol(')')) {
      const SqlToken& token = *at_++;
      if (token.is_symbol('('))
        skip_to_close();
      else if (token.is_word("check"))
        table_.checks.push_back(parenthesis());
      else if (token.is_word("autoincrement"))
        table_.autoincrement = true;
      else if (!is_constraint && token.is_word("collate") && at_ != end_)
        table_.columns.back().collation = (at_++)->text;
      else if (!is_constraint && token.is_word("as"))
        table_.columns.back().generated = parenthesis();
    }
  }

  std::string parenthesis() {
    if (at_ == end_ || !at_->is_symbol('(')) return {};
    const SqlToken* const first = ++at_;
    skip_to_close();
    return text_of(first, at_ == first ? first : at_ - 1);
  }

  void skip_to_close() noexcept {
    for (int depth = 1; at_ != end_ && depth > 0; ++at_) {
      if (at_->is_symbol('(')) ++depth;
      if (at_->is_symbol(')')) --depth;
    }
  }

  static constexpr std::string_view kConstraints[] = {"constraint", "primary", "unique", "check",
                                                      "foreign"};
  const SqlToken* at_;
  const SqlToken* end_;
  TableText table_;
};

}  // namespace

std::vector<SqlToken> tokens_of(std::string_view sql) {
  return Tokenizer(sql).all();
}

std::string text_of(const SqlToken* first, const SqlToken* last) {
  std::string text;
  for (; first != last; ++first) {
    if (!text.empty()) text += ' ';
    text += first->text;
  }
  return text;
}

std::string normalised(std::string_view sql) {
  const std::vector<SqlToken> tokens = tokens_of(sql);
  return text_of(tokens.data(), tokens.data() + tokens.size());
}

TableText read_create_table(std::string_view sql) {
  return TableReader(tokens_of(sql)).read();
}

}  // namespace turnstile::database
