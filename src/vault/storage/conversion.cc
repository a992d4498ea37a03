#include "vault/storage/conversion.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "database/copies/temp_file.h"
#include "database/copies/whole_file.h"
#include "database/location.h"
#include "database/registry.h"
#include "gate/descriptor.h"
#include "gate/sync_point.h"
#include "sqlite/connection.h"
#include "sqlite/raise.h"
#include "vault/files.h"
#include "vault/raise.h"
#include "vault/storage/encrypted_database.h"
#include "vault/storage/encrypted_file.h"
#include "vault/storage/image.h"
#include "vault/storage/memory_store.h"
#include "vault/storage/page_protection.h"
#include "vault/storage/sealed_stream.h"
#include "vault/storage/write_file.h"

namespace turnstile::vault {

namespace fs = std::filesystem;

namespace {

using Form = StoredDatabase::Form;

constexpr std::size_t kHeader = 100;
constexpr std::size_t kLogMark = 18;
constexpr std::size_t kReservedAt = 20;

void require_fits(std::uint64_t bytes, std::uint64_t limit, const fs::path& path) {
  if (bytes <= limit) return;
  raise_vault(code("VAULT_TOO_LARGE"),
              quoted(path) + " holds a database of " + std::to_string(bytes) +
                  " bytes, and may hold " + std::to_string(limit) + " to be converted in memory",
              Call{},
              "Raise WorkspaceOptions::sealed_limit_bytes: to give a password, and to seal, takes "
              "as much memory as the database is large.");
}

/// What SQLite gave, overwritten before it gets it back. Threads: confined.
class Serialized {
 public:
  explicit Serialized(const sqlite::Connection& connection)
      : data_(sqlite3_serialize(connection.handle(), "main", &size_, 0)) {
    if (data_ != nullptr || size_ == 0) return;
    // Whatever page could not be read, SQLite says no more than this.
    raise_vault(code("VAULT_CORRUPTED"),
                quoted(fs::path(connection.config().path)) + " cannot be read as a whole",
                connection.call());
  }
  ~Serialized() {
    if (data_ == nullptr) return;
    std::fill_n(static_cast<volatile unsigned char*>(data_), size_, 0);
    sqlite3_free(data_);
  }
  Serialized(const Serialized&) = delete;
  Serialized& operator=(const Serialized&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return {reinterpret_cast<const std::byte*>(data_), static_cast<std::size_t>(size_)};
  }

 private:
  sqlite3_int64 size_ = 0;
  unsigned char* data_;
};

Image image_of(std::span<const std::byte> bytes) {
  Image image(bytes.size());
  std::ranges::copy(bytes, image.bytes().begin());
  return image;
}

/// One state of the database, with what is in its log, whoever else has it open. Threads: confined.
class Snapshot {
 public:
  explicit Snapshot(const StoredDatabase& source)
      : path_(source.path), connection_(config_of(source), call_) {
    if (const int began = connection_.begin_deferred(); began != SQLITE_OK)
      sqlite::raise(connection_, began);
  }

  void require_size(std::uint64_t limit) {
    const auto pages = connection_.query_integer("PRAGMA page_count");
    const auto page_size = connection_.query_integer("PRAGMA page_size");
    require_fits(static_cast<std::uint64_t>(pages * page_size), limit, path_);
  }
  void require_whole() {
    const std::string found = connection_.query_text("PRAGMA quick_check(1)");
    if (found != "ok")
      raise_vault(code("VAULT_CORRUPTED"), quoted(path_) + " is damaged: " + found, call_);
  }
  [[nodiscard]] sqlite::Connection& connection() noexcept { return connection_; }
  [[nodiscard]] const Call& call() const noexcept { return call_; }

 private:
  static Call make_call() {
    Call call;
    call.lane = "convert";
    call.deadline = Deadline::after(std::chrono::seconds(5));
    return call;
  }
  static sqlite::Connection::Config config_of(const StoredDatabase& source) {
    sqlite::Connection::Config config;
    config.path = source.path.string();
    if (source.form == Form::Encrypted)
      config.protection = std::make_shared<PageProtection>(*source.data_key);
    return config;
  }

  const fs::path path_;
  const Call call_ = make_call();
  sqlite::Connection connection_;
};

Image read_through_engine(const StoredDatabase& source, std::uint64_t limit) {
  Snapshot snapshot(source);
  snapshot.require_size(limit);
  snapshot.require_whole();
  return image_of(Serialized(snapshot.connection()).bytes());
}

Image read_sealed_image(const StoredDatabase& source, std::uint64_t limit) {
  Seal seal = source.seal;
  seal.purpose = Purpose::Database;
  SealedReader reader(source.path, *source.data_key, seal);
  require_fits(reader.header().content_bytes, limit, source.path);
  Image image(static_cast<std::size_t>(reader.header().content_bytes));
  auto rest = image.bytes();
  for (auto chunk = reader.next(); !chunk.empty(); chunk = reader.next()) {
    std::ranges::copy(chunk, rest.begin());
    rest = rest.subspan(chunk.size());
  }
  return image;
}

/// Calls `read`; what the engine cannot read is damaged.
template <class Read>
auto naming_damage(const fs::path& path, const Read& read) {
  try {
    return read();
  } catch (const StorageError& error) {
    const int primary = error.sqlite_code() & 0xFF;
    if (primary != SQLITE_NOTADB && primary != SQLITE_CORRUPT) throw;
    raise_from(code("VAULT_CORRUPTED"), quoted(path) + " cannot be read", error);
  }
}

Image read_image(const StoredDatabase& source, std::uint64_t limit) {
  return naming_damage(source.path, [&] {
    Image image = source.form == Form::Sealed ? read_sealed_image(source, limit)
                                              : read_through_engine(source, limit);
    if (image.size() >= kHeader)
      image.bytes()[kLogMark] = image.bytes()[kLogMark + 1] = std::byte{1};
    return image;
  });
}

// The same database with room for encryption at the end of each page. Written anew by SQLite, in
// memory.
Image with_room(Image image, std::uint64_t limit) {
  if (image.size() < kHeader || image.bytes()[kReservedAt] == std::byte{kPageReserved})
    return image;
  MemoryStore store(limit + limit / 8);  // Pages hold a little less.
  store.write(0, image.bytes());
  Call call;
  call.lane = "convert";
  sqlite::Connection::Config config;
  config.path = store.uri();
  config.uri = true;
  sqlite::Connection connection(std::move(config), call);
  int reserved = static_cast<int>(kPageReserved);
  sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
  connection.execute("PRAGMA temp_store=MEMORY; VACUUM");
  Image wider(static_cast<std::size_t>(store.size()));
  store.read(0, wider.bytes());
  return wider;
}

void write_plain_image(const Image& image, const fs::path& path) {
  const Call call;
  naming_profile(path, [&] {
    database::TempFile file(path, call);
    write_all(file.descriptor(), image.bytes(), path, call);
    file.sync();
    gate::sync_point("convert_database:synced");
    publish_when_free(file, false);
  });
}

void copy_plain(const fs::path& source, const fs::path& target) {
  constexpr int kPagesAtOnce = 1024;
  StoredDatabase stored;
  stored.path = source;
  naming_damage(source, [&] {
    Snapshot snapshot(stored);
    snapshot.require_whole();
    const auto file = naming_profile(
        target, [&] { return std::make_unique<database::TempFile>(target, snapshot.call()); });
    database::copy_pages(snapshot.connection(), *file, kPagesAtOnce, {snapshot.call(), {}});
    naming_profile(target, [&] {
      file->sync();
      gate::sync_point("convert_database:synced");
      file->publish(false);
    });
  });
}

void decrypt_pages(const StoredDatabase& source, const fs::path& target) {
  const Call call;
  EncryptedFileReader reader(source.path, *source.data_key);
  naming_profile(target, [&] {
    database::TempFile file(target, call);
    bool is_first = true;
    for (auto page = reader.next(); !page.empty(); page = reader.next()) {
      std::ranges::fill(page.last(kPageReserved), std::byte{0});
      if (is_first) page[kLogMark] = page[kLogMark + 1] = std::byte{1};
      is_first = false;
      write_all(file.descriptor(), page, target, call);
    }
    file.sync();
    gate::sync_point("convert_database:synced");
    file.publish(false);
  });
}

void write_encrypted_image(Image image, const StoredDatabase& target) {
  EncryptedFileWriter writer(target.path, *target.data_key);
  const auto bytes = image.bytes();
  if (!bytes.empty()) {
    // As in every SQLite header, big-endian, 1 for 65536.
    const std::size_t size =
        std::to_integer<std::size_t>(bytes[16]) << 8U | std::to_integer<std::size_t>(bytes[17]);
    const std::size_t page_size = size == 1 ? 65536 : size;
    for (std::size_t offset = 0; offset < bytes.size(); offset += page_size)
      writer.add(bytes.subspan(offset, page_size));
  }
  writer.finish(false);
}

}  // namespace

void convert_database(const StoredDatabase& source, const StoredDatabase& target,
                      std::uint64_t limit_bytes) {
  if (source.form == Form::Encrypted && target.form == Form::Encrypted)
    return rekey_encrypted_file(source.path, *source.data_key, target.path, *target.data_key);
  if (source.form == Form::Encrypted && target.form == Form::Plain)
    return decrypt_pages(source, target.path);
  if (source.form == Form::Plain && target.form == Form::Plain)
    return copy_plain(source.path, target.path);
  Image image = read_image(source, limit_bytes);
  switch (target.form) {
    case Form::Plain:
      return write_plain_image(image, target.path);
    case Form::Encrypted:
      return write_encrypted_image(with_room(std::move(image), limit_bytes), target);
    case Form::Sealed:
      break;
  }
  Seal seal = target.seal;
  seal.purpose = Purpose::Database;
  // So that it can become an encrypted file without being written anew.
  const Image wider = with_room(std::move(image), limit_bytes);
  write_sealed(target.path, *target.data_key, seal, wider.bytes(), false);
}

bool is_plain_database(const fs::path& path) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  const gate::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) raise_read("cannot open", path, errno, Call{});
  std::array<std::byte, kMagic.size()> front{};
  const ssize_t got = ::pread(file.number(), front.data(), front.size(), 0);
  if (got < 0) raise_read("cannot read", path, errno, Call{});
  return got == std::ssize(front) && std::ranges::equal(front, std::as_bytes(std::span(kMagic)));
}

}  // namespace turnstile::vault
