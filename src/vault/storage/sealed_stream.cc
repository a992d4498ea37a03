#include "vault/storage/sealed_stream.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "gate/sync_point.h"
#include "vault/crypto/bytes.h"
#include "vault/crypto/sodium.h"
#include "vault/files.h"
#include "vault/raise.h"
#include "vault/storage/sealed_header.h"
#include "vault/storage/write_file.h"

namespace turnstile::vault {

namespace {

constexpr std::size_t kSealedExtra = crypto_secretstream_xchacha20poly1305_ABYTES;

[[noreturn]] void raise_other_size(const std::filesystem::path& path) {
  raise_vault(code("ATTACHMENT_READ"),
              "what was to be sealed as " + quoted(path) + " changed its size meanwhile", Call{});
}

}  // namespace

struct StreamState {
  StreamState() = default;
  ~StreamState() { sodium_memzero(&state, sizeof(state)); }
  StreamState(const StreamState&) = delete;
  StreamState& operator=(const StreamState&) = delete;

  crypto_secretstream_xchacha20poly1305_state state{};
  std::array<std::byte, kSealedChunk + kSealedExtra> chunk{};
};

SealedWriter::SealedWriter(std::filesystem::path path, const SecretBytes& data_key,
                           const Seal& seal, std::uint64_t content_bytes)
    : path_(std::move(path)),
      report_{content_bytes, sealed_bytes(content_bytes)},
      missing_(content_bytes),
      cipher_(std::make_unique<StreamState>()),
      chunk_(kSealedChunk) {
  require_sodium();
  RawHeader header;
  header.about = {seal.purpose, seal.key_id, seal.generation, content_bytes, report_.file_bytes};
  randombytes_buf(header.salt.data(), header.salt.size());
  const SecretBytes key = content_key(header, data_key, seal.context);
  crypto_secretstream_xchacha20poly1305_init_push(&cipher_->state, raw(header.stream),
                                                  raw(key.bytes()));
  header.seal = header_seal(header, data_key, seal.context);
  file_ = naming_profile(path_, [&] { return std::make_unique<database::TempFile>(path_, call_); });
  write(to_bytes(header));
  gate::sync_point("SealedWriter:begun");
}

SealedWriter::~SealedWriter() = default;

void SealedWriter::write(std::span<const std::byte> bytes) {
  constexpr std::uint64_t kBegunAtOnce = std::uint64_t{8} << 20;
  write_all(file_->descriptor(), bytes, path_, call_);
  written_ += bytes.size();
  if (written_ - begun_ < kBegunAtOnce) return;
  // The medium works while the next chunks are encrypted. Where it cannot be told to, all of it is
  // left to the sync at the end.
  static_cast<void>(::sync_file_range(file_->descriptor(), static_cast<off64_t>(begun_),
                                      static_cast<off64_t>(written_ - begun_),
                                      SYNC_FILE_RANGE_WRITE));
  begun_ = written_;
}

void SealedWriter::add(std::span<const std::byte> content) {
  if (content.size() > missing_) raise_other_size(path_);
  while (!content.empty()) {
    const std::size_t some = std::min(content.size(), kSealedChunk - filled_);
    std::ranges::copy(content.first(some), chunk_.bytes().subspan(filled_).begin());
    content = content.subspan(some);
    filled_ += some;
    missing_ -= some;
    if (filled_ == kSealedChunk && missing_ > 0) push(false);
  }
}

void SealedWriter::push(bool is_last) {
  const unsigned char tag = is_last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                                    : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
  crypto_secretstream_xchacha20poly1305_push(&cipher_->state, raw(cipher_->chunk), nullptr,
                                             raw(chunk_.bytes()), filled_, nullptr, 0, tag);
  write(std::span(cipher_->chunk).first(filled_ + kSealedExtra));
  filled_ = 0;
}

SealedReport SealedWriter::finish(bool overwrite) {
  if (missing_ > 0) raise_other_size(path_);
  push(true);
  gate::sync_point("SealedWriter:written");
  naming_profile(path_, [&] {
    file_->sync();
    gate::sync_point("SealedWriter:synced");
    publish_when_free(*file_, overwrite);
  });
  gate::sync_point("SealedWriter:published");
  return report_;
}

SealedReader::SealedReader(std::filesystem::path path, const SecretBytes& data_key,
                           const Seal& expected)
    : path_(std::move(path)),
      file_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)),
      cipher_(std::make_unique<StreamState>()),
      chunk_(kSealedChunk) {
  if (!file_.is_open()) raise_read("cannot open", path_, errno, call_);
  struct stat status {};
  if (::fstat(file_.number(), &status) != 0) raise_read("cannot look at", path_, errno, call_);
  if (!S_ISREG(status.st_mode)) raise_damaged("it is no regular file");
  const auto file_bytes = static_cast<std::uint64_t>(status.st_size);
  HeaderBytes bytes{};
  const std::size_t some = std::min<std::uint64_t>(file_bytes, bytes.size());
  read(std::span(bytes).first(some));
  const RawHeader header = parse_header(std::span(bytes).first(some), file_bytes, path_);
  header_ = header.about;
  missing_ = header_.content_bytes;
  if (header_.key_id != expected.key_id) raise_damaged("it was sealed with another key");
  const auto seal = header_seal(header, data_key, expected.context);
  if (header_.purpose != expected.purpose || !std::ranges::equal(seal, header.seal))
    raise_damaged("its header was changed, or it was sealed for another place");
  const SecretBytes key = content_key(header, data_key, expected.context);
  crypto_secretstream_xchacha20poly1305_init_pull(&cipher_->state, raw(header.stream),
                                                  raw(key.bytes()));
}

SealedReader::~SealedReader() = default;

void SealedReader::raise_damaged(const std::string& why) const {
  raise_vault(code("VAULT_CORRUPTED"), quoted(path_) + " is damaged: " + why, call_);
}

void SealedReader::read(std::span<std::byte> into) {
  while (!into.empty()) {
    const ssize_t got = ::read(file_.number(), into.data(), into.size());
    if (got == -1 && errno == EINTR) continue;
    if (got == -1) raise_read("cannot read", path_, errno, call_);
    if (got == 0) raise_damaged("it ends too early");
    into = into.subspan(static_cast<std::size_t>(got));
  }
}

std::span<const std::byte> SealedReader::next() {
  if (ended_) return {};
  const std::size_t size = std::min<std::uint64_t>(missing_, kSealedChunk);
  const auto sealed = std::span(cipher_->chunk).first(size + kSealedExtra);
  read(sealed);
  unsigned char tag = 0;
  const int failed = crypto_secretstream_xchacha20poly1305_pull(
      &cipher_->state, raw(chunk_.bytes()), nullptr, &tag, raw(sealed), sealed.size(), nullptr, 0);
  const bool is_last = size == missing_;
  const bool says_last = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
  if (failed != 0 || is_last != says_last)
    raise_damaged("its piece " + std::to_string(chunks_ + 1) + " was changed");
  missing_ -= size;
  ++chunks_;
  ended_ = is_last;
  return std::span(std::as_const(chunk_).bytes()).first(size);
}

}  // namespace turnstile::vault
