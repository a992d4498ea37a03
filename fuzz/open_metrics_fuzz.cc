// Whatever lanes are called and whatever was measured, the text for collectors keeps to its format.
#include <chrono>
#include <exception>
#include <string>

#include "database/metrics.h"
#include "fuzz_input.h"
#include "sqlite/utf8.h"
#include "support/open_metrics.h"
#include "turnstile/metrics.h"

namespace {

using turnstile::fuzz::Input;
using turnstile::fuzz::require;

turnstile::LaneMetrics lane_of(Input& input, std::string name) {
  turnstile::database::LaneRecorder lane;
  // Not below what a century could add up to.
  const auto duration = [&] { return std::chrono::nanoseconds(input.number<std::int64_t>() / 64); };
  for (auto calls = input.number<std::uint8_t>() % 4; calls > 0; --calls) {
    lane.on_write(duration(), duration());
    lane.on_rollback(duration(), duration());
    lane.on_read_wait(duration());
  }
  turnstile::LaneMetrics metrics = lane.snapshot(std::move(name));
  metrics.reads = input.number<std::uint64_t>();
  metrics.timeouts = input.number<std::uint64_t>();
  return metrics;
}

turnstile::Metrics metrics_of(Input& input) {
  turnstile::Metrics metrics;
  turnstile::database::Recorder recorder;
  recorder.on_commit(std::chrono::nanoseconds(input.number<std::uint32_t>()),
                     input.number<std::uint16_t>());
  recorder.add_to(metrics);
  metrics.wal.file_bytes = input.number<std::int64_t>();
  metrics.wal.pinned = input.number<std::uint8_t>() != 0;
  // No two lanes have the same name.
  while (!input.empty() && metrics.lanes.size() < 8)
    metrics.lanes.push_back(
        lane_of(input, std::to_string(metrics.lanes.size()) + ":" + input.text()));
  return metrics;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const turnstile::Metrics metrics = metrics_of(input);
  const std::string text = turnstile::to_open_metrics(metrics);
  require(turnstile::sqlite::find_invalid_utf8(text) == std::string::npos, "it is not UTF-8");
  try {
    const auto families = turnstile::test::open_metrics::Parser::parse(text);
    const auto& reads = families.at("turnstile_lane_reads").samples;
    require(reads.size() == metrics.lanes.size(), "a lane is left out");
    for (std::size_t i = 0; i < reads.size(); ++i) {
      const std::string& name = metrics.lanes[i].name;
      const bool is_utf8 = turnstile::sqlite::find_invalid_utf8(name) == std::string::npos;
      require(!is_utf8 || reads[i].labels.at("lane") == name, "a lane has another name");
    }
  } catch (const std::exception& error) {
    require(false, error.what());
  }
  return 0;
}
