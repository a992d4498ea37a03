// Threads that write small transactions as fast as they get their turn (T5, T6, T7, T8, T11).
#include <cstdint>
#include <string>
#include <vector>

#include "contention/log_watch.h"
#include "contention/scenarios.h"
#include "contention/sides.h"
#include "contention/small_writers.h"
#include "support/temp_dir.h"

namespace turnstile::bench {

nlohmann::json run_writers(const Arguments& arguments) {
  const TempDir directory;
  const std::string path = directory.file("write.db");
  make_file(path, kRows);
  Window window;
  std::uint64_t log = 0;
  const std::vector<Tally> tallies = with_side(arguments, path, [&](auto& side) {
    SmallWriters writers(side, arguments);
    window = Window::after(arguments.warm_up, arguments.seconds);
    writers.start(window);
    log = longest_log(path, window);
    return writers.finish();
  });
  return report_small_writes(path, tallies, window.length(), log);
}

}  // namespace turnstile::bench
