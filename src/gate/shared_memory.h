// Memory of this process that others can find by its name and read, for as long as it exists.
//
// It is a file without a directory entry (memfd_create): it takes no space on any disk, ends with
// its process however that ends, and shows among the process's descriptors under its name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "gate/uninherited_file.h"

namespace turnstile::gate {

/// All zero at first. In a child of fork() it is the child's own, all zero, and nobody finds it.
///
/// Threads: immutable; what is in it has its own rules.
class SharedMemory {
 public:
  /// Empty where the system refuses, or would end the process for a file of this size.
  [[nodiscard]] static std::optional<SharedMemory> make(const std::string& name, std::size_t size);

  [[nodiscard]] void* data() const noexcept { return data_; }

 private:
  SharedMemory(std::unique_ptr<UninheritedFile> file, void* data) noexcept
      : file_(std::move(file)), data_(data) {}

  std::unique_ptr<UninheritedFile> file_;
  void* data_;
};

/// The memory of some process, for reading. It stays readable when its process ends.
///
/// Threads: immutable, as above.
class ForeignMemory {
 public:
  /// That of the process with this name, exactly this size, which cannot become less, and content
  /// that `fits` wants; empty when there is none or this user may not look at the process. Opens
  /// nothing that is not such memory: to close a file takes this process's locks on it away.
  [[nodiscard]] static std::optional<ForeignMemory> find(std::int64_t pid, const std::string& name,
                                                         std::size_t size,
                                                         bool (*fits)(const void* data));
  ForeignMemory(ForeignMemory&& other) noexcept;
  ForeignMemory& operator=(ForeignMemory&&) = delete;
  ForeignMemory(const ForeignMemory&) = delete;
  ForeignMemory& operator=(const ForeignMemory&) = delete;
  ~ForeignMemory();

  [[nodiscard]] const void* data() const noexcept { return data_; }

 private:
  ForeignMemory(void* data, std::size_t size) noexcept : data_(data), size_(size) {}

  void* data_;
  std::size_t size_;
};

}  // namespace turnstile::gate
