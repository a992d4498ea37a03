// The rows of one page at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "database/recovery/payload.h"
#include "database/recovery/record.h"
#include "turnstile/detail/function_ref.h"
#include "turnstile/recovery.h"

namespace turnstile::database::recovery {

/// Threads: confined.
class RowReader {
 public:
  /// The fields are valid during the call. An entry of an index has no rowid.
  using OnRow =
      detail::FunctionRef<void(std::optional<std::int64_t> rowid, std::span<const Field> fields)>;

  RowReader(const PageSource& pages, Survey& survey) : pages_(pages), payloads_(pages, survey) {}

  /// Calls `on_row` for each row that can be read; what cannot is added to `damaged`.
  void read(PageNumber number, std::vector<DamagedPage>& damaged, OnRow on_row);

 private:
  const PageSource& pages_;
  PayloadReader payloads_;
  std::vector<std::byte> buffer_;
};

}  // namespace turnstile::database::recovery
