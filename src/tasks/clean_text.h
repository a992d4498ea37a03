// Text of unknown origin, made fit to be stored.
#pragma once

#include <string>
#include <string_view>

namespace turnstile::tasks {

/// The message of an exception, say: at most 16 KiB of it, bytes that are not UTF-8 as `?`. An
/// error that could not be stored would be none.
[[nodiscard]] std::string clean_text(std::string_view text);

}  // namespace turnstile::tasks
