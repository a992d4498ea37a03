#include "contention/ledger.h"

#include <utility>

#include "support/raw.h"
#include "support/table.h"

namespace turnstile::bench {

Ledger::Ledger(std::string path) : path_(std::move(path)) {}

void Ledger::expect(const std::string& sql, std::int64_t wanted) {
  const RawConnection connection(path_);
  RawStatement query(connection, sql);
  const std::int64_t found = query.step() ? query.integer(0) : -1;
  if (found == wanted) return;
  if (!complaint_.empty()) complaint_ += "; ";
  complaint_.append(sql).append(" gives ").append(std::to_string(found));
  complaint_.append(", acknowledged were ").append(std::to_string(wanted));
}

void Ledger::expect_small_writes(std::uint64_t acknowledged) {
  const auto writes = static_cast<std::int64_t>(acknowledged);
  const std::string rows = std::to_string(kRows);
  expect("SELECT count(*) FROM t WHERE id > " + rows, writes);
  expect("SELECT sum(n) FROM counter", writes);
}

}  // namespace turnstile::bench
