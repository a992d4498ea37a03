// Bytes for tests of the vault's cryptography.
#pragma once

#include <cstddef>
#include <filesystem>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/files.h"
#include "support/place_of.h"
#include "vault/crypto/key_slots.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/storage/sealed_file.h"

namespace turnstile::test {

using Bytes = std::vector<std::byte>;

[[nodiscard]] inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

[[nodiscard]] inline Bytes from_hex(std::string digits) {
  std::erase(digits, '\n');
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

/// A file of format version 1, written once with fixed_key(); format_test.py reads them too.
[[nodiscard]] inline Bytes format_file(const std::string& name) {
  return from_hex(read_file(place_of::tests() + "/unit/vault/storage/format/" + name));
}

[[nodiscard]] inline std::string to_hex(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string digits;
  for (const std::byte byte : bytes) {
    digits += kDigits[std::to_integer<unsigned>(byte) >> 4U];
    digits += kDigits[std::to_integer<unsigned>(byte) & 15U];
  }
  return digits;
}

/// A key that is the same in every run.
[[nodiscard]] inline vault::SecretBytes fixed_key(unsigned char first = 0) {
  vault::SecretBytes key(vault::kDataKeySize);
  for (std::size_t i = 0; i < key.size(); ++i)
    key.bytes()[i] = static_cast<std::byte>(first + i);
  return key;
}

[[nodiscard]] inline vault::Seal seal_of(vault::Purpose purpose, std::string context) {
  vault::Seal seal;
  seal.purpose = purpose;
  seal.context = std::move(context);
  return seal;
}

[[nodiscard]] inline std::string random_text(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text(size, '\0');
  for (char& c : text)
    c = static_cast<char>(random());
  return text;
}

[[nodiscard]] inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline void flip_bit(std::string& content, std::size_t bit) {
  content.at(bit / 8) = static_cast<char>(content[bit / 8] ^ (1 << (bit % 8)));
}

/// The files below `folder`, and also those elsewhere of which this process has a descriptor, that
/// have `text` somewhere in them.
[[nodiscard]] inline std::vector<std::string> files_with(const std::filesystem::path& folder,
                                                         std::string_view text) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && read_file(entry.path()).find(text) != std::string::npos)
      found.push_back(entry.path().filename().string());
  return found;
}

}  // namespace turnstile::test
