#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "failure.h"
#include "input.h"
#include "json.h"
#include "progress_bar.h"
#include "session.h"
#include "text.h"
#include "vec/commands.h"
#include "vec/common.h"
#include "vec/item_line.h"

namespace turnstile::cli {

namespace {

constexpr std::size_t kBatch = 256;

/// Threads: confined.
class Batches {
 public:
  Batches(VectorCollection collection, const ProgressSink& progress)
      : collection_(std::move(collection)), progress_(progress) {}

  void add(const std::string& line, std::int64_t number) {
    VectorItem item = item_from_line(line, fmt::format("line {}", number));
    try {
      collection_.check_item(item, static_cast<std::size_t>(number - 1));
    } catch (const Error& error) {
      throw Failure(ExitCode::Usage, error.code(),
                    fmt::format("line {}: {}", number, error.message()), hint());
    }
    items_.push_back(std::move(item));
    if (items_.size() == kBatch) store();
  }

  void store() {
    if (items_.empty()) return;
    const VectorUpsert done = collection_.upsert(items_);
    result_.inserted += done.inserted;
    result_.replaced += done.replaced;
    result_.stale += done.stale;
    items_.clear();
    if (progress_) progress_({"put", stored(), -1});
  }

  [[nodiscard]] const VectorUpsert& result() const noexcept { return result_; }

 private:
  [[nodiscard]] std::int64_t stored() const noexcept {
    return result_.inserted + result_.replaced + result_.stale;
  }
  [[nodiscard]] std::string hint() const {
    return stored() == 0 ? "Nothing was stored."
                         : fmt::format(
                               "The first {} lines are stored; correct this one and put "
                               "all of them again.",
                               stored());
  }

  VectorCollection collection_;
  const ProgressSink& progress_;
  std::vector<VectorItem> items_;
  VectorUpsert result_;
};

}  // namespace

ExitCode run_vec_put(Context& context) {
  const Arguments& arguments = context.arguments;
  // No Session: what a signal ends is the reading of standard input, most of the time.
  const Database database = open_for_writing(context, options_for_vectors());
  ProgressBar bar(arguments.json());
  const ProgressSink progress = bar.sink();
  Batches batches(VectorStore(database.lane("cli")).open(arguments.positional("NAME")), progress);
  for_each_input_line([&](const std::string& line, std::int64_t number) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) batches.add(line, number);
  });
  batches.store();
  const VectorUpsert& done = batches.result();
  if (arguments.json()) {
    context.output.write_json(
        {{"inserted", done.inserted}, {"replaced", done.replaced}, {"stale", done.stale}});
  } else {
    context.output.write(fmt::format("inserted: {}\nreplaced: {}\nstale: {}\n", done.inserted,
                                     done.replaced, done.stale));
  }
  return ExitCode::Done;
}

}  // namespace turnstile::cli
