// The engine that is linked is the one that was pinned, compiled the way the design needs it.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include "support/place_of.h"

#include <string_view>

namespace {

TEST(Engine, IsTheOneThatTheBuildChose) {
  // Empty for the system's library, whose header is all there is to compare with.
  constexpr std::string_view kExpected = TURNSTILE_TEST_ENGINE_SOURCE_ID;
  EXPECT_TRUE(kExpected.empty() || kExpected == sqlite3_sourceid()) << sqlite3_sourceid();
  EXPECT_STREQ(sqlite3_sourceid(), SQLITE_SOURCE_ID);
  EXPECT_EQ(sqlite3_libversion_number(), SQLITE_VERSION_NUMBER);
}

TEST(Engine, IsCompiledThreadSafeWithoutAMutexOnEachConnection) {
  EXPECT_NE(sqlite3_threadsafe(), 0);
  if (std::string_view(TURNSTILE_TEST_ENGINE_SOURCE_ID).empty())
    return;  // The other options are ours only in an engine that this build compiled.
  for (const char* option :
       {"THREADSAFE=2", "OMIT_SHARED_CACHE", "DQS=0", "DEFAULT_MEMSTATUS=0", "ENABLE_FTS5",
        "ENABLE_COLUMN_METADATA", "ENABLE_DBSTAT_VTAB", "ENABLE_STAT4", "ENABLE_PREUPDATE_HOOK",
        "ENABLE_SESSION", "LIKE_DOESNT_MATCH_BLOBS", "STRICT_SUBTYPE", "DEFAULT_WAL_SYNCHRONOUS=1",
        "ENABLE_MATH_FUNCTIONS"}) {
    EXPECT_EQ(sqlite3_compileoption_used(option), 1) << option;
  }
  for (const char* option : {"OMIT_PROGRESS_CALLBACK", "OMIT_LOAD_EXTENSION", "OMIT_AUTHORIZATION"})
    EXPECT_EQ(sqlite3_compileoption_used(option), 0) << option;
}

#ifdef TURNSTILE_TEST_VEC0
TEST(Engine, LoadsSqliteVec) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(":memory:", &db), SQLITE_OK);
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, nullptr);
  char* message = nullptr;
  EXPECT_EQ(sqlite3_load_extension(db, turnstile::test::place_of::vec0().c_str(),
                                   "sqlite3_vec_init", &message),
            SQLITE_OK)
      << message;
  sqlite3_free(message);
  // The distance needs sqrtf of libm, which vec0.so does not name as a dependency.
  EXPECT_EQ(
      sqlite3_exec(db, "SELECT vec_distance_l2('[1,2]', '[3,4]'), vec_to_json(vec_int8('[1]'))",
                   nullptr, nullptr, nullptr),
      SQLITE_OK)
      << sqlite3_errmsg(db);
  sqlite3_close(db);
}
#endif

}  // namespace
