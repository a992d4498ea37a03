// The demonstrations: for each cause that a program can force, the work that fails with SQLite
// alone, and the same work through Turnstile.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "demo/part.h"

namespace turnstile::cli::demo {

/// Threads: immutable.
struct Demo {
  std::string_view name;  ///< The id of a cause, `seed1` or `seed2`.
  std::string_view work;  ///< What is done. A sentence.
  void (*plain)(Part&) = nullptr;
  void (*turnstile)(Part&) = nullptr;
  void (*helper)(Part&) = nullptr;   ///< A process of its own kind, if it needs one.
  std::size_t small_disk_bytes = 0;  ///< The disk for both, if it is not to be the machine's.
};

// By subject, as the table of causes.
[[nodiscard]] std::span<const Demo> writer_demos() noexcept;
[[nodiscard]] std::span<const Demo> holder_demos() noexcept;
[[nodiscard]] std::span<const Demo> journal_demos() noexcept;
[[nodiscard]] std::span<const Demo> checkpoint_demos() noexcept;
[[nodiscard]] std::span<const Demo> connection_demos() noexcept;
[[nodiscard]] std::span<const Demo> process_demos() noexcept;
[[nodiscard]] std::span<const Demo> setting_demos() noexcept;
[[nodiscard]] std::span<const Demo> file_demos() noexcept;
[[nodiscard]] std::span<const Demo> medium_demos() noexcept;
[[nodiscard]] std::span<const Demo> seed_demos() noexcept;

/// All of them, in the order of the table of causes, and the seeds.
[[nodiscard]] std::vector<const Demo*> all_demos();

/// Null when there is none of that name.
[[nodiscard]] const Demo* find_demo(std::string_view name);

}  // namespace turnstile::cli::demo
