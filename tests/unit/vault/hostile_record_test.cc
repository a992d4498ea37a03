// Records and manifests that somebody has made by hand, with hashes that fit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "support/thrown.h"
#include "support/workspace.h"
#include "vault/archive.h"
#include "vault/profile_record.h"
#include "vault/text_record.h"

namespace turnstile::test {
namespace {

using vault::ProfileRecord;
using vault::TextRecord;

ProfileRecord plain_record() {
  ProfileRecord record;
  record.id = "abc";
  record.name = "hostile";
  record.created_us = 1;
  record.generation = 3;
  record.database = "database.3";
  record.attachments = "attachments.1";
  return record;
}

TEST(HostileRecord, HasNoPartOfAGenerationThatIsStillToCome) {
  EXPECT_TRUE(ProfileRecord::from_text(plain_record().to_text()));
  ProfileRecord record = plain_record();
  record.database = "database.4";  // The next change would write it.
  EXPECT_FALSE(ProfileRecord::from_text(record.to_text()));
}

TEST(HostileRecord, HasAGenerationThatCanBeFollowed) {
  ProfileRecord record = plain_record();
  record.generation = 9223372036854775807;
  EXPECT_FALSE(ProfileRecord::from_text(record.to_text()));
}

TEST(HostileRecord, HasATimeThatTheClockCanTell) {
  ProfileRecord record = plain_record();
  record.created_us = 9223372036854775807;
  EXPECT_FALSE(ProfileRecord::from_text(record.to_text()));
}

std::string manifest_created(std::string_view us) {
  TextRecord manifest("turnstile-backup 1");
  manifest.add("created_us", us);
  manifest.add("library_version", "0");
  manifest.add("id", "abc");
  manifest.add("name", "hostile");
  manifest.add("kind", "plain");
  manifest.add("form", "plain");
  manifest.add("profile_created_us", "1");
  manifest.add("file",
               "0 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 database");
  return manifest.to_text();
}

TEST(HostileManifest, HasATimeThatTheClockCanTell) {
  EXPECT_TRUE(vault::ArchiveManifest::from_text(manifest_created("1")));
  EXPECT_FALSE(vault::ArchiveManifest::from_text(manifest_created("9223372036854775807")));
}

}  // namespace
}  // namespace turnstile::test
