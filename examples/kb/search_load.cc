#include "search_load.h"

#include <algorithm>
#include <cctype>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "search.h"

namespace kb {

namespace {

using turnstile::ReadTx;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// A word of letters between blanks, which is a word for the full-text index too; the first one
// after a random place. Long ones are rarer, so that most searches look for something.
std::optional<std::string> pick_word(std::string_view body, std::mt19937_64& random) {
  constexpr std::size_t kShortest = 6;
  constexpr std::string_view kBlank = " \n";
  body.remove_prefix(random() % (body.size() + 1));
  while (!body.empty()) {
    body.remove_prefix(std::min(body.find_first_of(kBlank), body.size()));
    body.remove_prefix(std::min(body.find_first_not_of(kBlank), body.size()));
    const std::size_t end = body.find_first_of(kBlank);
    if (end != std::string_view::npos && end >= kShortest &&
        std::ranges::all_of(body.substr(0, end), is_letter)) {
      return std::string(body.substr(0, end));
    }
  }
  return std::nullopt;
}

std::optional<std::string> random_chunk(ReadTx& tx, std::mt19937_64& random) {
  const auto last = tx.query<std::optional<std::int64_t>>("SELECT max(id) FROM chunk").one();
  if (!last) return std::nullopt;
  std::uniform_int_distribution<std::int64_t> any(1, *last);
  return tx
      .query<std::string>("SELECT body FROM chunk WHERE id >= ? ORDER BY id LIMIT 1", any(random))
      .first();
}

// Vectors are made after the words are stored, so that only these have to be found.
std::size_t count_by_words(const std::vector<Hit>& hits) {
  return static_cast<std::size_t>(std::ranges::count_if(hits, &Hit::by_words));
}

}  // namespace

void SearchLoad::start(int threads, std::chrono::milliseconds pause) {
  for (int i = 0; i < threads; ++i)
    threads_.emplace_back([this, pause](const std::stop_token& stop) { run(stop, pause); });
}

void SearchLoad::run(const std::stop_token& stop, std::chrono::milliseconds pause) {
  constexpr std::chrono::milliseconds kWhileEmpty{20};
  std::mt19937_64 random(std::random_device{}());
  std::mutex mutex;
  std::condition_variable_any stopped;
  const auto never = [] { return false; };
  while (!stop.stop_requested()) {
    bool searched = false;
    try {
      searched = search_once(random);
    } catch (const std::exception&) {
      failures_.note_current();
    }
    std::unique_lock lock(mutex);
    stopped.wait_for(lock, stop, searched ? pause : kWhileEmpty, never);
  }
}

bool SearchLoad::search_once(std::mt19937_64& random) {
  constexpr std::int64_t kResults = 10;
  const auto begin = std::chrono::steady_clock::now();
  // The word is taken and looked for in one snapshot. In it, text and full-text index agree, so the
  // word must be found, however much is written meanwhile.
  const std::optional<std::size_t> found = lane_.read([&](ReadTx& tx) {
    const std::optional<std::string> chunk = random_chunk(tx, random);
    const std::optional<std::string> word = chunk ? pick_word(*chunk, random) : std::nullopt;
    if (!word) return std::optional<std::size_t>();
    const std::vector<std::vector<float>> vector = embedder_.embed(std::span(&*word, 1));
    const Query query{.text = *word, .vector = vector.front(), .limit = kResults};
    return std::optional(count_by_words(search(knowledge_, tx, query)));
  });
  if (!found) return false;
  const auto taken = std::chrono::duration_cast<std::chrono::microseconds>(
                         std::chrono::steady_clock::now() - begin)
                         .count();
  std::int64_t longest = longest_us_;
  while (taken > longest && !longest_us_.compare_exchange_weak(longest, taken)) {
  }
  ++searches_;
  hits_ += static_cast<std::int64_t>(*found);
  misses_ += *found == 0 ? 1 : 0;
  return true;
}

}  // namespace kb
