// How large an attachment may be when nothing else is said, to the byte.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "support/thrown.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;

class AttachmentSize : public testing::TestWithParam<ProfileKind> {
 protected:
  AttachmentSize() {
    const bool plain = GetParam() == ProfileKind::Plain;
    const std::string_view password = plain ? std::string_view() : kPassword;
    workspace_.create("work", {.kind = GetParam(), .password = password});
    session_ = workspace_.unlock("work", password);
  }
  [[nodiscard]] std::string file_of(std::uintmax_t size) const {
    std::string path = place_.outside(std::to_string(size));
    write_file(path, "not all of it is zero");
    fs::resize_file(path, size);
    return path;
  }

  WorkspacePlace place_;
  Workspace workspace_ = place_.open();
  std::optional<VaultSession> session_;
};

INSTANTIATE_TEST_SUITE_P(Of, AttachmentSize,
                         testing::Values(ProfileKind::Plain, ProfileKind::Sealed,
                                         ProfileKind::Encrypted),
                         [](const auto& param) { return std::string(to_string(param.param)); });

// VAT-02, VAT-01: 50 MiB come back as they were.
TEST_P(AttachmentSize, IsFiftyMebibytesAtMost) {
  constexpr std::uintmax_t kMost = std::uintmax_t{50} << 20;
  const std::string whole = file_of(kMost);
  const Attachment largest = session_->attach(whole);
  EXPECT_EQ(largest.size_bytes, static_cast<std::int64_t>(kMost));
  session_->save_attachment(largest.id, place_.outside("copy"));
  EXPECT_EQ(fingerprint(place_.outside("copy")), fingerprint(whole));
  const std::string too_large = file_of(kMost + 1);
  EXPECT_EQ(thrown<VaultError>([&] { session_->attach(too_large); }).code(),
            "ATTACHMENT_TOO_LARGE");
  EXPECT_THAT(session_->attachments(), testing::SizeIs(1));
}

// VAT-02: beyond 8 MiB there is no preview, and it is saved all the same.
TEST_P(AttachmentSize, IsEightMebibytesAtMostForAPreview) {
  constexpr std::uintmax_t kMost = std::uintmax_t{8} << 20;
  const Attachment shown = session_->attach(file_of(kMost));
  EXPECT_EQ(text_of(session_->read_attachment(shown.id)), read_file(file_of(kMost)));
  const std::string large = file_of(kMost + 1);
  const Attachment not_shown = session_->attach(large);
  EXPECT_EQ(thrown<VaultError>([&] { (void)session_->read_attachment(not_shown.id); }).code(),
            "ATTACHMENT_TOO_LARGE");
  session_->save_attachment(not_shown.id, place_.outside("copy"));
  EXPECT_EQ(fingerprint(place_.outside("copy")), fingerprint(large));
}

}  // namespace
}  // namespace turnstile::test
