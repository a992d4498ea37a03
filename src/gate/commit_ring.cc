#include "gate/commit_ring.h"

#include <algorithm>
#include <limits>

namespace turnstile::gate {

namespace {

// In the place of hashes: all tables.
constexpr std::uint64_t kEverything = std::numeric_limits<std::uint64_t>::max();

// The finalizer of SplitMix64 (https://prng.di.unimi.it/splitmix64.c): every bit depends on all.
std::uint64_t mix(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

}  // namespace

void CommittedTables::add(std::uint32_t hash) noexcept {
  if (has(hash)) return;
  if (count_ == kMost)
    everything_ = true;
  else
    hashes_[count_++] = hash;
}

bool CommittedTables::has(std::uint32_t hash) const noexcept {
  return everything_ || std::find(hashes_.begin(), hashes_.end(), hash) != hashes_.end();
}

CommitRing::Words CommitRing::words_of(const CommittedTables& tables,
                                       std::uint64_t stamp) noexcept {
  Words words{stamp};
  if (tables.everything()) words[1] = kEverything;
  for (std::size_t i = 0; i < CommittedTables::kMost && !tables.everything(); ++i)
    words[1 + i / 2] |= std::uint64_t{tables.hashes()[i]} << (i % 2 * 32U);
  return words;
}

std::uint64_t CommitRing::key_of(std::uint32_t commit, const Words& words) noexcept {
  // Begun with what no number is, so that the zeros of a new page are no entry.
  std::uint64_t check = mix(~std::uint64_t{commit});
  for (const std::uint64_t word : words)
    check = mix(check ^ word);
  return std::uint64_t{commit} << 32U | (check & std::numeric_limits<std::uint32_t>::max());
}

void CommitRing::publish(std::uint32_t commit, const CommittedTables& tables,
                         std::uint64_t stamp) noexcept {
  const Words words = words_of(tables, stamp);
  Entry& entry = entries_[commit % kEntries];
  for (std::size_t i = 0; i < kWords; ++i)
    entry.words[i].store(words[i], std::memory_order_release);
  entry.key.store(key_of(commit, words), std::memory_order_release);
}

CommitRing::Keys CommitRing::keys() const noexcept {
  Keys keys{};
  for (std::size_t i = 0; i < kEntries; ++i)
    keys[i] = entries_[i].key.load(std::memory_order_acquire);
  return keys;
}

std::optional<CommittedTables> CommitRing::find(std::uint32_t commit,
                                                const Keys& stale) const noexcept {
  const std::size_t place = commit % kEntries;
  const Entry& entry = entries_[place];
  const std::uint64_t key = entry.key.load(std::memory_order_acquire);
  Words words{};
  for (std::size_t i = 0; i < kWords; ++i)
    words[i] = entry.words[i].load(std::memory_order_acquire);
  if (key == stale[place] || key != key_of(commit, words)) return std::nullopt;
  CommittedTables tables;
  if (words[1] == kEverything) tables.add_everything();
  for (std::size_t i = 1; i < kWords && !tables.everything(); ++i)
    for (const std::uint64_t hash : {words[i], words[i] >> 32U})
      if (static_cast<std::uint32_t>(hash) != 0) tables.add(static_cast<std::uint32_t>(hash));
  return tables;
}

}  // namespace turnstile::gate
