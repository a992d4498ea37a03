// A process that opens a file with so many schema steps, and can be stopped on the way:
//
//   migrate_actor PATH STEPS gun|at-once [POINT [N]]
//
// With `gun` it waits for a byte on descriptor 3. At the Nth time that it comes to the sync
// point POINT it says `at` and stays there until its input ends. In the end it says `ok VERSION`,
// or `error` and the message.
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>

#include "gate/sync_point.h"
#include "support/counted_migrations.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

std::string point_to_stop_at;
int passes_left = 0;

void say(const std::string& line) {
  std::cout << line << std::endl;
}

void on_sync_point(std::string_view name) {
  if (name != point_to_stop_at || --passes_left != 0) return;
  say("at");
  std::string ignored;
  while (std::getline(std::cin, ignored)) {
  }
}

void wait_for_start() {
  constexpr int kStart = 3;
  char byte = 0;
  if (::read(kStart, &byte, 1) != 1) std::_Exit(1);
}

int run(int count, char** words) {
  Options options;
  options.migrations = counted_migrations(std::stoi(words[2]));
  if (count > 4) {
    point_to_stop_at = words[4];
    passes_left = count > 5 ? std::stoi(words[5]) : 1;
    gate::sync_point_hook = &on_sync_point;
  }
  say("ready");
  if (std::string_view(words[3]) == "gun") wait_for_start();
  try {
    const Database db = Database::open(words[1], options);
    say("ok " + std::to_string(db.info().schema_version));
    return 0;
  } catch (const std::exception& error) {
    say(std::string("error ") + error.what());
    return 1;
  }
}

}  // namespace
}  // namespace turnstile::test

int main(int count, char** words) {
  return count < 4 ? 2 : turnstile::test::run(count, words);
}
