// Names that lead to no file, or to something else.
#include <sys/stat.h>

#include "support/unprivileged.h"
#include "unit/diagnose/doctor/doctor_fixture.h"

namespace turnstile::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class Place : public Doctor {
 protected:
  /// All but `location` have nothing to say.
  static void expect_location_only(const DoctorReport& report) {
    EXPECT_EQ(finding_of(report, "location").status, CheckStatus::Fail);
    for (const Finding& finding : troubles_of(report))
      EXPECT_EQ(finding.id, "location") << finding.title << " " << finding.cure;
  }
};

TEST_F(Place, ThatIsADeviceGetsNoAdviceForFiles) {
  expect_location_only(examine("/dev/null"));
}

TEST_F(Place, ThatIsADirectoryGetsNoAdviceForFiles) {
  std::filesystem::create_directories(path() + "/in/it");
  expect_location_only(report());
}

TEST_F(Place, ThatIsALinkToItselfIsOne) {
  std::filesystem::create_symlink(path(), path());
  expect_location_only(report());
  EXPECT_THAT(finding("location").cure, HasSubstr("symbolic link"));
}

TEST_F(Place, WithTooLongANameIsNone) {
  const DoctorReport report = examine(directory_.file(std::string(300, 'x')));
  expect_location_only(report);
  EXPECT_THAT(finding_of(report, "location").title, HasSubstr("too long"));
}

TEST_F(Place, ThatThisUserMayNotEnterIsNotTakenForAMissingOne) {
  const std::string hidden = directory_.file("hidden");
  std::filesystem::create_directory(hidden);
  run_raw(hidden + "/app.db", "CREATE TABLE note(id)");
  std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(hidden, std::filesystem::perms(0600));
  for (const std::string name : {"/app.db", "/in/app.db"}) {
    const std::string told = unprivileged([&] {
      const Finding finding = finding_of(examine(hidden + name), "location");
      return std::string(to_string(finding.status)) + " " + finding.cure + finding.fix;
    });
    EXPECT_EQ(told,
              "fail Give this user the right to enter (`x`) each directory on the way to it.");
  }
  std::filesystem::permissions(hidden, std::filesystem::perms(0700));
}

TEST_F(Place, BelowAFileCannotBeMade) {
  make();
  const Finding finding = finding_of(examine(path() + "/a/b.db"), "location");
  EXPECT_EQ(finding.status, CheckStatus::Fail);
  EXPECT_EQ(finding.fix, "");
}

// In another directory a bare name would make a new, empty database.
TEST_F(Place, IsNamedInFullWhereACommandIsAdvised) {
  const std::string odd = directory_.file("it's odd.db");
  run_raw(odd, "CREATE TABLE note(id)");
  const std::string folder = directory_.path().string();
  EXPECT_THAT(finding_of(examine(odd), "journal-mode").cure,
              HasSubstr("`turnstile init '" + folder + "/it'\\''s odd.db'`"));
}

}  // namespace
}  // namespace turnstile::test
