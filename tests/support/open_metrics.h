// Reads the text for collectors and holds it against the format's rules
// (https://prometheus.io/docs/specs/om/open_metrics_spec/).
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace turnstile::test::open_metrics {

using Labels = std::map<std::string, std::string>;

struct Sample {
  std::string name;
  Labels labels;
  double value = 0;
};

struct Family {
  std::string type;
  std::string unit;
  std::string help;
  std::vector<Sample> samples;
};

/// Refuses, with std::runtime_error, what a collector may refuse.
///
/// Threads: confined.
class Parser {
 public:
  [[nodiscard]] static std::map<std::string, Family> parse(const std::string& text) {
    Parser parser;
    if (!text.ends_with("# EOF\n")) throw std::runtime_error("it does not end with # EOF");
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (parser.ended_) throw std::runtime_error("there is text after # EOF");
      try {
        parser.line(line);
      } catch (const std::runtime_error& error) {
        throw std::runtime_error(line + ": " + error.what());
      }
    }
    for (const auto& [name, family] : parser.families_)
      check(name, family);
    return parser.families_;
  }

 private:
  static void require(bool condition, const char* rule) {
    if (!condition) throw std::runtime_error(rule);
  }

  void line(std::string_view line) {
    require(!line.empty(), "an empty line");
    if (line == "# EOF") {
      ended_ = true;
      return;
    }
    line.starts_with("# ") ? descriptor(line.substr(2)) : sample(line);
  }

  void descriptor(std::string_view rest) {
    const std::string kind(word(rest));
    const std::string name(word(rest));
    if (kind == "TYPE") {
      require(!families_.contains(name), "a family is told twice, or not in one piece");
      require(rest == "counter" || rest == "gauge" || rest == "histogram", "an unknown type");
      current_ = name;
      families_[name].type = rest;
      return;
    }
    require(name == current_, "it does not belong to the family that was begun");
    Family& family = families_[name];
    require(family.samples.empty(), "it stands after a sample");
    if (kind == "UNIT") {
      require(name.ends_with("_" + std::string(rest)), "the name does not end with the unit");
      family.unit = rest;
    } else {
      require(kind == "HELP" && !rest.empty(), "an unknown line");
      family.help = rest;
    }
  }

  void sample(std::string_view rest) {
    Sample sample;
    const std::size_t end = rest.find_first_of("{ ");
    require(end != rest.npos, "no value");
    sample.name = rest.substr(0, end);
    rest.remove_prefix(end);
    if (rest.front() == '{') {
      rest.remove_prefix(1);
      while (!rest.starts_with('}')) {
        auto [name, value] = label(rest);
        require(sample.labels.emplace(name, value).second, "a label is there twice");
        if (rest.starts_with(',')) rest.remove_prefix(1);
      }
      rest.remove_prefix(1);
    }
    require(rest.starts_with(' '), "no space before the value");
    sample.value = number(rest.substr(1));
    require(sample.name.starts_with(current_), "it does not belong to the family that was begun");
    families_[current_].samples.push_back(std::move(sample));
  }

  static std::pair<std::string, std::string> label(std::string_view& rest) {
    std::pair<std::string, std::string> result;
    const std::size_t equals = rest.find('=');
    require(equals != rest.npos, "a label without a value");
    result.first = rest.substr(0, equals);
    rest.remove_prefix(equals + 1);
    require(rest.starts_with('"'), "a label's value is not quoted");
    rest.remove_prefix(1);
    while (!rest.empty() && rest.front() != '"') {
      if (rest.front() == '\\') {
        rest.remove_prefix(1);
        require(rest.find_first_of("\\n\"") == 0, "an unknown escape");
        result.second += rest.front() == 'n' ? '\n' : rest.front();
      } else {
        result.second += rest.front();
      }
      rest.remove_prefix(1);
    }
    require(rest.starts_with('"'), "a label's value does not end");
    rest.remove_prefix(1);
    return result;
  }

  static double number(std::string_view text) {
    if (text == "+Inf") return std::numeric_limits<double>::infinity();
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    require(error == std::errc() && end == text.data() + text.size(), "no number");
    return value;
  }

  static std::string_view word(std::string_view& rest) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    return word;
  }

  static void check(const std::string& name, const Family& family) {
    require(!family.help.empty(), "a family without help");
    if (family.type == "histogram") return check_histogram(name, family);
    std::set<Labels> seen;
    for (const Sample& sample : family.samples) {
      require(sample.name == name + (family.type == "counter" ? "_total" : ""), "a wrong suffix");
      require(seen.insert(sample.labels).second, "a sample is there twice");
    }
  }

  static void check_histogram(const std::string& name, const Family& family) {
    struct Series {
      double bound = -1;
      double below = 0;
      bool has_sum = false;
      bool has_count = false;
    };
    std::map<Labels, Series> all;
    for (const Sample& sample : family.samples) {
      Labels labels = sample.labels;
      if (sample.name == name + "_bucket") {
        require(labels.contains("le"), "a bucket without a bound");
        const std::string bound = labels.extract("le").mapped();
        require(bound.find_first_of(".eI") != bound.npos, "a bound that is no floating number");
        Series& series = all[labels];
        require(number(bound) > series.bound, "the buckets are not in order");
        require(sample.value >= series.below, "the buckets are not cumulative");
        series.bound = number(bound);
        series.below = sample.value;
      } else if (sample.name == name + "_sum") {
        all[labels].has_sum = true;
      } else {
        require(sample.name == name + "_count", "a wrong suffix");
        require(sample.value == all[labels].below, "the count is not that of the last bucket");
        all[labels].has_count = true;
      }
    }
    for (const auto& [labels, series] : all) {
      require(series.bound == std::numeric_limits<double>::infinity(), "no bucket for all");
      require(series.has_sum && series.has_count, "no sum, or no count");
    }
  }

  std::map<std::string, Family> families_;
  std::string current_;
  bool ended_ = false;
};

}  // namespace turnstile::test::open_metrics
