// Files that are sealed with a data key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gate/sync_point.h"
#include "support/files.h"
#include "support/small_disk.h"
#include "support/temp_dir.h"
#include "support/test_seed.h"
#include "support/test_size.h"
#include "support/thrown.h"
#include "support/vault_bytes.h"
#include "turnstile/error.h"
#include "vault/storage/sealed_file.h"

namespace turnstile::vault {
namespace {

using test::as_bytes;
using test::fixed_key;
using test::names_in;
using test::random_text;
using test::read_file;
using test::seal_of;
using test::TempDir;
using test::text_of;
using test::thrown;
using test::write_file;
using testing::ElementsAre;

constexpr std::size_t kAnySize = std::size_t{1} << 30;
constexpr std::size_t kChunk = 65536;
constexpr std::size_t kHeaderSize = 144;

// One file with its key; sealed, opened, and damaged by the tests.
class SealedFile : public testing::Test {
 protected:
  SealedReport seal(std::string_view content, const Seal& as) {
    return write_sealed(path(), key_, as, as_bytes(content));
  }
  SealedReport seal(std::string_view content) { return seal(content, seal_); }
  std::string open(const Seal& expected) {
    return text_of(open_sealed(path(), key_, expected, kAnySize).bytes());
  }
  std::string open() { return open(seal_); }
  // What opening it comes to: the content, or the error's code.
  std::string outcome() {
    try {
      return open();
    } catch (const VaultError& error) {
      return std::string(error.code());
    }
  }
  [[nodiscard]] std::string path() const { return folder_.file("file"); }

  const TempDir folder_;
  const SecretBytes key_ = fixed_key();
  const Seal seal_ = seal_of(Purpose::Attachment, "profile/attachment");
};

// VAT-01: of any size, from nothing on.
TEST_F(SealedFile, GivesBackItsContent) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kChunk - 1, kChunk, kChunk + 1,
                                 3 * kChunk, 5 * kChunk + 7}) {
    const std::string content = random_text(size, size);
    const SealedReport report = seal(content);
    EXPECT_EQ(open(), content);
    EXPECT_EQ(report.content_bytes, size);
    EXPECT_EQ(report.file_bytes, read_file(path()).size());
  }
}

TEST_F(SealedFile, SaysWhatItIsWithoutAKey) {
  Seal seal = seal_;
  seal.generation = 42;
  seal.key_id[3] = std::byte{7};
  write_sealed(path(), key_, seal, as_bytes("content"));
  const SealedHeader header = read_sealed_header(path());
  EXPECT_EQ(header.purpose, Purpose::Attachment);
  EXPECT_EQ(header.generation, 42U);
  EXPECT_EQ(header.key_id, seal.key_id);
  EXPECT_EQ(header.content_bytes, 7U);
  EXPECT_EQ(header.file_bytes, kHeaderSize + 7 + 17);
}

// VSE-02: a fresh nonce each time.
TEST_F(SealedFile, IsAnotherOneEachTime) {
  seal("the same content");
  const std::string first = read_file(path());
  seal("the same content");
  EXPECT_NE(read_file(path()), first);
}

TEST_F(SealedFile, HasNothingPlainInIt) {
  seal("a canary that sings");
  EXPECT_EQ(read_file(path()).find("canary"), std::string::npos);
}

// VFS-01: 0600, and nothing is left beside it.
TEST_F(SealedFile, IsPrivateAndAlone) {
  const mode_t before = ::umask(0);
  seal("content");
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("file"));
}

// VSE-02: neither for another purpose, nor profile, nor attachment, nor with another key.
TEST_F(SealedFile, CannotTakeAnotherOnesPlace) {
  seal("content");
  EXPECT_EQ(thrown<VaultError>([&] { open(seal_of(Purpose::Attachment, "profile/other")); }).code(),
            "VAULT_CORRUPTED");
  EXPECT_EQ(
      thrown<VaultError>([&] { open(seal_of(Purpose::Backup, "profile/attachment")); }).code(),
      "VAULT_CORRUPTED");
  EXPECT_EQ(
      thrown<VaultError>([&] { (void)open_sealed(path(), fixed_key(1), seal_, kAnySize); }).code(),
      "VAULT_CORRUPTED");
  Seal other_key = seal_;
  other_key.key_id[0] = std::byte{1};
  EXPECT_THAT(thrown<VaultError>([&] { open(other_key); }).what(),
              testing::HasSubstr("another key"));
}

TEST_F(SealedFile, IsMissedWithTheSystemsReason) {
  const auto error = thrown<StorageError>([&] { open(); });
  EXPECT_EQ(error.code(), "PROFILE_STORAGE_READ");
  EXPECT_EQ(error.system_code(), ENOENT);
}

TEST_F(SealedFile, OfALaterVersionIsRefused) {
  seal("content");
  std::string content = read_file(path());
  content[16] = 2;
  write_file(path(), content);
  EXPECT_EQ(outcome(), "VAULT_FORMAT_UNSUPPORTED");
}

// VSE-03: wherever it is cut off.
TEST_F(SealedFile, FindsThatItWasCutOff) {
  seal(random_text(2 * kChunk + 100, 1));
  const std::string whole = read_file(path());
  std::vector<std::size_t> sizes = {0, 1, 15, 16, 100, kHeaderSize, kHeaderSize + 1};
  for (std::size_t chunk = 1; chunk <= 2; ++chunk)
    sizes.push_back(kHeaderSize + chunk * (kChunk + 17));
  sizes.push_back(whole.size() - 1);
  for (const std::size_t size : sizes) {
    write_file(path(), whole.substr(0, size));
    EXPECT_EQ(outcome(), "VAULT_CORRUPTED") << size;
  }
}

// The header is made to fit, as whoever knows the format can, but for the seal over it.
TEST_F(SealedFile, FindsThatItWasCutOffTogetherWithItsHeader) {
  seal(random_text(3 * kChunk, 1));
  std::string content = read_file(path());
  content.resize(kHeaderSize + 2 * (kChunk + 17));
  content[24 + 2] = 2;  // 2 * 65536 bytes.
  write_file(path(), content);
  EXPECT_EQ(read_sealed_header(path()).content_bytes, 2 * kChunk);
  EXPECT_EQ(outcome(), "VAULT_CORRUPTED");
}

TEST_F(SealedFile, FindsThatItWasExtended) {
  seal("content");
  write_file(path(), read_file(path()) + '\0');
  EXPECT_EQ(outcome(), "VAULT_CORRUPTED");
}

TEST_F(SealedFile, FindsThatItsPiecesChangedPlaces) {
  seal(random_text(4 * kChunk, 1));
  std::string content = read_file(path());
  const std::size_t piece = kChunk + 17;
  const std::string second = content.substr(kHeaderSize + piece, piece);
  const std::string third = content.substr(kHeaderSize + 2 * piece, piece);
  content.replace(kHeaderSize + piece, piece, third);
  content.replace(kHeaderSize + 2 * piece, piece, second);
  write_file(path(), content);
  EXPECT_EQ(outcome(), "VAULT_CORRUPTED");
}

TEST_F(SealedFile, FindsThatAPieceIsOfAnEarlierFile) {
  seal(random_text(2 * kChunk, 1));
  const std::string before = read_file(path());
  seal(random_text(2 * kChunk, 2));
  std::string content = read_file(path());
  const std::size_t piece = kChunk + 17;
  content.replace(kHeaderSize, piece, before.substr(kHeaderSize, piece));
  write_file(path(), content);
  EXPECT_EQ(outcome(), "VAULT_CORRUPTED");
}

// VSE-03: a flipped bit anywhere in the header, each of them.
TEST_F(SealedFile, FindsEveryFlippedBitOfItsHeader) {
  seal("content");
  const std::string whole = read_file(path());
  for (std::size_t bit = 0; bit < kHeaderSize * 8; ++bit) {
    std::string flipped = whole;
    test::flip_bit(flipped, bit);
    write_file(path(), flipped);
    const std::string found = outcome();
    ASSERT_TRUE(found == "VAULT_CORRUPTED" || found == "VAULT_FORMAT_UNSUPPORTED")
        << found << " with bit " << bit;
  }
}

// VSE-03: and anywhere in the file.
TEST_F(SealedFile, FindsAFlippedBitAnywhere) {
  seal(random_text(kChunk + 5000, 1));
  const std::string whole = read_file(path());
  std::mt19937_64 random(test::test_seed());
  const int cases = test::test_size("TURNSTILE_TEST_VAULT_CASES", 1000);
  for (int i = 0; i < cases; ++i) {
    const std::size_t bit = random() % (whole.size() * 8);
    std::string flipped = whole;
    test::flip_bit(flipped, bit);
    write_file(path(), flipped);
    const std::string found = outcome();
    ASSERT_TRUE(found == "VAULT_CORRUPTED" || found == "VAULT_FORMAT_UNSUPPORTED")
        << found.substr(0, 40) << " with bit " << bit;
  }
}

// Nothing that could be taken for one crashes the reader.
TEST_F(SealedFile, RefusesRandomBytesBehindARightBeginning) {
  seal("content");
  const std::string beginning = read_file(path()).substr(0, 24);
  std::mt19937_64 random(test::test_seed());
  for (int i = 0; i < 300; ++i) {
    write_file(path(), beginning + random_text(random() % 1000, random()));
    ASSERT_EQ(outcome(), "VAULT_CORRUPTED");
  }
}

TEST_F(SealedFile, LargerThanAllowedIsNotReadIntoMemory) {
  seal(random_text(1000, 1));
  const auto error = thrown<VaultError>([&] { (void)open_sealed(path(), key_, seal_, 999); });
  EXPECT_EQ(error.code(), "VAULT_TOO_LARGE");
}

TEST_F(SealedFile, IsNotWrittenOverAnotherOneUnlessThatIsMeant) {
  seal("first");
  const auto error =
      thrown<StorageError>([&] { write_sealed(path(), key_, seal_, as_bytes("second"), false); });
  EXPECT_EQ(error.code(), "BACKUP_EXISTS");
  EXPECT_EQ(open(), "first");
}

// VAT-05: what changes its size while it is read is refused, and leaves nothing.
TEST_F(SealedFile, RefusesASourceOfAnotherSizeThanAnnounced) {
  for (const std::uint64_t announced : {std::uint64_t{9}, std::uint64_t{11}}) {
    bool given = false;
    const auto source = [&given](std::span<std::byte> into) -> std::size_t {
      if (std::exchange(given, true)) return 0;
      std::ranges::copy(as_bytes("0123456789"), into.begin());
      return 10;
    };
    const auto error =
        thrown<VaultError>([&] { write_sealed(path(), key_, seal_, announced, source); });
    EXPECT_EQ(error.code(), "ATTACHMENT_READ");
    EXPECT_THAT(names_in(folder_.path()), testing::IsEmpty());
  }
}

TEST_F(SealedFile, IsMadeFromAFileAndTurnedBackIntoOne) {
  const std::string content = random_text(3 * kChunk + 1, 1);
  write_file(folder_.file("plain"), content);
  encrypt_file(folder_.file("plain"), path(), key_, seal_);
  decrypt_file(path(), folder_.file("again"), key_, seal_);
  EXPECT_EQ(read_file(folder_.file("again")), content);
}

TEST_F(SealedFile, ThatIsDamagedBecomesNoPlainFileAtAll) {
  seal(random_text(3 * kChunk, 1));
  std::string content = read_file(path());
  test::flip_bit(content, (content.size() - 1) * 8);
  write_file(path(), content);
  EXPECT_THROW(decrypt_file(path(), folder_.file("plain"), key_, seal_), VaultError);
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("file"));
}

TEST_F(SealedFile, IsSealedAnewWithAnotherKey) {
  const std::string content = random_text(2 * kChunk + 5, 1);
  seal(content);
  const SecretBytes other = fixed_key(9);
  const Seal copy = seal_of(Purpose::Attachment, "copy");
  reseal_file(path(), key_, seal_, folder_.file("copy"), other, copy);
  EXPECT_EQ(text_of(open_sealed(folder_.file("copy"), other, copy, kAnySize).bytes()), content);
  EXPECT_EQ(open(), content);
}

// The files of today are to be read in ten years.
// VSE-02: a known answer.
TEST_F(SealedFile, OfVersionOneIsRead) {
  write_file(path(), text_of(test::format_file("sealed.hex")));
  EXPECT_EQ(open(), "hello");
}

// ERR-02: the system's reason is kept.
TEST_F(SealedFile, ThatCannotBeWrittenLeavesTheFormerOne) {
  seal("first");
  const auto error = thrown<StorageError>(
      [&] { write_sealed(folder_.file("missing/file"), key_, seal_, as_bytes("second")); });
  EXPECT_EQ(error.code(), "PROFILE_STORAGE_WRITE");
  EXPECT_EQ(error.system_code(), ENOENT);
}

TEST_F(SealedFile, OnAFullDiskStaysTheFormerOne) {
  const std::string found = test::on_small_disk(256 * 1024, [&](const std::string& place) {
    const std::string path = place + "/file";
    write_sealed(path, key_, seal_, as_bytes("first"));
    const std::string large = random_text(400 * 1024, 1);
    const auto error =
        thrown<StorageError>([&] { write_sealed(path, key_, seal_, as_bytes(large)); });
    return std::string(error.code()) + " " + std::to_string(error.system_code()) + " " +
           text_of(open_sealed(path, key_, seal_, kAnySize).bytes()) + " " +
           std::to_string(names_in(place).size());
  });
  if (test::is_without_small_disk(found)) return;
  EXPECT_EQ(found, "PROFILE_STORAGE_WRITE " + std::to_string(ENOSPC) + " first 1");
}

// VFS-01: killed at each step, the file is the former one or the new one.
class KilledWhileSealing : public SealedFile, public testing::WithParamInterface<const char*> {
 protected:
  static inline std::string_view point;
};

TEST_P(KilledWhileSealing, LeavesTheFormerFileOrTheNewOne) {
  seal("first");
  point = GetParam();
  const pid_t child = ::fork();
  if (child == 0) {
    gate::sync_point_hook = +[](std::string_view name) {
      if (name == point) ::kill(::getpid(), SIGKILL);
    };
    seal("second");
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(open(), std::string_view(GetParam()) == "SealedWriter:published" ? "second" : "first");
  // The next one removes what the killed one left.
  seal("third");
  EXPECT_EQ(open(), "third");
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("file"));
}

INSTANTIATE_TEST_SUITE_P(AtEachStep, KilledWhileSealing,
                         testing::Values("SealedWriter:begun", "SealedWriter:written",
                                         "SealedWriter:synced", "SealedWriter:published"));

}  // namespace
}  // namespace turnstile::vault
