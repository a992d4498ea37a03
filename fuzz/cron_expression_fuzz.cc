// Whatever text comes, it is an expression whose due times fit together, or it is refused.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "support/cron_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // libFuzzer gives a null pointer for no bytes.
  const std::string text(data, data + size);
  const std::string wrong = turnstile::test::wrong_with_expression(text);
  if (!wrong.empty()) {
    std::fprintf(stderr, "'%s': %s\n", text.c_str(), wrong.c_str());
    std::abort();
  }
  return 0;
}
