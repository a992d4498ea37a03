// A process that uses the vectors of a file until it is killed or its input ends:
//
//   vectors_actor PATH STORAGE upsert NUMBER   puts and removes batches of ten items
//   NUMBER-ROUND-I;
//                                              says `ack ROUND` after each put
//   vectors_actor PATH STORAGE rebuild         makes gaps and rebuilds, over and over
//   vectors_actor PATH STORAGE embed           runs an EmbeddingBuffer until its input ends; then
//                                              says how many vectors it has stored
//
// It says `ready` first.
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "support/child_process.h"
#include "support/vector_database.h"
#include "turnstile/embedding_buffer.h"

namespace turnstile::test {
namespace {

constexpr int kDimension = 32;
constexpr int kBatch = 10;

// One write(2), so that a kill leaves either a whole line or none.
void say(std::string line) {
  line += '\n';
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    std::exit(1);
}

std::vector<VectorItem> batch_of(const std::string& name, RandomVectors& random) {
  std::vector<VectorItem> items;
  for (int i = 0; i < kBatch; ++i)
    items.push_back({.id = name + "-" + std::to_string(i), .vector = random.next()});
  return items;
}

std::vector<std::string> ids_of_batch(const std::string& name) {
  std::vector<std::string> ids;
  for (int i = 0; i < kBatch; ++i)
    ids.push_back(name + "-" + std::to_string(i));
  return ids;
}

[[noreturn]] void upsert_forever(const VectorCollection& things, const std::string& process) {
  RandomVectors random(std::stoull(process), VectorElement::Float32, kDimension);
  for (int round = 0;; ++round) {
    const std::string name = process + "-" + std::to_string(round);
    things.upsert(batch_of(name, random));
    say("ack " + std::to_string(round));
    (void)things.search(random.next());
    if (round % 3 == 2) things.remove(ids_of_batch("gap-" + name));
  }
}

[[noreturn]] void rebuild_forever(const VectorCollection& things) {
  RandomVectors random(1, VectorElement::Float32, kDimension);
  for (int round = 0;; ++round) {
    std::vector<VectorItem> items;
    std::vector<std::string> removed;
    for (int i = 0; i < 1000; ++i) {
      items.push_back({.id = "gap-" + std::to_string(i), .vector = random.next()});
      if (i % 4 != 0) removed.push_back(items.back().id);
    }
    things.upsert(items);
    things.remove(removed);
    say("ack " + std::to_string(round));
    things.rebuild();
  }
}

void embed(const VectorCollection& things) {
  EmbeddingBuffer buffer(
      things,
      [](std::span<const std::string> texts) {
        return std::vector(texts.size(), std::vector<float>(kDimension, 1));
      },
      [](std::span<const std::string> ids) {
        std::vector<std::optional<EmbeddingContent>> contents;
        for (const std::string& id : ids)
          contents.emplace_back(EmbeddingContent{.text = id});
        return contents;
      });
  buffer.start();
  std::string line;
  std::getline(std::cin, line);
  const EmbeddingStop stop = buffer.stop(patience());
  say(std::to_string(buffer.counters().stored) + (stop.complete ? "" : " not complete"));
}

int run(std::span<char*> words) {
  const Database db = Database::open(words[1], with_vec0());
  const VectorDefinition definition{.dimension = kDimension,
                                    .storage = std::string_view(words[2]) == "packed"
                                                   ? VectorStorage::Packed
                                                   : VectorStorage::SqliteVec};
  const VectorCollection things =
      VectorStore(db.lane("actor")).open_or_create("things", definition);
  const std::string_view verb = words[3];
  say("ready");
  if (verb == "upsert") upsert_forever(things, words[4]);
  if (verb == "rebuild") rebuild_forever(things);
  embed(things);
  return 0;
}

}  // namespace
}  // namespace turnstile::test

int main(int count, char** words) {
  if (count < 4) return 2;
  try {
    return turnstile::test::run(std::span(words, static_cast<std::size_t>(count)));
  } catch (const std::exception& error) {
    std::cout << "error " << error.what() << std::endl;
    return 1;
  }
}
