#include "gate/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "gate/descriptor.h"

namespace turnstile::gate {

std::optional<SharedMemory> SharedMemory::make(const std::string& name, std::size_t size) {
  auto file = std::make_unique<UninheritedFile>(
      [&] { return ::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING); });
  const int descriptor = file->descriptor();
  if (descriptor == -1 || ::ftruncate(descriptor, static_cast<off_t>(size)) != 0)
    return std::nullopt;
  void* const data = file->map(size, PROT_READ | PROT_WRITE);
  // Who reads it must be able to rely on its size.
  if (data == nullptr || ::fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0)
    return std::nullopt;
  // Kernels before 5.1 do not know it; whoever could write there could write anywhere in this
  // process.
  static_cast<void>(::fcntl(descriptor, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL));
  return SharedMemory(std::move(file), data);
}

std::optional<ForeignMemory> ForeignMemory::find(std::int64_t pid, const std::string& name,
                                                 std::size_t size) {
  const std::filesystem::path wanted = "/memfd:" + name + " (deleted)";
  std::error_code error;
  std::filesystem::directory_iterator descriptors("/proc/" + std::to_string(pid) + "/fd", error);
  while (!error && descriptors != std::filesystem::directory_iterator()) {
    std::error_code gone;
    if (std::filesystem::read_symlink(descriptors->path(), gone) == wanted && !gone) {
      const Descriptor file(::open(descriptors->path().c_str(), O_RDONLY | O_CLOEXEC));
      struct stat status {};
      const bool fits = file.is_open() && ::fstat(file.number(), &status) == 0 &&
                        static_cast<std::size_t>(status.st_size) == size &&
                        (::fcntl(file.number(), F_GET_SEALS) & F_SEAL_SHRINK) != 0;
      void* const data =
          fits ? ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.number(), off_t{0}) : MAP_FAILED;
      if (data != MAP_FAILED) return ForeignMemory(data, size);
    }
    descriptors.increment(error);
  }
  return std::nullopt;
}

ForeignMemory::ForeignMemory(ForeignMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}

ForeignMemory::~ForeignMemory() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace turnstile::gate
