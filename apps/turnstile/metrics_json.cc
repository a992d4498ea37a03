#include "metrics_json.h"

#include <chrono>
#include <utility>

#include "json.h"
#include "text.h"

namespace turnstile::cli {

namespace {

Json histogram_json(const Histogram& histogram) {
  return {{"count", histogram.count},
          {"mean_ms", in_milliseconds(histogram.mean())},
          {"p50_ms", in_milliseconds(histogram.percentile(50))},
          {"p99_ms", in_milliseconds(histogram.percentile(99))},
          {"max_ms", in_milliseconds(histogram.max)}};
}

Json lane_json(const LaneMetrics& lane) {
  return {{"name", lane.name},
          {"reads", lane.reads},
          {"writes", lane.writes},
          {"rollbacks", lane.rollbacks},
          {"timeouts", lane.timeouts},
          {"cancelled", lane.cancelled},
          {"queue_full", lane.queue_full},
          {"write_wait", histogram_json(lane.wait)},
          {"write_hold", histogram_json(lane.hold)},
          {"read_wait", histogram_json(lane.read_wait)}};
}

Json wal_json(const WalMetrics& wal) {
  const bool any = wal.last_checkpoint.time_since_epoch().count() != 0;
  return {{"file_bytes", wal.file_bytes},
          {"frames", wal.frames},
          {"limit_bytes", wal.limit_bytes},
          {"pinned", wal.pinned},
          {"checkpoints", wal.checkpoints},
          {"incomplete_checkpoints", wal.incomplete},
          {"interrupted_reads", wal.interrupted_reads},
          {"refused_writes", wal.refused_writes},
          {"checkpoint", histogram_json(wal.checkpoint)},
          {"last_checkpoint", any ? Json(iso_time(wal.last_checkpoint)) : Json()}};
}

}  // namespace

Json metrics_to_json(const Metrics& metrics) {
  Json lanes = Json::array();
  for (const LaneMetrics& lane : metrics.lanes)
    lanes.push_back(lane_json(lane));
  return {{"lanes", std::move(lanes)},
          {"commit", histogram_json(metrics.commit)},
          {"groups",
           {{"commits", metrics.groups.count},
            {"writes", metrics.groups.sum},
            {"largest", metrics.groups.max}}},
          {"engine_waits", metrics.engine_waits},
          {"repaired_connections", metrics.repaired_connections},
          {"replaced_connections", metrics.replaced_connections},
          {"gate_bypasses", metrics.gate_bypasses},
          {"wal", wal_json(metrics.wal)}};
}

}  // namespace turnstile::cli
