#include "output.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "failure.h"
#include "json.h"
#include "text.h"

namespace turnstile::cli {

namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool knows_sequences(std::FILE* stream) {
  return ::isatty(::fileno(stream)) == 1 && variable("TERM") != "dumb";
}

}  // namespace

Style Style::of(std::FILE* stream) {
  if (!knows_sequences(stream) || !variable("NO_COLOR").empty()) return {};
  return {"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[1;31m", "\x1b[1;33m"};
}

Output::Output()
    : is_terminal_(::isatty(STDOUT_FILENO) == 1),
      is_screen_(knows_sequences(stdout)),
      style_(Style::of(stdout)) {}

namespace {

[[noreturn]] void fail_to_write(int cause) {
  if (cause == EPIPE) throw OutputClosed();
  throw Failure(ExitCode::Storage, "OUTPUT_FAILED",
                fmt::format("cannot write standard output: {}", std::strerror(cause)),
                "What the command did stands: do not repeat it. Free space, or send the output "
                "elsewhere.");
}

}  // namespace

void Output::write(std::string_view text) {
  if (text.empty()) return;  // An empty view may have no address, which fwrite() must not be given.
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) fail_to_write(errno);
}

void Output::write_json(const nlohmann::ordered_json& value) {
  const int indent = is_terminal_ ? 2 : -1;
  write(value.dump(indent, ' ', false, Json::error_handler_t::replace));
  write("\n");
}

void Output::flush() {
  if (std::fflush(stdout) != 0) fail_to_write(errno);
}

Table::Table(Output& output, std::vector<std::string> columns)
    : output_(output), columns_(std::move(columns)), flush_right_(columns_.size(), false) {
  for (std::string& column : columns_) {
    column = printable(column);
    widths_.push_back(display_width(column));
  }
}

void Table::add(std::vector<Cell> row) {
  if (has_header_) {
    write_row(row);
    return;
  }
  measure(row);
  held_back_.push_back(std::move(row));
  if (held_back_.size() == kMeasured) write_header();
}

void Table::finish() {
  if (!has_header_) write_header();
}

void Table::measure(const std::vector<Cell>& row) {
  for (std::size_t i = 0; i < columns_.size(); ++i)
    widths_[i] = std::max(widths_[i], display_width(row[i].text));
}

void Table::write_header() {
  has_header_ = true;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const auto is = [i](bool Cell::*property) {
      return [i, property](const std::vector<Cell>& row) { return row[i].*property; };
    };
    flush_right_[i] =
        std::any_of(held_back_.begin(), held_back_.end(), is(&Cell::is_number)) &&
        std::all_of(held_back_.begin(), held_back_.end(), [&](const std::vector<Cell>& row) {
          return row[i].is_number || row[i].is_null;
        });
  }
  std::vector<Cell> names;
  std::vector<Cell> rules;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    names.push_back({columns_[i]});
    rules.push_back({std::string(widths_[i], '-')});
  }
  output_.write(output_.style().bold);
  write_row(names);
  output_.write(output_.style().plain);
  write_row(rules);
  for (const std::vector<Cell>& row : std::exchange(held_back_, {}))
    write_row(row);
}

void Table::write_row(const std::vector<Cell>& row) {
  const Style& style = output_.style();
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::size_t width = display_width(row[i].text);
    const std::size_t padding = width < widths_[i] ? widths_[i] - width : 0;
    const bool is_last = i + 1 == row.size();
    if (flush_right_[i]) line.append(padding, ' ');
    line += row[i].is_null ? style.dim : std::string_view();
    line += row[i].text;
    line += row[i].is_null ? style.plain : std::string_view();
    // No blanks at the end of a line.
    if (!flush_right_[i] && !is_last) line.append(padding, ' ');
    if (!is_last) line += "  ";
  }
  // An empty last cell would leave the padding before it at the end of the line.
  if (!row.empty() && row.back().text.empty()) line.erase(line.find_last_not_of(' ') + 1);
  line += '\n';
  output_.write(line);
}

}  // namespace turnstile::cli
