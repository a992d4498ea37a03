// Against the examples of FIPS 180-4 and the system's own program.
#include <gtest/gtest.h>

#include <cstddef>
#include <span>
#include <string>

#include "database/copies/sha256.h"
#include "support/child_process.h"
#include "support/files.h"
#include "support/temp_dir.h"

namespace turnstile::test {
namespace {

std::string sha256(const std::string& text, std::size_t piece = std::string::npos) {
  database::Sha256 hash;
  for (std::size_t start = 0; start < text.size(); start += std::min(piece, text.size()))
    hash.add(std::as_bytes(std::span(text)).subspan(start, std::min(piece, text.size() - start)));
  return hash.finish();
}

TEST(Sha256, AgreesWithTheStandard) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, AgreesWithTheProgramForEveryLengthAroundABlock) {
  const TempDir directory;
  std::string command = "cd '" + directory.path().string() + "'; sha256sum";
  std::string own;
  for (std::size_t size = 0; size <= 130; ++size) {
    const std::string name = "file" + std::to_string(size);
    const std::string text(size, static_cast<char>('a' + size % 26));
    write_file(directory.file(name), text);
    command += " " + name;
    own += sha256(text) + "  " + name + "\n";
  }
  EXPECT_EQ(run_program({"sh", "-c", command}).output, own);
}

TEST(Sha256, DoesNotDependOnHowItIsFed) {
  const std::string text(1000, 'x');
  for (const std::size_t piece : {1U, 7U, 63U, 64U, 65U, 999U})
    EXPECT_EQ(sha256(text, piece), sha256(text)) << piece;
}

}  // namespace
}  // namespace turnstile::test
