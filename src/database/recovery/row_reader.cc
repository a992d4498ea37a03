#include "database/recovery/row_reader.h"

#include <string>

namespace turnstile::database::recovery {

void RowReader::read(PageNumber number, std::vector<DamagedPage>& damaged, OnRow on_row) {
  std::size_t count = 0;
  std::size_t lost = 0;
  std::string reason;
  try {
    const BtreePage page(pages_.read(number, buffer_), number);
    count = page.cell_count();
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<Field> fields;
      std::optional<std::int64_t> rowid;
      try {
        const Cell cell = page.cell(i);
        fields = parse_record(payloads_.read(cell));
        if (page.is_table()) rowid = cell.rowid;
      } catch (const Damage& damage) {
        ++lost;
        reason = damage.what();
        continue;
      }
      on_row(rowid, fields);
    }
  } catch (const Damage& damage) {
    damaged.push_back({number, damage.what()});
    return;
  }
  if (lost == 0) return;
  damaged.push_back(
      {number, std::to_string(lost) + " of its " + std::to_string(count) + " rows: " + reason});
}

}  // namespace turnstile::database::recovery
