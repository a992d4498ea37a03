// The whole record of a cell, of which the page itself may have only the beginning.
#pragma once

#include <cstddef>
#include <vector>

#include "database/recovery/btree_page.h"
#include "database/recovery/page_source.h"
#include "database/recovery/survey.h"

namespace turnstile::database::recovery {

/// Collects records; the buffers are kept from one to the next. Threads: confined.
class PayloadReader {
 public:
  PayloadReader(const PageSource& pages, Survey& survey) : pages_(pages), survey_(survey) {}

  /// The bytes are valid until the next read() and while the cell's page is. Throws Damage.
  [[nodiscard]] Bytes read(const Cell& cell);

 private:
  const PageSource& pages_;
  Survey& survey_;
  std::vector<std::byte> payload_;
  std::vector<std::byte> page_;
};

}  // namespace turnstile::database::recovery
