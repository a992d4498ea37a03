#include "bench/report.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "text.h"

namespace turnstile::cli::bench {

namespace {

constexpr double kHalf = 50;
constexpr double kNearlyAll = 99;
constexpr double kAll = 100;

std::string_view name_of(Synchronous synchronous) {
  return synchronous == Synchronous::Full ? "full" : "normal";
}

// Null where there is nothing to divide by.
Json ratio_of(double turnstile, double plain) {
  return plain > 0 ? Json(turnstile / plain) : Json();
}

double wait_ms(const TurnCounts& side, double percent) {
  return in_milliseconds(side.writes.percentile(percent));
}

Json side_json(const TurnCounts& side) {
  return {{"per_second", side.writes.per_second()},
          {"count", side.writes.number()},
          {"p50_ms", wait_ms(side, kHalf)},
          {"p99_ms", wait_ms(side, kNearlyAll)},
          {"longest_ms", wait_ms(side, kAll)},
          {"failures", side.writes.failures()},
          {"first_failure", text_or_null(side.writes.first_failure())}};
}

Json reading_side_json(const TurnCounts& side) {
  return {{"per_second", side.reads.per_second()},
          {"count", side.reads.number()},
          {"failures", side.reads.failures()},
          {"first_failure", text_or_null(side.reads.first_failure())},
          {"writes", side_json(side)}};
}

Json rounds_json(const Comparison& comparison) {
  const auto [least, most] = std::ranges::minmax_element(comparison.ratios);
  const bool any = !comparison.ratios.empty();
  return {{"turns", comparison.turns},
          {"turn_ms", comparison.turn.count()},
          {"least_ratio", any ? Json(*least) : Json()},
          {"most_ratio", any ? Json(*most) : Json()}};
}

Json writing_json(const Comparison& c) {
  const auto ratio_at = [&c](double percent) {
    return ratio_of(wait_ms(c.turnstile, percent), wait_ms(c.plain, percent));
  };
  return {{"plain", side_json(c.plain)},
          {"turnstile", side_json(c.turnstile)},
          {"ratio",
           {{"per_second", ratio_of(c.turnstile.writes.per_second(), c.plain.writes.per_second())},
            {"p50", ratio_at(kHalf)},
            {"p99", ratio_at(kNearlyAll)},
            {"longest", ratio_at(kAll)}}},
          {"rounds", rounds_json(c)}};
}

Json reading_json(const Comparison& c) {
  return {{"plain", reading_side_json(c.plain)},
          {"turnstile", reading_side_json(c.turnstile)},
          {"ratio",
           {{"per_second", ratio_of(c.turnstile.reads.per_second(), c.plain.reads.per_second())}}},
          {"rounds", rounds_json(c)}};
}

// Rows of the table.
void add_rate(Table& table, std::string_view what, double plain, double turnstile) {
  const Json ratio = ratio_of(turnstile, plain);
  table.add({{std::string(what)},
             {fmt::format("{:.0f}", plain), true},
             {fmt::format("{:.0f}", turnstile), true},
             {ratio.is_null() ? "-" : fmt::format("{:.2f}", ratio.get<double>()), true}});
}

void add_wait(Table& table, std::string_view what, const Comparison& c, double percent) {
  const double plain = wait_ms(c.plain, percent);
  const double turnstile = wait_ms(c.turnstile, percent);
  const Json ratio = ratio_of(turnstile, plain);
  table.add({{std::string(what)},
             {fmt::format("{:.3f} ms", plain), true},
             {fmt::format("{:.3f} ms", turnstile), true},
             {ratio.is_null() ? "-" : fmt::format("{:.2f}", ratio.get<double>()), true}});
}

std::int64_t failures_of(const TurnCounts& writing, const TurnCounts& reading) {
  return writing.writes.failures() + reading.writes.failures() + reading.reads.failures();
}

std::string first_failure_of(const TurnCounts& writing, const TurnCounts& reading) {
  for (const Counts* const each : {&writing.writes, &reading.writes, &reading.reads})
    if (each->failures() > 0) return each->first_failure();
  return {};
}

}  // namespace

Json Report::to_json() const {
  return {
      {"threads", settings_.threads},
      {"synchronous", name_of(settings_.synchronous)},
      {"duration_ms", settings_.duration.count()},
      {"sync", {{"p50_ms", in_milliseconds(synced.percentile(kHalf))}, {"count", synced.waits()}}},
      {"writes", writing_json(writing)},
      {"reads", reading_json(reading)}};
}

void Report::print_table(Output& output) const {
  Table table(output, {fmt::format("{} {}, synchronous {}", settings_.threads,
                                   settings_.threads == 1 ? "thread" : "threads",
                                   name_of(settings_.synchronous)),
                       "plain SQLite", "Turnstile", "ratio"});
  add_rate(table, "writes a second", writing.plain.writes.per_second(),
           writing.turnstile.writes.per_second());
  add_wait(table, "half of them within", writing, kHalf);
  add_wait(table, "99 of 100 within", writing, kNearlyAll);
  add_wait(table, "the longest", writing, kAll);
  add_rate(table, "reads a second beside writes", reading.plain.reads.per_second(),
           reading.turnstile.reads.per_second());
  add_rate(table, "writes a second beside reads", reading.plain.writes.per_second(),
           reading.turnstile.writes.per_second());
  table.add({{"failures"},
             {fmt::format("{}", failures_of(writing.plain, reading.plain)), true},
             {fmt::format("{}", failures_of(writing.turnstile, reading.turnstile)), true},
             {"-", true}});
  table.finish();
}

void Report::print(Output& output) const {
  print_table(output);
  output.write("\n");
  if (!writing.ratios.empty()) {
    const auto [least, most] = std::ranges::minmax_element(writing.ratios);
    output.write(fmt::format("ratio of writes by rounds: {:.2f} to {:.2f}\n", *least, *most));
  }
  output.write(fmt::format("one write with a sync: {:.3f} ms (the median of {})\n",
                           in_milliseconds(synced.percentile(kHalf)), synced.waits()));
  for (const auto& [name, failure] :
       {std::pair{"plain SQLite", first_failure_of(writing.plain, reading.plain)},
        std::pair{"Turnstile", first_failure_of(writing.turnstile, reading.turnstile)}}) {
    if (!failure.empty()) output.write(fmt::format("{} failed: {}\n", name, printable(failure)));
  }
}

}  // namespace turnstile::cli::bench
