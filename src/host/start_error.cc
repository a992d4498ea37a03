#include "host/start_error.h"

#include <utility>

#include "sqlite/error_code.h"

namespace turnstile {

StartError::StartError(Details details, std::string part, std::exception_ptr cause)
    : Error(std::move(details)),
      part_(std::make_shared<const std::string>(std::move(part))),
      cause_(std::move(cause)) {}

std::string_view StartError::part() const noexcept {
  return *part_;
}

const std::exception_ptr& StartError::cause() const noexcept {
  return cause_;
}

void detail::raise_unfinished() {
  throw Error({.code = code("COMPONENT_UNFINISHED"),
               .message = "it has ended without having finished its work; its own report says what "
                          "is left"});
}

namespace host {

std::string hint_of(const std::exception_ptr& cause) {
  try {
    std::rethrow_exception(cause);
  } catch (const Error& error) {
    return std::string(error.hint());
  } catch (...) {
    return {};
  }
}

StartError start_error(std::string_view kind, const std::string& part,
                       std::string_view default_code, const std::exception_ptr& cause,
                       const Call& call, const std::string& aside) {
  Error::Details details{.code = default_code, .message = {}, .where = call.where};
  std::string message;
  try {
    std::rethrow_exception(cause);
  } catch (const Error& error) {
    message = error.message();
    details.code = error.code();
    details.hint = error.hint();
    details.sqlite_code = error.sqlite_code();
    details.system_code = error.system_code();
    details.sql = error.sql();
    details.sql_offset = error.sql_offset();
    details.lane = error.lane();
    details.commit_state = error.commit_state();
    details.retry_is_safe = error.retry_is_safe();
  } catch (...) {
    message = text_of(cause);
  }
  details.message = std::string(kind) + " '" + part + "': " + message + aside;
  return {std::move(details), part, cause};
}

}  // namespace host

}  // namespace turnstile
