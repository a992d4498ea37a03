#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "live/live_view.h"

namespace turnstile::cli {

[[nodiscard]] nlohmann::ordered_json locks_to_json(const std::vector<LockInfo>& locks);
[[nodiscard]] nlohmann::ordered_json live_to_json(const LiveView& view);

}  // namespace turnstile::cli
