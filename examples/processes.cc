// Four processes start at the same moment on a file that is not there yet, and count together.
// Each one opens, makes the schema if nobody has, and writes as fast as it can; none of them ever
// sees a lock, and no step is lost.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>

#include "turnstile/turnstile.h"

namespace {

constexpr int kProcesses = 4;
constexpr int kSteps = 250;

turnstile::Database open_counter() {
  turnstile::Options options;
  options.migrations = {{1, "counter",
                         "CREATE TABLE counter(value INTEGER NOT NULL);"
                         "INSERT INTO counter VALUES (0)"}};
  return turnstile::Database::open("counter.db", options);
}

// Reads before it writes, which is where other programs are refused with `database is locked`.
void count_on(turnstile::WriteTx& tx) {
  const auto value = tx.query<std::int64_t>("SELECT value FROM counter").one();
  tx.execute("UPDATE counter SET value = ?", value + 1);
}

int work() noexcept {
  try {
    const turnstile::Database db = open_counter();
    const turnstile::Lane lane = db.lane("counter");
    for (int step = 0; step < kSteps; ++step)
      lane.write(count_on);
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
  }
}

}  // namespace

int main() {
  // A fork comes before an open: a database belongs to the process that opened it.
  for (int process = 0; process < kProcesses; ++process)
    if (::fork() == 0) std::_Exit(work());

  int failures = 0;
  for (int status = 0; ::wait(&status) > 0;)
    if (status != 0) ++failures;

  const auto value = open_counter().lane("counter").read([](turnstile::ReadTx& tx) {
    return tx.query<std::int64_t>("SELECT value FROM counter").one();
  });
  std::cout << kProcesses << " processes, " << failures << " failures\n"
            << "counted to " << value << '\n';
  return failures;
}

// Prints:
//   4 processes, 0 failures
//   counted to 1000
