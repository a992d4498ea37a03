// A process that works with records and does what a test tells it, one line a command:
//
//   start PATH     says ok, waits for a byte on descriptor 3, then opens and makes the table
//   upsert COUNT   upserts the names 0, 1, ... COUNT-1, each in a transaction of its own
//   edit COUNT     adds 1 to an account's balance, COUNT times: reads it, updates it, and begins
//                  anew while it is stale; says how often that was
//   spend COUNT    the same with increment()
//
// Each answer is one line, `ok` and a number, or `error` and the message.
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>

#include "support/account.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

void say(const std::string& line) {
  std::cout << line << std::endl;
}

void wait_for_start() {
  constexpr int kStart = 3;
  char byte = 0;
  if (::read(kStart, &byte, 1) != 1) std::_Exit(1);
}

// Threads: confined.
class Actor {
 public:
  int run(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "start") return start(words);
    int count = 0;
    words >> count;
    int stale = 0;
    for (int i = 0; i < count; ++i) {
      if (verb == "upsert") accounts_->upsert<&Account::name>({.name = std::to_string(i)});
      if (verb == "edit") stale += edit();
      if (verb == "spend") accounts_->increment<&Account::uses>(1);
    }
    return stale;
  }

 private:
  int start(std::istringstream& words) {
    std::string path;
    words >> path;
    say("ok 0");
    wait_for_start();
    database_ = Database::open(path);
    accounts_.emplace(database_->lane("accounts"));
    return 0;
  }

  int edit() {
    for (int stale = 0;; ++stale) {
      Account account = accounts_->get(1).value();
      ++account.balance;
      if (accounts_->update(account) == UpdateResult::Updated) return stale;
    }
  }

  std::optional<Database> database_;
  std::optional<Records<Account>> accounts_;
};

}  // namespace
}  // namespace turnstile::test

int main() {
  turnstile::test::Actor actor;
  for (std::string line; std::getline(std::cin, line);) {
    try {
      turnstile::test::say("ok " + std::to_string(actor.run(line)));
    } catch (const std::exception& error) {
      turnstile::test::say(std::string("error ") + error.what());
    }
  }
  return 0;
}
