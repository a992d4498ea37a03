#include "demo/demo.h"

#include <algorithm>

namespace turnstile::cli::demo {

std::vector<const Demo*> all_demos() {
  std::vector<const Demo*> all;
  for (const std::span<const Demo> part :
       {writer_demos(), holder_demos(), journal_demos(), checkpoint_demos(), connection_demos(),
        process_demos(), setting_demos(), file_demos(), medium_demos(), seed_demos()})
    for (const Demo& demo : part)
      all.push_back(&demo);
  return all;
}

const Demo* find_demo(std::string_view name) {
  const std::vector<const Demo*> all = all_demos();
  const auto found = std::ranges::find(all, name, &Demo::name);
  return found == all.end() ? nullptr : *found;
}

}  // namespace turnstile::cli::demo
