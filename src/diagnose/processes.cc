// What the processes show of themselves, whatever locks they have.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "database/open_metrics.h"
#include "diagnose/picture.h"
#include "diagnose/sql_label.h"
#include "gate/proc_file.h"
#include "turnstile/diagnose.h"

namespace turnstile {
namespace {

using database::BoardPage;
using database::Stage;
using diagnose::Picture;

std::string words_of(Stage stage) {
  switch (stage) {
    case Stage::AtSharedTurn:
      return "readers";
    case Stage::AtGate:
      return "turn";
    case Stage::AtEngine:
      return "lock";
    case Stage::Working:
      return "writing";
    case Stage::Idle:
      break;
  }
  // A number of another version, too.
  return "idle";
}

void add_call(ProcessInfo& info, std::string kind, const gate::CallRecord& record,
              const Picture& picture) {
  const std::optional<gate::ShownCall> call = record.call();
  if (!call) return;
  info.calls.push_back({.kind = std::move(kind),
                        .lane = call->lane.data(),
                        .thread = call->thread_id,
                        .thread_name = gate::thread_name_of(info.pid, call->thread_id),
                        .since = picture.age(call->since_ns),
                        .sql = diagnose::sql_label(record.sql().text())});
}

ProcessInfo process_of(std::int64_t pid, const BoardPage& page, const Picture& picture) {
  ProcessInfo info;
  info.pid = pid;
  info.program = gate::program_of(pid);
  info.open_for = picture.age(page.opened_ns.load(std::memory_order_relaxed));
  info.writer = words_of(page.stage.load(std::memory_order_relaxed));
  info.waiting_writes = page.waiting_writes();
  add_call(info, "write", page.writer, picture);
  for (const gate::CallRecord& record : page.reader_calls)
    add_call(info, "read", record, picture);
  std::ranges::stable_sort(info.calls, std::ranges::greater(), &CallInfo::since);
  info.metrics = page.metrics();
  return info;
}

std::string labels_of(std::int64_t pid, const std::string& program) {
  return database::metric_label("pid", std::to_string(pid)) + ',' +
         database::metric_label("program", program);
}

void write_processes(database::OpenMetricsText& out, const std::vector<ProcessInfo>& processes) {
  out.family("process_info", "gauge", "", "1 for each process that shows what it does.");
  for (const ProcessInfo& each : processes)
    out.sample("", labels_of(each.pid, each.program), 1);
  out.family("longest_call_seconds", "gauge", "seconds", "Age of a process's oldest open call.");
  for (const ProcessInfo& each : processes) {
    for (const std::string kind : {"read", "write"}) {
      const auto oldest = std::ranges::find(each.calls, kind, &CallInfo::kind);
      const auto since = oldest == each.calls.end() ? std::chrono::milliseconds(0) : oldest->since;
      out.sample("", labels_of(each.pid, each.program) + ',' + database::metric_label("kind", kind),
                 std::chrono::duration<double>(since).count());
    }
  }
}

// Locks may look alike: the kernel names no process for those of an open file description.
struct SameLocks {
  int held = 0;
  int waiting = 0;
};

void write_locks(database::OpenMetricsText& out, const std::vector<LockInfo>& locks) {
  std::map<std::string, SameLocks> by_labels;
  for (const LockInfo& lock : locks) {
    SameLocks& same = by_labels[database::metric_label("lock", lock.name) + ',' +
                                database::metric_label("kind", lock.kind) + ',' +
                                labels_of(lock.pid, lock.program)];
    ++same.held;
    same.waiting += static_cast<int>(lock.waiting);
  }
  out.family("lock_held", "gauge", "", "Locks that a process has; pid 0: a process unknown.");
  for (const auto& [labels, same] : by_labels)
    out.sample("", labels, same.held);
  out.family("lock_waiting_calls", "gauge", "", "Calls that wait for a lock.");
  for (const auto& [labels, same] : by_labels)
    out.sample("", labels, same.waiting);
}

}  // namespace

std::vector<ProcessInfo> processes(std::string_view path) {
  const std::filesystem::path database = diagnose::find_database(path);
  const Picture picture(database);
  std::error_code error;
  const auto log_bytes = std::filesystem::file_size(database.native() + "-wal", error);
  std::vector<ProcessInfo> result;
  for (const auto& [pid, board] : picture.boards()) {
    result.push_back(process_of(pid, board.page(), picture));
    result.back().metrics.wal.file_bytes = error ? 0 : static_cast<std::int64_t>(log_bytes);
  }
  return result;
}

std::string to_open_metrics(const std::vector<ProcessInfo>& processes,
                            const std::vector<LockInfo>& locks) {
  std::vector<database::MetricsSource> sources;
  for (const ProcessInfo& each : processes)
    sources.push_back({database::metric_label("pid", std::to_string(each.pid)), &each.metrics});
  database::OpenMetricsText out;
  write_processes(out, processes);
  database::write_metrics(out, sources);
  write_locks(out, locks);
  return std::move(out).finish();
}

}  // namespace turnstile
