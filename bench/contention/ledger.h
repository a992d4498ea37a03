// Whether what was acknowledged is in the file, looked up when all sides have closed it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace turnstile::bench {

/// Compares what is in the file with what should be. Threads: confined.
class Ledger {
 public:
  explicit Ledger(std::string path);

  /// The single integer that `sql` gives must be `wanted`.
  void expect(const std::string& sql, std::int64_t wanted);
  /// So many small_write() were acknowledged on a file of make_file(path, kRows).
  void expect_small_writes(std::uint64_t acknowledged);

  /// Empty when everything was found, else what was not.
  [[nodiscard]] const std::string& complaint() const noexcept { return complaint_; }

 private:
  std::string path_;
  std::string complaint_;
};

}  // namespace turnstile::bench
