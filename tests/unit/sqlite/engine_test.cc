#include "sqlite/engine.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>

#include "support/place_of.h"
#include "support/scratch_connection.h"
#include "turnstile/info.h"

// An engine that this build compiled has no shared cache and so no such function.
extern "C" [[gnu::weak]] int sqlite3_enable_shared_cache(int enable);

namespace turnstile::sqlite {
namespace {

// WAL-11: the versions that lose data.
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

// WAL-11: the one that is linked.
TEST(LinkedEngine, IsSuitable) {
  EXPECT_EQ(why_engine_is_unsuitable(), "");
}

TEST(LinkedEngine, IsTheOnlyOne) {
  EXPECT_EQ(find_second_engine(), std::nullopt);
}

#ifdef TURNSTILE_TEST_VEC0
TEST(LinkedEngine, IsTheOnlyOneWithAnExtensionLoaded) {
  const test::ScratchConnection connection(
      SqlDefinitions{.extensions = {{test::place_of::vec0(), "sqlite3_vec_init"}}});
  EXPECT_EQ(find_second_engine(), std::nullopt);
}
#endif

// CORE-05: each connection has a cache of its own, whatever the process has asked SQLite for. With
// a shared one the read would meet SQLITE_LOCKED.
TEST(LinkedEngine, SharesNoCacheEvenWhereTheProcessAsksForIt) {
  const bool can_share = sqlite3_enable_shared_cache != nullptr;
  EXPECT_NE(can_share, sqlite3_compileoption_used("OMIT_SHARED_CACHE") == 1);
  if (can_share) sqlite3_enable_shared_cache(1);
  test::ScratchConnection first("CREATE TABLE t(a)");
  Connection second(first.config(), first.call());
  if (can_share) sqlite3_enable_shared_cache(0);
  ASSERT_EQ(first->begin_immediate(), SQLITE_OK);
  first->execute("INSERT INTO t VALUES (1)");
  EXPECT_EQ(second.query_integer("SELECT count(*) FROM t"), 0);
  first->rollback();
}

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
