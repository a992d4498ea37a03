// The parts of the one table of causes, by subject.
#pragma once

#include <span>

#include "turnstile/causes.h"

namespace turnstile::diagnose {

/// Who waits for the write lock, and why waiting does not help.
[[nodiscard]] std::span<const Cause> writer_causes() noexcept;
/// Journal modes, starts, crashes and closes.
[[nodiscard]] std::span<const Cause> journal_causes() noexcept;
/// Checkpoints, and what keeps the log.
[[nodiscard]] std::span<const Cause> checkpoint_causes() noexcept;
/// How connections are used.
[[nodiscard]] std::span<const Cause> connection_causes() noexcept;
/// The file, its name, and what is beside and under it.
[[nodiscard]] std::span<const Cause> file_causes() noexcept;

}  // namespace turnstile::diagnose
