#include "gate/call_record.h"

#include <algorithm>
#include <chrono>

namespace turnstile::gate {

void CallRecord::begin(const Claim& claim, std::int64_t thread_id,
                       std::chrono::steady_clock::time_point since) noexcept {
  ShownCall call;
  call.thread_id = thread_id;
  call.since_ns =
      std::chrono::duration_cast<std::chrono::nanoseconds>(since.time_since_epoch()).count();
  std::copy_n(claim.lane.begin(), sqlite::fitting(claim.lane, call.lane.size() - 1),
              call.lane.begin());
  call_.write(call);
}

std::optional<ShownCall> CallRecord::call() const noexcept {
  std::optional<ShownCall> call = call_.read();
  if (!call || call->since_ns == 0) return std::nullopt;
  call->lane.back() = '\0';
  return call;
}

}  // namespace turnstile::gate
