// A file system of a few hundred kilobytes, for what happens when it is full.
#pragma once

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>

#include "support/forked.h"
#include "support/temp_dir.h"

namespace turnstile::test {

/// What `body` returns, a string, when run by a child process with the path of a directory that has
/// room for `bytes`. It is a tmpfs that only the child sees, and gone with it. Where the system
/// permits no such mount, the result begins with kNoSmallDisk.
inline constexpr std::string_view kNoSmallDisk = "no small disk: ";

template <class F>
[[nodiscard]] std::string on_small_disk(std::size_t bytes, F&& body) {
  const TempDir place;
  return in_child([&]() -> std::string {
    const auto failure = [](const char* what) {
      return std::string(kNoSmallDisk) + what + ": " + std::system_category().message(errno);
    };
    // Without root, a user namespace gives the right to mount inside it.
    const int spaces = ::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
    if (::unshare(spaces) != 0) return failure("unshare");
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return failure("private");
    const std::string options = "mode=0777,size=" + std::to_string(bytes);
    if (::mount("none", place.path().c_str(), "tmpfs", 0, options.c_str()) != 0)
      return failure("tmpfs");
    return body(place.path().string());
  });
}

/// True when the system permits no such disk, so that nothing was tested; says so.
[[nodiscard]] inline bool is_without_small_disk(std::string_view said) {
  if (!said.starts_with(kNoSmallDisk)) return false;
  std::cout << "NOT TESTED: " << said << '\n';
  return true;
}

}  // namespace turnstile::test
