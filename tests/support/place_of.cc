#include "support/place_of.h"

namespace turnstile::test::place_of {

std::string actors() {
  return TURNSTILE_TEST_PLACE_ACTORS;
}

std::string cli() {
  return TURNSTILE_TEST_PLACE_CLI;
}

std::string kb() {
  return TURNSTILE_TEST_PLACE_KB;
}

std::string python() {
  return TURNSTILE_TEST_PLACE_PYTHON;
}

std::string tests() {
  return TURNSTILE_TEST_PLACE_TESTS;
}

std::string vec0() {
  return TURNSTILE_TEST_PLACE_VEC0;
}

}  // namespace turnstile::test::place_of
