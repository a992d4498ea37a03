// A log sink that several threads may call.
#pragma once

#include <memory>

#include "gate/mutex.h"
#include "turnstile/options.h"

namespace turnstile::database {

/// Calls `sink` once at a time, as sinks are promised, although several call it; sinks that share a
/// mutex share the promise. What it throws is dropped. None stays none.
[[nodiscard]] LogSink serialised(
    LogSink sink, std::shared_ptr<gate::Mutex> mutex = std::make_shared<gate::Mutex>());

}  // namespace turnstile::database
