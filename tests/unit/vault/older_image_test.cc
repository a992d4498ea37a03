// A sealed profile whose files are put back to an earlier moment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "support/workspace.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class OlderImage : public testing::Test {
 protected:
  OlderImage() {
    place_.options().save_within = std::chrono::milliseconds(0);
    made_ = place_.open().create("vault", {.kind = ProfileKind::Sealed, .password = kPassword});
  }
  /// Adds a note and saves it; the number of the state that is on the disk then.
  std::uint64_t write(std::string_view text) {
    Workspace workspace = place_.open();
    const VaultSession session = workspace.unlock("vault", kPassword);
    add_note(session.lane("notes"), text);
    session.save();
    return session.saved_state().generation;
  }
  [[nodiscard]] fs::path image() const { return part_of(place_.folder(made_), "database."); }

  WorkspacePlace place_;
  ProfileInfo made_;
};

// VSE-03: it opens, with a warning that says how old it is, in another workspace object too.
TEST_F(OlderImage, IsReportedWithItsNumber) {
  const std::uint64_t first = write("first");
  const std::string older = read_file(image());
  const std::uint64_t second = write("second");
  EXPECT_GT(second, first);
  EXPECT_THAT(place_.told("VAULT_OLDER"), IsEmpty());
  write_file(image(), older);
  Workspace workspace = place_.open();
  const VaultSession session = workspace.unlock("vault", kPassword);
  EXPECT_THAT(all_notes(session.lane("notes")), ElementsAre("first"));
  EXPECT_THAT(place_.told("VAULT_OLDER"),
              ElementsAre(testing::AllOf(HasSubstr("state " + std::to_string(first)),
                                         HasSubstr(std::to_string(second)))));
}

// VSE-03: put back with the note of which was the last one, its number alone tells.
TEST_F(OlderImage, WithAllOfItsFilesShowsInItsGeneration) {
  write("first");
  const std::string older = read_file(image());
  const std::string seen = read_file(image().string() + ".seen");
  const std::uint64_t noted = write("second");
  write_file(image(), older);
  write_file(image().string() + ".seen", seen);
  Workspace workspace = place_.open();
  const VaultSession session = workspace.unlock("vault", kPassword);
  EXPECT_THAT(place_.told("VAULT_OLDER"), IsEmpty());
  EXPECT_LT(session.saved_state().generation, noted);
}

}  // namespace
}  // namespace turnstile::test
