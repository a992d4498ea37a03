// Whatever text comes, it is a URI that gives a path and settings that can be had, or it is refused
// with what to do about it.
#include <string>

#include "fuzz_input.h"
#include "turnstile/error.h"
#include "turnstile/options.h"

using turnstile::fuzz::require;

namespace {

// The path, as a URI that can have no other.
std::string percent_encoded(const std::string& path) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string uri = "file:";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    uri.append(1, '%').append(1, kDigits[byte >> 4U]).append(1, kDigits[byte & 15U]);
  }
  return uri;
}

void check(std::string_view uri) {
  const turnstile::OpenTarget target = turnstile::Options::from_uri(uri);
  require(uri.starts_with("file:"), "what is no file: URI was taken for one");
  require(target.path.find('\0') == std::string::npos, "the path has a NUL byte");
  require(target.options.busy_timeout.count() >= 0, "the timeout is negative");
  require(!target.options.immutable || target.options.mode == turnstile::OpenMode::ReadOnly,
          "a file that may be written is taken for immutable");
  require(target.options.vfs.empty(), "a URI has chosen the VFS");
  require(turnstile::Options::from_uri(percent_encoded(target.path)).path == target.path,
          "the path does not come back");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    check(turnstile::fuzz::Input(data, size).rest());
  } catch (const turnstile::MisuseError& error) {
    require(error.code() == "URI_INVALID", error.what());
    require(!error.message().empty() && !error.hint().empty(), "nobody says why, or what to do");
  }
  return 0;
}
