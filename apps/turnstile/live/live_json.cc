#include "live/live_json.h"

#include "json.h"
#include "metrics_json.h"
#include "text.h"

namespace turnstile::cli {

namespace {

Json milliseconds_or_null(const std::optional<std::chrono::milliseconds>& span) {
  return span ? Json(span->count()) : Json();
}

Json time_or_null(const std::optional<std::chrono::system_clock::time_point>& time) {
  return time ? Json(iso_time(*time)) : Json();
}

Json call_json(const CallInfo& call) {
  return {{"kind", call.kind},
          {"lane", text_or_null(call.lane)},
          {"thread", call.thread},
          {"thread_name", text_or_null(call.thread_name)},
          {"since_ms", call.since.count()},
          {"sql", text_or_null(call.sql)}};
}

Json process_json(const ProcessInfo& process) {
  Json calls = Json::array();
  for (const CallInfo& call : process.calls)
    calls.push_back(call_json(call));
  return {{"pid", process.pid},
          {"program", text_or_null(process.program)},
          {"open_for_ms", process.open_for.count()},
          {"writer", process.writer},
          {"waiting_writes", process.waiting_writes},
          {"calls", std::move(calls)},
          {"metrics", metrics_to_json(process.metrics)}};
}

Json lane_json_of(const LiveLane& lane) {
  return {{"name", lane.name},
          {"reads_per_second", lane.reads_per_second},
          {"writes_per_second", lane.writes_per_second},
          {"failed", lane.failed},
          {"wait_p99_ms", in_milliseconds(lane.wait.percentile(99))},
          {"wait_longest_ms", in_milliseconds(lane.longest_wait)},
          {"hold_p99_ms", in_milliseconds(lane.hold.percentile(99))},
          {"hold_longest_ms", in_milliseconds(lane.longest_hold)}};
}

Json totals_json(const LiveTotals& totals) {
  return {{"commits_per_second", totals.commits_per_second},
          {"writes_per_second", totals.writes_per_second},
          {"reads_per_second", totals.reads_per_second},
          {"writes_a_commit", totals.writes_a_commit},
          {"commit_p99_ms", in_milliseconds(totals.commit.percentile(99))},
          {"readers_leased", totals.pool.readers_leased},
          {"readers", totals.pool.readers_idle + totals.pool.readers_leased},
          {"waiting_reads", totals.pool.readers_waiting},
          {"waiting_writes", totals.pool.writers_waiting},
          {"log_frames", totals.frames},
          {"log_pinned", totals.pinned},
          {"checkpoints", totals.checkpoints},
          {"incomplete_checkpoints", totals.incomplete_checkpoints},
          {"longest_checkpoint_ms", in_milliseconds(totals.longest_checkpoint)},
          {"last_checkpoint", time_or_null(totals.last_checkpoint)}};
}

Json queues_json(const std::vector<QueueStats>& queues) {
  Json array = Json::array();
  for (const QueueStats& queue : queues) {
    const TaskCounts& counts = queue.counts;
    array.push_back({{"queue", queue.queue},
                     {"ready", counts.ready},
                     {"pending", counts.pending},
                     {"running", counts.running},
                     {"done", counts.done},
                     {"failed", counts.failed},
                     {"cancelled", counts.cancelled},
                     {"paused", queue.settings.paused}});
  }
  return array;
}

Json jobs_json(const std::vector<CronJob>& jobs) {
  Json array = Json::array();
  for (const CronJob& job : jobs) {
    array.push_back(
        {{"name", job.spec.name},
         {"enabled", job.enabled},
         {"next_run", time_or_null(job.next_run)},
         {"last_run", time_or_null(job.last_run)},
         {"last_status", job.last_status ? Json(to_string(*job.last_status)) : Json()}});
  }
  return array;
}

}  // namespace

Json locks_to_json(const std::vector<LockInfo>& locks) {
  Json array = Json::array();
  for (const LockInfo& lock : locks) {
    array.push_back({{"lock", lock.name},
                     {"title", lock.lock},
                     {"kind", lock.kind},
                     {"pid", lock.pid == 0 ? Json() : Json(lock.pid)},
                     {"program", text_or_null(lock.program)},
                     {"thread", lock.thread == 0 ? Json() : Json(lock.thread)},
                     {"thread_name", text_or_null(lock.thread_name)},
                     {"lane", text_or_null(lock.lane)},
                     {"sql", text_or_null(lock.sql)},
                     {"calls", lock.calls == 0 ? Json() : Json(lock.calls)},
                     {"since_ms", milliseconds_or_null(lock.since)},
                     {"since_is_least", lock.since_is_least},
                     {"waiters", lock.waiters},
                     {"waiting", lock.waiting}});
  }
  return array;
}

Json live_to_json(const LiveView& view) {
  Json processes = Json::array();
  for (const ProcessInfo& process : view.processes)
    processes.push_back(process_json(process));
  Json strangers = Json::array();
  for (const LiveStranger& stranger : view.strangers)
    strangers.push_back({{"pid", stranger.pid == 0 ? Json() : Json(stranger.pid)},
                         {"program", text_or_null(stranger.program)}});
  Json lanes = Json::array();
  for (const LiveLane& lane : view.lanes)
    lanes.push_back(lane_json_of(lane));
  return {
      {"time", iso_time(view.time)},        {"path", view.path},
      {"file_bytes", view.file_bytes},      {"log_bytes", view.log_bytes},
      {"totals", totals_json(view.totals)}, {"lanes", std::move(lanes)},
      {"processes", std::move(processes)},  {"strangers", std::move(strangers)},
      {"locks", locks_to_json(view.locks)}, {"queues", queues_json(view.work.queues)},
      {"jobs", jobs_json(view.work.jobs)},  {"no_queues_because", text_or_null(view.work.why_not)}};
}

}  // namespace turnstile::cli
