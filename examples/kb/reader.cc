#include "reader.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "text.h"

namespace kb {

namespace {

struct CloseGz {
  void operator()(gzFile file) const noexcept { ::gzclose(file); }
};
using GzFile = std::unique_ptr<gzFile_s, CloseGz>;

bool is_gone(int error) {
  return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

// An open descriptor, or -1 with the reason in `verdict`.
int open_regular_file(const std::string& path, Contents& contents) {
  // Not through a link, and without waiting for the other end of a pipe: the name may have been
  // given to something else since the directory was listed.
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) {
    contents.verdict = is_gone(errno) ? Verdict::Gone : Verdict::Unreadable;
    return -1;
  }
  struct stat status {};
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(file);
    contents.verdict = Verdict::Gone;
    return -1;
  }
  contents.stamp = stamp_of(status);
  return file;
}

// Appends up to `limit` bytes; false when the file is damaged or cannot be read.
bool read_some(gzFile file, std::string& bytes, std::size_t limit) {
  constexpr std::size_t kBlock = std::size_t{1} << 18U;
  while (limit > 0) {
    const std::size_t before = bytes.size();
    const std::size_t wanted = std::min(limit, kBlock);
    bytes.resize(before + wanted);
    const int count = ::gzread(file, bytes.data() + before, static_cast<unsigned>(wanted));
    bytes.resize(before + static_cast<std::size_t>(std::max(count, 0)));
    if (count < 0) return false;
    if (count == 0) {
      // A compressed file that was cut off ends quietly, but not without an error set.
      int error = Z_OK;
      ::gzerror(file, &error);
      return error == Z_OK || error == Z_STREAM_END;
    }
    limit -= static_cast<std::size_t>(count);
  }
  return true;
}

Verdict verdict_of_failure(gzFile file) {
  int error = Z_OK;
  ::gzerror(file, &error);
  return error == Z_ERRNO ? Verdict::Unreadable : Verdict::Damaged;
}

}  // namespace

TextReader::TextReader(std::size_t max_text_bytes) : max_text_bytes_(max_text_bytes) {
  if (::sodium_init() < 0)  // Finds out what the processor can do; again does no harm.
    throw std::runtime_error("libsodium cannot be used on this machine");
}

Contents TextReader::read(const std::string& path) const {
  Contents contents;
  const int descriptor = open_regular_file(path, contents);
  if (descriptor < 0) return contents;
  // zlib reads what is not compressed just as it is, so there is one way for both.
  const GzFile file(::gzdopen(descriptor, "rb"));
  if (!file) {
    ::close(descriptor);
    throw std::bad_alloc();
  }
  std::string bytes;
  if (!read_some(file.get(), bytes, kProbeBytes)) {
    contents.verdict = verdict_of_failure(file.get());
    return contents;
  }
  if (!looks_like_text(bytes)) {
    contents.verdict = Verdict::Binary;
    return contents;
  }
  // One byte more than is kept tells whether there is more.
  if (!read_some(file.get(), bytes,
                 max_text_bytes_ + 1 - std::min(max_text_bytes_, bytes.size()))) {
    contents.verdict = verdict_of_failure(file.get());
    return contents;
  }
  contents.verdict = Verdict::Text;
  contents.truncated = bytes.size() > max_text_bytes_;
  bytes.resize(cut_at_character(bytes, max_text_bytes_).size());
  contents.text = to_utf8(std::move(bytes));
  contents.hash = hash_of(contents.text);
  return contents;
}

turnstile::Blob hash_of(std::string_view text) {
  // BLAKE2b: nobody can make two texts with the same hash, so that a change cannot be hidden, and
  // it is faster than the inflating before it.
  turnstile::Blob hash(crypto_generichash_BYTES);
  const auto bytes = std::as_bytes(std::span(text));
  ::crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                       reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr,
                       0);
  return hash;
}

}  // namespace kb
