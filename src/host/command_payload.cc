// Words as JSON (https://www.rfc-editor.org/rfc/rfc8259), as far as that is an array of texts.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "sqlite/call.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "sqlite/utf8.h"
#include "turnstile/shell.h"

namespace turnstile {

namespace {

// The letter behind the backslash, and what the two stand for.
constexpr auto kEscapes = std::to_array<std::pair<char, char>>({{'"', '"'},
                                                                {'\\', '\\'},
                                                                {'/', '/'},
                                                                {'b', '\b'},
                                                                {'f', '\f'},
                                                                {'n', '\n'},
                                                                {'r', '\r'},
                                                                {'t', '\t'}});
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr unsigned char kFirstPrintable = 0x20;

/// What is wrong is told by an exception of this type, and the place by the reader.
struct NotWords {};

/// Reads a text from its beginning to its end. Threads: confined.
class WordsReader {
 public:
  explicit WordsReader(std::string_view text) noexcept : text_(text) {}

  /// Throws NotWords.
  [[nodiscard]] std::vector<std::string> read() {
    std::vector<std::string> words;
    expect('[');
    if (!accept(']')) {
      do {
        expect('"');
        words.push_back(read_word());
      } while (accept(','));
      expect(']');
    }
    skip_blanks();
    if (at_ != text_.size()) throw NotWords();
    return words;
  }

  [[nodiscard]] std::size_t place() const noexcept { return at_; }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos)
      ++at_;
  }
  [[nodiscard]] bool accept(char wanted) {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) throw NotWords();
  }
  char next() {
    if (at_ == text_.size()) throw NotWords();
    return text_[at_++];
  }

  /// Behind the opening quotation mark.
  [[nodiscard]] std::string read_word() {
    std::string word;
    for (char byte = next(); byte != '"'; byte = next()) {
      if (static_cast<unsigned char>(byte) < kFirstPrintable) throw NotWords();
      if (byte == '\\')
        read_escape(word);
      else
        word += byte;
    }
    return word;
  }

  void read_escape(std::string& word) {
    const char letter = next();
    if (letter == 'u') return append_utf8(read_code_point(), word);
    for (const auto& [escape, meaning] : kEscapes) {
      if (escape != letter) continue;
      word += meaning;
      return;
    }
    throw NotWords();
  }

  [[nodiscard]] std::uint32_t read_hex() {
    constexpr int kDigits = 4;
    constexpr unsigned kBits = 4;
    std::uint32_t value = 0;
    for (int digit = 0; digit < kDigits; ++digit) {
      char letter = next();
      if (letter >= 'A' && letter <= 'F') letter = static_cast<char>(letter - 'A' + 'a');
      const std::size_t number = kHexDigits.find(letter);
      if (number == kHexDigits.npos) throw NotWords();
      value = value << kBits | static_cast<std::uint32_t>(number);
    }
    return value;
  }

  /// One, or two that are a pair of surrogates (RFC 8259, section 7).
  [[nodiscard]] std::uint32_t read_code_point() {
    constexpr std::uint32_t kHigh = 0xD800;
    constexpr std::uint32_t kLow = 0xDC00;
    constexpr std::uint32_t kEnd = 0xE000;
    constexpr std::uint32_t kBeyond = 0x10000;
    constexpr unsigned kBits = 10;
    const std::uint32_t first = read_hex();
    if (first < kHigh || first >= kEnd) return first;
    if (first >= kLow || next() != '\\' || next() != 'u') throw NotWords();
    const std::uint32_t second = read_hex();
    if (second < kLow || second >= kEnd) throw NotWords();
    return kBeyond + ((first - kHigh) << kBits) + (second - kLow);
  }

  static void append_utf8(std::uint32_t code_point, std::string& word) {
    constexpr unsigned kBits = 6;
    constexpr std::uint32_t kMask = 0x3F;
    const auto add = [&word](std::uint32_t byte) { word += static_cast<char>(byte); };
    if (code_point < 0x80) return add(code_point);
    // Leading bits and how many bytes follow.
    const auto [lead, following] = code_point < 0x800     ? std::pair(0xC0U, 1U)
                                   : code_point < 0x10000 ? std::pair(0xE0U, 2U)
                                                          : std::pair(0xF0U, 3U);
    add(lead | code_point >> (kBits * following));
    for (unsigned left = following; left-- > 0;)
      add(0x80 | (code_point >> (kBits * left) & kMask));
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

void append_quoted(const std::string& word, std::string& json) {
  json += '"';
  for (const char byte : word) {
    const auto value = static_cast<unsigned char>(byte);
    if (byte == '"' || byte == '\\') {
      json += '\\';
      json += byte;
    } else if (value < kFirstPrintable) {
      constexpr unsigned kBits = 4;
      json += "\\u00";
      json += kHexDigits[value >> kBits];
      json += kHexDigits[value & 0xF];
    } else {
      json += byte;
    }
  }
  json += '"';
}

}  // namespace

std::string command_payload(const std::vector<std::string>& words, std::source_location where) {
  std::string json = "[";
  for (const std::string& word : words) {
    if (sqlite::find_invalid_utf8(word) != std::string::npos) {
      sqlite::raise_misuse(code("COMMAND_INVALID"),
                           "a word of a command that is kept as text has to be UTF-8",
                           Call{.lane = {}, .where = where});
    }
    if (json.size() > 1) json += ',';
    append_quoted(word, json);
  }
  return json + ']';
}

std::vector<std::string> command_words(std::string_view payload, std::source_location where) {
  WordsReader reader(payload);
  std::size_t wrong = sqlite::find_invalid_utf8(payload);
  if (wrong == std::string_view::npos) {
    try {
      return reader.read();
    } catch (const NotWords&) {
      wrong = reader.place();
    }
  }
  sqlite::raise_misuse(
      code("COMMAND_INVALID"),
      "the payload is no JSON array of texts, from byte " + std::to_string(wrong) + " on",
      Call{.lane = {}, .where = where}, R"(A command is written as ["program", "argument", ...].)");
}

}  // namespace turnstile
