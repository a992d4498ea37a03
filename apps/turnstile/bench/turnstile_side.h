// The same through Turnstile.
#pragma once

#include <vector>

#include "bench/side.h"
#include "turnstile/database.h"

namespace turnstile::cli::bench {

/// One database, and a lane a thread.
class TurnstileSide final : public Side {
 public:
  TurnstileSide(const std::string& path, const Settings& settings);

  [[nodiscard]] std::optional<std::string> write(std::size_t place, std::int64_t key) override;
  [[nodiscard]] std::optional<std::string> read(std::size_t place, std::int64_t key) override;

 private:
  Database database_;
  std::vector<Lane> lanes_;
};

}  // namespace turnstile::cli::bench
