// kb, a small knowledge base: an example of an application on Turnstile.
#include <fmt/core.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>

#include "indexer.h"
#include "progress_line.h"
#include "search_load.h"
#include "statistics.h"
#include "stop_signal.h"
#include "store.h"
#include "turnstile/error.h"

namespace {

using std::chrono::milliseconds;

enum Exit { kDone = 0, kNothing = 1, kWrong = 2, kUsage = 3, kFailed = 6, kInterrupted = 130 };

struct Arguments {
  std::string db;
  std::string directory;
  std::string text;
  int workers = 4;
  int most = 10;
  bool passed_over = false;
};

std::string actor_of(const char* kind) {
  return fmt::format("{}-{}", kind, ::getpid());
}

int index(const Arguments& arguments) {
  kb::StopSignal stop;
  const std::string root = std::filesystem::absolute(arguments.directory).lexically_normal();
  if (!std::filesystem::is_directory(root)) {
    fmt::print(stderr, "kb: '{}' is not a directory\n", root);
    return kUsage;
  }
  const std::string actor = actor_of("index");
  kb::Store store(arguments.db, actor);
  kb::Indexer indexer(store, root, actor);
  std::exception_ptr failure;
  {
    const kb::ProgressLine line([&] {
      const auto progress = indexer.progress();
      return fmt::format("{} files, {} to do, {} done here", progress.scanned, progress.queued,
                         progress.processed);
    });
    try {
      indexer.run(arguments.workers, stop.token());
    } catch (...) {
      failure = std::current_exception();
    }
  }
  const auto progress = indexer.progress();
  store.record({"index", 0, 0, progress.lock_failures});
  if (failure) std::rethrow_exception(failure);
  fmt::print("{}: {} files, {} queued, {} processed, {} lock failures\n", actor, progress.scanned,
             progress.queued, progress.processed, progress.lock_failures);
  return stop.was_interrupted() ? kInterrupted : kDone;
}

int search(const Arguments& arguments) {
  kb::Store store(arguments.db, actor_of("search"));
  const auto hits = store.search(arguments.text, arguments.most);
  for (const kb::SearchHit& hit : hits) {
    std::string snippet = hit.snippet;
    for (char& c : snippet)
      if (c == '\n' || c == '\t' || c == '\r') c = ' ';
    fmt::print("{}#{}\n    {}\n", hit.path, hit.position, snippet);
  }
  return hits.empty() ? kNothing : kDone;
}

int load(const Arguments& arguments) {
  kb::StopSignal stop;
  kb::Store store(arguments.db, actor_of("load"));
  kb::SearchLoad searches(store);
  {
    const kb::ProgressLine line([&] {
      const auto progress = searches.progress();
      return fmt::format("{} files waiting, {} searches beside the writers", store.pending(),
                         progress.searches);
    });
    searches.run(arguments.workers, stop.token());
  }
  const auto progress = searches.progress();
  store.record({"load", progress.searches, progress.hits, progress.lock_failures});
  return kDone;  // A signal is how a load is meant to end.
}

void print(const kb::Statistics& all) {
  constexpr double kMillisecond = 1000.0;
  constexpr double kMebibyte = 1024.0 * 1024.0;
  fmt::print("documents            {}, of {} only the first 2 MiB\n", all.documents, all.cut_off);
  fmt::print("chunks               {}\n", all.chunks);
  fmt::print("text                 {:.1f} MiB\n", static_cast<double>(all.text_bytes) / kMebibyte);
  fmt::print("files passed over    {}\n", all.passed_over);
  fmt::print("files waiting        {}\n", all.pending);
  fmt::print("audit events         {}\n", all.audit_events);
  fmt::print("searches             {} with {} results\n", all.searches, all.hits);
  fmt::print("commits              {}\n", all.commits);
  fmt::print("longest write wait   {:.1f} ms\n",
             static_cast<double>(all.longest_write_wait_us) / kMillisecond);
  fmt::print("longest read wait    {:.1f} ms\n",
             static_cast<double>(all.longest_read_wait_us) / kMillisecond);
  fmt::print("lock failures: {}\n", all.lock_failures);
  fmt::print("integrity check: {}\n", all.problems.empty() ? "ok" : "FAILED");
  for (const std::string& problem : all.problems)
    fmt::print("  {}\n", problem);
}

int stats(const Arguments& arguments) {
  kb::Store store(arguments.db, actor_of("stats"));
  const kb::Statistics all = kb::gather_statistics(store);
  print(all);
  return all.problems.empty() ? kDone : kWrong;
}

int paths(const Arguments& arguments) {
  kb::Store store(arguments.db, actor_of("paths"));
  const auto all = arguments.passed_over ? store.passed_over_paths() : store.known_paths();
  for (const std::string& path : all)
    fmt::print("{}\n", path);
  return kDone;
}

using Command = int (*)(const Arguments&);

int run(Command command, const Arguments& arguments) {
  try {
    return command(arguments);
  } catch (const turnstile::Error& error) {
    fmt::print(stderr, "kb: {}\nhint: {}\n", error.message(), error.hint());
  } catch (const std::exception& error) {
    fmt::print(stderr, "kb: {}\n", error.what());
  }
  return kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  Command command = nullptr;
  CLI::App app{"A small knowledge base over the text files of a directory", "kb"};
  app.require_subcommand(1);
  const auto add = [&](const char* name, const char* help, Command function) {
    CLI::App* sub = app.add_subcommand(name, help);
    sub->add_option("--db", arguments.db, "The database file")->required();
    sub->callback([&command, function] { command = function; });
    return sub;
  };
  auto* index_command = add("index", "Bring the database in line with a directory", index);
  index_command->add_option("DIR", arguments.directory, "The directory")->required();
  index_command->add_option("--workers", arguments.workers, "Threads")->check(CLI::Range(1, 64));
  auto* search_command = add("search", "Find texts that have all the words", search);
  search_command->add_option("TEXT", arguments.text, "Any text")->required();
  search_command->add_option("-n", arguments.most, "Most results")->check(CLI::Range(1, 1000));
  auto* load_command = add("load", "Search for words of the index until stopped", load);
  load_command->add_option("--threads", arguments.workers, "Threads")->check(CLI::Range(1, 64));
  add("stats", "Count, and check that everything agrees", stats);
  add("paths", "Print the path of every file that is accounted for", paths)
      ->add_flag("--passed-over", arguments.passed_over, "Only of those that are no texts");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  return run(command, arguments);
}
