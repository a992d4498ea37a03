// Who has which lock: the kernel's list, with what the processes show of themselves.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "diagnose/picture.h"
#include "diagnose/sql_label.h"
#include "gate/proc_file.h"
#include "turnstile/diagnose.h"

namespace turnstile {
namespace {

using database::BoardPage;
using database::Stage;
using diagnose::Picture;

void add_call(LockInfo& info, const gate::CallRecord& record, const gate::ShownCall& call,
              const Picture& picture) {
  info.thread = call.thread_id;
  info.thread_name = gate::thread_name_of(info.pid, call.thread_id);
  info.lane = call.lane.data();
  info.sql = diagnose::sql_label(record.sql().text());
  info.since = picture.age(call.since_ns);
}

void add_writer(LockInfo& info, const BoardPage& page, const Picture& picture) {
  const std::optional<gate::ShownCall> call = page.writer.call();
  if (!call) return;
  add_call(info, page.writer, *call, picture);
  info.calls = 1;
}

// A write has a read mark too, of the state that it began with.
void add_oldest_read(LockInfo& info, const BoardPage& page, const Picture& picture) {
  const gate::CallRecord* oldest = nullptr;
  std::optional<gate::ShownCall> call;
  const auto look_at = [&](const gate::CallRecord& record) {
    const std::optional<gate::ShownCall> each = record.call();
    if (!each) return;
    ++info.calls;
    if (call && call->since_ns <= each->since_ns) return;
    call = each;
    oldest = &record;
  };
  std::ranges::for_each(page.reader_calls, look_at);
  look_at(page.writer);
  if (oldest != nullptr) add_call(info, *oldest, *call, picture);
}

// Who has the turn says so in the gate's page, to users too who may not see the board.
void add_turn(LockInfo& info, const gate::GateView::Process& holder) {
  info.thread = holder.thread_id;
  info.thread_name = gate::thread_name_of(holder.pid, holder.thread_id);
  info.lane = holder.lane;
  if (holder.since == std::chrono::system_clock::time_point()) return;
  // Not below zero when the system's clock was set back.
  info.since = std::max(std::chrono::duration_cast<std::chrono::milliseconds>(
                            std::chrono::system_clock::now() - holder.since),
                        std::chrono::milliseconds::zero());
}

LockInfo writer_turn(const Picture& picture) {
  const gate::GateView& view = *picture.gate();
  LockInfo info;
  info.lock = "writer turn";
  info.name = "TURN";
  info.kind = "write";
  info.pid = view.holder->pid;
  info.program = gate::program_of(info.pid);
  add_turn(info, *view.holder);
  info.calls = 1;
  if (const BoardPage* const own = picture.board_of(info.pid)) {
    // Whose closure runs now: the page of the gate knows the first of a group.
    const auto since = info.since;
    if (own->writer.call()) add_writer(info, *own, picture);
    info.since = std::max(since, info.since);
    info.waiting = own->writers_waiting.load(std::memory_order_relaxed);
  }
  for (const std::int64_t pid : view.waiting) {
    const BoardPage* const board = picture.board_of(pid);
    info.waiters.push_back(pid);
    info.waiting += board == nullptr ? 1 : std::max(board->waiting_writes(), 1U);
  }
  return info;
}

// Those of this library that try to get past it. Others cannot be seen.
void add_waiters(LockInfo& info, const Picture& picture) {
  for (const auto& [pid, board] : picture.boards()) {
    if (pid == info.pid || board.page().stage.load(std::memory_order_relaxed) != Stage::AtEngine)
      continue;
    info.waiters.push_back(pid);
    info.waiting += std::max(board.page().waiting_writes(), 1U);
  }
}

void add_details(LockInfo& info, const Picture& picture) {
  const bool is_read =
      info.name.starts_with("READ") || (info.name == "SHARED" && !picture.has_log());
  const bool is_write = info.name == "WRITE" || info.name == "RESERVED" || info.name == "PENDING" ||
                        info.name == "EXCLUSIVE";
  const bool is_connection = info.kind == "read" && !is_read;
  if (const BoardPage* const page = picture.board_of(info.pid)) {
    if (is_read) add_oldest_read(info, *page, picture);
    if (is_write) add_writer(info, *page, picture);
    // With a log, a connection has SHARED and DMS from its first read to its end.
    if (is_connection) info.since = picture.age(page->opened_ns.load(std::memory_order_relaxed));
    return;
  }
  const auto& view = picture.gate();
  if (is_write && info.pid != 0 && view && view->holder && view->holder->pid == info.pid)
    add_turn(info, *view->holder);
}

LockInfo lock_of(const gate::FileLock& lock, const Picture& picture) {
  LockInfo info;
  info.lock = lock.lock;
  info.name = lock.name;
  info.kind = lock.exclusive ? "write" : "read";
  info.pid = lock.pid;
  info.program = lock.program;
  info.waiters = lock.waiters;
  info.waiting = lock.waiters.size();
  add_details(info, picture);
  if (lock.blocks_writers) add_waiters(info, picture);
  return info;
}

}  // namespace

std::vector<LockInfo> locks(std::string_view path) {
  const Picture picture(diagnose::find_database(path));
  std::vector<LockInfo> result;
  if (picture.gate() && picture.gate()->holder) result.push_back(writer_turn(picture));
  for (const gate::FileLock& lock : picture.locks())
    result.push_back(lock_of(lock, picture));
  return result;
}

std::vector<LockInfo> LockWatch::look() {
  std::vector<LockInfo> list = locks(path_);
  const Clock::time_point now = Clock::now();
  decltype(first_seen_) seen;
  for (LockInfo& info : list) {
    if (info.since) continue;
    const auto key = std::pair(info.pid, info.name);
    const auto before = first_seen_.find(key);
    const Clock::time_point first = before == first_seen_.end() ? now : before->second;
    seen.emplace(key, first);
    if (first == now) continue;
    info.since = std::chrono::duration_cast<std::chrono::milliseconds>(now - first);
    info.since_is_least = true;
  }
  first_seen_ = std::move(seen);
  return list;
}

}  // namespace turnstile
