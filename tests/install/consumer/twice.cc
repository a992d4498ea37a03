// A program with a copy of Turnstile that loads another one: each would have an engine of its own.
#include <dlfcn.h>

#include <iostream>

#include "turnstile/turnstile.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: twice DB LIBRARY\n";
    return 3;
  }
  if (dlopen(argv[2], RTLD_NOW | RTLD_LOCAL) == nullptr) {
    std::cout << dlerror() << '\n';
    return 1;
  }
  try {
    turnstile::Database::open(argv[1]);
    std::cout << "was not noticed\n";
  } catch (const turnstile::Error& error) {
    std::cout << error.code() << ' ' << error.what() << '\n';
  }
  return 0;
}
