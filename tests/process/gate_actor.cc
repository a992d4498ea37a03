// One process at the gate, moved by a test over pipes, one line each way:
//   take MS LANE    prints `queued` when it has to wait, then `granted NS` or `timeout`, where NS
//   is
//                   the moment on the monotonic clock, which all processes share
//   give            prints `given`
//   count N FILE    N times: takes the gate, adds one to the number in FILE, gives it up when it
//                   should; prints `counted`
// The end of the input is its end.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <source_location>
#include <sstream>
#include <string>
#include <string_view>

#include "gate/process_gate.h"
#include "gate/sync_point.h"

namespace turnstile::gate {
namespace {

void say(std::string_view line) {
  std::cout << line << std::endl;
}

void on_sync_point(std::string_view name) {
  if (name == "ProcessGate::take:queued") say("queued");
}

Claim claim(std::string_view lane) {
  return Claim::of_this_thread(lane, std::source_location::current());
}

void take(ProcessGate& gate, std::chrono::milliseconds budget, std::string_view lane) {
  if (gate.take(claim(lane), Deadline::after(budget)) == Wait::Granted) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    say("granted " + std::to_string(std::chrono::nanoseconds(now).count()));
  } else {
    say("timeout");
  }
}

// Read and written in two steps, so that a number is lost when two processes are in at once.
void count(ProcessGate& gate, int times, const std::string& path) {
  sync_point_hook = nullptr;
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  for (int i = 0; i < times; ++i) {
    static_cast<void>(gate.take(claim("count"), Deadline::never()));
    std::int64_t number = 0;
    if (::pread(file, &number, sizeof number, 0) != ssize_t{sizeof number}) number = 0;
    ++number;
    if (::pwrite(file, &number, sizeof number, 0) != ssize_t{sizeof number}) say("cannot write");
    if (gate.should_give() || i % 16 == 0) gate.give();
  }
  gate.give();
  ::close(file);
  say("counted");
}

int run(const std::string& database) {
  ProcessGate gate(database);
  sync_point_hook = &on_sync_point;
  std::string lane;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "take") {
      std::int64_t budget = 0;
      words >> budget >> lane;
      take(gate, std::chrono::milliseconds(budget), lane);
    } else if (command == "give") {
      gate.give();
      say("given");
    } else if (command == "count") {
      int times = 0;
      std::string path;
      words >> times >> path;
      count(gate, times, path);
    } else {
      say("unknown command");
    }
  }
  return 0;
}

}  // namespace
}  // namespace turnstile::gate

int main(int count, char** arguments) {
  try {
    return turnstile::gate::run(count > 1 ? arguments[1] : "");
  } catch (const std::exception& error) {
    std::cout << "error " << error.what() << std::endl;
    return 1;
  }
}
