// docs/reference/causes.md, from the table of causes.
#pragma once

#include <string>

namespace turnstile::cli {

[[nodiscard]] std::string causes_page();

}  // namespace turnstile::cli
