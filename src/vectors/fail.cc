#include "vectors/fail.h"

#include <utility>

#include "turnstile/error.h"

namespace turnstile::vectors {

namespace {

Error::Details details_of(std::string_view code, std::string message, std::string hint,
                          std::source_location where) {
  Error::Details details;
  details.code = code;
  details.message = std::move(message);
  details.hint = std::move(hint);
  details.where = where;
  return details;
}

}  // namespace

void refuse(std::string_view code, std::string message, std::string hint,
            std::source_location where) {
  throw MisuseError(details_of(code, std::move(message), std::move(hint), where));
}

void fail(std::string_view code, std::string message, std::string hint,
          std::source_location where) {
  throw Error(details_of(code, std::move(message), std::move(hint), where));
}

std::string in_quotes(std::string_view name) {
  constexpr std::size_t kLongest = 80;
  std::string text = "'";
  text += name.substr(0, kLongest);
  text += name.size() > kLongest ? "...'" : "'";
  return text;
}

}  // namespace turnstile::vectors
