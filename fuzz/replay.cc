// Runs a fuzz target without libFuzzer, for compilers that have none: over its seeds, and over
// changes of them for as long as it is told. It knows no more of the target than that, and finds
// less than libFuzzer does; but what is written down as a seed stays found.
//
//   NAME_fuzz [-max_total_time=SECONDS] [-seed=NUMBER] FOLDER...
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "fuzz_input.h"

namespace {

using Random = std::mt19937_64;

// What runs now, for the handler of the signal that ends it.
const std::string* current = nullptr;

extern "C" void keep_input(int signal) {
  const int file = ::open("crash-input", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file >= 0 && current != nullptr &&
      ::write(file, current->data(), current->size()) == static_cast<ssize_t>(current->size())) {
    constexpr std::string_view kSaid = "the input is in ./crash-input\n";
    static_cast<void>(::write(STDERR_FILENO, kSaid.data(), kSaid.size()));
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void run(const std::string& input) {
  current = &input;
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

std::vector<std::string> seeds_in(const std::string& folder) {
  std::vector<std::string> seeds;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return seeds;
}

// A few bytes more, fewer or others, or a piece of another seed.
std::string changed(std::string input, const std::string& other, Random& random) {
  const auto below = [&](std::size_t size) { return size == 0 ? 0 : random() % size; };
  for (auto changes = 1 + below(4); changes > 0; --changes) {
    const std::size_t place = below(input.size() + 1);
    switch (random() % 4) {
      case 0:
        input.insert(place, 1, static_cast<char>(random()));
        break;
      case 1:
        input.erase(place, 1 + below(4));
        break;
      case 2:
        if (place < input.size()) input[place] = static_cast<char>(input[place] ^ (1 << below(8)));
        break;
      default:
        input.insert(place, other.substr(below(other.size() + 1), below(16)));
    }
  }
  return input;
}

// The number behind `-NAME=`, if the word is that.
bool take(const std::string& word, const std::string& name, std::uint64_t& number) {
  if (!word.starts_with(name)) return false;
  number = std::stoull(word.substr(name.size()));
  return true;
}

int replay(const std::vector<std::string>& words) {
  std::uint64_t seconds = 0;
  std::uint64_t seed = std::random_device()();
  std::vector<std::string> seeds;
  for (const std::string& word : words) {
    if (take(word, "-max_total_time=", seconds) || take(word, "-seed=", seed)) continue;
    if (word.starts_with('-')) continue;  // What libFuzzer alone understands.
    for (std::string& each : seeds_in(word))
      seeds.push_back(std::move(each));
  }
  if (seeds.empty()) {
    std::fprintf(stderr, "there are no seeds in the folders that were named\n");
    return 1;
  }
  std::printf("%zu seeds; changes of them with -seed=%ju\n", seeds.size(), std::uintmax_t{seed});
  std::fflush(stdout);
  for (const std::string& each : seeds)
    run(each);

  Random random(seed);
  std::uintmax_t runs = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (std::chrono::steady_clock::now() < end) {
    run(changed(seeds[random() % seeds.size()], seeds[random() % seeds.size()], random));
    ++runs;
  }
  std::printf("%ju runs, nothing found\n", runs);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE})
    std::signal(signal, keep_input);
  try {
    return replay({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    std::abort();
  }
}
