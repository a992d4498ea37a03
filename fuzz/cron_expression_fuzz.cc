// Whatever text comes, it is an expression whose due times fit together, or it is refused.
#include <string>

#include "fuzz_input.h"
#include "support/cron_properties.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(turnstile::fuzz::Input(data, size).rest());
  const std::string wrong = turnstile::test::wrong_with_expression(text);
  turnstile::fuzz::require(wrong.empty(), "'" + text + "': " + wrong);
  return 0;
}
