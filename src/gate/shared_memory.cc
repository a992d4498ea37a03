#include "gate/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "gate/descriptor.h"
#include "gate/sync_point.h"

namespace turnstile::gate {

namespace {

// To go beyond the limit is a signal (SIGXFSZ), and the end of a program that does not know of it.
bool may_have_files_of(std::size_t size) noexcept {
  rlimit limit{};
  return ::getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
         (limit.rlim_cur == RLIM_INFINITY || size <= limit.rlim_cur);
}

std::string path_of(const Descriptor& file) {
  return "/proc/self/fd/" + std::to_string(file.number());
}

// Opens what stands behind `link` if it is memory of this name and size. The link may lead
// elsewhere a moment later, and a file of another kind may hang whoever opens it; so the object is
// held first (O_PATH opens nothing, and takes no locks away when it is closed), then looked at.
Descriptor open_memory(const std::filesystem::path& link, const std::filesystem::path& name,
                       std::size_t size) {
  const Descriptor object(::open(link.c_str(), O_PATH | O_CLOEXEC));
  struct stat status {};
  std::error_code error;
  if (!object.is_open() || ::fstat(object.number(), &status) != 0 || !S_ISREG(status.st_mode) ||
      static_cast<std::size_t>(status.st_size) != size ||
      std::filesystem::read_symlink(path_of(object), error) != name) {
    return Descriptor();
  }
  return Descriptor(::open(path_of(object).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
}

}  // namespace

std::optional<SharedMemory> SharedMemory::make(const std::string& name, std::size_t size) {
  if (!may_have_files_of(size)) return std::nullopt;
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
                                                 std::size_t size, bool (*fits)(const void* data)) {
  const std::filesystem::path wanted = "/memfd:" + name + " (deleted)";
  std::error_code error;
  std::filesystem::directory_iterator descriptors("/proc/" + std::to_string(pid) + "/fd", error);
  while (!error && descriptors != std::filesystem::directory_iterator()) {
    std::error_code gone;
    if (std::filesystem::read_symlink(descriptors->path(), gone) == wanted && !gone) {
      sync_point("ForeignMemory:seen");
      const Descriptor file = open_memory(descriptors->path(), wanted, size);
      const int seals = file.is_open() ? ::fcntl(file.number(), F_GET_SEALS) : -1;
      const bool stays = seals != -1 && (seals & F_SEAL_SHRINK) != 0;
      void* const data = stays
                             ? ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.number(), off_t{0})
                             : MAP_FAILED;
      if (data != MAP_FAILED) {
        ForeignMemory memory(data, size);
        if (fits(data)) return memory;
      }
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
