#include "search_load.h"

#include <chrono>
#include <random>
#include <thread>
#include <vector>

namespace kb {

void SearchLoad::run(int threads, const std::stop_token& stop) {
  std::vector<std::jthread> workers;
  for (int i = 0; i < threads; ++i)
    workers.emplace_back([this, i, &stop] { work(static_cast<std::uint64_t>(i), stop); });
}

void SearchLoad::work(std::uint64_t seed, const std::stop_token& stop) {
  constexpr int kResults = 5;
  constexpr std::chrono::milliseconds kPause{5};
  std::mt19937_64 random(seed);
  while (!stop.stop_requested()) {
    try {
      const std::string word = store_.sample_word(static_cast<std::int64_t>(random() >> 2U));
      const auto found = store_.search(word, kResults);
      ++searches_;
      hits_ += static_cast<std::int64_t>(found.size());
    } catch (const turnstile::Error& error) {
      lock_failures_.count(error);
    }
    // People pause between two searches; and the indexers share these cores.
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace kb
