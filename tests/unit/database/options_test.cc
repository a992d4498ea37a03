// Values that a setting cannot have are refused before anything is touched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>

#include "support/files.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::IsEmpty;

void expect_refused(const std::function<void(Options&)>& spoil, const std::string& name) {
  const TempDir directory;
  Options options;
  spoil(options);
  const auto error =
      thrown<MisuseError>([&] { (void)Database::open(directory.file("a.db"), options); });
  EXPECT_EQ(error.code(), "OPTION_INVALID") << error.what();
  EXPECT_THAT(error.what(), HasSubstr(name));
  EXPECT_STREQ(error.where().file_name(), __FILE__);
  EXPECT_THAT(names_in(directory.path()), IsEmpty());
}

TEST(Options, RefuseConnectionsOutOfRange) {
  for (const int connections : {-1, 65})
    expect_refused([&](Options& options) { options.connections = connections; }, "connections");
}

TEST(Options, RefuseANegativeBusyTimeout) {
  expect_refused([](Options& options) { options.busy_timeout = milliseconds(-1); }, "busy_timeout");
}

TEST(Options, RefusePageSizesThatSqliteDoesNotHave) {
  for (const int size : {-4096, 1, 256, 4095, 131072})
    expect_refused([&](Options& options) { options.page_size = size; }, "page_size");
}

TEST(Options, RefuseNoCheckpointFrames) {
  expect_refused([](Options& options) { options.checkpoint_frames = 0; }, "checkpoint_frames");
  expect_refused([](Options& options) { options.checkpoint_frames = (1 << 28) + 1; },
                 "checkpoint_frames");
}

TEST(Options, RefuseALimitOfTheLogBelowZero) {
  expect_refused([](Options& options) { options.wal_limit_bytes = -1; }, "wal_limit_bytes");
}

TEST(Options, RefuseToWarnOfEveryReader) {
  expect_refused([](Options& options) { options.pinned_reader_warning = milliseconds(0); },
                 "pinned_reader_warning");
}

TEST(Options, RefuseNoStatementCache) {
  expect_refused([](Options& options) { options.statement_cache_size = 0; },
                 "statement_cache_size");
}

TEST(Options, RefuseAnExtensionWithoutAPath) {
  expect_refused([](Options& options) { options.extensions.emplace_back(); }, "Extension");
}

TEST(Options, AllowTheirLimits) {
  const TempDir directory;
  Options options;
  options.connections = 64;
  options.busy_timeout = milliseconds(0);
  options.page_size = 65536;
  options.checkpoint_frames = 1;
  options.statement_cache_size = 1;
  EXPECT_EQ(Database::open(directory.file("a.db"), options).info().pool.connections, 64);
}

TEST(Options, AllowToWaitForEver) {
  const TempDir directory;
  Options options;
  options.busy_timeout = milliseconds::max();
  const Database db = Database::open(directory.file("a.db"), options);
  EXPECT_NO_THROW(db.lane("a").write([](WriteTx&) {}));
}

}  // namespace
}  // namespace turnstile::test
