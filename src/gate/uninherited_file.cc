#include "gate/uninherited_file.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <new>
#include <vector>

namespace turnstile::gate {

// All of this process's files of this kind. fork() waits for the mutex, so that a child finds the
// list whole, and no file that is not in it. Threads: shared.
class OpenFiles {
 public:
  static OpenFiles& instance() {
    static OpenFiles& files = make();
    return files;
  }

  Mutex& mutex() TURNSTILE_RETURN_CAPABILITY(mutex_) { return mutex_; }
  void add(UninheritedFile& file) TURNSTILE_REQUIRES(mutex_) { files_.push_back(&file); }
  void remove(UninheritedFile& file) TURNSTILE_REQUIRES(mutex_) { std::erase(files_, &file); }

 private:
  static OpenFiles& make() {
    // Never destroyed: files of static objects may be closed later than anything else.
    OpenFiles& files = *std::make_unique<OpenFiles>().release();
    if (::pthread_atfork(&before_fork, &after_fork_in_parent, &after_fork_in_child) != 0)
      throw std::bad_alloc();
    return files;
  }

  static void before_fork() noexcept TURNSTILE_NO_ANALYSIS { instance().mutex_.lock(); }
  static void after_fork_in_parent() noexcept TURNSTILE_NO_ANALYSIS { instance().mutex_.unlock(); }
  static void after_fork_in_child() noexcept TURNSTILE_NO_ANALYSIS {
    for (UninheritedFile* file : instance().files_)
      file->abandon();
    instance().files_.clear();
    instance().mutex_.unlock();
  }

  Mutex mutex_;
  std::vector<UninheritedFile*> files_ TURNSTILE_GUARDED_BY(mutex_);
};

UninheritedFile::UninheritedFile(detail::FunctionRef<int()> open) {
  OpenFiles& files = OpenFiles::instance();
  const MutexLock lock(files.mutex());
  files.add(*this);
  try {
    descriptor_.store(open(), std::memory_order_relaxed);
  } catch (...) {
    files.remove(*this);
    throw;
  }
}

UninheritedFile::~UninheritedFile() {
  OpenFiles& files = OpenFiles::instance();
  const MutexLock lock(files.mutex());
  files.remove(*this);
  if (memory_ != nullptr) ::munmap(memory_, size_);
  if (descriptor() != -1) ::close(descriptor());
}

void* UninheritedFile::map(std::size_t size, int protection) noexcept {
  const MutexLock lock(OpenFiles::instance().mutex());
  void* const memory = ::mmap(nullptr, size, protection, MAP_SHARED, descriptor(), off_t{0});
  if (memory == MAP_FAILED) return nullptr;
  memory_ = memory;
  size_ = size;
  return memory;
}

// Only system calls: other threads of the parent may have had any lock of the C library's.
void UninheritedFile::abandon() noexcept {
  if (memory_ != nullptr &&
      ::mmap(memory_, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
             off_t{0}) == MAP_FAILED) {
    // Rather without any memory there than with the parent's.
    ::munmap(memory_, size_);
  }
  if (descriptor() != -1) ::close(descriptor());
  descriptor_.store(-1, std::memory_order_relaxed);
}

}  // namespace turnstile::gate
