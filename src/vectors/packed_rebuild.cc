// Moving items of packed blocks together.
#include <string>

#include "vectors/packed_index.h"
#include "vectors/packed_writer.h"
#include "vectors/place_bits.h"

namespace turnstile::vectors {

std::int64_t PackedIndex::rebuild_step(WriteTx& tx) const {
  const auto part = tx.query<Value>("SELECT part FROM " + tables_.block +
                                        " GROUP BY part "
                                        "HAVING count(*) > (sum(used) + ?1 - 1) / ?1 LIMIT 1",
                                    block_size_)
                        .first();
  if (!part) return 0;
  const auto [block, live] =
      tx.query<std::int64_t, Blob>("SELECT block, live FROM " + tables_.block +
                                       " WHERE part IS ? ORDER BY used, block LIMIT 1",
                                   *part)
          .one();
  Statement move_item = tx.prepare("UPDATE " + tables_.item + " SET slot = ? WHERE slot = ?");
  Statement move_exact = tx.prepare("UPDATE " + tables_.exact + " SET slot = ? WHERE slot = ?");
  PackedWriter writer(*this, tx);
  for_each_place(live, [&, block = block](std::size_t place) {
    const std::int64_t from = block * block_size_ + static_cast<std::int64_t>(place);
    const std::int64_t to = writer.move(from, block);
    move_item.execute(to, from);
    move_exact.execute(to, from);
  });
  writer.finish();
  return count_places(live);
}

}  // namespace turnstile::vectors
