#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "embedder.h"

namespace kb {

namespace {

constexpr std::size_t kDimension = 256;

// FNV-1a: the same on every machine and in every version, since vectors are stored.
std::uint64_t hash_of_word(std::string_view word, std::uint64_t seed) {
  constexpr std::uint64_t kPrime = 0x100000001b3;
  std::uint64_t hash = 0xcbf29ce484222325 ^ seed;
  for (const char c : word) {
    hash ^= static_cast<unsigned char>(c);
    hash *= kPrime;
  }
  return hash;
}

// Letters of ASCII are folded; bytes of other characters belong to words as they are.
bool is_word_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  for (const char c : text) {
    if (!is_word_byte(c)) {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    inside = true;
    words.back() += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return words;
}

std::vector<float> vector_of(std::string_view text) {
  std::vector<float> vector(kDimension);
  // The sign is a part of the hash, so that words that meet in one place cancel out on average
  // instead of adding up.
  const auto add = [&vector](std::uint64_t hash) {
    vector[hash % kDimension] += (hash >> 63U) == 0 ? 1.0F : -1.0F;
  };
  const std::vector<std::string> words = words_of(text);
  for (std::size_t i = 0; i < words.size(); ++i) {
    add(hash_of_word(words[i], 0));
    if (i > 0) add(hash_of_word(words[i], hash_of_word(words[i - 1], 1)));
  }
  // Ten times the same word is not ten times as much about it.
  double length = 0;
  for (float& value : vector) {
    value = std::copysign(std::log1p(std::fabs(value)), value);
    length += static_cast<double>(value) * static_cast<double>(value);
  }
  if (length == 0) {  // No words: a direction has to be had all the same.
    vector[0] = 1;
    return vector;
  }
  const auto scale = static_cast<float>(1 / std::sqrt(length));
  std::ranges::for_each(vector, [scale](float& value) { value *= scale; });
  return vector;
}

class HashingEmbedder final : public Embedder {
 public:
  [[nodiscard]] std::string model() const override { return "hashed-words-1 (stand-in)"; }
  [[nodiscard]] int dimension() const override { return static_cast<int>(kDimension); }
  [[nodiscard]] std::vector<std::vector<float>> embed(std::span<const std::string> texts) override {
    std::vector<std::vector<float>> vectors;
    vectors.reserve(texts.size());
    std::ranges::transform(texts, std::back_inserter(vectors),
                           [](const std::string& text) { return vector_of(text); });
    return vectors;
  }
};

}  // namespace

std::unique_ptr<Embedder> make_hashing_embedder() {
  return std::make_unique<HashingEmbedder>();
}

}  // namespace kb
