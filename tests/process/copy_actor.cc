// A process that makes copies, and can be killed in the middle of it:
//
//   copy_actor POINT VERB ARGUMENTS...
//
// where VERB is `backup DB DEST`, `overwrite DB DEST`, `compact DB DEST`, `restore SRC TARGET`,
// `replace SRC TARGET` (a restore that keeps nothing), `move SRC TARGET` (a restore where no file
// can have two names), `open DB` or `vacuum DB`. At the sync point POINT, the first time, it says
// `at POINT` and waits for a line. In the end it says `done` or `failed` with the reason.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "gate/sync_point.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

std::string point;
bool has_second_names = true;

void on_sync_point(std::string_view name) {
  if (name != point) return;
  gate::sync_point_hook = nullptr;
  std::cout << "at " << name << std::endl;
  std::string line;
  std::getline(std::cin, line);
}

void run(const std::vector<std::string>& words) {
  const std::string& verb = words.at(0);
  if (verb == "restore" || verb == "replace" || verb == "move") {
    has_second_names = verb != "move";
    (void)restore(words.at(1), words.at(2), {.keep_old = verb != "replace"});
    return;
  }
  const Database db = Database::open(words.at(1));
  if (verb == "open") return;
  if (verb == "vacuum") return db.maintenance().vacuum();
  BackupOptions options;
  options.pages_per_step = 4;
  options.compact = verb == "compact";
  options.overwrite = verb == "overwrite";
  (void)db.backup(words.at(2), options);
}

}  // namespace
}  // namespace turnstile::test

// In the place of the C library's, so that this process can be one on a FAT file system.
extern "C" int link(const char* from, const char* to) noexcept {
  if (turnstile::test::has_second_names) return ::linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
  errno = EPERM;
  return -1;
}

int main(int argc, char** argv) {
  using namespace turnstile;
  const std::vector<std::string> words(argv + 1, argv + argc);
  test::point = words.at(0);
  gate::sync_point_hook = &test::on_sync_point;
  try {
    test::run({words.begin() + 1, words.end()});
    std::cout << "done" << std::endl;
  } catch (const std::exception& error) {
    std::cout << "failed " << error.what() << std::endl;
  }
}
