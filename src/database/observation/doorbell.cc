#include "database/observation/doorbell.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::database {

Doorbell::Doorbell() : bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (bell_ == kNone)
    sqlite::raise_system(code("OBSERVATION_FAILED"), "cannot wait for commits", errno);
}

Doorbell::~Doorbell() {
  stop_listening();
  ::close(bell_);
}

bool Doorbell::listen_to(const std::string& path) noexcept {
  stop_listening();
  try {
    path_ = path;
  } catch (const std::bad_alloc&) {
    return false;
  }
  inotify_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  return inotify_ != kNone && watch();
}

bool Doorbell::watch() noexcept {
  watch_ = ::inotify_add_watch(inotify_, path_.c_str(), IN_MODIFY);
  return watch_ != kNone;
}

void Doorbell::stop_listening() noexcept {
  if (inotify_ != kNone) ::close(inotify_);
  inotify_ = kNone;
  watch_ = kNone;
}

void Doorbell::ring() noexcept {
  // One is enough until it is heard.
  if (rung_.exchange(true)) return;
  const std::uint64_t once = 1;
  [[maybe_unused]] const ssize_t written = ::write(bell_, &once, sizeof once);
}

bool Doorbell::wait_for(std::chrono::nanoseconds span) noexcept {
  using std::chrono::nanoseconds;
  constexpr std::chrono::seconds kSecond{1};
  std::array<pollfd, 2> sources{pollfd{.fd = bell_, .events = POLLIN, .revents = 0},
                                pollfd{.fd = inotify_, .events = POLLIN, .revents = 0}};
  const timespec limit{.tv_sec = span / kSecond,
                       .tv_nsec = static_cast<long>((span % kSecond).count())};
  // A descriptor of -1 is passed over.
  if (::ppoll(sources.data(), sources.size(), &limit, nullptr) <= 0) return false;
  // Before the look that follows: who rings from now on rings again.
  rung_.store(false);
  std::uint64_t rings = 0;
  [[maybe_unused]] const ssize_t taken = ::read(bell_, &rings, sizeof rings);
  if (sources[1].revents != 0) take_events();
  return true;
}

// What they say does not matter, but that the file has gone, and another one may be in its place.
void Doorbell::take_events() noexcept {
  constexpr std::size_t kBlock = 4096;
  alignas(inotify_event) std::array<char, kBlock> block;  // NOLINT: filled by read()
  for (;;) {
    const ssize_t size = ::read(inotify_, block.data(), block.size());
    if (size <= 0) return;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      inotify_event event{};
      std::memcpy(&event, block.data() + at, sizeof event);
      if ((event.mask & IN_IGNORED) != 0 && event.wd == watch_) static_cast<void>(watch());
      at += sizeof event + event.len;
    }
  }
}

}  // namespace turnstile::database
