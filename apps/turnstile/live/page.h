#pragma once

#include <string_view>

namespace turnstile::cli {

/// live/page.html.
[[nodiscard]] std::string_view live_page() noexcept;

}  // namespace turnstile::cli
