#include "vault/storage/sealed_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "database/copies/temp_file.h"
#include "gate/descriptor.h"
#include "gate/sync_point.h"
#include "vault/files.h"
#include "vault/raise.h"
#include "vault/storage/sealed_header.h"
#include "vault/storage/sealed_stream.h"
#include "vault/storage/write_file.h"

namespace turnstile::vault {

namespace fs = std::filesystem;

namespace {

/// A file that is read from its beginning, of a size that it had when it was opened. Threads:
/// confined.
class PlainSource {
 public:
  PlainSource(const fs::path& path, std::string_view error_code)
      : path_(path),
        error_code_(error_code),
        file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {
    struct stat status {};
    if (!file_.is_open() || ::fstat(file_.number(), &status) != 0) raise(errno);
    if (!S_ISREG(status.st_mode)) raise(EISDIR);
    bytes_ = static_cast<std::uint64_t>(status.st_size);
  }

  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  std::size_t read(std::span<std::byte> into) const {
    for (;;) {
      const ssize_t got = ::read(file_.number(), into.data(), into.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) raise(errno);
    }
  }

 private:
  [[noreturn]] void raise(int cause) const {
    Error::Details details;
    details.code = error_code_;
    details.message =
        "cannot read " + quoted(path_) + ": " + std::generic_category().message(cause);
    details.system_code = cause;
    throw VaultError(std::move(details));
  }

  const fs::path path_;
  const std::string_view error_code_;
  const gate::Descriptor file_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

SealedHeader read_sealed_header(const fs::path& path) {
  const Call call;
  const gate::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.is_open()) raise_read("cannot open", path, errno, call);
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) raise_read("cannot look at", path, errno, call);
  HeaderBytes bytes{};
  const ssize_t got = ::pread(file.number(), bytes.data(), bytes.size(), 0);
  if (got < 0) raise_read("cannot read", path, errno, call);
  return parse_header(std::span(bytes).first(static_cast<std::size_t>(got)),
                      static_cast<std::uint64_t>(status.st_size), path)
      .about;
}

SealedReport write_sealed(const fs::path& path, const SecretBytes& data_key, const Seal& seal,
                          std::uint64_t content_bytes, const ContentSource& source,
                          bool overwrite) {
  SealedWriter writer(path, data_key, seal, content_bytes);
  SecretBytes piece(kSealedChunk);
  // Asked once more after the last byte: whoever gives more than was announced is found out.
  while (const std::size_t size = source(piece.bytes()))
    writer.add(std::as_const(piece).bytes().first(size));
  return writer.finish(overwrite);
}

SealedReport write_sealed(const fs::path& path, const SecretBytes& data_key, const Seal& seal,
                          std::span<const std::byte> content, bool overwrite) {
  SealedWriter writer(path, data_key, seal, content.size());
  writer.add(content);
  return writer.finish(overwrite);
}

SealedHeader open_sealed(const fs::path& path, const SecretBytes& data_key, const Seal& expected,
                         const ContentSink& sink) {
  SealedReader reader(path, data_key, expected);
  for (auto chunk = reader.next(); !chunk.empty(); chunk = reader.next())
    sink(chunk);
  return reader.header();
}

SecretBytes open_sealed(const fs::path& path, const SecretBytes& data_key, const Seal& expected,
                        std::size_t limit) {
  SealedReader reader(path, data_key, expected);
  if (reader.header().content_bytes > limit) {
    raise_vault(code("VAULT_TOO_LARGE"),
                quoted(path) + " has " + std::to_string(reader.header().content_bytes) +
                    " bytes of content, and may have " + std::to_string(limit) + " here",
                Call{});
  }
  SecretBytes content(static_cast<std::size_t>(reader.header().content_bytes));
  auto rest = content.bytes();
  for (auto chunk = reader.next(); !chunk.empty(); chunk = reader.next()) {
    std::ranges::copy(chunk, rest.begin());
    rest = rest.subspan(chunk.size());
  }
  return content;
}

SealedHeader verify_sealed(const fs::path& path, const SecretBytes& data_key,
                           const Seal& expected) {
  return open_sealed(path, data_key, expected, [](std::span<const std::byte>) {});
}

namespace {

std::filesystem::path note_of(const std::filesystem::path& path) {
  return path.native() + ".seen";
}

Seal seal_of_note(Seal of_state) {
  of_state.purpose = Purpose::State;
  return of_state;
}

}  // namespace

void note_state(const std::filesystem::path& path, const SecretBytes& data_key, const Seal& saved) {
  write_sealed(note_of(path), data_key, seal_of_note(saved), std::span<const std::byte>());
}

std::uint64_t noted_state(const std::filesystem::path& path, const SecretBytes& data_key,
                          const Seal& expected) {
  try {
    return verify_sealed(note_of(path), data_key, seal_of_note(expected)).generation;
  } catch (const Error&) {
    return 0;
  }
}

SealedReport encrypt_file(const fs::path& source, const fs::path& target,
                          const SecretBytes& data_key, const Seal& seal, bool overwrite) {
  const PlainSource file(source, code("ATTACHMENT_READ"));
  return write_sealed(
      target, data_key, seal, file.bytes(),
      [&](std::span<std::byte> into) { return file.read(into); }, overwrite);
}

SealedHeader decrypt_file(const fs::path& source, const fs::path& target,
                          const SecretBytes& data_key, const Seal& expected, bool overwrite) {
  const Call call;
  SealedReader reader(source, data_key, expected);
  database::TempFile file(target, call);
  for (auto chunk = reader.next(); !chunk.empty(); chunk = reader.next())
    write_all(file.descriptor(), chunk, target, call);
  naming_profile(target, [&] {
    file.sync();
    gate::sync_point("decrypt_file:synced");
    publish_when_free(file, overwrite);
  });
  return reader.header();
}

SealedReport reseal_file(const fs::path& source, const SecretBytes& key, const Seal& expected,
                         const fs::path& target, const SecretBytes& new_key, const Seal& seal,
                         bool overwrite) {
  SealedReader reader(source, key, expected);
  SealedWriter writer(target, new_key, seal, reader.header().content_bytes);
  for (auto chunk = reader.next(); !chunk.empty(); chunk = reader.next())
    writer.add(chunk);
  return writer.finish(overwrite);
}

}  // namespace turnstile::vault
