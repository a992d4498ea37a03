// What a part of a demonstration did, and how it came out.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json.h"
#include "turnstile/causes.h"

namespace turnstile::cli::demo {

/// Threads: shared.
class Tally {
 public:
  /// An operation of the work that was done.
  void done(std::int64_t count = 1);
  /// One that failed with the code of that name.
  void failed(std::string_view code, std::string_view message,
              const std::optional<Diagnosis>& diagnosis);
  /// `count` operations, each counted as done before, that are not in the file, or had no effect.
  void lost(std::int64_t count, std::string_view what, const std::optional<Diagnosis>& diagnosis);
  /// Something worth knowing about how it went.
  void note(std::string text);
  /// Adds that of a helper process.
  void add(const Json& other);

  [[nodiscard]] Json json() const;

 private:
  void name(const std::optional<Diagnosis>& diagnosis, std::int64_t count);

  mutable std::mutex mutex_;
  std::int64_t operations_ = 0;
  std::int64_t failed_ = 0;
  std::map<std::string, std::int64_t> results_;
  std::map<std::string, std::int64_t> causes_;
  std::vector<std::string> messages_;  // Each once, in their order.
  std::string evidence_;               // Of the first failure whose cause was found.
  std::vector<std::string> notes_;
};

}  // namespace turnstile::cli::demo
