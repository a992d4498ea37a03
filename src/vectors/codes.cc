#include "vectors/codes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "vectors/elements.h"

namespace turnstile::vectors {

namespace {

constexpr double kLargestCode = 127;

/// What follows the code of signed bytes. Of the vector that the code stands for, which is the
/// stored one, or that one with length 1 under Cosine.
struct Remainder {
  float scale = 0;  ///< What 1 in the code stands for.
  float error = 0;  ///< The length of what the code leaves out; rounded up.
  float norm = 0;   ///< Its length.
  float unused = 0;
};

constexpr std::size_t round_up(std::size_t size, std::size_t step) noexcept {
  return (size + step - 1) / step * step;
}

float rounded_up(double value) noexcept {
  const auto nearest = static_cast<float>(value);
  return nearest < value ? std::nextafter(nearest, std::numeric_limits<float>::infinity())
                         : nearest;
}

double largest_of(std::span<const float> vector) noexcept {
  double largest = 0;
  for (const float value : vector)
    largest = std::max(largest, std::abs(double{value}));
  return largest;
}

std::size_t width_of(const VectorDefinition& definition, bool bits) noexcept {
  const auto dimension = static_cast<std::size_t>(definition.dimension);
  return bits ? round_up(dimension, kBitsOfByte * sizeof(std::uint64_t)) / kBitsOfByte
              : round_up(dimension, kInt8Step);
}

}  // namespace

CodeFormat::CodeFormat(const VectorDefinition& definition)
    : element_(definition.element),
      metric_(*definition.metric),
      bits_(element_ == VectorElement::Bit || definition.codes == VectorCodes::Bit),
      bounded_(!bits_ || element_ == VectorElement::Bit),
      width_(width_of(definition, bits_)),
      record_size_(width_ + (bits_ ? 0 : sizeof(Remainder))) {}

Blob CodeFormat::encode(std::span<const float> vector) const {
  return bits_ ? encode_bits(vector) : encode_bytes(vector);
}

Blob CodeFormat::encode_bits(std::span<const float> vector) const {
  Blob record(record_size_);
  for (std::size_t i = 0; i < vector.size(); ++i)
    if (vector[i] > 0) record[i / kBitsOfByte] |= std::byte{1} << (i % kBitsOfByte);
  return record;
}

Blob CodeFormat::encode_bytes(std::span<const float> vector) const {
  Blob record(record_size_);
  const double length = norm_of(vector);
  const double divisor = metric_ == VectorMetric::Cosine ? length : 1;
  const bool exact = element_ == VectorElement::Int8;
  const double step = exact ? 1 : largest_of(vector) / kLargestCode;
  Remainder remainder;
  remainder.scale = static_cast<float>(step / divisor);
  remainder.norm = static_cast<float>(length / divisor);
  double left_out = 0;
  for (std::size_t i = 0; i < vector.size(); ++i) {
    // A step of 0 is one too small for a double: all of the vector is left out then.
    const double number = step > 0 ? std::round(vector[i] / step) : 0;
    record[i] = static_cast<std::byte>(static_cast<std::int8_t>(number));
    const double difference = vector[i] / divisor - number * double{remainder.scale};
    left_out += difference * difference;
  }
  remainder.error = rounded_up(std::sqrt(left_out));
  std::memcpy(record.data() + width_, &remainder, sizeof remainder);
  return record;
}

bool CodeFormat::matches(BlobView record, std::span<const float> vector) const {
  const Blob wanted = encode(vector);
  if (record.size() != wanted.size()) return false;
  if (!std::ranges::equal(record.first(width_), BlobView(wanted).first(width_))) return false;
  if (bits_) return true;
  Remainder there;
  Remainder computed;
  std::memcpy(&there, record.data() + width_, sizeof there);
  std::memcpy(&computed, wanted.data() + width_, sizeof computed);
  const auto near = [](float a, float b) {
    constexpr float kRounding = 1e-5F;
    return a == b || std::abs(a - b) <= kRounding * std::abs(b);
  };
  return near(there.scale, computed.scale) && near(there.error, computed.error) &&
         near(there.norm, computed.norm);
}

double rank_of(VectorMetric metric, double distance) noexcept {
  return metric == VectorMetric::L2 ? distance * distance : distance;
}

CodeQuery::CodeQuery(const CodeFormat& format, std::span<const float> query)
    : format_(format), kernels_(kernels()) {
  if (format.bits_) {
    const Blob record = format.encode_bits(query);
    words_.resize(record.size() / sizeof(std::uint64_t));
    std::memcpy(words_.data(), record.data(), record.size());
  } else {
    prepare_bytes(query);
  }
}

void CodeQuery::prepare_bytes(std::span<const float> query) {
  // As many steps as keep the sums of products within an int32.
  const double most = std::floor(std::numeric_limits<std::int32_t>::max() /
                                 ((kLargestCode + 1) * static_cast<double>(query.size())));
  const double steps = std::min<double>(most, std::numeric_limits<std::int16_t>::max());
  const double length = norm_of(query);
  const double divisor = format_.metric_ == VectorMetric::Cosine ? length : 1;
  const double step = format_.element_ == VectorElement::Int8 ? 1 : largest_of(query) / steps;
  integers_.resize(format_.width_);
  double left_out = 0;
  for (std::size_t i = 0; i < query.size(); ++i) {
    const double number = step > 0 ? std::round(query[i] / step) : 0;
    integers_[i] = static_cast<std::int16_t>(number);
    const double difference = (query[i] - number * step) / divisor;
    left_out += difference * difference;
  }
  scale_ = step / divisor;
  norm_ = length / divisor;
  residual_ = std::sqrt(left_out);
}

std::size_t CodeQuery::compare(BlobView records) {
  const std::size_t count = records.size() / format_.record_size();
  records_ = records.data();
  sums_.resize(std::max(sums_.size(), count));
  const CodeRun run{records_, format_.record_size(), count};
  if (format_.bits_)
    kernels_.hamming(words_, run, sums_.data());
  else
    kernels_.dot_int8(integers_, run, sums_.data());
  return count;
}

RankRange CodeQuery::rank(std::size_t index) const noexcept {
  if (format_.bits_) {
    const double bits = sums_[index];
    return {bits, bits};
  }
  Remainder vector;
  std::memcpy(&vector, records_ + index * format_.record_size() + format_.width_, sizeof vector);
  const double product = sums_[index] * scale_ * vector.scale;
  const double norm = vector.norm;
  // A float this small has few digits left.
  if (norm > 0 && norm < std::numeric_limits<float>::min()) return RankRange::unknown();
  // For the rounding of `norm` to a float, and for that of the exact distance.
  constexpr double kRounding = 1e-6;
  const double error = vector.error * norm_ + residual_ * (norm + vector.error);
  switch (format_.metric_) {
    case VectorMetric::Cosine: {
      const double slack = error + kRounding;
      return {1 - product - slack, 1 - product + slack};
    }
    case VectorMetric::L2: {
      const double squares = norm_ * norm_ + norm * norm;
      const double slack = 2 * error + kRounding * squares;
      return {squares - 2 * product - slack, squares - 2 * product + slack};
    }
    default: {
      const double slack = error + kRounding * norm_ * norm;
      return {-product - slack, -product + slack};
    }
  }
}

}  // namespace turnstile::vectors
