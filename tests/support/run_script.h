// SQL in a write of its own.
#pragma once

#include <string_view>

#include "turnstile/lane.h"

namespace turnstile::test {

/// Runs statements in one write.
inline void run_script(const Lane& lane, std::string_view sql) {
  lane.write([sql](WriteTx& tx) { tx.execute_script(sql); });
}

}  // namespace turnstile::test
