// Options::from_uri: every key in every spelling, and the reason for what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;

MisuseError refusal(std::string_view uri) {
  return thrown<MisuseError>([&] { (void)Options::from_uri(uri); });
}

void expect_uri_refused(std::string_view uri, std::string_view reason) {
  const MisuseError error = refusal(uri);
  EXPECT_EQ(error.code(), "URI_INVALID") << uri << ": " << error.what();
  EXPECT_THAT(std::string(error.message()), HasSubstr(reason)) << uri;
}

TEST(Uri, GivesThePath) {
  EXPECT_EQ(Options::from_uri("file:app.db").path, "app.db");
  EXPECT_EQ(Options::from_uri("file:data/app.db?mode=rw").path, "data/app.db");
  EXPECT_EQ(Options::from_uri("file:/data/app.db").path, "/data/app.db");
  EXPECT_EQ(Options::from_uri("file:///data/app.db").path, "/data/app.db");
  EXPECT_EQ(Options::from_uri("file://localhost/data/app.db").path, "/data/app.db");
  EXPECT_EQ(Options::from_uri("file::memory:").path, ":memory:");
}

TEST(Uri, EndsAtAFragment) {
  EXPECT_EQ(Options::from_uri("file:app.db#part").path, "app.db");
  EXPECT_EQ(Options::from_uri("file:app.db?_fk=off#part").options.foreign_keys, false);
}

TEST(Uri, DecodesPercentSigns) {
  EXPECT_EQ(Options::from_uri("file:a%20b%3f%C3%a4.db").path, "a b?\xC3\xA4.db");
  EXPECT_EQ(Options::from_uri("file:a.db?%5Ftimeout=%31%30").options.busy_timeout,
            milliseconds(10));
}

TEST(Uri, TakesAPercentEscapeAtTheVeryEnd) {
  EXPECT_EQ(Options::from_uri("file:a%20").path, "a ");
}

TEST(Uri, RefusesAPercentSignWithoutTwoDigits) {
  for (const char* uri : {"file:a%2", "file:a%", "file:a%zz.db", "file:a.db?mode=%4"})
    expect_uri_refused(uri, "two hexadecimal digits");
}

TEST(Uri, RefusesANulByteInThePath) {
  expect_uri_refused("file:a%00b.db", "NUL");
}

TEST(Uri, RefusesAHost) {
  expect_uri_refused("file://server/app.db", "server");
}

TEST(Uri, RefusesWhatIsNoUri) {
  expect_uri_refused("app.db", "does not begin with file:");
}

TEST(Uri, SetsTheBusyTimeoutInEverySpelling) {
  for (const char* query : {"_busy_timeout=250", "_timeout=250", "_pragma=busy_timeout(250)",
                            "_pragma=BUSY_TIMEOUT(250)"}) {
    EXPECT_EQ(Options::from_uri(std::string("file:a.db?") + query).options.busy_timeout,
              milliseconds(250))
        << query;
  }
}

TEST(Uri, RefusesABusyTimeoutThatIsNoNumber) {
  for (const char* value : {"5s", "", "-1", "1.5", " 5", "99999999999999999999"})
    expect_uri_refused(std::string("file:a.db?_busy_timeout=") + value, "a number of milliseconds");
}

TEST(Uri, SetsForeignKeysInEverySpelling) {
  const std::vector<std::string> off = {
      "_foreign_keys=off", "_foreign_keys=0", "_foreign_keys=false",
      "_foreign_keys=no",  "_fk=OFF",         "_pragma=foreign_keys(0)"};
  for (const std::string& query : off)
    EXPECT_FALSE(Options::from_uri("file:a.db?" + query).options.foreign_keys) << query;
  Options base;
  base.foreign_keys = false;
  for (const char* query : {"_foreign_keys=on", "_fk=1", "_fk=true", "_fk=Yes"}) {
    EXPECT_TRUE(Options::from_uri(std::string("file:a.db?") + query, base).options.foreign_keys)
        << query;
  }
}

TEST(Uri, RefusesAForeignKeysSettingThatIsNoTruthValue) {
  expect_uri_refused("file:a.db?_fk=maybe", "on or off");
}

TEST(Uri, SetsSynchronousInEverySpelling) {
  for (const char* query :
       {"_synchronous=full", "_synchronous=2", "_sync=FULL", "_pragma=synchronous(full)"}) {
    EXPECT_EQ(Options::from_uri(std::string("file:a.db?") + query).options.synchronous,
              Synchronous::Full)
        << query;
  }
  Options base;
  base.synchronous = Synchronous::Full;
  for (const char* query : {"_synchronous=normal", "_sync=1"}) {
    EXPECT_EQ(Options::from_uri(std::string("file:a.db?") + query, base).options.synchronous,
              Synchronous::Normal)
        << query;
  }
}

TEST(Uri, RefusesSynchronousOff) {
  expect_uri_refused("file:a.db?_synchronous=off", "normal or full");
}

TEST(Uri, SetsTheMode) {
  const auto mode = [](std::string_view value) {
    return Options::from_uri("file:a.db?mode=" + std::string(value)).options.mode;
  };
  EXPECT_EQ(mode("ro"), OpenMode::ReadOnly);
  EXPECT_EQ(mode("rw"), OpenMode::ReadWrite);
  EXPECT_EQ(mode("rwc"), OpenMode::ReadWriteCreate);
  EXPECT_EQ(mode("memory"), OpenMode::Memory);
}

TEST(Uri, RefusesAnUnknownMode) {
  expect_uri_refused("file:a.db?mode=r", "ro, rw, rwc or memory");
}

TEST(Uri, AcceptsWhatIsSoAnyway) {
  for (const char* query : {"_journal_mode=WAL", "_journal=wal", "_pragma=journal_mode(WAL)",
                            "_txlock=immediate", "cache=private", "immutable=0", "nolock=off"}) {
    EXPECT_NO_THROW((void)Options::from_uri(std::string("file:a.db?") + query)) << query;
  }
}

// CORE-05: asking for it by URI is an error.
TEST(Uri, RefusesASharedCacheWithTheReason) {
  expect_uri_refused("file:a.db?cache=shared", "database table is locked");
}

TEST(Uri, RefusesAnUnknownCache) {
  expect_uri_refused("file:a.db?cache=big", "private");
}

TEST(Uri, RefusesOtherJournalModes) {
  for (const char* key : {"_journal_mode=delete", "_journal=off", "_pragma=journal_mode(MEMORY)"})
    expect_uri_refused(std::string("file:a.db?") + key, "write-ahead log");
}

TEST(Uri, RefusesDeferredAndExclusiveWrites) {
  for (const char* value : {"deferred", "exclusive", "concurrent"})
    expect_uri_refused(std::string("file:a.db?_txlock=") + value, value);
}

TEST(Uri, RefusesImmutableWithoutReadOnly) {
  expect_uri_refused("file:a.db?immutable=1", "write-ahead log");
}
TEST(Uri, ReadsImmutable) {
  EXPECT_TRUE(Options::from_uri("file:a.db?immutable=1&mode=ro").options.immutable);
}
TEST(Uri, RefusesNolock) {
  expect_uri_refused("file:a.db?nolock=1", "without locks");
}
TEST(Uri, RefusesVfs) {
  expect_uri_refused("file:a.db?vfs=memdb", "vfs");
}

TEST(Uri, ListsTheKnownKeysWhenOneIsUnknown) {
  const MisuseError error = refusal("file:a.db?_busy_timeuot=5");
  EXPECT_EQ(error.code(), "URI_INVALID");
  EXPECT_THAT(std::string(error.message()), HasSubstr("_busy_timeuot"));
  EXPECT_THAT(std::string(error.hint()),
              AllOf(HasSubstr("_busy_timeout"), HasSubstr("_foreign_keys"),
                    HasSubstr("_journal_mode"), HasSubstr("_pragma"), HasSubstr("_synchronous"),
                    HasSubstr("_txlock"), HasSubstr("cache"), HasSubstr("mode")));
}

TEST(Uri, DoesNotIgnoreTheCaseOfKeys) {
  expect_uri_refused("file:a.db?MODE=ro", "'MODE'");
}

TEST(Uri, RefusesAKeyTwice) {
  expect_uri_refused("file:a.db?mode=ro&mode=ro", "mode twice");
  expect_uri_refused("file:a.db?_timeout=1&_busy_timeout=1", "busy_timeout twice");
}

TEST(Uri, RefusesASettingTwiceAlsoAsAPragma) {
  expect_uri_refused("file:a.db?_fk=on&_pragma=foreign_keys(off)", "foreign_keys twice");
  expect_uri_refused("file:a.db?_pragma=foreign_keys(on)&_pragma=foreign_keys(off)",
                     "foreign_keys twice");
}

TEST(Uri, TakesSeveralPragmas) {
  const Options options =
      Options::from_uri("file:a.db?_pragma=busy_timeout(70)&_pragma=foreign_keys(off)").options;
  EXPECT_EQ(options.busy_timeout, milliseconds(70));
  EXPECT_FALSE(options.foreign_keys);
}

TEST(Uri, RefusesAnUnknownPragma) {
  expect_uri_refused("file:a.db?_pragma=cache_size(10)", "cache_size");
  expect_uri_refused("file:a.db?_pragma=pragma(1)", "pragma(1)");
}

TEST(Uri, RefusesAPragmaWithoutParentheses) {
  for (const char* value : {"busy_timeout", "busy_timeout=5", "busy_timeout(5", ""})
    expect_uri_refused(std::string("file:a.db?_pragma=") + value, "name(value)");
}

TEST(Uri, IgnoresEmptyPairs) {
  EXPECT_EQ(Options::from_uri("file:a.db?&&mode=ro&").options.mode, OpenMode::ReadOnly);
  EXPECT_EQ(Options::from_uri("file:a.db?").path, "a.db");
}

TEST(Uri, LaysItsSettingsOverTheBase) {
  Options base;
  base.connections = 7;
  base.busy_timeout = milliseconds(1);
  const Options options = Options::from_uri("file:a.db?_timeout=9", base).options;
  EXPECT_EQ(options.connections, 7);
  EXPECT_EQ(options.busy_timeout, milliseconds(9));
}

TEST(Uri, IsUnderstoodByOpen) {
  const TempDir directory;
  Database db = Database::open("file:" + directory.file("a%20b.db") + "?_timeout=1234");
  EXPECT_EQ(db.info().path, directory.file("a b.db"));
}

TEST(Uri, RefusalOfOpenPointsAtTheCaller) {
  const auto error = thrown<MisuseError>([] { (void)Database::open("file:a.db?moed=ro"); });
  EXPECT_EQ(error.code(), "URI_INVALID");
  EXPECT_STREQ(error.where().file_name(), __FILE__);
}

TEST(Uri, OfAnotherSchemeIsRefused) {
  for (const char* path : {"postgres://host/db", "redis://host", "sqlite+x.y-z://a"}) {
    const auto error = thrown<MisuseError>([&] { (void)Database::open(path); });
    EXPECT_EQ(error.code(), "URI_INVALID") << path;
    EXPECT_THAT(std::string(error.hint()), HasSubstr("reserved")) << path;
  }
}

}  // namespace
}  // namespace turnstile::test
