// Vectors as the program gives them, as they are stored, and how far two of them are apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "turnstile/value.h"
#include "turnstile/vectors.h"

namespace turnstile::vectors {

inline constexpr std::size_t kBitsOfByte = 8;

/// What keeps `vector` from being one of the collection, as a clause such as `has 3 numbers, and
/// the collection's have 4`; empty when nothing does.
[[nodiscard]] std::string why_unfit(const VectorDefinition& definition,
                                    std::span<const float> vector);

/// The bytes of a fit vector: floats in the machine's order, signed bytes, or bits, the first of
/// them the lowest of the first byte.
[[nodiscard]] Blob to_bytes(const VectorDefinition& definition, std::span<const float> vector);

/// And back. Throws StorageError (DB_CORRUPT) for bytes of another size.
[[nodiscard]] std::vector<float> from_bytes(const VectorDefinition& definition, BlobView bytes);

[[nodiscard]] std::size_t byte_size(const VectorDefinition& definition) noexcept;

/// A vector's length, in double precision.
[[nodiscard]] double norm_of(std::span<const float> vector) noexcept;

/// A fit query, compared exactly with stored vectors. It is computed in double precision and in a
/// fixed order, so that equal vectors are equally far, whatever finds them.
///
/// Threads: immutable.
class ExactDistance {
 public:
  ExactDistance(const VectorDefinition& definition, std::span<const float> query);

  /// Throws StorageError (DB_CORRUPT) for bytes of another size.
  [[nodiscard]] double to(BlobView stored) const;

 private:
  [[nodiscard]] double of_floats(BlobView stored) const noexcept;
  [[nodiscard]] double of_integers(BlobView stored) const noexcept;
  [[nodiscard]] double from_sums(double dot, double squares, double differences) const noexcept;

  VectorElement element_;
  VectorMetric metric_;
  std::vector<float> query_;
  Blob bytes_;  // Of the query.
  double norm_;
};

}  // namespace turnstile::vectors
