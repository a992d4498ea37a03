// Rows of attachments that somebody has made by hand, such as in a backup that was sent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "support/forked.h"
#include "support/thrown.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::SizeIs;

class HostileRow : public testing::Test {
 protected:
  HostileRow() {
    fs::create_directories(place_.outside("home") + "/sub");
    write_file(place_.outside("home") + "/sub/letter", "mine");
    workspace_.create("work");
  }
  [[nodiscard]] VaultSession unlock() { return workspace_.unlock("work"); }
  static void insert(const VaultSession& session, const std::string& id) {
    session.lane("test").write([&](WriteTx& tx) {
      tx.execute("INSERT INTO vault_attachment VALUES (?, '', 'a', '', 1, 'x', 1, NULL)", id);
    });
  }
  void expect_refused(const VaultSession& session, const std::string& id) const {
    const auto refused = [](const auto& act) { return thrown<VaultError>(act).code(); };
    EXPECT_EQ(refused([&] { (void)session.attachments(); }), "ATTACHMENT_CORRUPTED");
    EXPECT_EQ(refused([&] { (void)session.attachment(id); }), "ATTACHMENT_CORRUPTED");
    EXPECT_EQ(refused([&] { (void)session.read_attachment(id); }), "ATTACHMENT_CORRUPTED");
    EXPECT_EQ(refused([&] { session.save_attachment(id, place_.outside("copy")); }),
              "ATTACHMENT_CORRUPTED");
    EXPECT_EQ(refused([&] { session.remove_attachment(id); }), "ATTACHMENT_CORRUPTED");
    EXPECT_EQ(refused([&] { session.purge_attachment(id); }), "ATTACHMENT_CORRUPTED");
    EXPECT_FALSE(fs::exists(place_.outside("copy")));
  }

  WorkspacePlace place_;
  Workspace workspace_ = place_.open();
};

// VAT-02
TEST_F(HostileRow, WithAPathForAnIdLeadsNowhere) {
  const std::string home = place_.outside("home");
  for (const std::string& id : {home, home + "/sub/letter", std::string("../profile"),
                                std::string(".."), std::string("A"), std::string()}) {
    const VaultSession session = unlock();
    insert(session, id);
    expect_refused(session, id);
    session.lane("test").write([](WriteTx& tx) { tx.execute("DELETE FROM vault_attachment"); });
  }
  EXPECT_EQ(read_file(home + "/sub/letter"), "mine");
}

TEST_F(HostileRow, WithAPathForAnIdIsSweptAndNothingElse) {
  const std::string letter = place_.outside("home") + "/sub/letter";
  const VaultSession session = unlock();
  const std::string whole = session.attach_bytes(as_bytes("x"), {.name = "a"}).id;
  insert(session, letter);
  EXPECT_THAT(session.sweep_attachments().rows_without_file, ElementsAre(letter));
  EXPECT_THAT(session.attachments(), SizeIs(1));
  EXPECT_EQ(text_of(session.read_attachment(whole)), "x");
  EXPECT_EQ(read_file(letter), "mine");
}

TEST_F(HostileRow, WithAPathForAnIdIsFoundByVerify) {
  insert(unlock(), place_.outside("home") + "/sub/letter");
  EXPECT_THAT(workspace_.verify("work").problems, SizeIs(1));
}

// what SQLite stores need not be what the column says.
TEST_F(HostileRow, WithASizeOrATimeThatIsNoneIsRefused) {
  const VaultSession session = unlock();
  const std::string id = session.attach_bytes(as_bytes("x"), {.name = "a"}).id;
  for (const std::string change :
       {"size = -1", "created_us = 9223372036854775807", "created_us = -9223372036854775808",
        "removed_us = 9223372036854775807"}) {
    session.lane("test").write([&](WriteTx& tx) {
      tx.execute("UPDATE vault_attachment SET size = 1, created_us = 1, removed_us = NULL");
      tx.execute("UPDATE vault_attachment SET " + change);
    });
    EXPECT_EQ(thrown<VaultError>([&] { (void)session.read_attachment(id); }).code(),
              "ATTACHMENT_CORRUPTED")
        << change;
  }
}

// memory is taken for as much as the row says, not for as much as the file has.
TEST_F(HostileRow, WithASmallerSizeThanTheFileEndsTheReadAtThatSize) {
  const VaultSession session = unlock();
  const std::string id = session.attach_bytes(as_bytes(std::string(300000, 'x')), {.name = "a"}).id;
  session.lane("test").write([](WriteTx& tx) { tx.execute("UPDATE vault_attachment SET size=1"); });
  const auto error = thrown<VaultError>([&] { (void)session.read_attachment(id); });
  EXPECT_EQ(error.code(), "ATTACHMENT_CORRUPTED");
  EXPECT_THAT(error.what(), testing::HasSubstr("longer"));
  EXPECT_EQ(thrown<VaultError>([&] { session.save_attachment(id, place_.outside("copy")); }).code(),
            "ATTACHMENT_CORRUPTED");
  EXPECT_FALSE(fs::exists(place_.outside("copy")));
}

// A child hangs for this test where it can.
TEST_F(HostileRow, WhoseFileIsAFifoIsNotWaitedFor) {
  const ProfileInfo made = workspace_.profile("work");
  std::string id;
  {
    const VaultSession session = unlock();
    id = session.attach_bytes(as_bytes("x"), {.name = "a"}).id;
  }
  const fs::path file = part_of(place_.folder(made), "attachments.") / id;
  fs::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  const std::string codes = in_child([&] {
    ::alarm(20);
    const auto code_of = [](const auto& act) { return std::string(thrown<Error>(act).code()); };
    Workspace workspace = place_.open();
    std::string all = code_of([&] { workspace.backup("work", place_.outside("b")); });
    all += ' ' + code_of([&] { workspace.duplicate("work", "copy"); });
    const VaultSession session = workspace.unlock("work");
    return all + ' ' + code_of([&] { (void)session.read_attachment(id); });
  });
  EXPECT_EQ(codes, "PROFILE_STORAGE_READ PROFILE_STORAGE_READ ATTACHMENT_CORRUPTED");
}

}  // namespace
}  // namespace turnstile::test
