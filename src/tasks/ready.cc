#include "tasks/ready.h"

#include <algorithm>
#include <utility>

namespace turnstile::tasks {

namespace {

// Claims that were cancelled and not let go yet count: their workers are still at it.
bool has_slot(ReadTx& tx, const std::string& queue) {
  const auto settings = tx.query<std::optional<std::int64_t>, bool>(
                              "SELECT max_running, paused FROM task_queue WHERE name = ?", queue)
                            .first();
  if (!settings) return true;
  const auto& [max_running, paused] = *settings;
  if (paused) return false;
  if (!max_running) return true;
  const auto held = tx.query<std::int64_t>(
                          "SELECT count(*) FROM task_attempt AS a CROSS JOIN task_item AS t"
                          " ON t.id = a.task WHERE a.held_until IS NOT NULL AND t.queue = ?",
                          queue)
                        .one();
  return held < *max_running;
}

// The kinds of which a queue has ready tasks, found by one descent into the index for each.
std::vector<std::string> ready_kinds(ReadTx& tx, const std::string& queue,
                                     const std::vector<std::string>& wanted) {
  Statement next = tx.prepare(
      "SELECT min(kind) FROM task_item"
      " WHERE state = 'pending' AND ready = 1 AND queue = ? AND kind > ?");
  std::vector<std::string> kinds;
  std::string last;
  while (auto kind = next.query<std::optional<std::string>>(queue, last).one()) {
    if (wanted.empty() || std::ranges::find(wanted, *kind) != wanted.end()) kinds.push_back(*kind);
    last = std::move(*kind);
  }
  return kinds;
}

struct Candidate {
  std::int64_t priority;
  TaskId id;

  [[nodiscard]] bool goes_before(const Candidate& other) const noexcept {
    return priority != other.priority ? priority > other.priority : id < other.id;
  }
};

std::optional<TaskTime> earlier(std::optional<TaskTime> a, std::optional<TaskTime> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

}  // namespace

std::optional<TaskId> find_ready(ReadTx& tx, const std::vector<std::string>& queues,
                                 const std::vector<std::string>& kinds) {
  Statement first = tx.prepare(
      "SELECT priority, id FROM task_item"
      " WHERE state = 'pending' AND ready = 1 AND queue = ? AND kind = ?"
      " ORDER BY priority DESC, id LIMIT 1");
  std::optional<Candidate> best;
  for (const std::string& queue : queues) {
    const auto here = ready_kinds(tx, queue, kinds);
    if (here.empty() || !has_slot(tx, queue)) continue;
    for (const std::string& kind : here) {
      const auto row = first.query<std::int64_t, TaskId>(queue, kind).first();
      if (!row) continue;
      const Candidate candidate{std::get<0>(*row), std::get<1>(*row)};
      if (!best || candidate.goes_before(*best)) best = candidate;
    }
  }
  return best ? std::optional(best->id) : std::nullopt;
}

Look look(ReadTx& tx, const std::vector<std::string>& queues, const std::vector<std::string>& kinds,
          TaskTime now) {
  const auto due = tx.query<std::optional<TaskTime>>(
                         "SELECT min(not_before) FROM task_item"
                         " WHERE state = 'pending' AND ready = 0 AND blockers = 0")
                       .one();
  const auto expiry = tx.query<std::optional<TaskTime>>(
                            "SELECT min(held_until) FROM task_attempt WHERE held_until IS NOT NULL")
                          .one();
  Look result{.work = false, .next = earlier(due, expiry)};
  result.work = (result.next && *result.next <= now) || find_ready(tx, queues, kinds).has_value();
  return result;
}

void promote_due(WriteTx& tx, TaskTime now) {
  // So many at a time that a claim stays short although a million tasks become due at midnight.
  tx.execute(
      "UPDATE task_item SET ready = 1 WHERE id IN (SELECT id FROM task_item"
      " WHERE state = 'pending' AND ready = 0 AND blockers = 0 AND not_before <= ?"
      " ORDER BY not_before LIMIT 1000)",
      now);
}

bool has_active(ReadTx& tx, const std::vector<std::string>& queues) {
  Statement any = tx.prepare(
      "SELECT 1 FROM task_item WHERE state IN ('pending', 'running') AND ready IN (0, 1)"
      " AND queue = ? LIMIT 1");
  return std::ranges::any_of(queues, [&any](const std::string& queue) {
    return any.query<std::int64_t>(queue).first().has_value();
  });
}

}  // namespace turnstile::tasks
