// second_engine_actor PATH refuse|allow: loads the system's own SQLite, then opens a Database.
// Prints one Reply.
#include <dlfcn.h>

#include <exception>
#include <iostream>
#include <string_view>

#include "support/reply.h"
#include "turnstile/turnstile.h"

int main(int, char** arguments) {
  using turnstile::test::Reply;
  const std::string_view path = arguments[1];
  turnstile::Options options;
  options.allow_second_engine = std::string_view(arguments[2]) == "allow";
  // Kept to itself, as a plug-in that brings its own SQLite would be.
  if (::dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL) == nullptr) {
    std::cout << Reply(false).set("message", ::dlerror()).line() << std::endl;
    return 1;
  }
  Reply reply(true);
  try {
    turnstile::Database::open(path, options).close();
  } catch (const std::exception& error) {
    reply = Reply::of(error);
  }
  std::cout << reply.line() << std::endl;
  return 0;
}
