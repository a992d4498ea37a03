// Who waits for whom when a workspace is changed at the same time.
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "gate/sync_point.h"
#include "support/interleaving.h"
#include "support/thrown.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

// Who waits for the profile must not have what the other one needs to be done with it.
TEST(WorkspaceTurns, RenameWaitsForARemovalAndNotTheOtherWayRound) {
  WorkspacePlace place;
  place.options().database.busy_timeout = patience();
  Workspace first = place.open();
  Workspace second = place.open();
  first.create("work");
  AtPoint removing("WorkspaceCore:removing", 1);
  std::jthread remover([&] { EXPECT_NO_THROW(first.remove("work")); });
  removing.wait_until_reached();
  AtPoint waiting("FileLock:waiting");
  std::string code;
  std::jthread renamer(
      [&] { code = thrown<VaultError>([&] { second.rename("work", "other"); }).code(); });
  waiting.wait_until_reached();
  removing.release();
  remover.join();
  renamer.join();
  EXPECT_EQ(code, "PROFILE_NOT_FOUND");
}

// Of two who make the same workspace the second one finds what the first has made so far.
TEST(WorkspaceTurns, MakingOneJoinsWhoeverIsMakingIt) {
  WorkspacePlace place;
  std::filesystem::remove_all(place.root());
  AtPoint begun("WorkspaceCore:begun", 1);
  std::jthread first([&] { EXPECT_NO_THROW((void)place.open()); });
  begun.wait_until_reached();
  EXPECT_NO_THROW((void)place.open());
  begun.release();
}

// Who opens a workspace looks at all of its folders, and another process may just be done with one.
TEST(WorkspaceTurns, OpeningGoesOnWhenAFolderIsRemovedMeanwhile) {
  const WorkspacePlace place;
  { const Workspace workspace = place.open(); }
  std::filesystem::remove(place.root() / "profiles");  // So that there is one way only, to `gone`.
  static std::filesystem::path gone;
  static int visits;
  gone = place.root() / "tmp" / "gone";
  visits = 0;
  std::filesystem::create_directories(gone / "inner");
  gate::sync_point_hook = [](std::string_view name) {
    if (name == "narrow_tree:found" && ++visits == 4) std::filesystem::remove_all(gone);
  };
  EXPECT_NO_THROW((void)place.open());
  gate::sync_point_hook = nullptr;
  EXPECT_EQ(visits, 4);
}

/// Whether two calls are in it at once, for which the first one waits a moment.
///
/// Threads: shared.
class NarrowSink {
 public:
  void operator()() {
    std::unique_lock lock(mutex_);
    ++inside_;
    changed_.notify_all();
    const auto more = [this] { return inside_ > 1; };
    if (changed_.wait_for(lock, std::chrono::milliseconds(100), more)) at_once_ = true;
    --inside_;
  }
  void wait_until_called() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience(), [this] { return inside_ > 0; });
  }
  [[nodiscard]] bool was_called_at_once() {
    const std::lock_guard lock(mutex_);
    return at_once_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int inside_ = 0;
  bool at_once_ = false;
};

TEST(WorkspaceTurns, TheLogSinkIsCalledOnceAtATime) {
  WorkspacePlace place;
  {
    Workspace workspace = place.open();
    for (const char* name : {"one", "two"}) {
      const ProfileInfo made =
          workspace.create(name, {.kind = ProfileKind::Sealed, .password = kPassword});
      std::filesystem::remove(part_of(place.folder(made), "database.").string() + ".seen");
    }
  }
  NarrowSink sink;
  place.options().log_sink = [&sink](const LogEvent&) { sink(); };
  Workspace workspace = place.open();
  std::jthread first([&] { (void)workspace.unlock("one", kPassword); });
  sink.wait_until_called();
  (void)workspace.unlock("two", kPassword);
  first.join();
  EXPECT_FALSE(sink.was_called_at_once());
}

}  // namespace
}  // namespace turnstile::test
