// The hashes: what they are made of must never change, since those in all files are made of it.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "audit/chain.h"
#include "audit/hex.h"
#include "support/audit_database.h"

namespace turnstile::test {
namespace {

using audit::to_hex;

// The values are those of another implementation, Python's hashlib.blake2b, fed as
// docs/decisions/0019-audit-chain.md says.
class AuditHashes : public testing::Test {
 protected:
  AuditHashes() {
    for (std::size_t i = 0; i < log_.size(); ++i)
      log_.at(i) = static_cast<std::byte>(i);
    for (std::size_t i = 0; i < previous_.size(); ++i)
      previous_.at(i) = static_cast<std::byte>(0xff - i);
  }

  const AuditKey key_ = audit_key("7");
  audit::LogId log_{};
  AuditHash previous_{};
  const AuditEvent event_{.action = "note.delete",
                          .actor = "ada",
                          .subject = "note/7",
                          .detail = R"({"title":"Zürich"})",
                          .trace = "t",
                          .session = "",
                          .time = std::chrono::system_clock::time_point(
                              std::chrono::microseconds(1'772'366'400'000'001))};
};

TEST_F(AuditHashes, OfAnEventAreWhatTheyAlwaysWere) {
  EXPECT_EQ(to_hex(audit::hash_of(AuditKey(), previous_, 42, event_)),
            "31d950a1315c4ad1ebceb964e0f6e7860721297b82d7b54fd964c350ea487c78");
  EXPECT_EQ(to_hex(audit::hash_of(key_, previous_, 42, event_)),
            "9cbd655ff281ab6087659a46dfcffde55bb80808a6cfb101ec8c6e8812346d78");
}

TEST_F(AuditHashes, OfTheBeginningAreWhatTheyAlwaysWere) {
  EXPECT_EQ(to_hex(audit::hash_of_beginning(AuditKey(), log_)),
            "5fc4de527340f533fd06dfa98998d8dc8b7d734fa707e8141d1e9016358967b7");
  EXPECT_EQ(to_hex(audit::hash_of_beginning(key_, log_)),
            "7f47ac12f8972ce7a84a0c2a5aa55b2dff122c76c0d2b0e041cabe2422a9e746");
  EXPECT_EQ(to_hex(audit::key_id(key_)), "63f96ef61639c315");
  EXPECT_EQ(to_hex(audit::key_id(AuditKey())), "0000000000000000");
}

TEST_F(AuditHashes, OfAHeadAreWhatTheyAlwaysWere) {
  const audit::Head head{
      .log = log_, .key = audit::key_id(key_), .last_id = 42, .last_hash = previous_};
  EXPECT_EQ(to_hex(audit::hash_of(key_, head)),
            "8171d0e3f2855eab576458d73366fc70034d1efb45553e9a7f2e7623d63d4649");
}

TEST_F(AuditHashes, OfASegmentAreWhatTheyAlwaysWere) {
  AuditSegment segment{.id = 2, .first_id = 11, .last_id = 20, .events = 10, .flaws = 0};
  segment.first_time = *event_.time;
  segment.last_time = *event_.time + std::chrono::seconds(1);
  segment.sealed_at = *event_.time + std::chrono::seconds(2);
  segment.previous_hash = previous_;
  segment.last_hash = previous_;
  EXPECT_EQ(to_hex(audit::hash_of(key_, segment)),
            "c1020bd95836b295334d65b7d1246b3dbeeb2363b6aaf936b5ee66a58a30f902");
}

TEST_F(AuditHashes, OfAnExportAreWhatTheyAlwaysWere) {
  const audit::ExportStart start{
      .log = log_, .key = audit::key_id(key_), .after = 3, .previous_hash = previous_};
  const audit::ExportEnd end{.events = 5, .last_id = 8, .last_hash = previous_};
  EXPECT_EQ(to_hex(audit::hash_of(key_, start, end)),
            "e87ef130b377b43f842a53fbc88ea7906be2d6a1e8ba7b71566ee49255e90b68");
}

TEST_F(AuditHashes, DoNotConfuseTheFieldsOfAnEvent) {
  AuditEvent moved = event_;
  moved.actor = "adan";
  moved.action = "ote.delete";
  EXPECT_NE(audit::hash_of(key_, previous_, 42, moved),
            audit::hash_of(key_, previous_, 42, event_));
}

TEST(AuditLogNames, AreRandom) {
  EXPECT_NE(audit::make_log_id(), audit::make_log_id());
}

}  // namespace
}  // namespace turnstile::test
