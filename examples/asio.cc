// Writes from coroutines of Asio. A coroutine of asio::awaitable waits only for what Asio knows, so
// a submitted write is made one of its asynchronous operations: a dozen lines, for any framework
// with completion tokens.
#include <asio.hpp>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>
#include <type_traits>
#include <utility>

#include "turnstile/turnstile.h"

namespace {

// `co_await write(lane, closure)`: the closure's result, or its exception. No thread waits.
template <class F, class R = std::invoke_result_t<F&, turnstile::WriteTx&>>
asio::awaitable<R> write(turnstile::Lane lane, F closure) {
  const auto start = [lane](auto handler, F call) {
    const auto executor = asio::get_associated_executor(handler);
    auto done = [executor, handler = std::move(handler)](turnstile::Outcome<R> outcome) mutable {
      // This is a thread of the library, which has other writes to look after: only hand it over.
      asio::post(executor, [handler = std::move(handler), outcome = std::move(outcome)]() mutable {
        if (outcome.ok())
          handler(nullptr, outcome.get());
        else
          handler(outcome.error(), R{});
      });
    };
    lane.submit({}, std::move(call), std::move(done));
  };
  return asio::async_initiate<const asio::use_awaitable_t<>&, void(std::exception_ptr, R)>(
      start, asio::use_awaitable, std::move(closure));
}

asio::awaitable<void> handle_request(turnstile::Lane notes, std::string title) {
  const auto insert = [title](turnstile::WriteTx& tx) {
    return tx.execute("INSERT INTO note(title) VALUES (?)", title).last_insert_rowid;
  };
  try {
    const std::int64_t id = co_await write(notes, insert);
    std::cout << title << " has id " << id << '\n';
  } catch (const turnstile::ConstraintError&) {
    std::cout << title << " is there already\n";
  }
}

asio::awaitable<void> handle_requests(turnstile::Lane notes) {
  for (const char* title : {"a note", "another", "a note"})
    co_await handle_request(notes, title);
}

}  // namespace

int main() {
  turnstile::Options options;
  options.migrations = {
      {1, "notes", "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT NOT NULL UNIQUE)"}};
  const turnstile::Database db = turnstile::Database::open("notes.db", options);

  asio::io_context loop(1);  // One thread runs all of it.
  asio::co_spawn(loop, handle_requests(db.lane("notes")), asio::detached);
  loop.run();
  return 0;
}

// Prints:
//   a note has id 1
//   another has id 2
//   a note is there already
