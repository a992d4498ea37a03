#include "database/open_metrics.h"

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "sqlite/utf8.h"

namespace turnstile::database {

namespace {

using Text = OpenMetricsText;
using Sources = std::span<const MetricsSource>;

// Of the four buckets a power of two, one is told: dashboards add series up, and a bucket is one.
constexpr std::size_t kFineBuckets = 4;
// Up to 67 seconds; few wait for longer, and `+Inf` counts them.
constexpr std::size_t kLastFineBucket = 103;

double seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') {
      result += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') result += '\\';
    result += c;
  }
  return result;
}

std::string joined(const std::string& labels, const std::string& more) {
  return labels.empty() || more.empty() ? labels + more : labels + ',' + more;
}

// A family with one sample of each source; `get` is a member or a function of its Metrics.
template <class Get>
void write_each(Text& out, Sources sources, std::string name, std::string_view type,
                std::string_view unit, std::string_view help, const Get& get) {
  out.family(std::move(name), type, unit, help);
  const std::string_view suffix = type == "counter" ? "_total" : "";
  for (const MetricsSource& source : sources)
    out.sample(suffix, source.labels, get(*source.metrics));
}

void write_lanes(Text& out, Sources sources) {
  const auto each_lane = [&](const auto& use) {
    for (const MetricsSource& source : sources)
      for (const LaneMetrics& lane : source.metrics->lanes)
        use(joined(source.labels, metric_label("lane", lane.name)), lane);
  };
  const auto counter = [&](std::string name, std::string_view help,
                           std::uint64_t LaneMetrics::*value) {
    out.family(std::move(name), "counter", "", help);
    each_lane([&](const std::string& labels, const LaneMetrics& lane) {
      out.sample("_total", labels, lane.*value);
    });
  };
  const auto histogram = [&](std::string name, std::string_view help,
                             Histogram LaneMetrics::*value) {
    out.family(std::move(name), "histogram", "seconds", help);
    each_lane([&](const std::string& labels, const LaneMetrics& lane) {
      out.histogram(labels, lane.*value);
    });
  };
  counter("lane_reads", "Reads that ended well.", &LaneMetrics::reads);
  counter("lane_writes", "Writes that were committed.", &LaneMetrics::writes);
  counter("lane_rollbacks", "Writes that were undone.", &LaneMetrics::rollbacks);
  counter("lane_timeouts", "Calls whose deadline passed.", &LaneMetrics::timeouts);
  counter("lane_cancelled", "Calls that were interrupted or given up.", &LaneMetrics::cancelled);
  counter("lane_queue_full", "Submissions that were refused.", &LaneMetrics::queue_full);
  histogram("lane_write_wait_seconds", "Time until the closure of a write begins.",
            &LaneMetrics::wait);
  histogram("lane_write_hold_seconds", "Time that the closure of a write runs.",
            &LaneMetrics::hold);
  histogram("lane_read_wait_seconds", "Time until a reader comes free, where none is.",
            &LaneMetrics::read_wait);
}

void write_groups(Text& out, Sources sources) {
  out.family("commit_writes", "histogram", "", "Writes that share a commit.");
  for (const MetricsSource& source : sources) {
    const GroupSizes& groups = source.metrics->groups;
    std::uint64_t below = 0;
    for (std::size_t bucket = 0; bucket + 1 < GroupSizes::kBuckets; ++bucket) {
      below += groups.buckets[bucket];
      out.bucket(source.labels, Text::number(std::ldexp(1.0, static_cast<int>(bucket))), below);
    }
    out.bucket(source.labels, "+Inf", groups.count);
    out.sample("_sum", source.labels, groups.sum);
    out.sample("_count", source.labels, groups.count);
  }
}

void write_pool(Text& out, Sources sources) {
  const auto two = [&](std::string name, std::string_view help, std::string_view label,
                       std::pair<std::string_view, int PoolInfo::*> first,
                       std::pair<std::string_view, int PoolInfo::*> second) {
    out.family(std::move(name), "gauge", "", help);
    for (const MetricsSource& source : sources) {
      for (const auto& [value, member] : {first, second}) {
        out.sample("", joined(source.labels, metric_label(label, value)),
                   source.metrics->pool.*member);
      }
    }
  };
  two("readers", "Reader connections.", "state", {"idle", &PoolInfo::readers_idle},
      {"leased", &PoolInfo::readers_leased});
  two("waiting", "Calls that wait.", "kind", {"read", &PoolInfo::readers_waiting},
      {"write", &PoolInfo::writers_waiting});
}

void write_wal(Text& out, Sources sources) {
  const auto each = [&](std::string name, std::string_view type, std::string_view unit,
                        std::string_view help, const auto& get) {
    write_each(out, sources, std::move(name), type, unit, help,
               [&](const Metrics& metrics) { return get(metrics.wal); });
  };
  each("wal_file_bytes", "gauge", "bytes", "Size of the write-ahead log's file.",
       [](const WalMetrics& wal) { return wal.file_bytes; });
  each("wal_frames", "gauge", "", "Frames in the log after this process's last commit.",
       [](const WalMetrics& wal) { return wal.frames; });
  out.family("checkpoint_seconds", "histogram", "seconds",
             "Time that a checkpoint takes which found a log to copy.");
  for (const MetricsSource& source : sources)
    out.histogram(source.labels, source.metrics->wal.checkpoint);
  each("checkpoints_incomplete", "counter", "",
       "Checkpoints that a reader kept from copying the whole log.",
       [](const WalMetrics& wal) { return wal.incomplete; });
  each("wal_limit_bytes", "gauge", "bytes", "Size from which readers or writers must yield.",
       [](const WalMetrics& wal) { return wal.limit_bytes; });
  each("wal_pinned", "gauge", "", "1 while a reader keeps the log from being copied.",
       [](const WalMetrics& wal) { return wal.pinned ? 1 : 0; });
  each("wal_limit_interrupted_reads", "counter", "", "Reads interrupted at the limit.",
       [](const WalMetrics& wal) { return wal.interrupted_reads; });
  each("wal_limit_refused_writes", "counter", "", "Writes refused at the limit.",
       [](const WalMetrics& wal) { return wal.refused_writes; });
  each("last_checkpoint_timestamp_seconds", "gauge", "seconds",
       "When the last checkpoint ended; 0 before the first.",
       [](const WalMetrics& wal) { return seconds(wal.last_checkpoint.time_since_epoch()); });
}

}  // namespace

std::string metric_label(std::string_view name, std::string_view value) {
  // The format is UTF-8, and a lane, or a program, may have any name.
  return std::string(name) + "=\"" + escaped(sqlite::escape_invalid_utf8(value)) + '"';
}

void OpenMetricsText::family(std::string name, std::string_view type, std::string_view unit,
                             std::string_view help) {
  name_ = "turnstile_" + std::move(name);
  text_ += "# TYPE " + name_ + ' ' + std::string(type) + '\n';
  if (!unit.empty()) text_ += "# UNIT " + name_ + ' ' + std::string(unit) + '\n';
  text_ += "# HELP " + name_ + ' ' + escaped(help) + '\n';
}

void OpenMetricsText::histogram(const std::string& labels, const Histogram& histogram) {
  std::uint64_t below = 0;
  for (std::size_t bucket = 0; bucket <= kLastFineBucket; ++bucket) {
    below += histogram.buckets[bucket];
    if (bucket % kFineBuckets == kFineBuckets - 1)
      this->bucket(labels, number(seconds(Histogram::upper_bound(bucket))), below);
  }
  bucket(labels, "+Inf", histogram.count);
  sample("_sum", labels, seconds(histogram.sum));
  sample("_count", labels, histogram.count);
}

void OpenMetricsText::bucket(const std::string& labels, std::string_view bound,
                             std::uint64_t below) {
  sample("_bucket", joined(labels, metric_label("le", bound)), below);
}

void write_metrics(OpenMetricsText& out, Sources sources) {
  const auto counter = [&](std::string name, std::string_view help, std::uint64_t Metrics::*value) {
    write_each(out, sources, std::move(name), "counter", "", help,
               [value](const Metrics& metrics) { return metrics.*value; });
  };
  write_lanes(out, sources);
  out.family("commit_seconds", "histogram", "seconds", "Time that COMMIT takes.");
  for (const MetricsSource& source : sources)
    out.histogram(source.labels, source.metrics->commit);
  write_groups(out, sources);
  counter("engine_waits", "Times SQLite's own lock was held by a stranger.",
          &Metrics::engine_waits);
  counter("repaired_connections", "Connections given back unclean.",
          &Metrics::repaired_connections);
  counter("replaced_connections", "Connections given back changed.",
          &Metrics::replaced_connections);
  counter("gate_bypasses", "Turns to write that the gate kept no order for.",
          &Metrics::gate_bypasses);
  counter("observer_calls", "Callbacks of observations that were called.",
          &Metrics::observer_calls);
  counter("observer_failures", "Callbacks of observations that threw.",
          &Metrics::observer_failures);
  write_pool(out, sources);
  write_wal(out, sources);
}

}  // namespace turnstile::database

namespace turnstile {

std::string to_open_metrics(const Metrics& metrics) {
  const database::MetricsSource source{{}, &metrics};
  database::OpenMetricsText out;
  database::write_metrics(out, {&source, 1});
  return std::move(out).finish();
}

}  // namespace turnstile
