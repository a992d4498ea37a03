// What the handles of a collection share.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "turnstile/lane.h"
#include "turnstile/vectors.h"
#include "vectors/index.h"
#include "vectors/tables.h"

namespace turnstile::detail {

/// Threads: immutable.
class VectorCollectionState {
 public:
  struct Config {
    Lane lane;
    Lane bulk;
    std::function<std::chrono::system_clock::time_point()> now;
    std::int64_t number = 0;
    std::string name{};
    VectorDefinition definition{};  ///< Validated.
    int block_size = 0;
  };

  explicit VectorCollectionState(Config config);

  [[nodiscard]] const Lane& lane() const noexcept { return config_.lane; }
  [[nodiscard]] const Lane& bulk() const noexcept { return config_.bulk; }
  [[nodiscard]] std::int64_t number() const noexcept { return config_.number; }
  [[nodiscard]] const std::string& name() const noexcept { return config_.name; }
  [[nodiscard]] const VectorDefinition& definition() const noexcept { return config_.definition; }
  [[nodiscard]] const vectors::Tables& tables() const noexcept { return tables_; }
  [[nodiscard]] const vectors::Index& index() const noexcept { return *index_; }
  [[nodiscard]] std::chrono::system_clock::time_point now() const {
    return config_.now ? config_.now() : std::chrono::system_clock::now();
  }

  /// Throws Error (VECTOR_COLLECTION_UNKNOWN) when it was dropped or redefined.
  void require_there(ReadTx& tx) const;

 private:
  const Config config_;
  const vectors::Tables tables_;
  const std::unique_ptr<const vectors::Index> index_;
};

}  // namespace turnstile::detail

namespace turnstile::vectors {
using State = detail::VectorCollectionState;
using Time = std::chrono::system_clock::time_point;
}  // namespace turnstile::vectors
