// What the library told its log sink.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/options.h"

namespace turnstile::test {

/// Must outlive the databases that it is given to.
///
/// Threads: shared.
class LogEvents {
 public:
  [[nodiscard]] LogSink sink() {
    return [this](const LogEvent& event) {
      const std::lock_guard lock(mutex_);
      events_.push_back(event);
    };
  }
  /// The messages with that code, so far.
  [[nodiscard]] std::vector<std::string> of(std::string_view code) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> messages;
    for (const LogEvent& event : events_)
      if (event.code == code) messages.push_back(event.message);
    return messages;
  }
  [[nodiscard]] std::size_t count(std::string_view code) const { return of(code).size(); }

 private:
  mutable std::mutex mutex_;
  std::vector<LogEvent> events_;
};

}  // namespace turnstile::test
