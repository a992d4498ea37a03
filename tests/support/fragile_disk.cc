#include "support/fragile_disk.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <new>
#include <string_view>
#include <utility>

#include "support/files.h"

namespace turnstile::test {

namespace {

constexpr std::size_t kSector = 512;
constexpr std::size_t kNoFile = ~std::size_t{0};
constexpr int kIndexRegion = 32768;
constexpr int kWriteLock = 0;  // Of the log's index; see https://sqlite.org/walformat.html.

bool one_in(int count, std::mt19937_64& random) {
  return random() % static_cast<unsigned>(count) == 0;
}

std::string rubbish(std::size_t size, std::mt19937_64& random) {
  std::string text(size, '\0');
  std::generate(text.begin(), text.end(), [&] { return static_cast<char>(random()); });
  return text;
}

void put_at(std::string& content, std::size_t from, std::string_view data) {
  content.resize(std::max(content.size(), from + data.size()));
  std::copy(data.begin(), data.end(), content.begin() + static_cast<std::ptrdiff_t>(from));
}

std::string next_vfs_name() {
  static std::atomic<int> next{0};
  return "fragile-" + std::to_string(next.fetch_add(1));
}

// As a system call would have left it behind.
int with_errno(int failure) noexcept {
  errno = failure == SQLITE_FULL ? ENOSPC : EIO;
  return failure;
}

bool is_mapped(const std::string& name) {
  return name.ends_with("-shm") || name.ends_with("-gate");
}

}  // namespace

// SQLite allocates it, with room for the real file behind it.
struct FragileDisk::Handle {
  sqlite3_file base;
  FragileDisk* disk;
  std::size_t file;  // kNoFile for a temporary one.
  bool syncs_directory;
  void volatile* index;  // The first region of the log's index, where it is mapped.

  static Handle& of(sqlite3_file* file) noexcept { return *reinterpret_cast<Handle*>(file); }
  [[nodiscard]] sqlite3_file* real() noexcept { return reinterpret_cast<sqlite3_file*>(this + 1); }
  [[nodiscard]] bool is_watched() const noexcept { return file != kNoFile; }
  [[nodiscard]] int failure_of(DiskFailure::Call call) const {
    return is_watched() ? disk->failure_of(call, file) : SQLITE_OK;
  }
};

// What SQLite calls.
struct FragileDisk::Methods {
  static sqlite3_file* real(sqlite3_file* file) noexcept { return Handle::of(file).real(); }

  static int open(sqlite3_vfs* vfs, sqlite3_filename path, sqlite3_file* file, int flags,
                  int* out) noexcept {
    auto& disk = *static_cast<FragileDisk*>(vfs->pAppData);
    auto& handle = *new (file) Handle{};
    const int result = disk.base_->xOpen(disk.base_, path, handle.real(), flags, out);
    if (handle.real()->pMethods == nullptr) return result;
    handle.base.pMethods = disk.faults_.has_no_shared_memory ? &kWithoutIndex : &kAll;
    handle.disk = &disk;
    handle.file = kNoFile;
    constexpr int kLogs = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;
    if (result != SQLITE_OK || (flags & (kLogs | SQLITE_OPEN_MAIN_DB)) == 0) return result;
    handle.file = disk.file_named(std::filesystem::path(path).filename());
    handle.syncs_directory = (flags & kLogs) != 0 && (flags & SQLITE_OPEN_CREATE) != 0;
    return result;
  }

  static int remove(sqlite3_vfs* vfs, const char* path, int sync_directory) noexcept {
    auto& disk = *static_cast<FragileDisk*>(vfs->pAppData);
    const int result = disk.base_->xDelete(disk.base_, path, 0);
    if (result == SQLITE_OK)
      disk.note_deleted(std::filesystem::path(path).filename(), sync_directory != 0);
    return result;
  }

  static int close(sqlite3_file* file) noexcept { return real(file)->pMethods->xClose(real(file)); }
  static int read(sqlite3_file* file, void* data, int size, sqlite3_int64 from) noexcept {
    return real(file)->pMethods->xRead(real(file), data, size, from);
  }
  static int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 from) noexcept {
    const Handle& handle = Handle::of(file);
    const int failure = handle.failure_of(DiskFailure::Call::Write);
    if (failure != SQLITE_OK) size /= 2;
    const int result = real(file)->pMethods->xWrite(real(file), data, size, from);
    if (result == SQLITE_OK && handle.is_watched())
      handle.disk->note(
          {Change::Kind::Write, handle.file, from,
           std::string(static_cast<const char*>(data), static_cast<std::size_t>(size))});
    return failure != SQLITE_OK ? with_errno(failure) : result;
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 size) noexcept {
    const int result = real(file)->pMethods->xTruncate(real(file), size);
    const Handle& handle = Handle::of(file);
    if (result == SQLITE_OK && handle.is_watched())
      handle.disk->note({Change::Kind::Truncate, handle.file, size});
    return result;
  }
  // The real files need no sync: it is not this machine whose power fails.
  static int sync(sqlite3_file* file, int /*flags*/) noexcept {
    Handle& handle = Handle::of(file);
    if (!handle.is_watched()) return SQLITE_OK;
    if (const int failure = handle.failure_of(DiskFailure::Call::Sync); failure != SQLITE_OK) {
      handle.disk->note({Change::Kind::FailedSync, handle.file});
      return with_errno(failure);
    }
    handle.disk->note_synced(handle);
    return SQLITE_OK;
  }
  static int file_size(sqlite3_file* file, sqlite3_int64* size) noexcept {
    return real(file)->pMethods->xFileSize(real(file), size);
  }
  static int lock(sqlite3_file* file, int level) noexcept {
    return real(file)->pMethods->xLock(real(file), level);
  }
  static int unlock(sqlite3_file* file, int level) noexcept {
    return real(file)->pMethods->xUnlock(real(file), level);
  }
  static int check_reserved(sqlite3_file* file, int* out) noexcept {
    return real(file)->pMethods->xCheckReservedLock(real(file), out);
  }
  static int control(sqlite3_file* file, int verb, void* argument) noexcept {
    return real(file)->pMethods->xFileControl(real(file), verb, argument);
  }
  static int sector_size(sqlite3_file* file) noexcept {
    return real(file)->pMethods->xSectorSize(real(file));
  }
  static int characteristics(sqlite3_file* file) noexcept {
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
  }
  static int map_index(sqlite3_file* file, int page, int size, int extend,
                       void volatile** memory) noexcept {
    const int result = real(file)->pMethods->xShmMap(real(file), page, size, extend, memory);
    if (page == 0 && result == SQLITE_OK) Handle::of(file).index = *memory;
    return result;
  }
  static int lock_index(sqlite3_file* file, int first, int count, int flags) noexcept {
    const Handle& handle = Handle::of(file);
    if (first == kWriteLock && (flags & SQLITE_SHM_UNLOCK) != 0 && handle.is_watched())
      handle.disk->note_mapped(handle);
    return real(file)->pMethods->xShmLock(real(file), first, count, flags);
  }
  static void barrier(sqlite3_file* file) noexcept {
    real(file)->pMethods->xShmBarrier(real(file));
  }
  static int unmap_index(sqlite3_file* file, int remove) noexcept {
    Handle::of(file).index = nullptr;
    return real(file)->pMethods->xShmUnmap(real(file), remove);
  }

  static constexpr sqlite3_io_methods kWithoutIndex = {
      1,       close,          read,    write,       truncate,        sync,    file_size, lock,
      unlock,  check_reserved, control, sector_size, characteristics, nullptr, nullptr,   nullptr,
      nullptr, nullptr,        nullptr};
  static constexpr sqlite3_io_methods kAll = {2,
                                              close,
                                              read,
                                              write,
                                              truncate,
                                              sync,
                                              file_size,
                                              lock,
                                              unlock,
                                              check_reserved,
                                              control,
                                              sector_size,
                                              characteristics,
                                              map_index,
                                              lock_index,
                                              barrier,
                                              unmap_index,
                                              nullptr,
                                              nullptr};
};

FragileDisk::FragileDisk(std::filesystem::path directory, DiskFaults faults)
    : directory_(std::move(directory)),
      faults_(faults),
      name_(next_vfs_name()),
      base_(sqlite3_vfs_find("unix")) {
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    const std::string name = entry.path().filename();
    if (is_mapped(name)) continue;
    names_[name] = files_.size();
    files_.push_back(read_file(entry.path()));
  }
  names_at_first_ = names_;
  // All that is not about files as such stays as it is, and does not look at whose it is.
  vfs_ = *base_;
  vfs_.pNext = nullptr;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.szOsFile = static_cast<int>(sizeof(Handle)) + base_->szOsFile;
  vfs_.xOpen = Methods::open;
  vfs_.xDelete = Methods::remove;
  sqlite3_vfs_register(&vfs_, 0);
}

FragileDisk::~FragileDisk() {
  sqlite3_vfs_unregister(&vfs_);
}

// ---- What happens to it ----

std::size_t FragileDisk::file_named(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto [place, is_new] = names_.try_emplace(name, files_.size());
  if (is_new) {
    files_.emplace_back();
    changes_.push_back({Change::Kind::Create, place->second, 0, name});
  }
  return place->second;
}

void FragileDisk::note(Change change) {
  const std::lock_guard lock(mutex_);
  changes_.push_back(std::move(change));
}

void FragileDisk::fail(DiskFailure failure) {
  const std::lock_guard lock(mutex_);
  failure_ = std::move(failure);
  failed_ = 0;
}

std::size_t FragileDisk::heal() {
  const std::lock_guard lock(mutex_);
  failure_.count = 0;
  return failed_;
}

int FragileDisk::failure_of(DiskFailure::Call call, std::size_t file) {
  const std::lock_guard lock(mutex_);
  if (failure_.count == 0 || failure_.call != call) return SQLITE_OK;
  const auto named = names_.find(failure_.name);
  if (!failure_.name.empty() && (named == names_.end() || named->second != file)) return SQLITE_OK;
  if (failure_.after > 0) {
    --failure_.after;
    return SQLITE_OK;
  }
  --failure_.count;
  ++failed_;
  return failure_.result;
}

void FragileDisk::note_synced(Handle& handle) {
  const std::lock_guard lock(mutex_);
  if (faults_.ignores_syncs) return;
  changes_.push_back({Change::Kind::Sync, handle.file});
  if (std::exchange(handle.syncs_directory, false) && !faults_.ignores_directory_syncs)
    changes_.push_back({Change::Kind::SyncDirectory});
}

void FragileDisk::note_deleted(const std::string& name, bool sync_directory) {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(name);
  if (found == names_.end()) return;
  changes_.push_back({Change::Kind::Delete, found->second, 0, name});
  names_.erase(found);
  if (sync_directory && !faults_.ignores_syncs && !faults_.ignores_directory_syncs)
    changes_.push_back({Change::Kind::SyncDirectory});
}

void FragileDisk::note_mapped(const Handle& handle) {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, file] : names_) {
    if (file != handle.file) continue;
    if (handle.index != nullptr) {
      // Readers of other connections set their marks meanwhile.
      std::string content(kIndexRegion, '\0');
      const auto* const words = static_cast<const volatile std::uint32_t*>(handle.index);
      for (std::size_t i = 0; i < kIndexRegion / sizeof(std::uint32_t); ++i) {
        const std::uint32_t word = __atomic_load_n(words + i, __ATOMIC_RELAXED);
        std::copy_n(reinterpret_cast<const char*>(&word), sizeof word,
                    content.begin() + static_cast<std::ptrdiff_t>(i * sizeof word));
      }
      mapped_.push_back({changes_.size(), name + "-shm", std::move(content)});
    }
    // Its locks are of a kind that a second descriptor does not drop.
    const std::string gate = name + "-gate";
    if (std::filesystem::exists(directory_ / gate))
      mapped_.push_back({changes_.size(), gate, read_file(directory_ / gate)});
  }
}

std::size_t FragileDisk::moment() const {
  const std::lock_guard lock(mutex_);
  return changes_.size();
}

// ---- The power fails ----

FragileDisk::Image FragileDisk::after_power_loss(std::size_t moment,
                                                 std::mt19937_64& random) const {
  const std::lock_guard lock(mutex_);
  std::vector<File> files;
  for (const std::string& content : files_)
    files.push_back({content, {}});
  std::map<std::string, std::size_t> names = names_at_first_;
  std::vector<const Change*> unsynced;
  const auto rename = [&names](const Change& change) {
    if (change.kind == Change::Kind::Create) names[change.data] = change.file;
    if (change.kind == Change::Kind::Delete) names.erase(change.data);
  };
  for (std::size_t i = 0; i < moment; ++i) {
    const Change& change = changes_[i];
    switch (change.kind) {
      case Change::Kind::Create:
      case Change::Kind::Delete:
        unsynced.push_back(&change);
        break;
      case Change::Kind::Write:
      case Change::Kind::Truncate:
        files[change.file].unsynced.push_back(&change);
        break;
      case Change::Kind::Sync:
        for (const Change* each : std::exchange(files[change.file].unsynced, {}))
          apply(*each, files[change.file].content);
        break;
      case Change::Kind::FailedSync:
        settle(files[change.file], random);
        files[change.file].unsynced.clear();
        break;
      case Change::Kind::SyncDirectory:
        for (const Change* each : std::exchange(unsynced, {}))
          rename(*each);
        break;
    }
  }
  for (const Change* each : unsynced)
    if (one_in(2, random)) rename(*each);
  Image image;
  for (const auto& [name, file] : names) {
    settle(files[file], random);
    image[name] = std::move(files[file].content);
  }
  add_mapped(image, moment, random);
  return image;
}

void FragileDisk::apply(const Change& change, std::string& content) {
  if (change.kind == Change::Kind::Truncate)
    content.resize(static_cast<std::size_t>(change.from));
  else
    put_at(content, static_cast<std::size_t>(change.from), change.data);
}

// What was not synced is on the medium, or is not, or in part: each likely enough, because what one
// file has and another lacks is what a wrong order of syncs shows in.
void FragileDisk::settle(File& file, std::mt19937_64& random) {
  const auto fate = random() % 4;
  for (const Change* change : file.unsynced) {
    if (fate == 0) continue;
    if (fate == 1)
      apply(*change, file.content);
    else
      apply_in_part(*change, file.content, random);
  }
}

void FragileDisk::apply_in_part(const Change& change, std::string& content,
                                std::mt19937_64& random) {
  if (change.kind == Change::Kind::Truncate) {
    if (one_in(2, random)) apply(change, content);
    return;
  }
  const std::string_view data = change.data;
  const auto from = static_cast<std::size_t>(change.from);
  for (std::size_t done = 0; done < data.size();) {
    const std::size_t size = std::min(kSector - (from + done) % kSector, data.size() - done);
    const std::string_view sector = data.substr(done, size);
    switch (random() % 32) {
      case 0:
        put_at(content, from + done, rubbish(size, random));
        break;
      case 1:
      case 2:
        put_at(content, from + done, sector.substr(0, random() % size));
        break;
      default:
        if (one_in(2, random)) put_at(content, from + done, sector);
        break;
    }
    done += size;
  }
}

void FragileDisk::add_mapped(Image& image, std::size_t moment, std::mt19937_64& random) const {
  std::map<std::string, const Mapped*> latest;
  for (const Mapped& each : mapped_)
    if (each.moment <= moment) latest[each.name] = &each;
  for (const auto& [name, mapped] : latest) {
    std::string content = mapped->content;
    const auto fate = random() % 4;
    if (fate == 0) continue;
    for (std::size_t from = 0; fate > 1 && from < content.size(); from += kSector)
      if (fate == 2 || one_in(2, random)) content.replace(from, kSector, kSector, '\0');
    image[name] = std::move(content);
  }
}

void FragileDisk::put(const Image& image, const std::filesystem::path& directory) {
  for (const auto& [name, content] : image)
    write_file(directory / name, content);
}

}  // namespace turnstile::test
