// Options::from_uri: the `file:` URIs of SQLite and of the drivers of Go, Rust and Python.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "sqlite/ascii.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "turnstile/options.h"

namespace turnstile {

namespace {

// Becomes a MisuseError where the caller's place is known.
struct Refusal {
  std::string message;
  std::string hint;
};

[[noreturn]] void refuse(std::string message, std::string hint = {}) {
  throw Refusal{std::move(message), std::move(hint)};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      refuse("the URI has a '%' without two hexadecimal digits behind it in '" + std::string(text) +
             "'");
    }
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

[[noreturn]] void refuse_value(std::string_view key, std::string_view value,
                               std::string_view known) {
  refuse("the URI has " + std::string(key) + "=" + std::string(value) + "; it can be " +
         std::string(known));
}

void set_busy_timeout(Options& options, std::string_view key, std::string_view value) {
  int ms = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), ms);
  if (error != std::errc() || end != value.data() + value.size() || ms < 0)
    refuse_value(key, value, "a number of milliseconds");
  options.busy_timeout = std::chrono::milliseconds(ms);
}

bool to_bool(std::string_view key, std::string_view value) {
  const std::string word = sqlite::lower_ascii(value);
  if (word == "1" || word == "on" || word == "true" || word == "yes") return true;
  if (word == "0" || word == "off" || word == "false" || word == "no") return false;
  refuse_value(key, value, "on or off");
}

void set_foreign_keys(Options& options, std::string_view key, std::string_view value) {
  options.foreign_keys = to_bool(key, value);
}

void set_synchronous(Options& options, std::string_view key, std::string_view value) {
  const std::string word = sqlite::lower_ascii(value);
  if (word == "normal" || word == "1")
    options.synchronous = Synchronous::Normal;
  else if (word == "full" || word == "2")
    options.synchronous = Synchronous::Full;
  else
    refuse_value(key, value, "normal or full");
}

void set_journal_mode(Options& /*options*/, std::string_view key, std::string_view value) {
  if (sqlite::lower_ascii(value) == "wal") return;
  refuse("the URI has " + std::string(key) + "=" + std::string(value) +
             ", and without a write-ahead log readers and writers lock each other out",
         "Leave it out: the bootstrap sets WAL once for the file.");
}

void set_txlock(Options& /*options*/, std::string_view key, std::string_view value) {
  if (sqlite::lower_ascii(value) == "immediate") return;
  refuse("the URI has " + std::string(key) + "=" + std::string(value) +
             ", and a write transaction that does not take the lock at its start fails when it "
             "first writes",
         "Leave it out: writes are always immediate, reads always deferred.");
}

void set_mode(Options& options, std::string_view key, std::string_view value) {
  const std::string word = sqlite::lower_ascii(value);
  if (word == "ro")
    options.mode = OpenMode::ReadOnly;
  else if (word == "rw")
    options.mode = OpenMode::ReadWrite;
  else if (word == "rwc")
    options.mode = OpenMode::ReadWriteCreate;
  else if (word == "memory")
    options.mode = OpenMode::Memory;
  else
    refuse_value(key, value, "ro, rw, rwc or memory");
}

void set_cache(Options& /*options*/, std::string_view key, std::string_view value) {
  if (sqlite::lower_ascii(value) == "private") return;
  if (sqlite::lower_ascii(value) != "shared") refuse_value(key, value, "private");
  refuse(
      "the URI has cache=shared, and in a shared cache SQLite answers 'database table is locked' "
      "at once, without asking any busy timeout",
      "Leave it out: the pool shares one file, and databases in memory are shared without it.");
}

void set_immutable(Options& options, std::string_view key, std::string_view value) {
  options.immutable = to_bool(key, value);
}

void refuse_nolock(Options& /*options*/, std::string_view key, std::string_view value) {
  if (!to_bool(key, value)) return;
  refuse("the URI has nolock=1, and without locks two writers damage the file", "Leave it out.");
}

void refuse_vfs(Options& /*options*/, std::string_view key, std::string_view /*value*/) {
  refuse("the URI has " + std::string(key) + "=, which is a matter of the program",
         "Set Options::vfs.");
}

constexpr std::string_view kPragma = "_pragma";

struct Key {
  std::string_view name;
  std::string_view meaning;  // Keys with the same meaning cannot be given together.
  void (*apply)(Options&, std::string_view key, std::string_view value);
};

constexpr auto kKeys = std::to_array<Key>({
    {"_busy_timeout", "busy_timeout", set_busy_timeout},
    {"_timeout", "busy_timeout", set_busy_timeout},
    {"_foreign_keys", "foreign_keys", set_foreign_keys},
    {"_fk", "foreign_keys", set_foreign_keys},
    {"_journal_mode", "journal_mode", set_journal_mode},
    {"_journal", "journal_mode", set_journal_mode},
    {"_synchronous", "synchronous", set_synchronous},
    {"_sync", "synchronous", set_synchronous},
    {"_txlock", "txlock", set_txlock},
    {"cache", "cache", set_cache},
    {"immutable", "immutable", set_immutable},
    {"mode", "mode", set_mode},
    {"nolock", "nolock", refuse_nolock},
    {"vfs", "vfs", refuse_vfs},
});

// `_pragma=busy_timeout(5000)`, any number of times, is how modernc.org/sqlite for Go spells
// `_busy_timeout=5000`. Gives the key and its value.
std::pair<std::string, std::string> pragma_as_key(const std::string& value) {
  constexpr auto kPragmas = std::to_array<std::string_view>(
      {"busy_timeout", "foreign_keys", "journal_mode", "synchronous"});
  const std::size_t open = value.find('(');
  if (open == std::string::npos || !value.ends_with(')'))
    refuse_value(kPragma, value, "of the form name(value)");
  const std::string name = sqlite::lower_ascii(value.substr(0, open));
  if (std::find(kPragmas.begin(), kPragmas.end(), name) == kPragmas.end()) {
    refuse("the URI has _pragma=" + value + ", which is no setting of this library",
           "Known are busy_timeout, foreign_keys, journal_mode and synchronous.");
  }
  return {"_" + name, value.substr(open + 1, value.size() - open - 2)};
}

const Key& find_key(const std::string& name) {
  const auto* const found =
      std::find_if(kKeys.begin(), kKeys.end(), [&](const Key& key) { return key.name == name; });
  if (found != kKeys.end()) return *found;
  std::string known(kPragma);
  for (const Key& key : kKeys)
    known += (known.empty() ? "" : ", ") + std::string(key.name);
  refuse("the URI has an unknown key '" + name + "'", "Known keys are " + known + ".");
}

std::string path_of(std::string_view location) {
  // file:///absolute and file://localhost/absolute; any other authority is somebody else's file.
  if (location.starts_with("//")) {
    const std::size_t slash = location.find('/', 2);
    const std::string_view authority =
        location.substr(2, slash == std::string_view::npos ? slash : slash - 2);
    if (!authority.empty() && authority != "localhost") {
      refuse("the URI names the host '" + std::string(authority) + "'",
             "Use file:relative, file:/absolute or file:///absolute.");
    }
    location = slash == std::string_view::npos ? std::string_view() : location.substr(slash);
  }
  return percent_decoded(location);
}

OpenTarget parse(std::string_view uri, Options base) {
  if (!uri.starts_with("file:")) refuse("'" + std::string(uri) + "' does not begin with file:");
  uri.remove_prefix(std::string_view("file:").size());
  uri = uri.substr(0, uri.find('#'));
  const std::size_t question = uri.find('?');
  OpenTarget target{path_of(uri.substr(0, question)), std::move(base)};

  std::string_view query =
      question == std::string_view::npos ? std::string_view() : uri.substr(question + 1);
  std::set<std::string_view> seen;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    std::string name = percent_decoded(pair.substr(0, equals));
    std::string value =
        equals == std::string_view::npos ? std::string() : percent_decoded(pair.substr(equals + 1));
    if (name == kPragma) std::tie(name, value) = pragma_as_key(value);
    const Key& key = find_key(name);
    if (!seen.insert(key.meaning).second)
      refuse("the URI sets " + std::string(key.meaning) + " twice");
    key.apply(target.options, key.name, value);
  }
  if (target.options.immutable && target.options.mode != OpenMode::ReadOnly) {
    refuse(
        "the URI has immutable=1 for a file that may be written, and SQLite then overlooks what "
        "is in the write-ahead log",
        "Add mode=ro.");
  }
  if (target.path.find('\0') != std::string::npos) refuse("the URI's path contains a NUL byte");
  return target;
}

}  // namespace

OpenTarget Options::from_uri(std::string_view uri, std::source_location where) {
  return from_uri(uri, Options{}, where);
}

OpenTarget Options::from_uri(std::string_view uri, Options base, std::source_location where) {
  try {
    return parse(uri, std::move(base));
  } catch (Refusal& refusal) {
    Call call;
    call.where = where;
    sqlite::raise_misuse(code("URI_INVALID"), std::move(refusal.message), call,
                         std::move(refusal.hint));
  }
}

}  // namespace turnstile
