// The short form of vectors that packed blocks are scanned by, and what it tells of distances.
//
// A code does not say how far a vector is, but between which two distances: for a vector v, its
// code c and a scale s, the inner product with a query q is s*<c,q> + <v - s*c, q>, and the last
// part is at most |v - s*c| * |q|. That length is stored with the code. So what cannot be among the
// nearest is ruled out by a quarter of the bytes, and the few others are compared exactly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "turnstile/value.h"
#include "turnstile/vectors.h"
#include "vectors/kernels.h"

namespace turnstile::vectors {

/// How a collection's codes lie in its blocks: one record a vector, all of the same size.
///
/// Threads: immutable.
class CodeFormat {
 public:
  explicit CodeFormat(const VectorDefinition& definition);

  [[nodiscard]] std::size_t record_size() const noexcept { return record_size_; }
  /// Bits stand for signs or are the elements; otherwise a code is made of signed bytes.
  [[nodiscard]] bool is_bits() const noexcept { return bits_; }
  /// The codes of Bit elements are the vectors themselves; those of floats only resemble them.
  [[nodiscard]] bool is_bounded() const noexcept { return bounded_; }

  /// The record of a fit vector.
  [[nodiscard]] Blob encode(std::span<const float> vector) const;
  /// Whether the record is that of the vector, but for differences in rounding between machines.
  [[nodiscard]] bool matches(BlobView record, std::span<const float> vector) const;

 private:
  friend class CodeQuery;

  [[nodiscard]] Blob encode_bits(std::span<const float> vector) const;
  [[nodiscard]] Blob encode_bytes(std::span<const float> vector) const;

  VectorElement element_;
  VectorMetric metric_;
  bool bits_;
  bool bounded_;
  std::size_t width_;  // Of a code, padded with zeros.
  std::size_t record_size_;
};

/// Between which *ranks* a vector is. A rank orders vectors as their distance does: it is the
/// squared distance for L2, and the distance itself otherwise.
///
/// Threads: immutable.
struct RankRange {
  double lower = 0;
  double upper = 0;

  [[nodiscard]] static RankRange unknown() noexcept {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    return {-kInfinity, kInfinity};
  }
};

/// The rank of a distance.
[[nodiscard]] double rank_of(VectorMetric metric, double distance) noexcept;

/// A query in the form that codes are compared with. Threads: confined.
class CodeQuery {
 public:
  CodeQuery(const CodeFormat& format, std::span<const float> query);

  /// Compares with all whole records in `records`; their number.
  std::size_t compare(BlobView records);

  /// Of record `index` of those. Not a number where numbers are too large for a float.
  [[nodiscard]] RankRange rank(std::size_t index) const noexcept;

 private:
  void prepare_bytes(std::span<const float> query);

  const CodeFormat& format_;
  const Kernels& kernels_;
  std::vector<std::int16_t> integers_;
  std::vector<std::uint64_t> words_;
  double scale_ = 0;     // What an integer stands for.
  double norm_ = 0;      // Of the query that codes are compared with.
  double residual_ = 0;  // How far the integers are from it.
  const std::byte* records_ = nullptr;
  std::vector<std::int32_t> sums_;
};

}  // namespace turnstile::vectors
