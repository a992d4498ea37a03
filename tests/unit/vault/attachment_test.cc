// Files that belong to a profile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/interleaving.h"
#include "support/thrown.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class Attachments : public testing::TestWithParam<ProfileKind> {
 protected:
  explicit Attachments(WorkspaceOptions options = {}) : place_(options) {
    const bool plain = GetParam() == ProfileKind::Plain;
    password_ = plain ? std::string_view() : kPassword;
    made_ = workspace_.create("work", {.kind = GetParam(), .password = password_});
    session_ = std::make_unique<VaultSession>(workspace_.unlock("work", password_));
  }
  [[nodiscard]] const VaultSession& session() const { return *session_; }
  [[nodiscard]] fs::path files() const { return part_of(place_.folder(made_), "attachments."); }
  Attachment add(std::string_view content, const std::string& name = "a.txt") {
    return session().attach_bytes(as_bytes(content), {.name = name});
  }
  [[nodiscard]] std::string code_for(const std::function<void()>& act) {
    try {
      act();
    } catch (const Error& error) {
      return std::string(error.code());
    }
    return "nothing was thrown";
  }

  WorkspacePlace place_;
  Workspace workspace_ = place_.open();
  std::string_view password_;
  ProfileInfo made_;
  std::unique_ptr<VaultSession> session_;
};

INSTANTIATE_TEST_SUITE_P(Of, Attachments,
                         testing::Values(ProfileKind::Plain, ProfileKind::Sealed,
                                         ProfileKind::Encrypted),
                         [](const auto& kind) { return std::string(to_string(kind.param)); });

// VAT-01
TEST_P(Attachments, ComeBackAsTheyWere) {
  write_file(place_.outside("photo.png"), std::string(3000000, 'p'));
  const Attachment photo =
      session().attach(place_.outside("photo.png"), {.owner = "card 7", .type = "image/png"});
  EXPECT_EQ(photo.name, "photo.png");
  EXPECT_EQ(photo.size_bytes, 3000000);
  add("", "empty");
  add("x", "one byte");
  session_->lock();
  session_ = std::make_unique<VaultSession>(workspace_.unlock("work", password_));
  ASSERT_THAT(session().attachments(), SizeIs(3));
  const auto of_card = session().attachments("card 7");
  ASSERT_THAT(of_card, SizeIs(1));
  EXPECT_EQ(of_card[0].id, photo.id);
  EXPECT_EQ(of_card[0].type, "image/png");
  EXPECT_EQ(of_card[0].sha256, photo.sha256);
  for (const Attachment& each : session().attachments()) {
    const std::string content = text_of(session().read_attachment(each.id));
    EXPECT_EQ(std::ssize(content), each.size_bytes);
  }
  session().save_attachment(photo.id, place_.outside("copy.png"));
  EXPECT_EQ(fingerprint(place_.outside("copy.png")), fingerprint(place_.outside("photo.png")));
}

// VAT-01: into the waste bin, and back.
TEST_P(Attachments, AreRemovedAndRecoveredAndPurged) {
  const std::string id = add("x").id;
  session().remove_attachment(id);
  EXPECT_THAT(session().attachments(), IsEmpty());
  ASSERT_THAT(session().attachments({}, true), SizeIs(1));
  EXPECT_TRUE(session().attachment(id).removed.has_value());
  session().recover_attachment(id);
  EXPECT_EQ(text_of(session().read_attachment(id)), "x");
  session().purge_attachment(id);
  EXPECT_THAT(names_in(files()), IsEmpty());
  EXPECT_EQ(code_for([&] { (void)session().attachment(id); }), "ATTACHMENT_NOT_FOUND");
}

// VAT-02
TEST_P(Attachments, HaveNamesThatAreNoPaths) {
  for (const std::string& name : {std::string("a/b"), std::string("a\\b"), std::string("a\0b", 3),
                                  std::string(256, 'x'), std::string("\xff")}) {
    EXPECT_EQ(code_for([&] { add("x", name); }), "ATTACHMENT_NAME_INVALID") << name;
  }
  EXPECT_EQ(code_for([&] { session().attach_bytes(as_bytes("x"), {}); }),
            "ATTACHMENT_NAME_INVALID");
  EXPECT_NO_THROW(add("x", std::string(255, 'x')));
  EXPECT_THAT(session().attachments(), SizeIs(1));
  EXPECT_THAT(names_in(files()), SizeIs(1));
}

// VAT-05
TEST_P(Attachments, AreRefusedWhenTheyGrowWhileTheyAreRead) {
  const std::string path = place_.outside("grows.log");
  write_file(path, std::string(100000, 'x'));
  AtPoint begun("AttachmentStore:begun", 1);
  std::string refused;
  std::jthread attaching([&] { refused = code_for([&] { (void)session().attach(path); }); });
  begun.wait_until_reached();
  std::ofstream(path, std::ios::app) << "one line more";
  begun.release();
  attaching.join();
  EXPECT_EQ(refused, "ATTACHMENT_READ");
  EXPECT_THAT(session().attachments(), IsEmpty());
  EXPECT_THAT(names_in(files()), IsEmpty());
}

TEST_P(Attachments, AreRefusedWhenTheFileIsNotThere) {
  EXPECT_EQ(code_for([&] { (void)session().attach(place_.outside("missing")); }),
            "ATTACHMENT_READ");
  EXPECT_EQ(code_for([&] { (void)session().attach(place_.root()); }), "ATTACHMENT_READ");
}

// VAT-03: the file is gone when the row could not be made.
TEST_P(Attachments, LeaveNoFileWithoutARow) {
  session().lane("test").write([](WriteTx& tx) {
    tx.execute(
        "CREATE TRIGGER no_more BEFORE INSERT ON vault_attachment"
        " BEGIN SELECT RAISE(ABORT, 'no more'); END");
  });
  EXPECT_THROW(add("x"), Error);
  EXPECT_THAT(names_in(files()), IsEmpty());
}

// VAT-03
TEST_P(Attachments, ArePurgedAlsoWhenTheirFileIsGone) {
  const std::string id = add("x").id;
  fs::remove(files() / id);
  session().purge_attachment(id);
  EXPECT_THAT(session().attachments(), IsEmpty());
}

// VAT-04
TEST_P(Attachments, AreSweptWhenRowAndFileDoNotFitTogether) {
  const std::string whole = add("whole").id;
  const std::string without_file = add("x").id;
  fs::remove(files() / without_file);
  write_file(files() / "0123456789abcdef", "without a row");
  const SweepReport report = session().sweep_attachments();
  EXPECT_THAT(report.files_without_row, ElementsAre("0123456789abcdef"));
  EXPECT_THAT(report.rows_without_file, ElementsAre(without_file));
  EXPECT_THAT(names_in(files()), ElementsAre(whole));
  EXPECT_EQ(text_of(session().read_attachment(whole)), "whole");
  const SweepReport again = session().sweep_attachments();
  EXPECT_THAT(again.files_without_row, IsEmpty());
  EXPECT_THAT(again.rows_without_file, IsEmpty());
}

TEST_P(Attachments, ThatAreDamagedAreNotGivenOut) {
  const std::string id = add("the content").id;
  const std::string whole = read_file(files() / id);
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    write_file(files() / id, damaged);
    ASSERT_EQ(code_for([&] { (void)session().read_attachment(id); }), "ATTACHMENT_CORRUPTED")
        << "bit " << bit;
  }
  EXPECT_EQ(code_for([&] { session().save_attachment(id, place_.outside("copy")); }),
            "ATTACHMENT_CORRUPTED");
  EXPECT_FALSE(fs::exists(place_.outside("copy")));
  EXPECT_FALSE(workspace_.profile("work").database_bytes == 0);
}

TEST_P(Attachments, AreSavedOutsideOfTheWorkspaceOnly) {
  const std::string id = add("x").id;
  EXPECT_EQ(code_for([&] { session().save_attachment(id, files() / "copy"); }), "TARGET_FORBIDDEN");
  session().save_attachment(id, place_.outside("copy"));
  EXPECT_EQ(code_for([&] { session().save_attachment(id, place_.outside("copy")); }),
            "BACKUP_EXISTS");
}

TEST(AttachmentLimit, IsToTheByte) {
  WorkspaceOptions options;
  options.attachment_limit_bytes = 5000;
  options.preview_limit_bytes = 1000;
  WorkspacePlace place(options);
  Workspace workspace = place.open();
  workspace.create("work");
  const VaultSession session = workspace.unlock("work");
  const auto add = [&](std::size_t size) {
    return session.attach_bytes(as_bytes(std::string(size, 'x')), {.name = "a"}).id;
  };
  const std::string largest = add(5000);
  EXPECT_EQ(thrown<VaultError>([&] { add(5001); }).code(), "ATTACHMENT_TOO_LARGE");
  const std::string previewed = add(1000);
  const std::string too_large = add(1001);
  EXPECT_THAT(session.read_attachment(previewed), SizeIs(1000));
  EXPECT_EQ(thrown<VaultError>([&] { (void)session.read_attachment(too_large); }).code(),
            "ATTACHMENT_TOO_LARGE");
  session.save_attachment(largest, place.outside("copy"));
  EXPECT_EQ(fs::file_size(place.outside("copy")), 5000U);
}

// VAT-02: what is allowed when nothing is said.
TEST(AttachmentLimit, IsFiftyMebibytesAndEightForAPreview) {
  EXPECT_EQ(WorkspaceOptions().attachment_limit_bytes, 50 * 1024 * 1024);
  EXPECT_EQ(WorkspaceOptions().preview_limit_bytes, 8 * 1024 * 1024);
}

}  // namespace
}  // namespace turnstile::test
