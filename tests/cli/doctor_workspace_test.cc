// The doctor of a workspace of vaults: one fixture for each thing that can be wrong with it.
#include "cli/cli_test.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DoctorOfAWorkspace : public testing::Test {
 protected:
  DoctorOfAWorkspace() {
    Workspace workspace = place_.open();
    plain_ = workspace.create("plain");
    sealed_ = workspace.create("sealed", {.kind = ProfileKind::Sealed, .password = kPassword});
    encrypted_ =
        workspace.create("encrypted", {.kind = ProfileKind::Encrypted, .password = kPassword});
  }

  /// Those that are no mere passes.
  [[nodiscard]] std::vector<Json> findings() const {
    const CliResult result = run_cli({"doctor", place_.root().string(), "--json"});
    const Json report = Json::parse(result.out);
    std::vector<Json> found;
    for (const Json& finding : report.at("findings"))
      if (finding.at("severity") != "pass") found.push_back(finding);
    return found;
  }
  [[nodiscard]] Json only_finding() const {
    const std::vector<Json> found = findings();
    EXPECT_EQ(found.size(), 1U) << Json(found).dump(2);
    return found.empty() ? Json::object() : found.front();
  }
  [[nodiscard]] static std::string in(const ProfileInfo& profile, const std::string& name) {
    return "profiles/" + profile.id + "/" + name;
  }

  WorkspacePlace place_;
  ProfileInfo plain_;
  ProfileInfo sealed_;
  ProfileInfo encrypted_;
};

// DOC-10: a clean vault.
TEST_F(DoctorOfAWorkspace, FindsNothingInACleanOne) {
  EXPECT_THAT(findings(), IsEmpty());
  EXPECT_EQ(run_cli({"doctor", place_.root().string()}).status, 0);
}

// DOC-02: nothing is put right on the way.
TEST_F(DoctorOfAWorkspace, ChangesNothing) {
  write_file(place_.root() / "registry", "not a registry");
  write_file(place_.folder(plain_) / "database.9", "left");
  const std::string before = picture_of(place_.root());
  static_cast<void>(findings());
  EXPECT_EQ(picture_of(place_.root()), before);
}

// DOC-10: an attachment that belongs to nothing.
TEST_F(DoctorOfAWorkspace, FindsAnOrphanOfAnAttachment) {
  write_file(part_of(place_.folder(plain_), "attachments.") / "0123", "nobody's");
  const Json finding = only_finding();
  EXPECT_EQ(finding.at("id"), "workspace-attachments");
  EXPECT_THAT(finding.at("evidence"), ElementsAre(in(plain_, "attachments.1/0123")));
}

// DOC-10: what an interrupted transition has left.
TEST_F(DoctorOfAWorkspace, FindsWhatATransitionHasLeft) {
  write_file(place_.folder(encrypted_) / "database.9", "left");
  const Json finding = only_finding();
  EXPECT_EQ(finding.at("id"), "workspace-leftovers");
  EXPECT_THAT(finding.at("evidence"), ElementsAre(in(encrypted_, "database.9")));
}

// DOC-10: files of an open database beside a sealed image.
TEST_F(DoctorOfAWorkspace, FindsSidecarsOfASealedImage) {
  write_file(place_.folder(sealed_) / "database.1-wal", "frames");
  const Json finding = only_finding();
  EXPECT_EQ(finding.at("id"), "workspace-sidecars");
  EXPECT_THAT(finding.at("evidence"), ElementsAre(in(sealed_, "database.1-wal")));
}

// DOC-10: a registry that does not agree with the folders.
TEST_F(DoctorOfAWorkspace, FindsARegistryThatDoesNotAgree) {
  std::filesystem::remove_all(place_.folder(plain_));
  const Json finding = only_finding();
  EXPECT_EQ(finding.at("id"), "workspace-registry");
  EXPECT_THAT(finding.at("evidence").at(0).get<std::string>(), HasSubstr(plain_.id));
}

TEST_F(DoctorOfAWorkspace, FindsADamagedRegistry) {
  write_file(place_.root() / "registry", "not a registry");
  EXPECT_THAT(only_finding().at("evidence"), ElementsAre("registry"));
}

// DOC-10: a copy that everybody can read.
TEST_F(DoctorOfAWorkspace, FindsAPlainCopy) {
  run_raw((place_.folder(encrypted_) / "tmp" / "copy").string(), "CREATE TABLE note(id)");
  const std::vector<Json> found = findings();
  ASSERT_EQ(found.size(), 2U);  // In tmp it is left over too.
  EXPECT_EQ(found.back().at("id"), "workspace-plain-copies");
  EXPECT_THAT(found.back().at("evidence"), ElementsAre(in(encrypted_, "tmp/copy")));
}

// DOC-07: a profile whose record says that it is protected.
TEST_F(DoctorOfAWorkspace, FailsWhereAProtectedDatabaseIsPlain) {
  const auto database = part_of(place_.folder(encrypted_), "database.");
  std::filesystem::remove(database);
  run_raw(database.string(), "CREATE TABLE note(id)");
  const Json finding = only_finding();
  EXPECT_EQ(finding.at("severity"), "fail");
  EXPECT_EQ(finding.at("title"), "enabled, not yet migrated");
}

// DOC-07: the files of protected profiles.
TEST_F(DoctorOfAWorkspace, SeesThatTheDatabasesOfProtectedProfilesAreEncrypted) {
  for (const ProfileInfo& profile : {sealed_, encrypted_}) {
    const auto database = part_of(place_.folder(profile), "database.");
    const CliResult result = run_cli({"doctor", database.string(), "--json"});
    EXPECT_EQ(result.status, 1) << result.out;
    const Json report = Json::parse(result.out);
    bool is_told = false;
    for (const Json& finding : report.at("findings"))
      is_told = is_told || (finding.at("id") == "encryption" && finding.at("title") == "encrypted");
    EXPECT_TRUE(is_told) << result.out;
  }
}

TEST_F(DoctorOfAWorkspace, FailsWithADamagedRecord) {
  write_file(place_.folder(plain_) / "profile", "no record");
  EXPECT_EQ(only_finding().at("id"), "workspace-profile");
}

TEST_F(DoctorOfAWorkspace, DoesNotLookIntoAProfileThatIsInUse) {
  Workspace workspace = place_.open();
  const VaultSession session = workspace.unlock(encrypted_.id, std::string(kPassword));
  write_file(place_.folder(encrypted_) / "database.9", "staged");
  const Json finding = only_finding();
  EXPECT_EQ(finding.at("severity"), "skip");
}

}  // namespace
}  // namespace turnstile::test
