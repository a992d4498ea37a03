// A process that changes indexed documents at random until it is killed or its input ends:
//
//   text_actor DB PROCESS SEED
//
// Each change is a transaction with a row (PROCESS, n) of its own in the table `work`; it says
// `ack n` after each. Now and then it builds the index anew or optimizes it.
#include <poll.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "support/documents.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

void say(const std::string& line) {
  const std::string text = line + '\n';
  if (::write(STDOUT_FILENO, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    std::exit(1);
}

bool input_has_ended() {
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  return ::poll(&input, 1, 0) > 0;
}

class Worker {
 public:
  Worker(const Database& db, std::int64_t process, std::uint64_t seed)
      : lane_(db.lane("worker")), process_(process), engine_(seed) {}

  void run() {
    for (std::int64_t n = 1; !input_has_ended(); ++n) {
      lane_.write([&](WriteTx& tx) {
        change(tx);
        tx.execute("INSERT INTO work(process, n) VALUES (?, ?)", process_, n);
      });
      say("ack " + std::to_string(n));
      const std::uint64_t chance = below(40);
      if (chance == 0) index_.optimize();
      if (chance == 1) index_.rebuild();
    }
  }

 private:
  std::uint64_t below(std::uint64_t bound) {
    return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(engine_);
  }

  void change(WriteTx& tx) {
    const std::vector<std::string> statements{
        "INSERT OR REPLACE INTO doc(id, path, body) VALUES (?1, ?2, ?3)",
        "INSERT INTO doc(id, path, body) VALUES (?1, ?2, ?3) "
        "ON CONFLICT DO UPDATE SET body = excluded.body",
        "UPDATE doc SET body = body || ?3 WHERE id BETWEEN ?1 AND ?1 + 5 AND length(body) < 500 "
        "AND path <> ?2",
        "DELETE FROM doc WHERE id % 50 = ?1 % 50 AND path <> ?2 AND body <> ?3"};
    const auto key = static_cast<std::int64_t>(below(300));
    const std::string path = "/" + std::to_string(below(250));
    tx.execute(statements[below(statements.size())], key, path,
               "words " + std::to_string(below(1000)));
  }

  const Lane lane_;
  const std::int64_t process_;
  std::mt19937_64 engine_;
  const TextIndex index_{lane_, document_index()};
};

}  // namespace
}  // namespace turnstile::test

int main(int argc, char** argv) {
  using namespace turnstile::test;
  try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    const turnstile::Database db = turnstile::Database::open(words.at(0), with_documents());
    Worker(db, std::stoll(words.at(1)), std::stoull(words.at(2))).run();
  } catch (const std::exception& error) {
    say(std::string("failed ") + error.what());
  }
}
