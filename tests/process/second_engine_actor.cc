// second_engine_actor PATH refuse|allow|hold: loads the system's own SQLite, then opens a Database.
// Prints one Reply; with `hold`, which allows too, the database stays open until the input ends.
#include <dlfcn.h>

#include <exception>
#include <iostream>
#include <string>
#include <string_view>

#include "support/reply.h"
#include "turnstile/turnstile.h"

int main(int, char** arguments) {
  using turnstile::test::Reply;
  const std::string_view path = arguments[1];
  turnstile::Options options;
  const std::string_view choice = arguments[2];
  options.allow_second_engine = choice != "refuse";
  // Kept to itself, as a plug-in that brings its own SQLite would be.
  if (::dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL) == nullptr) {
    std::cout << Reply(false).set("message", ::dlerror()).line() << std::endl;
    return 1;
  }
  Reply reply(true);
  try {
    turnstile::Database database = turnstile::Database::open(path, options);
    if (choice == "hold") {
      std::cout << reply.line() << std::endl;
      std::string ignored;
      while (std::getline(std::cin, ignored)) {
      }
      return 0;
    }
    database.close();
  } catch (const std::exception& error) {
    reply = Reply::of(error);
  }
  std::cout << reply.line() << std::endl;
  return 0;
}
