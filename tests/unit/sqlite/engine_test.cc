#include "sqlite/engine.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>

#include "support/scratch_connection.h"
#include "turnstile/info.h"

namespace turnstile::sqlite {
namespace {

TEST(EngineVersion, WithTheWalResetBugIsRefused) {
  for (const int version : {3'007'000, 3'044'005, 3'045'000, 3'050'006, 3'051'000, 3'051'002})
    EXPECT_NE(why_version_is_unsuitable(version), "") << version;
}

TEST(EngineVersion, WithTheCorrectionIsAccepted) {
  for (const int version : {3'044'006, 3'050'007, 3'051'003, 3'053'004, 4'000'000})
    EXPECT_EQ(why_version_is_unsuitable(version), "") << version;
}

TEST(EngineVersion, IsNamedInTheReason) {
  EXPECT_EQ(why_version_is_unsuitable(3'051'002).find("SQLite 3.51.2 has the WAL-reset bug"), 0U);
}

TEST(LinkedEngine, IsSuitable) {
  EXPECT_EQ(why_engine_is_unsuitable(), "");
}

TEST(LinkedEngine, IsTheOnlyOne) {
  EXPECT_EQ(find_second_engine(), std::nullopt);
}

#ifdef TURNSTILE_TEST_VEC0
TEST(LinkedEngine, IsTheOnlyOneWithAnExtensionLoaded) {
  test::ScratchConnection connection;
  connection->load_extension(TURNSTILE_TEST_VEC0, "sqlite3_vec_init");
  EXPECT_EQ(find_second_engine(), std::nullopt);
}
#endif

TEST(EngineInfo, TellsVersionSourceAndOptions) {
  const EngineInfo info = engine_info();
  EXPECT_EQ(info.version, sqlite3_libversion());
  EXPECT_EQ(info.source_id, sqlite3_sourceid());
  EXPECT_TRUE(std::ranges::any_of(info.compile_options, [](const std::string& option) {
    return option.starts_with("THREADSAFE=");
  }));
}

}  // namespace
}  // namespace turnstile::sqlite
