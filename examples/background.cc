// An order and the mail about it are written down together, and a worker sends the mail: in the
// background, again when it fails, and once, whatever process dies when.
#include <iostream>
#include <latch>
#include <string>
#include <string_view>

#include "turnstile/task_worker.h"
#include "turnstile/tasks.h"
#include "turnstile/turnstile.h"

int main() {
  turnstile::Options options;
  options.migrations = {
      {1, "orders", "CREATE TABLE orders(buyer TEXT); CREATE TABLE sent(line TEXT)"}};
  const turnstile::Database db = turnstile::Database::open("shop.db", options);
  const turnstile::Lane shop = db.lane("shop");
  const turnstile::TaskQueue tasks(db.lane("tasks"));

  for (const std::string_view buyer : {"ada", "bob"}) {
    shop.write([&](turnstile::WriteTx& tx) {
      tx.execute("INSERT INTO orders VALUES (?)", buyer);
      // There if and only if the order is.
      tasks.enqueue(tx, {.kind = "mail",
                         .payload = std::string(buyer),
                         .backoff = {.first = std::chrono::milliseconds(10)}});
    });
  }

  std::latch all_sent(2);
  turnstile::WorkerPool pool(tasks, {.workers = 2});
  pool.handle("mail", [&](turnstile::TaskContext& context) {
    if (context.text() == "bob" && context.task().attempt == 1)
      return turnstile::TaskResult::failed("the mail server is away");
    // What the task does and that it is done are one transaction.
    shop.write([&](turnstile::WriteTx& tx) {
      tx.execute("INSERT INTO sent VALUES (? || ' at attempt ' || ?)", context.text(),
                 context.task().attempt);
      context.complete_in(tx);
    });
    all_sent.count_down();
    return turnstile::TaskResult::done();
  });
  pool.start();
  all_sent.wait();

  shop.read([](turnstile::ReadTx& tx) {
    for (const std::string& line : tx.query<std::string>("SELECT line FROM sent ORDER BY line"))
      std::cout << "sent to " << line << '\n';
  });
  return 0;
}

// Prints:
//   sent to ada at attempt 1
//   sent to bob at attempt 2
