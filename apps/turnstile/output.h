// Standard output: plain writes that notice when nobody listens, tables, colours.
#pragma once

#include <cstddef>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace turnstile::cli {

/// Escape sequences for a stream; all empty unless it is a terminal that wants colours
/// (https://no-color.org).
struct Style {
  std::string_view plain;
  std::string_view bold;
  std::string_view dim;
  std::string_view red;
  std::string_view yellow;

  [[nodiscard]] static Style of(std::FILE* stream);
};

/// Standard output. Threads: confined.
class Output {
 public:
  Output();

  /// Throws OutputClosed when the reader has gone, Failure (OUTPUT_FAILED) for other trouble.
  void write(std::string_view text);
  /// One line of JSON; on a terminal indented instead.
  void write_json(const nlohmann::ordered_json& value);
  void flush();

  [[nodiscard]] bool is_terminal() const noexcept { return is_terminal_; }
  /// A terminal that can be drawn on, rather than one that is only written to.
  [[nodiscard]] bool is_screen() const noexcept { return is_screen_; }
  [[nodiscard]] const Style& style() const noexcept { return style_; }

 private:
  bool is_terminal_;
  bool is_screen_;
  Style style_;
};

/// A cell of a table, ready to be shown.
struct Cell {
  std::string text;
  bool is_number = false;  ///< Numbers are set flush right when the column has nothing else.
  bool is_null = false;
};

/// A table whose columns line up. Widths come from the header and the first kMeasured rows, which
/// are held back; later rows go straight through, and a wider cell pushes the rest of its line.
///
/// Threads: confined.
class Table {
 public:
  static constexpr std::size_t kMeasured = 1000;

  Table(Output& output, std::vector<std::string> columns);

  void add(std::vector<Cell> row);
  /// Writes what was held back. No add() after it.
  void finish();

 private:
  void measure(const std::vector<Cell>& row);
  void write_header();
  void write_row(const std::vector<Cell>& row);

  Output& output_;
  std::vector<std::string> columns_;
  std::vector<std::size_t> widths_;
  std::vector<bool> flush_right_;
  std::vector<std::vector<Cell>> held_back_;
  bool has_header_ = false;
};

}  // namespace turnstile::cli
