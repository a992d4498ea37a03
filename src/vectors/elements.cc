#include "vectors/elements.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "sqlite/error_code.h"
#include "turnstile/error.h"

namespace turnstile::vectors {

namespace {

float float_at(const std::byte* bytes, std::size_t index) noexcept {
  float value = 0;
  std::memcpy(&value, bytes + index * sizeof(float), sizeof value);
  return value;
}

// The check takes a signed byte for a character. This is a number from -128 to 127.
int signed_at(BlobView bytes, std::size_t index) noexcept {
  return std::bit_cast<std::int8_t>(bytes[index]);  // NOLINT(bugprone-signed-char-misuse)
}

void require_size(const VectorElement element, std::size_t wanted, BlobView bytes) {
  if (bytes.size() == wanted) return;
  Error::Details details;
  details.code = code("DB_CORRUPT");
  details.message = "a stored vector of " + std::string(to_string(element)) + " has " +
                    std::to_string(bytes.size()) + " bytes instead of " + std::to_string(wanted);
  throw StorageError(std::move(details));
}

std::string describe(float value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-infinity" : "infinity";
  return std::to_string(value);
}

/// A clause about a single number, or empty.
std::string why_unfit(VectorElement element, float value) {
  if (!std::isfinite(value)) return "is " + describe(value);
  using Int8 = std::numeric_limits<std::int8_t>;
  if (element == VectorElement::Int8 &&
      (value != std::floor(value) || value < Int8::min() || value > Int8::max())) {
    return "is " + describe(value) + ", and must be a whole number from -128 to 127";
  }
  if (element == VectorElement::Bit && value != 0 && value != 1)
    return "is " + describe(value) + ", and must be 0 or 1";
  return {};
}

// Eight sums side by side, added up in a fixed order: fast, and the same on every machine.
constexpr std::size_t kLanes = 8;
using Sums = std::array<double, kLanes>;

double total(const Sums& sums) noexcept {
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

/// The sum of `term(i)` for i from 0 to `count`.
template <class Term>
double sum_of(std::size_t count, const Term& term) noexcept {
  Sums sums{};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane)
      sums[lane] += term(i + lane);
  for (std::size_t lane = 0; i < count; ++i, ++lane)
    sums[lane] += term(i);
  return total(sums);
}

}  // namespace

std::size_t byte_size(const VectorDefinition& definition) noexcept {
  const auto dimension = static_cast<std::size_t>(definition.dimension);
  switch (definition.element) {
    case VectorElement::Float32:
      return dimension * sizeof(float);
    case VectorElement::Int8:
      return dimension;
    case VectorElement::Bit:
      return dimension / kBitsOfByte;
  }
  return 0;
}

std::string why_unfit(const VectorDefinition& definition, std::span<const float> vector) {
  if (vector.size() != static_cast<std::size_t>(definition.dimension)) {
    return "has " + std::to_string(vector.size()) + " numbers, and the collection's have " +
           std::to_string(definition.dimension);
  }
  for (std::size_t i = 0; i < vector.size(); ++i) {
    const std::string why = why_unfit(definition.element, vector[i]);
    if (!why.empty()) return "has a number " + std::to_string(i) + " that " + why;
  }
  const bool zero = std::ranges::all_of(vector, [](float value) { return value == 0; });
  if (zero && definition.metric == VectorMetric::Cosine)
    return "is a zero vector, which has no direction to compare";
  return {};
}

Blob to_bytes(const VectorDefinition& definition, std::span<const float> vector) {
  Blob bytes(byte_size(definition));
  switch (definition.element) {
    case VectorElement::Float32:
      std::memcpy(bytes.data(), vector.data(), bytes.size());
      break;
    case VectorElement::Int8:
      std::ranges::transform(vector, bytes.begin(), [](float value) {
        return static_cast<std::byte>(static_cast<std::int8_t>(value));
      });
      break;
    case VectorElement::Bit:
      for (std::size_t i = 0; i < vector.size(); ++i)
        if (vector[i] != 0) bytes[i / kBitsOfByte] |= std::byte{1} << (i % kBitsOfByte);
      break;
  }
  return bytes;
}

std::vector<float> from_bytes(const VectorDefinition& definition, BlobView bytes) {
  require_size(definition.element, byte_size(definition), bytes);
  std::vector<float> vector(static_cast<std::size_t>(definition.dimension));
  for (std::size_t i = 0; i < vector.size(); ++i) {
    switch (definition.element) {
      case VectorElement::Float32:
        vector[i] = float_at(bytes.data(), i);
        break;
      case VectorElement::Int8:
        vector[i] = static_cast<std::int8_t>(bytes[i]);
        break;
      case VectorElement::Bit:
        vector[i] =
            std::to_integer<bool>(bytes[i / kBitsOfByte] >> (i % kBitsOfByte) & std::byte{1})
                ? 1.0F
                : 0.0F;
        break;
    }
  }
  return vector;
}

double norm_of(std::span<const float> vector) noexcept {
  return std::sqrt(sum_of(vector.size(), [&](std::size_t i) {
    const double value = vector[i];
    return value * value;
  }));
}

ExactDistance::ExactDistance(const VectorDefinition& definition, std::span<const float> query)
    : element_(definition.element),
      metric_(*definition.metric),
      query_(query.begin(), query.end()),
      bytes_(to_bytes(definition, query)),
      norm_(norm_of(query)) {}

double ExactDistance::to(BlobView stored) const {
  require_size(element_, bytes_.size(), stored);
  switch (element_) {
    case VectorElement::Float32:
      return of_floats(stored);
    case VectorElement::Int8:
      return of_integers(stored);
    case VectorElement::Bit: {
      int bits = 0;
      for (std::size_t i = 0; i < stored.size(); ++i)
        bits += std::popcount(std::to_integer<unsigned>(stored[i] ^ bytes_[i]));
      return bits;
    }
  }
  return 0;
}

double ExactDistance::of_floats(BlobView stored) const noexcept {
  const std::byte* bytes = stored.data();
  const auto product = [&](std::size_t i) { return double{query_[i]} * float_at(bytes, i); };
  const auto square = [&](std::size_t i) {
    const double value = float_at(bytes, i);
    return value * value;
  };
  const auto squared_difference = [&](std::size_t i) {
    const double difference = double{query_[i]} - float_at(bytes, i);
    return difference * difference;
  };
  const std::size_t count = query_.size();
  switch (metric_) {
    case VectorMetric::L2:
      return from_sums(0, 0, sum_of(count, squared_difference));
    case VectorMetric::Cosine:
      return from_sums(sum_of(count, product), sum_of(count, square), 0);
    default:
      return from_sums(sum_of(count, product), 0, 0);
  }
}

double ExactDistance::of_integers(BlobView stored) const noexcept {
  std::int64_t dot = 0;
  std::int64_t squares = 0;
  std::int64_t differences = 0;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    const int a = signed_at(bytes_, i);
    const int b = signed_at(stored, i);
    dot += a * b;
    squares += b * b;
    differences += (a - b) * (a - b);
  }
  return from_sums(static_cast<double>(dot), static_cast<double>(squares),
                   static_cast<double>(differences));
}

double ExactDistance::from_sums(double dot, double squares, double differences) const noexcept {
  switch (metric_) {
    case VectorMetric::L2:
      return std::sqrt(differences);
    case VectorMetric::Cosine:
      // Rounding must not make a vector nearer to itself than 0.
      return std::max(0.0, 1 - dot / (norm_ * std::sqrt(squares)));
    default:
      return dot == 0 ? 0 : -dot;  // Not -0.
  }
}

}  // namespace turnstile::vectors
