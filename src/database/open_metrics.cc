// Metrics as OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec/).
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "sqlite/utf8.h"
#include "turnstile/metrics.h"

namespace turnstile {

namespace {

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

// A lane may have any name, and the format is UTF-8: a byte that is none is told as `\xff`.
std::string as_utf8(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string result;
  for (;;) {
    const std::size_t invalid = sqlite::find_invalid_utf8(text);
    result += text.substr(0, invalid);
    if (invalid == std::string_view::npos) return result;
    const auto byte = static_cast<unsigned char>(text[invalid]);
    result.append("\\x").append(1, kDigits[byte >> 4U]).append(1, kDigits[byte & 15U]);
    text.remove_prefix(invalid + 1);
  }
}

std::string label(std::string_view name, std::string_view value) {
  return std::string(name) + "=\"" + escaped(as_utf8(value)) + '"';
}

/// Writes one family of samples after the other.
///
/// Threads: confined.
class Writer {
 public:
  /// `unit` is the end of the name, or empty.
  void family(std::string name, std::string_view type, std::string_view unit,
              std::string_view help) {
    name_ = "turnstile_" + std::move(name);
    text_ += "# TYPE " + name_ + ' ' + std::string(type) + '\n';
    if (!unit.empty()) text_ += "# UNIT " + name_ + ' ' + std::string(unit) + '\n';
    text_ += "# HELP " + name_ + ' ' + escaped(help) + '\n';
  }

  template <class Number>
  void sample(std::string_view suffix, std::string_view labels, Number value) {
    text_ += name_;
    text_ += suffix;
    if (!labels.empty()) (text_ += '{').append(labels) += '}';
    (text_ += ' ').append(number(value)) += '\n';
  }

  void histogram(std::string_view labels, const Histogram& histogram) {
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

  void bucket(std::string_view labels, std::string_view bound, std::uint64_t below) {
    const std::string own = label("le", bound);
    sample("_bucket", labels.empty() ? own : std::string(labels) + ',' + own, below);
  }

  /// A number of type double has a point or an exponent, as the format has it.
  template <class Number>
  [[nodiscard]] static std::string number(Number value) {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    std::string text(buffer.data(), end);
    if (std::is_floating_point_v<Number> && text.find_first_of(".e") == std::string::npos)
      text += ".0";
    return text;
  }

  [[nodiscard]] std::string finish() && { return std::move(text_ += "# EOF\n"); }

 private:
  std::string text_;
  std::string name_;
};

void write_lanes(Writer& out, const Metrics& metrics) {
  const auto counter = [&](std::string name, std::string_view help,
                           std::uint64_t LaneMetrics::*value) {
    out.family(std::move(name), "counter", "", help);
    for (const LaneMetrics& lane : metrics.lanes)
      out.sample("_total", label("lane", lane.name), lane.*value);
  };
  const auto histogram = [&](std::string name, std::string_view help,
                             Histogram LaneMetrics::*value) {
    out.family(std::move(name), "histogram", "seconds", help);
    for (const LaneMetrics& lane : metrics.lanes)
      out.histogram(label("lane", lane.name), lane.*value);
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

void write_groups(Writer& out, const GroupSizes& groups) {
  out.family("commit_writes", "histogram", "", "Writes that share a commit.");
  std::uint64_t below = 0;
  for (std::size_t bucket = 0; bucket + 1 < GroupSizes::kBuckets; ++bucket) {
    below += groups.buckets[bucket];
    out.bucket("", Writer::number(std::ldexp(1.0, static_cast<int>(bucket))), below);
  }
  out.bucket("", "+Inf", groups.count);
  out.sample("_sum", "", groups.sum);
  out.sample("_count", "", groups.count);
}

void write_pool(Writer& out, const PoolInfo& pool) {
  out.family("readers", "gauge", "", "Reader connections.");
  out.sample("", label("state", "idle"), pool.readers_idle);
  out.sample("", label("state", "leased"), pool.readers_leased);
  out.family("waiting", "gauge", "", "Calls that wait.");
  out.sample("", label("kind", "read"), pool.readers_waiting);
  out.sample("", label("kind", "write"), pool.writers_waiting);
}

void write_wal(Writer& out, const WalMetrics& wal) {
  out.family("wal_file_bytes", "gauge", "bytes", "Size of the write-ahead log's file.");
  out.sample("", "", wal.file_bytes);
  out.family("wal_frames", "gauge", "", "Frames in the log after this process's last commit.");
  out.sample("", "", wal.frames);
  out.family("checkpoint_seconds", "histogram", "seconds",
             "Time that a checkpoint takes which found a log to copy.");
  out.histogram("", wal.checkpoint);
  out.family("checkpoints_incomplete", "counter", "",
             "Checkpoints that a reader kept from copying the whole log.");
  out.sample("_total", "", wal.incomplete);
  out.family("wal_limit_bytes", "gauge", "bytes", "Size from which readers or writers must yield.");
  out.sample("", "", wal.limit_bytes);
  out.family("wal_pinned", "gauge", "", "1 while a reader keeps the log from being copied.");
  out.sample("", "", wal.pinned ? 1 : 0);
  out.family("wal_limit_interrupted_reads", "counter", "", "Reads interrupted at the limit.");
  out.sample("_total", "", wal.interrupted_reads);
  out.family("wal_limit_refused_writes", "counter", "", "Writes refused at the limit.");
  out.sample("_total", "", wal.refused_writes);
  out.family("last_checkpoint_timestamp_seconds", "gauge", "seconds",
             "When the last checkpoint ended; 0 before the first.");
  out.sample("", "", seconds(wal.last_checkpoint.time_since_epoch()));
}

}  // namespace

std::string to_open_metrics(const Metrics& metrics) {
  Writer out;
  write_lanes(out, metrics);
  out.family("commit_seconds", "histogram", "seconds", "Time that COMMIT takes.");
  out.histogram("", metrics.commit);
  write_groups(out, metrics.groups);
  out.family("engine_waits", "counter", "", "Times SQLite's own lock was held by a stranger.");
  out.sample("_total", "", metrics.engine_waits);
  out.family("repaired_connections", "counter", "", "Connections given back unclean.");
  out.sample("_total", "", metrics.repaired_connections);
  out.family("replaced_connections", "counter", "", "Connections given back changed.");
  out.sample("_total", "", metrics.replaced_connections);
  out.family("gate_bypasses", "counter", "", "Turns to write that the gate kept no order for.");
  out.sample("_total", "", metrics.gate_bypasses);
  out.family("observer_calls", "counter", "", "Callbacks of observations that were called.");
  out.sample("_total", "", metrics.observer_calls);
  out.family("observer_failures", "counter", "", "Callbacks of observations that threw.");
  out.sample("_total", "", metrics.observer_failures);
  write_pool(out, metrics.pool);
  write_wal(out, metrics.wal);
  return std::move(out).finish();
}

}  // namespace turnstile
