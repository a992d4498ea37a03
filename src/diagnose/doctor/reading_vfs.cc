#include "diagnose/doctor/reading_vfs.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace turnstile::diagnose {

namespace {

// What SQLite calls a file; the one of the VFS below stands behind it in the same memory.
struct ReadingFile {
  sqlite3_file base;
  sqlite3_file* real;
};

sqlite3_file* real_of(sqlite3_file* file) noexcept {
  return reinterpret_cast<ReadingFile*>(file)->real;
}

sqlite3_vfs* unix_vfs() noexcept {
  static sqlite3_vfs* const vfs = sqlite3_vfs_find("unix");
  return vfs;
}

int close_file(sqlite3_file* file) {
  return real_of(file)->pMethods->xClose(real_of(file));
}
int read_file(sqlite3_file* file, void* to, int count, sqlite3_int64 offset) {
  return real_of(file)->pMethods->xRead(real_of(file), to, count, offset);
}
int refuse_write(sqlite3_file*, const void*, int, sqlite3_int64) {
  return SQLITE_READONLY;
}
int refuse_truncate(sqlite3_file*, sqlite3_int64) {
  return SQLITE_READONLY;
}
int sync_nothing(sqlite3_file*, int) {
  return SQLITE_OK;
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real_of(file)->pMethods->xFileSize(real_of(file), size);
}
int lock(sqlite3_file* file, int level) {
  // More than a reader needs would be in the way of others.
  if (level > SQLITE_LOCK_SHARED) return SQLITE_BUSY;
  return real_of(file)->pMethods->xLock(real_of(file), level);
}
int unlock(sqlite3_file* file, int level) {
  return real_of(file)->pMethods->xUnlock(real_of(file), level);
}
int is_reserved(sqlite3_file* file, int* result) {
  return real_of(file)->pMethods->xCheckReservedLock(real_of(file), result);
}
int lock_nothing(sqlite3_file*, int) {
  return SQLITE_OK;
}
int nothing_is_reserved(sqlite3_file*, int* result) {
  *result = 0;
  return SQLITE_OK;
}
int control_nothing(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}
int sector_size(sqlite3_file* file) {
  return real_of(file)->pMethods->xSectorSize(real_of(file));
}
int characteristics(sqlite3_file* file) {
  return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}
int shm_map(sqlite3_file* file, int region, int size, int, void volatile** to) {
  return real_of(file)->pMethods->xShmMap(real_of(file), region, size, 0, to);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  // A reader may set a read mark that nobody uses; the locks before those are in others' way.
  constexpr int kFirstReadMark = 3;
  const bool is_exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0 && (flags & SQLITE_SHM_LOCK) != 0;
  if (is_exclusive && offset < kFirstReadMark) return SQLITE_BUSY;
  return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) {
  real_of(file)->pMethods->xShmBarrier(real_of(file));
}
int shm_unmap(sqlite3_file* file, int) {
  return real_of(file)->pMethods->xShmUnmap(real_of(file), 0);
}

constexpr sqlite3_io_methods kBesideMethods = {2,
                                               close_file,
                                               read_file,
                                               refuse_write,
                                               refuse_truncate,
                                               sync_nothing,
                                               file_size,
                                               lock,
                                               unlock,
                                               is_reserved,
                                               control_nothing,
                                               sector_size,
                                               characteristics,
                                               shm_map,
                                               shm_lock,
                                               shm_barrier,
                                               shm_unmap,
                                               nullptr,
                                               nullptr};
constexpr sqlite3_io_methods kStillMethods = {1,
                                              close_file,
                                              read_file,
                                              refuse_write,
                                              refuse_truncate,
                                              sync_nothing,
                                              file_size,
                                              lock_nothing,
                                              lock_nothing,
                                              nothing_is_reserved,
                                              control_nothing,
                                              sector_size,
                                              characteristics,
                                              nullptr,
                                              nullptr,
                                              nullptr,
                                              nullptr,
                                              nullptr,
                                              nullptr};

// A log that is not there is an empty one: SQLite would make it before it reads.

int close_nothing(sqlite3_file*) {
  return SQLITE_OK;
}
int read_nothing(sqlite3_file*, void* to, int count, sqlite3_int64) {
  std::memset(to, 0, static_cast<std::size_t>(count));
  return SQLITE_IOERR_SHORT_READ;
}
int no_size(sqlite3_file*, sqlite3_int64* size) {
  *size = 0;
  return SQLITE_OK;
}
int no_sector_size(sqlite3_file*) {
  return 4096;
}
int no_characteristics(sqlite3_file*) {
  return 0;
}

constexpr sqlite3_io_methods kNothingMethods = {1,
                                                close_nothing,
                                                read_nothing,
                                                refuse_write,
                                                refuse_truncate,
                                                sync_nothing,
                                                no_size,
                                                lock_nothing,
                                                lock_nothing,
                                                nothing_is_reserved,
                                                control_nothing,
                                                no_sector_size,
                                                no_characteristics,
                                                nullptr,
                                                nullptr,
                                                nullptr,
                                                nullptr,
                                                nullptr,
                                                nullptr};

enum class Kind : std::uint8_t { Missing, File, Strange };

Kind kind_of(const char* name) {
  struct stat status {};
  if (::stat(name, &status) != 0) return Kind::Missing;
  return S_ISREG(status.st_mode) ? Kind::File : Kind::Strange;
}

int open_nothing(sqlite3_file* file, int* flags_out) {
  file->pMethods = &kNothingMethods;
  if (flags_out != nullptr) *flags_out = SQLITE_OPEN_READONLY | SQLITE_OPEN_WAL;
  return SQLITE_OK;
}

int open_file(const char* name, sqlite3_file* file, int flags, int* flags_out,
              const sqlite3_io_methods& methods) {
  file->pMethods = nullptr;
  // A file without a name is one for what does not fit into memory.
  if (name == nullptr) return SQLITE_CANTOPEN;
  const Kind kind = kind_of(name);
  // To open a FIFO would wait for somebody who writes.
  if (kind == Kind::Strange) return SQLITE_CANTOPEN;
  if ((flags & SQLITE_OPEN_WAL) != 0 && kind == Kind::Missing) return open_nothing(file, flags_out);
  auto* const self = reinterpret_cast<ReadingFile*>(file);
  self->real = reinterpret_cast<sqlite3_file*>(self + 1);
  flags &= ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_DELETEONCLOSE |
             SQLITE_OPEN_EXCLUSIVE);
  const int result =
      unix_vfs()->xOpen(unix_vfs(), name, self->real, flags | SQLITE_OPEN_READONLY, flags_out);
  if (result == SQLITE_OK) file->pMethods = &methods;
  return result;
}

int open_beside(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  return open_file(name, file, flags, flags_out, kBesideMethods);
}
int open_still(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  return open_file(name, file, flags, flags_out, kStillMethods);
}
int open_logless(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  if ((flags & SQLITE_OPEN_WAL) != 0) return open_nothing(file, flags_out);
  return open_file(name, file, flags, flags_out, kStillMethods);
}
int delete_nothing(sqlite3_vfs*, const char*, int) {
  return SQLITE_IOERR_DELETE;
}
int access_without_journal(sqlite3_vfs*, const char* name, int flags, int* result) {
  if (std::string_view(name).ends_with("-journal")) {
    *result = 0;
    return SQLITE_OK;
  }
  return unix_vfs()->xAccess(unix_vfs(), name, flags, result);
}

sqlite3_vfs make_vfs(const char* name, decltype(sqlite3_vfs::xOpen) open) {
  sqlite3_vfs vfs = *unix_vfs();
  vfs.szOsFile += static_cast<int>(sizeof(ReadingFile));
  vfs.pNext = nullptr;
  vfs.zName = name;
  vfs.xOpen = open;
  vfs.xDelete = delete_nothing;
  return vfs;
}

sqlite3_vfs make_still_vfs(const char* name, decltype(sqlite3_vfs::xOpen) open) {
  sqlite3_vfs vfs = make_vfs(name, open);
  vfs.xAccess = access_without_journal;
  return vfs;
}

}  // namespace

const char* beside_vfs() {
  static sqlite3_vfs vfs = make_vfs("turnstile-beside", open_beside);
  static const int registered = sqlite3_vfs_register(&vfs, 0);
  return registered == SQLITE_OK ? vfs.zName : nullptr;
}

const char* still_vfs() {
  static sqlite3_vfs vfs = make_still_vfs("turnstile-still", open_still);
  static const int registered = sqlite3_vfs_register(&vfs, 0);
  return registered == SQLITE_OK ? vfs.zName : nullptr;
}

const char* logless_vfs() {
  static sqlite3_vfs vfs = make_still_vfs("turnstile-logless", open_logless);
  static const int registered = sqlite3_vfs_register(&vfs, 0);
  return registered == SQLITE_OK ? vfs.zName : nullptr;
}

}  // namespace turnstile::diagnose
