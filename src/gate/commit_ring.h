// What the last commits of all processes that use this library touched, for observers: a ring in
// the gate's page. It explains commits and is not the proof of any; an entry that is missing means
// that nobody knows, and costs an observer a call too many.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace turnstile::gate {

/// The tables of one commit, as hashes of their names.
///
/// Threads: confined.
class CommittedTables {
 public:
  static constexpr std::size_t kMost = 6;

  /// With more than kMost, all tables are taken to be touched.
  void add(std::uint32_t hash) noexcept;
  void add_everything() noexcept { everything_ = true; }

  [[nodiscard]] bool everything() const noexcept { return everything_; }
  /// 0 where there is none.
  [[nodiscard]] const std::array<std::uint32_t, kMost>& hashes() const noexcept { return hashes_; }
  [[nodiscard]] bool has(std::uint32_t hash) const noexcept;

  bool operator==(const CommittedTables&) const = default;

 private:
  std::array<std::uint32_t, kMost> hashes_{};
  std::size_t count_ = 0;
  bool everything_ = false;
};

/// In shared memory, all zero at first. Written without any lock: an entry is valid when the check
/// in its key fits its content, so that one which two processes write at once, or which a process
/// was killed over, is none. All words are atomic.
///
/// Threads: shared.
class CommitRing {
 public:
  static constexpr std::size_t kEntries = 80;
  using Keys = std::array<std::uint64_t, kEntries>;

  /// `stamp` is to be another one each time: a commit of the same number and the same tables as one
  /// of a former log has an entry of its own by that.
  void publish(std::uint32_t commit, const CommittedTables& tables, std::uint64_t stamp) noexcept;

  /// All entries as they are now. Commits are numbered anew with each new log, so that what was
  /// there before an observer came says nothing to it.
  [[nodiscard]] Keys keys() const noexcept;
  /// Nothing when there is no entry for that commit but one that is among `stale`.
  [[nodiscard]] std::optional<CommittedTables> find(std::uint32_t commit,
                                                    const Keys& stale) const noexcept;

 private:
  static constexpr std::size_t kWords = 1 + CommittedTables::kMost / 2;  // The stamp comes first.
  using Words = std::array<std::uint64_t, kWords>;
  struct Entry {
    std::atomic<std::uint64_t> key;  ///< The commit's number, and the check.
    std::array<std::atomic<std::uint64_t>, kWords> words;
  };

  [[nodiscard]] static Words words_of(const CommittedTables& tables, std::uint64_t stamp) noexcept;
  [[nodiscard]] static std::uint64_t key_of(std::uint32_t commit, const Words& words) noexcept;

  std::array<Entry, kEntries> entries_;
};

}  // namespace turnstile::gate
