#include "diagnose/doctor/file_facts.h"

#include <sqlite3.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "gate/file_system.h"

namespace turnstile::diagnose {

namespace {

constexpr std::string_view kMagic("SQLite format 3\0", 16);
constexpr std::string_view kSealedMagic = "turnstile.sealed";
constexpr std::size_t kHeaderSize = 100;
constexpr std::size_t kBeginning = 4096;

std::uint32_t number_at(std::string_view bytes, std::size_t at, std::size_t size = 4) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < size; ++i)
    number = number << 8U | static_cast<unsigned char>(bytes[at + i]);
  return number;
}

std::uint32_t page_size_in(std::string_view bytes) {
  const std::uint32_t size = number_at(bytes, 16, 2);
  return size == 1 ? 65536 : size;
}

bool is_page_size(std::uint32_t size) noexcept {
  return size >= 512 && size <= 65536 && (size & (size - 1)) == 0;
}

struct CloseFile {
  void operator()(sqlite3_file* file) const {
    if (file->pMethods != nullptr) file->pMethods->xClose(file);
    sqlite3_free(file);
  }
};
struct FreeName {
  void operator()(const char* name) const { sqlite3_free_filename(name); }
};

// Through SQLite's own VFS: the descriptor is kept for as long as closing it would drop locks that
// connections of this process have on the file.
int read_beginning(const std::filesystem::path& path, std::uint64_t size, std::string& bytes) {
  sqlite3_vfs* const vfs = sqlite3_vfs_find("unix");
  const std::unique_ptr<const char, FreeName> name(
      sqlite3_create_filename(path.c_str(), "", "", 0, nullptr));
  const std::unique_ptr<sqlite3_file, CloseFile> file(
      static_cast<sqlite3_file*>(sqlite3_malloc(vfs->szOsFile)));
  if (!name || !file) return SQLITE_NOMEM;
  file->pMethods = nullptr;
  constexpr int kFlags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
  if (const int result = vfs->xOpen(vfs, name.get(), file.get(), kFlags, nullptr);
      result != SQLITE_OK) {
    return result;
  }
  bytes.resize(std::min<std::size_t>(size, kBeginning));
  return file->pMethods->xRead(file.get(), bytes.data(), static_cast<int>(bytes.size()), 0);
}

Header parse_header(std::string_view bytes) {
  Header header;
  header.page_size = page_size_in(bytes);
  header.write_version = static_cast<unsigned char>(bytes[18]);
  header.read_version = static_cast<unsigned char>(bytes[19]);
  header.change_counter = number_at(bytes, 24);
  header.page_count = number_at(bytes, 28);
  header.valid_for = number_at(bytes, 92);
  header.engine_version = number_at(bytes, 96);
  return header;
}

// What a cipher makes has all values of a byte, as often as each other; a text has not.
bool looks_random(std::string_view bytes) {
  std::bitset<256> values;
  std::size_t high = 0;
  for (const char c : bytes) {
    const auto value = static_cast<unsigned char>(c);
    values.set(value);
    high += value >= 0x80 ? 1 : 0;
  }
  const std::size_t expected = std::min<std::size_t>(bytes.size() / 4, 200);
  return values.count() >= expected && high * 3 > bytes.size();
}

// The ciphers of SQLite3 Multiple Ciphers leave these bytes as they are.
bool has_clear_page_size(std::string_view bytes) {
  return is_page_size(page_size_in(bytes)) && bytes[21] == 64 && bytes[22] == 32 && bytes[23] == 32;
}

FileContent classify(std::string_view bytes) {
  FileContent content;
  if (bytes.starts_with(kSealedMagic)) {
    content.kind = FileKind::Sealed;
  } else if (bytes.size() < kHeaderSize || bytes.starts_with("SQLite format ")) {
    const bool is_database = bytes.size() >= kHeaderSize && bytes.starts_with(kMagic) &&
                             is_page_size(page_size_in(bytes));
    content.kind = is_database ? FileKind::Database : FileKind::Other;
    if (is_database)
      content.header = parse_header(bytes);
    else
      content.why = bytes.size() < kHeaderSize ? "it has fewer than 100 bytes"
                                               : "it begins like a database and goes on otherwise";
  } else if (bytes.size() >= 512 && (has_clear_page_size(bytes) || looks_random(bytes))) {
    content.kind = FileKind::Encrypted;
  } else {
    content.kind = FileKind::Other;
    content.why = "it does not begin with 'SQLite format 3'";
  }
  return content;
}

/// A file that SQLite has no locks on. Threads: confined.
class PlainFile {
 public:
  // To open a FIFO would wait for somebody who writes.
  explicit PlainFile(const std::filesystem::path& path)
      : file_(look_at(path).is_regular ? std::fopen(path.c_str(), "rbe") : nullptr) {}

  /// False at its end and when it cannot be read.
  [[nodiscard]] bool read(std::uint64_t offset, std::span<char> to) {
    return file_ != nullptr && ::fseeko(file_.get(), static_cast<off_t>(offset), SEEK_SET) == 0 &&
           std::fread(to.data(), 1, to.size(), file_.get()) == to.size();
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
};

template <std::size_t N>
std::string_view view(const std::array<char, N>& bytes) {
  return {bytes.data(), bytes.size()};
}

/// Runs over the header of a log and all its frames.
/// https://sqlite.org/fileformat2.html#checksum_algorithm. Threads: confined.
class LogChecksum {
 public:
  explicit LogChecksum(bool is_big_endian) noexcept : is_big_endian_(is_big_endian) {}

  void add(std::string_view bytes) noexcept {
    for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      first_ += word_at(bytes, at) + second_;
      second_ += word_at(bytes, at + 4) + first_;
    }
  }
  /// Always written with the highest byte first.
  [[nodiscard]] bool is_at(std::string_view bytes, std::size_t at) const {
    return number_at(bytes, at) == first_ && number_at(bytes, at + 4) == second_;
  }

 private:
  [[nodiscard]] std::uint32_t word_at(std::string_view bytes, std::size_t at) const noexcept {
    const auto byte = [&](std::size_t i) -> std::uint32_t {
      return static_cast<unsigned char>(bytes[at + (is_big_endian_ ? i : 3 - i)]);
    };
    return byte(0) << 24U | byte(1) << 16U | byte(2) << 8U | byte(3);
  }

  bool is_big_endian_;
  std::uint32_t first_ = 0;
  std::uint32_t second_ = 0;
};

}  // namespace

FileState look_at(const std::filesystem::path& path) noexcept {
  FileState state;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) state.error = errno;
    return state;
  }
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  state.exists = true;
  state.is_regular = S_ISREG(status.st_mode);
  state.device = status.st_dev;
  state.inode = status.st_ino;
  state.links = status.st_nlink;
  state.size = static_cast<std::uint64_t>(status.st_size);
  state.mode = status.st_mode;
  state.owner = status.st_uid;
  state.changed_ns = status.st_mtim.tv_sec * kNanoseconds + status.st_mtim.tv_nsec;
  return state;
}

std::string shell_word(const std::filesystem::path& path) {
  std::string word = "'";
  for (const char c : path.native())
    if (c == '\'')
      word += "'\\''";
    else
      word += c;
  return word + '\'';
}

std::string counted(std::uint64_t count, std::string_view what) {
  std::string text = std::to_string(count) + ' ';
  text += what;
  if (count == 1) return text;
  if (text.ends_with("ss")) return text + "es";
  return text + 's';
}

FileContent read_content(const std::filesystem::path& path, const FileState& state) {
  const auto of_kind = [](FileKind kind, std::string why = {}) {
    FileContent content;
    content.kind = kind;
    content.why = std::move(why);
    return content;
  };
  if (!state.exists && state.error == 0) return of_kind(FileKind::Missing);
  if (!state.exists) return of_kind(FileKind::Unreadable, std::strerror(state.error));
  if (!state.is_regular) return of_kind(FileKind::NotRegular);
  if (state.size == 0) return of_kind(FileKind::Empty);
  std::string bytes;
  const int result = read_beginning(path, state.size, bytes);
  if (result == SQLITE_OK) return classify(bytes);
  if (::access(path.c_str(), R_OK) != 0) {
    FileContent content = of_kind(FileKind::Unreadable, std::strerror(errno));
    content.is_forbidden = true;
    return content;
  }
  return of_kind(FileKind::Unreadable, sqlite3_errstr(result));
}

LogContent read_log(const std::filesystem::path& path) {
  constexpr std::size_t kLogHeader = 32;
  constexpr std::size_t kFrameHeader = 24;
  constexpr std::uint32_t kLogMagic = 0x377f0682;  // The last bit is the order of checksums.
  constexpr std::uint64_t kChangeCounter = 24;
  LogContent log;
  PlainFile file(path);
  std::array<char, kLogHeader> header{};
  if (!file.read(0, header) || (number_at(view(header), 0) & ~1U) != kLogMagic) return log;
  log.page_size = number_at(view(header), 8);
  log.is_log = is_page_size(log.page_size);
  if (!log.is_log) return log;

  LogChecksum checksum((number_at(view(header), 0) & 1U) != 0);
  checksum.add(view(header).substr(0, 24));
  bool is_intact = checksum.is_at(view(header), 24);
  std::string salts(view(header).substr(16, 8));
  std::optional<std::uint32_t> counter;  // Of a transaction that may not be committed.
  std::string frame(kFrameHeader + log.page_size, '\0');
  // Without its header nothing of the log is read; then its own first frame tells the round.
  if (!is_intact && file.read(kLogHeader, frame)) salts = frame.substr(8, 8);
  std::uint64_t frames = 0;
  for (std::uint64_t at = kLogHeader; file.read(at, frame); at += frame.size()) {
    const std::string_view bytes = frame;
    // Frames of a former round of the log have other salts.
    if (bytes.substr(8, 8) != salts) break;
    ++frames;
    const bool was_intact = is_intact;
    checksum.add(bytes.substr(0, 8));
    checksum.add(bytes.substr(kFrameHeader));
    is_intact = is_intact && number_at(bytes, 0) != 0 && checksum.is_at(bytes, 16);
    const bool is_commit = number_at(bytes, 4) != 0;
    if (!is_intact) {
      // The first one may be what a program was writing when it was killed; none follows that.
      if (!was_intact && is_commit) log.lost_frames = frames - log.committed_frames;
      continue;
    }
    if (number_at(bytes, 0) == 1) counter = number_at(bytes, kFrameHeader + kChangeCounter);
    if (!is_commit) continue;
    log.committed_frames = frames;
    if (counter) log.change_counter = counter;
  }
  log.is_torn = !is_intact && log.lost_frames == 0;
  return log;
}

bool has_hot_header(const std::filesystem::path& journal) {
  // Overwritten with zeros at the end of a transaction with journal_mode=PERSIST.
  constexpr std::string_view kJournalMagic("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8);
  std::array<char, 8> beginning{};
  return PlainFile(journal).read(0, beginning) && view(beginning) == kJournalMagic;
}

bool stat_file_system(const std::filesystem::path& path, struct statfs& to) {
  return ::statfs(path.c_str(), &to) == 0;
}

std::optional<FileSystemState> file_system_of(const std::filesystem::path& path,
                                              const StatFileSystem& stat) {
  struct statfs info {};
  if (!stat(path, info)) return std::nullopt;
  FileSystemState state;
  const gate::FileSystem* const known =
      gate::find_file_system(static_cast<std::uint32_t>(info.f_type));
  if (known != nullptr) {
    state.name = known->name;
    state.is_network = known->keeper == gate::FileKeeper::Network;
    state.is_fuse = known->keeper == gate::FileKeeper::Program;
  }
  state.is_read_only = (static_cast<unsigned long>(info.f_flags) & ST_RDONLY) != 0;
  state.free_bytes =
      static_cast<std::uint64_t>(info.f_bavail) * static_cast<std::uint64_t>(info.f_bsize);
  return state;
}

}  // namespace turnstile::diagnose
