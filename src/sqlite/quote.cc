#include "sqlite/quote.h"

namespace turnstile::sqlite {

namespace {

// A quote in the text is written twice.
std::string between(char quote, std::string_view text) {
  std::string result(1, quote);
  for (const char c : text) {
    result += c;
    if (c == quote) result += c;
  }
  return result + quote;
}

}  // namespace

std::string sql_name(std::string_view name) {
  return between('"', name);
}

std::string sql_text(std::string_view text) {
  return between('\'', text);
}

std::string file_uri(const std::filesystem::path& path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : path.native()) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '%' || c == '?' || c == '#')
      (uri += '%').append({kHex[byte >> 4U], kHex[byte & 15U]});
    else
      uri += c;
  }
  return uri;
}

std::string quoted(const std::filesystem::path& path) {
  return "'" + path.string() + "'";
}

}  // namespace turnstile::sqlite
