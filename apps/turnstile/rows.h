// The four forms in which rows are printed.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "output.h"
#include "turnstile/row.h"

namespace turnstile::cli {

/// Prints rows one by one as they come. Threads: confined.
class RowWriter {
 public:
  virtual ~RowWriter() = default;
  virtual void add(const Row& row) = 0;
  /// After the last row.
  virtual void finish() = 0;
};

/// `format` is table, json, csv or lines.
[[nodiscard]] std::unique_ptr<RowWriter> make_row_writer(std::string_view format, Output& output,
                                                         std::vector<std::string> columns);

}  // namespace turnstile::cli
