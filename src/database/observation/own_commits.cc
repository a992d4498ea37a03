#include "database/observation/own_commits.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

#include "sqlite/commit_counter.h"

namespace turnstile::database {

namespace {

// From then on those of a slow observer are told together; what is kept is bounded by the number of
// different statements.
constexpr std::size_t kMost = 1024;

}  // namespace

bool OwnCommits::note(std::uint32_t number, const sqlite::Touched& touched) noexcept {
  const bool is_heard = heard();
  if (is_heard) {
    try {
      gate::MutexLock lock(mutex_);
      append(number, touched);
    } catch (const std::bad_alloc&) {
      // Unexplained, it will count as a commit that may have touched anything.
      withdraw();
      return true;
    }
  }
  // After the note: who sees no announcement finds it.
  withdraw();
  return is_heard;
}

void OwnCommits::append(std::uint32_t number, const sqlite::Touched& touched) {
  if (commits_.size() < kMost) {
    commits_.push_back({.first = number,
                        .last = number,
                        .sets = touched.sets(),
                        .everything = touched.everything()});
    return;
  }
  OwnCommit& last = commits_.back();
  for (const sqlite::Touched::Set& set : touched.sets())
    if (std::find(last.sets.begin(), last.sets.end(), set) == last.sets.end())
      last.sets.push_back(set);
  last.everything = last.everything || touched.everything();
  last.last = number;
  ++last.count;
}

std::optional<std::uint32_t> OwnCommits::announced() const noexcept {
  const std::uint64_t announced = announced_.load();
  if (announced == 0) return std::nullopt;
  return static_cast<std::uint32_t>(announced);
}

std::vector<OwnCommit> OwnCommits::take(std::uint32_t up_to) {
  gate::MutexLock lock(mutex_);
  const auto end = std::find_if(commits_.begin(), commits_.end(), [up_to](const OwnCommit& commit) {
    return sqlite::is_after(commit.last, up_to);
  });
  std::vector<OwnCommit> taken(std::make_move_iterator(commits_.begin()),
                               std::make_move_iterator(end));
  commits_.erase(commits_.begin(), end);
  return taken;
}

std::vector<OwnCommit> OwnCommits::take_all() {
  gate::MutexLock lock(mutex_);
  return std::exchange(commits_, {});
}

}  // namespace turnstile::database
