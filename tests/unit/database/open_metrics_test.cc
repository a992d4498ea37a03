// The text for collectors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>

#include "database/metrics.h"
#include "support/note_database.h"
#include "support/open_metrics.h"
#include "turnstile/metrics.h"

namespace turnstile::test {
namespace {

using open_metrics::Family;
using open_metrics::Labels;
using open_metrics::Sample;
using std::chrono::milliseconds;

double value_of(const std::map<std::string, Family>& families, const std::string& family,
                const std::string& sample, const Labels& labels = {}) {
  for (const Sample& each : families.at("turnstile_" + family).samples)
    if (each.name == "turnstile_" + sample && each.labels == labels) return each.value;
  throw std::runtime_error("there is no sample " + sample);
}

TEST(OpenMetrics, FollowTheFormat) {
  NoteDatabase db;
  add_note(db.lane("one"), "a");
  add_note(db.lane("another"), "b");
  EXPECT_EQ(count_notes(db.lane("one")), 2);
  const auto families = open_metrics::Parser::parse(to_open_metrics(db->metrics()));
  EXPECT_EQ(value_of(families, "lane_writes", "lane_writes_total", {{"lane", "one"}}), 1);
  EXPECT_EQ(value_of(families, "lane_writes", "lane_writes_total", {{"lane", "another"}}), 1);
  EXPECT_EQ(value_of(families, "lane_reads", "lane_reads_total", {{"lane", "one"}}), 1);
  EXPECT_EQ(value_of(families, "commit_seconds", "commit_seconds_count"), 2);
  EXPECT_EQ(families.at("turnstile_commit_seconds").unit, "seconds");
  EXPECT_GT(value_of(families, "wal_file_bytes", "wal_file_bytes"), 0);
}

TEST(OpenMetrics, CountDurationsInSecondsUpToTheirBound) {
  database::LaneRecorder lane;
  lane.on_write(milliseconds(1), milliseconds(2));
  Metrics metrics;
  metrics.lanes.push_back(lane.snapshot("x"));
  const auto families = open_metrics::Parser::parse(to_open_metrics(metrics));
  const std::string name = "lane_write_hold_seconds";
  EXPECT_EQ(value_of(families, name, name + "_bucket", {{"lane", "x"}, {"le", "0.002048"}}), 1);
  EXPECT_EQ(value_of(families, name, name + "_bucket", {{"lane", "x"}, {"le", "0.001024"}}), 0);
  EXPECT_DOUBLE_EQ(value_of(families, name, name + "_sum", {{"lane", "x"}}), 0.002);
}

TEST(OpenMetrics, CountGroupsBySize) {
  database::Recorder recorder;
  recorder.on_commit(milliseconds(1), 1);
  recorder.on_commit(milliseconds(1), 5);
  recorder.on_commit(milliseconds(1), 1000);
  Metrics metrics;
  recorder.add_to(metrics);
  EXPECT_EQ(metrics.groups.max, 1000U);
  const auto families = open_metrics::Parser::parse(to_open_metrics(metrics));
  const std::string name = "commit_writes";
  EXPECT_EQ(value_of(families, name, name + "_bucket", {{"le", "1.0"}}), 1);
  EXPECT_EQ(value_of(families, name, name + "_bucket", {{"le", "4.0"}}), 1);
  EXPECT_EQ(value_of(families, name, name + "_bucket", {{"le", "8.0"}}), 2);
  EXPECT_EQ(value_of(families, name, name + "_bucket", {{"le", "256.0"}}), 2);
  EXPECT_EQ(value_of(families, name, name + "_sum"), 1006);
}

TEST(OpenMetrics, EscapeWhatALabelMayNotHave) {
  Metrics metrics;
  metrics.lanes.push_back(database::LaneRecorder().snapshot("a \"b\"\\c\nd } , e="));
  const auto families = open_metrics::Parser::parse(to_open_metrics(metrics));
  EXPECT_EQ(
      value_of(families, "lane_reads", "lane_reads_total", {{"lane", "a \"b\"\\c\nd } , e="}}), 0);
}

TEST(OpenMetrics, AreUtf8WhateverALaneIsCalled) {
  Metrics metrics;
  metrics.lanes.push_back(database::LaneRecorder().snapshot("n\xc3\xa9\xff\xc3"));
  const auto families = open_metrics::Parser::parse(to_open_metrics(metrics));
  const Labels shown = {{"lane", "n\xc3\xa9\\xff\\xc3"}};
  EXPECT_EQ(value_of(families, "lane_reads", "lane_reads_total", shown), 0);
}

TEST(OpenMetrics, AreRefusedByTheParserWhenTheyBreakARule) {
  const auto refused = [](const std::string& text) {
    EXPECT_THROW((void)open_metrics::Parser::parse(text), std::runtime_error) << text;
  };
  refused("# TYPE a counter\n# HELP a b\na_total 1\n");
  refused("# TYPE a counter\n# HELP a b\na 1\n# EOF\n");
  refused("# TYPE a gauge\n# UNIT a bytes\n# HELP a b\na 1\n# EOF\n");
  refused("# TYPE a gauge\n# HELP a b\na{x=\"\\q\"} 1\n# EOF\n");
  refused("# TYPE a gauge\n# HELP a b\na 1\na 1\n# EOF\n");
  const std::string histogram = "# TYPE a histogram\n# HELP a b\n";
  refused(histogram + "a_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n# EOF\n");
  refused(histogram +
          "a_bucket{le=\"1.0\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n# EOF\n");
  refused(histogram + "a_bucket{le=\"1.0\"} 1\na_sum 1\na_count 1\n# EOF\n");
  refused(histogram + "a_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n# EOF\n");
}

}  // namespace
}  // namespace turnstile::test
