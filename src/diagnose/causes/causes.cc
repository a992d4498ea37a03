// The one table, put together of its parts.
#include <algorithm>
#include <vector>

#include "diagnose/causes/table.h"

namespace turnstile {

namespace {

std::vector<Cause> join_causes() {
  std::vector<Cause> all;
  for (const std::span<const Cause> part :
       {diagnose::writer_causes(), diagnose::journal_causes(), diagnose::checkpoint_causes(),
        diagnose::connection_causes(), diagnose::file_causes()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

std::span<const Cause> causes() {
  static const std::vector<Cause> all = join_causes();
  return all;
}

const Cause* find_cause(std::string_view id) {
  const std::span<const Cause> all = causes();
  const auto found = std::ranges::find(all, id, &Cause::id);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace turnstile
