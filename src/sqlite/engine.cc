#include "sqlite/engine.h"

#include <dlfcn.h>
#include <link.h>
#include <sqlite3.h>

#include <memory>
#include <vector>

#include "turnstile/info.h"

namespace turnstile {

namespace sqlite {

namespace {

std::string version_text(int number) {
  return std::to_string(number / 1'000'000) + "." + std::to_string(number / 1000 % 1000) + "." +
         std::to_string(number % 1000);
}

struct CloseObject {
  void operator()(void* object) const noexcept { dlclose(object); }
};
using LoadedObject = std::unique_ptr<void, CloseObject>;

/// The files of all loaded objects. They are opened afterwards, not from inside the callback: that
/// runs under a lock of the loader, and opening takes another one first.
std::vector<std::string> loaded_objects() {
  std::vector<std::string> names;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* list) {
        if (info->dlpi_name == nullptr) return 0;
        try {
          static_cast<std::vector<std::string>*>(list)->emplace_back(info->dlpi_name);
        } catch (...) {
          return 1;
        }
        return 0;
      },
      &names);
  return names;
}

/// The loaded object that `address` belongs to, or null.
const void* object_at(const void* address) noexcept {
  Dl_info info{};
  return dladdr(address, &info) == 0 ? nullptr : info.dli_fbase;
}

/// Looks a name up in `object` and in what it depends on; null when it belongs to `own_object`.
const void* find_foreign(void* object, const char* name, const void* own_object) noexcept {
  const void* const found = dlsym(object, name);
  return found == nullptr || object_at(found) == own_object ? nullptr : found;
}

// A copy of Turnstile keeps its engine to itself, so it is known by a function of its own.
constexpr const char* kFunctionOfEachCopy = "_ZN9turnstile11engine_infoEv";

std::string file_of(const void* address) {
  Dl_info info{};
  if (dladdr(address, &info) == 0 || info.dli_fname == nullptr) return "unknown file";
  return info.dli_fname;
}

}  // namespace

std::string why_version_is_unsuitable(int version_number) {
  const int line = version_number / 1000;
  const bool is_fixed = version_number >= 3'051'003 ||
                        (line == 3'050 && version_number >= 3'050'007) ||
                        (line == 3'044 && version_number >= 3'044'006);
  if (is_fixed) return {};
  return "SQLite " + version_text(version_number) +
         " has the WAL-reset bug, which loses committed transactions; 3.51.3 or newer is needed "
         "(3.50.7 and 3.44.6 carry the correction too)";
}

std::string why_engine_is_unsuitable() {
  std::string reason = why_version_is_unsuitable(sqlite3_libversion_number());
  if (!reason.empty()) return reason;
  if (sqlite3_libversion_number() < SQLITE_VERSION_NUMBER) {
    return "SQLite " + version_text(sqlite3_libversion_number()) +
           " is loaded, and the program was compiled for " + version_text(SQLITE_VERSION_NUMBER);
  }
  if (sqlite3_threadsafe() == 0) return "SQLite was compiled without threads (SQLITE_THREADSAFE=0)";
  for (const char* option :
       {"OMIT_WAL", "OMIT_AUTHORIZATION", "OMIT_PROGRESS_CALLBACK", "OMIT_LOAD_EXTENSION"}) {
    if (sqlite3_compileoption_used(option) != 0)
      return std::string("SQLite was compiled with SQLITE_") + option;
  }
  return {};
}

std::optional<std::string> find_second_engine() {
  // Asked for by a string of the engine's rather than by the address of a function of its: that
  // address may be an entry of this program's own jump table.
  // What is found may be our own, because dlsym() looks into an object's dependencies too.
  const void* const own_engine = object_at(sqlite3_libversion());
  const void* const own_copy = object_at(kFunctionOfEachCopy);
  for (const std::string& name : loaded_objects()) {
    const LoadedObject object(
        dlopen(name.empty() ? nullptr : name.c_str(), RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD));
    if (!object) continue;
    const void* found = find_foreign(object.get(), "sqlite3_libversion", own_engine);
    if (found == nullptr) found = find_foreign(object.get(), kFunctionOfEachCopy, own_copy);
    if (found != nullptr) return file_of(found);
  }
  return std::nullopt;
}

}  // namespace sqlite

EngineInfo engine_info() {
  EngineInfo info;
  info.version = sqlite3_libversion();
  info.source_id = sqlite3_sourceid();
  for (int i = 0;; ++i) {
    const char* option = sqlite3_compileoption_get(i);
    if (option == nullptr) break;
    info.compile_options.emplace_back(option);
  }
  return info;
}

}  // namespace turnstile
