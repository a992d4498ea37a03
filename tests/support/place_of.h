#pragma once

#include <string>

// Where this build put what tests start or read. One file is compiled with these paths, all others
// are the same in every working tree, so that a compiler cache serves them.
namespace turnstile::test::place_of {

// The folder of the helper programs that tests start.
[[nodiscard]] std::string actors();
// The command line; its bare name where it is not built.
[[nodiscard]] std::string cli();
// The example application kb.
[[nodiscard]] std::string kb();
// The interpreter that runs the scripts of tests.
[[nodiscard]] std::string python();
// The folder tests of the sources.
[[nodiscard]] std::string tests();
// The sqlite-vec extension, where TURNSTILE_TEST_VEC0 says that there is one.
[[nodiscard]] std::string vec0();

}  // namespace turnstile::test::place_of
