// Named places in the code at which a test can stop a thread, to force an interleaving instead of
// hoping for it. They are always compiled in, so that the tested library is the shipped one; an
// unused one costs a load.
#pragma once

#include <atomic>
#include <string_view>

namespace turnstile::gate {

using SyncPointHook = void (*)(std::string_view name);

/// Null outside tests.
inline std::atomic<SyncPointHook> sync_point_hook{nullptr};

inline void sync_point(std::string_view name) {
  if (const SyncPointHook hook = sync_point_hook.load(std::memory_order_acquire)) hook(name);
}

}  // namespace turnstile::gate
