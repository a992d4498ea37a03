// Metrics as OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec/).
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "turnstile/metrics.h"

namespace turnstile::database {

/// `name="value"`, escaped.
[[nodiscard]] std::string metric_label(std::string_view name, std::string_view value);

/// Writes one family of samples after the other.
///
/// Threads: confined.
class OpenMetricsText {
 public:
  /// `unit` is the end of the name, or empty.
  void family(std::string name, std::string_view type, std::string_view unit,
              std::string_view help);

  /// `labels` are metric_label()s with commas between them, or nothing.
  template <class Number>
  void sample(std::string_view suffix, std::string_view labels, Number value) {
    text_ += name_;
    text_ += suffix;
    if (!labels.empty()) (text_ += '{').append(labels) += '}';
    (text_ += ' ').append(number(value)) += '\n';
  }
  void histogram(const std::string& labels, const Histogram& histogram);
  void bucket(const std::string& labels, std::string_view bound, std::uint64_t below);

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

/// What one process, or one database, measured. Threads: immutable.
struct MetricsSource {
  std::string labels;  ///< In front of each sample's own; may be empty.
  const Metrics* metrics;
};

/// All families of Database::metrics(), each with the samples of all sources.
void write_metrics(OpenMetricsText& out, std::span<const MetricsSource> sources);

}  // namespace turnstile::database
