// What an exception says, whatever it is.
#pragma once

#include <exception>
#include <string>

namespace turnstile::sqlite {

/// Its what(), which begins with the code of an Error.
[[nodiscard]] inline std::string text_of(const std::exception_ptr& cause) {
  try {
    std::rethrow_exception(cause);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

}  // namespace turnstile::sqlite
