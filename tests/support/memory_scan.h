// Whether a secret is anywhere in this process's memory, which is what a core dump would hold.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

namespace turnstile::test {

/// What is looked for, kept in another form: so that it is not found in what looks for it.
///
/// Threads: confined.
class HiddenPattern {
 public:
  explicit HiddenPattern(std::span<const std::byte> secret) {
    for (const std::byte byte : secret)
      masked_.push_back(byte ^ kMask);
  }

  /// How many times the secret is in memory that this process may read and write. `extra` bytes of
  /// this one are left out, such as the stack of the caller.
  [[nodiscard]] std::size_t times_in_memory() const {
    const ScanBuffer buffer;
    std::size_t times = 0;
    std::ifstream maps("/proc/self/maps");
    const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    for (std::string line; std::getline(maps, line);) {
      unsigned long begin = 0;
      unsigned long end = 0;
      if (std::sscanf(line.c_str(), "%lx-%lx rw", &begin, &end) != 2 ||
          line.find(" rw") == std::string::npos || buffer.is_in(begin, end) ||
          end - begin > kReserved) {
        continue;
      }
      times += times_in(memory, begin, end, buffer);
    }
    ::close(memory);
    return times;
  }

  [[nodiscard]] std::size_t times_in(std::span<const std::byte> bytes) const {
    if (bytes.empty()) return 0;
    std::size_t times = 0;
    const auto same = [](std::byte plain, std::byte masked) { return (plain ^ kMask) == masked; };
    // By its first byte that is not zero, as most of memory is: there may be gigabytes of it.
    const auto rare = std::ranges::find_if(masked_, [](std::byte each) { return each != kMask; });
    const auto before = rare - masked_.begin();
    const auto size = std::ssize(masked_);
    for (auto from = bytes.begin() + std::min(before, std::ssize(bytes));;) {
      const void* found = std::memchr(std::to_address(from), std::to_integer<int>(*rare ^ kMask),
                                      static_cast<std::size_t>(bytes.end() - from));
      if (found == nullptr) return times;
      from = bytes.begin() + (static_cast<const std::byte*>(found) - bytes.data());
      const auto start = from - before;
      if (bytes.end() - start >= size && std::equal(start, start + size, masked_.begin(), same))
        ++times;
      ++from;
    }
  }

 private:
  static constexpr std::byte kMask{0x5A};
  static constexpr std::size_t kPiece = std::size_t{1} << 20;
  // Terabytes that a sanitizer reserves for itself, which take hours to read.
  static constexpr std::size_t kReserved = std::size_t{1} << 36;

  // Of its own mapping, which is not looked at.
  class ScanBuffer {
   public:
    ScanBuffer()
        : data_(
              ::mmap(nullptr, kPiece, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
      if (data_ == MAP_FAILED) throw std::bad_alloc();
    }
    ~ScanBuffer() { ::munmap(data_, kPiece); }
    ScanBuffer(const ScanBuffer&) = delete;
    ScanBuffer& operator=(const ScanBuffer&) = delete;

    [[nodiscard]] std::span<std::byte> bytes() const {
      return {static_cast<std::byte*>(data_), kPiece};
    }
    [[nodiscard]] bool is_in(unsigned long begin, unsigned long end) const {
      const auto at = reinterpret_cast<std::uintptr_t>(data_);
      return at >= begin && at < end;
    }

   private:
    void* data_;
  };

  [[nodiscard]] std::size_t times_in(int memory, unsigned long begin, unsigned long end,
                                     const ScanBuffer& buffer) const {
    std::size_t times = 0;
    const std::size_t overlap = masked_.size() - 1;
    for (unsigned long at = begin; at < end; at += kPiece - overlap) {
      const std::size_t wanted = std::min<std::size_t>(kPiece, end - at);
      const ssize_t got = ::pread(memory, buffer.bytes().data(), wanted, static_cast<off_t>(at));
      if (got > 0) times += times_in(buffer.bytes().first(static_cast<std::size_t>(got)));
    }
    return times;
  }

  std::vector<std::byte> masked_;
};

}  // namespace turnstile::test
