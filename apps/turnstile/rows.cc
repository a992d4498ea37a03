#include "rows.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <unordered_set>
#include <utility>

#include "text.h"

namespace turnstile::cli {

namespace {

// A column of a table gets no wider than this, so that a row stays a line and memory stays bounded;
// the other forms give everything.
constexpr std::size_t kMostColumns = 120;
constexpr std::size_t kMostBlobBytes = 16;

// As SQLite writes them: a REAL always shows that it is one.
std::string real_text(double value) {
  if (std::isinf(value)) return value < 0 ? "-Inf" : "Inf";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string blob_literal(BlobView blob) {
  return fmt::format("x'{}'", hex(blob));
}

std::string short_blob(BlobView blob) {
  if (blob.size() <= kMostBlobBytes) return blob_literal(blob);
  return fmt::format("x'{}\xE2\x80\xA6' ({} bytes)", hex(blob.first(kMostBlobBytes)), blob.size());
}

class TableWriter final : public RowWriter {
 public:
  TableWriter(Output& output, std::vector<std::string> columns)
      : table_(output, std::move(columns)) {}

  void add(const Row& row) override {
    std::vector<Cell> cells;
    const int count = row.column_count();
    cells.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
      cells.push_back(cell(row, i));
    table_.add(std::move(cells));
  }
  void finish() override { table_.finish(); }

 private:
  static Cell cell(const Row& row, int column) {
    switch (row.type(column)) {
      case ValueType::Integer:
        return {fmt::format("{}", row.get<std::int64_t>(column)), true};
      case ValueType::Real:
        return {real_text(row.get<double>(column)), true};
      case ValueType::Text:
        return {shortened(row.get<std::string_view>(column), kMostColumns)};
      case ValueType::Blob:
        return {short_blob(row.get<BlobView>(column))};
      case ValueType::Null:
        break;
    }
    return {"NULL", false, true};
  }

  Table table_;
};

class JsonWriter final : public RowWriter {
 public:
  JsonWriter(Output& output, std::vector<std::string> columns) : output_(output) {
    for (std::string& column : unique(std::move(columns)))
      keys_.push_back(dump(column) + ":");
    output_.write("[");
  }

  void add(const Row& row) override {
    line_ = is_first_ ? "{" : ",\n{";
    is_first_ = false;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      line_ += i == 0 ? "" : ",";
      line_ += keys_[i];
      line_ += value(row, static_cast<int>(i));
    }
    line_ += "}";
    output_.write(line_);
  }
  void finish() override { output_.write("]\n"); }

 private:
  // Most JSON readers keep only one of two members of the same name.
  static std::vector<std::string> unique(std::vector<std::string> columns) {
    std::unordered_set<std::string> seen(columns.begin(), columns.end());
    std::unordered_set<std::string> used;
    for (std::string& column : columns) {
      if (used.insert(column).second) continue;
      std::string candidate;
      int number = 2;
      do {
        candidate = fmt::format("{}_{}", column, number++);
      } while (!seen.insert(candidate).second);
      column = std::move(candidate);
    }
    return columns;
  }

  static std::string value(const Row& row, int column) {
    switch (row.type(column)) {
      case ValueType::Integer:
        return fmt::format("{}", row.get<std::int64_t>(column));
      case ValueType::Real: {
        const double real = row.get<double>(column);
        // JSON has no infinity. This is what SQLite's own JSON functions write: a number, too
        // large to be anything else.
        return std::isinf(real) ? (real < 0 ? "-9e999" : "9e999") : real_text(real);
      }
      case ValueType::Text:
        return dump(row.get<std::string_view>(column));
      case ValueType::Blob:
        return fmt::format(R"({{"blob_base64":"{}"}})", base64(row.get<BlobView>(column)));
      case ValueType::Null:
        break;
    }
    return "null";
  }

  Output& output_;
  std::vector<std::string> keys_;
  std::string line_;
  bool is_first_ = true;
};

// RFC 4180, which ends lines with CR LF. NULL is nothing, an empty text is "".
class CsvWriter final : public RowWriter {
 public:
  CsvWriter(Output& output, const std::vector<std::string>& columns) : output_(output) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      line_ += i == 0 ? "" : ",";
      line_ += quoted(columns[i]);
    }
    output_.write(line_ + "\r\n");
  }

  void add(const Row& row) override {
    line_.clear();
    const int count = row.column_count();
    for (int i = 0; i < count; ++i) {
      line_ += i == 0 ? "" : ",";
      line_ += field(row, i);
    }
    line_ += "\r\n";
    output_.write(line_);
  }
  void finish() override {}

 private:
  static std::string quoted(std::string_view text) {
    if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos)
      return std::string(text);
    std::string result = "\"";
    for (const char c : text) {
      result += c;
      if (c == '"') result += '"';
    }
    return result + '"';
  }

  static std::string field(const Row& row, int column) {
    switch (row.type(column)) {
      case ValueType::Integer:
        return fmt::format("{}", row.get<std::int64_t>(column));
      case ValueType::Real:
        return real_text(row.get<double>(column));
      case ValueType::Text:
        return quoted(row.get<std::string_view>(column));
      case ValueType::Blob:
        return blob_literal(row.get<BlobView>(column));
      case ValueType::Null:
        break;
    }
    return {};
  }

  Output& output_;
  std::string line_;
};

class LinesWriter final : public RowWriter {
 public:
  LinesWriter(Output& output, std::vector<std::string> columns)
      : output_(output), columns_(std::move(columns)) {
    for (std::string& column : columns_) {
      column = printable(column);
      width_ = std::max(width_, display_width(column));
    }
  }

  void add(const Row& row) override {
    text_ = is_first_ ? "" : "\n";
    is_first_ = false;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      text_.append(width_ - display_width(columns_[i]), ' ');
      text_ += columns_[i];
      text_ += " = ";
      append_indented(value(row, static_cast<int>(i)));
    }
    output_.write(text_);
  }
  void finish() override {}

 private:
  static std::string value(const Row& row, int column) {
    switch (row.type(column)) {
      case ValueType::Integer:
        return fmt::format("{}", row.get<std::int64_t>(column));
      case ValueType::Real:
        return real_text(row.get<double>(column));
      case ValueType::Text:
        return printable(row.get<std::string_view>(column), true);
      case ValueType::Blob:
        return blob_literal(row.get<BlobView>(column));
      case ValueType::Null:
        break;
    }
    return "NULL";
  }

  // Further lines of a value begin below its first one.
  void append_indented(std::string_view value) {
    for (;;) {
      const std::size_t end = value.find('\n');
      text_ += value.substr(0, end);
      text_ += '\n';
      if (end == std::string_view::npos) return;
      value.remove_prefix(end + 1);
      text_.append(width_ + 3, ' ');
    }
  }

  Output& output_;
  std::vector<std::string> columns_;
  std::size_t width_ = 0;
  std::string text_;
  bool is_first_ = true;
};

}  // namespace

std::unique_ptr<RowWriter> make_row_writer(std::string_view format, Output& output,
                                           std::vector<std::string> columns) {
  if (format == "json") return std::make_unique<JsonWriter>(output, std::move(columns));
  if (format == "csv") return std::make_unique<CsvWriter>(output, columns);
  if (format == "lines") return std::make_unique<LinesWriter>(output, std::move(columns));
  return std::make_unique<TableWriter>(output, std::move(columns));
}

}  // namespace turnstile::cli
