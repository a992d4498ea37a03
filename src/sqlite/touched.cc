#include "sqlite/touched.h"

#include <algorithm>
#include <new>
#include <utility>

namespace turnstile::sqlite {

// FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/). SQLite folds the case of ASCII only.
std::uint32_t hash_of_table(std::string_view name) noexcept {
  constexpr std::uint32_t kBasis = 2166136261U;
  constexpr std::uint32_t kPrime = 16777619U;
  std::uint32_t hash = kBasis;
  for (const char c : name) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    hash = (hash ^ static_cast<unsigned char>(lower)) * kPrime;
  }
  return hash == 0 ? 1 : hash;
}

std::shared_ptr<const TableSet> TableSet::of(std::vector<std::string> names) {
  if (names.empty()) return nullptr;
  TableSet set;
  for (std::string& name : names) {
    const std::uint32_t hash = hash_of_table(name);
    set.tables.push_back({std::move(name), hash});
  }
  return std::make_shared<const TableSet>(std::move(set));
}

void add_name(std::vector<std::string>& names, std::string_view name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
}

void Touched::clear() noexcept {
  last_ = nullptr;
  sets_.clear();
  everything_ = false;
  schema_before.reset();
}

bool Touched::is_among(const Set& set) const noexcept {
  return std::find(sets_.begin(), sets_.end(), set) != sets_.end();
}

void Touched::add(const Set& set) noexcept {
  try {
    sets_.push_back(set);
    last_ = set;
  } catch (const std::bad_alloc&) {
    everything_ = true;
  }
}

void Touched::go_back_to(const Mark& mark) noexcept {
  last_ = nullptr;
  sets_.resize(std::min(mark.sets, sets_.size()));
  everything_ = mark.everything;
}

}  // namespace turnstile::sqlite
