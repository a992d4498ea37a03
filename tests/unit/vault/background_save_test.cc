// A sealed profile that is saved by itself, while something else happens to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "support/interleaving.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class BackgroundSave : public testing::Test {
 protected:
  BackgroundSave() {
    place_.options().save_within = std::chrono::milliseconds(1);
    workspace_.emplace(place_.open());
    made_ = workspace_->create("vault", {.kind = ProfileKind::Sealed, .password = kPassword});
    session_ = workspace_->unlock("vault", kPassword);
  }

  WorkspacePlace place_;
  std::optional<Workspace> workspace_;
  ProfileInfo made_;
  std::optional<VaultSession> session_;
};

// The file that it writes is not one that somebody has left.
TEST_F(BackgroundSave, GoesOnBesideAChangeOfThePassword) {
  AtPoint written("SealedWriter:written", 1);
  add_note(session_->lane("notes"), "x");
  written.wait_until_reached();
  session_->change_password(kPassword, "new");
  AtPoint published("SealedWriter:published");
  written.release();
  published.wait_until_reached();
  session_->lock();
  EXPECT_THAT(place_.told("VAULT_NOT_SAVED"), IsEmpty());
  EXPECT_THAT(all_notes(workspace_->unlock("vault", "new").lane("notes")), ElementsAre("x"));
}

// VSE-03: after a crash too, an older image is told from the last one.
TEST_F(BackgroundSave, NotesWhichStateWasTheLastOne) {
  const fs::path image = part_of(place_.folder(made_), "database.");
  const std::string older = read_file(image);
  AtPoint published("SealedWriter:published");
  add_note(session_->lane("notes"), "x");
  // The image, and the note of it.
  published.wait_until_reached(2);
  const fs::path copy = place_.outside("as after a crash");
  fs::copy(place_.root(), copy, fs::copy_options::recursive);
  write_file(copy / fs::relative(image, place_.root()), older);
  (void)Workspace::open(copy, place_.options()).unlock("vault", kPassword);
  EXPECT_THAT(place_.told("VAULT_OLDER"), SizeIs(1));
}

}  // namespace
}  // namespace turnstile::test
