#pragma once

#include <nlohmann/json.hpp>

#include "turnstile/metrics.h"

namespace turnstile::cli {

/// Histograms as their count and percentiles.
[[nodiscard]] nlohmann::ordered_json metrics_to_json(const Metrics& metrics);

}  // namespace turnstile::cli
