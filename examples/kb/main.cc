// kb: a small knowledge base in one SQLite file, and the reference application of Turnstile.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "commands.h"
#include "turnstile/error.h"

namespace {

using kb::ExitCode;

constexpr std::string_view kHowToMakeOne =
    "Check the path, or make the file with `kb index DIR --db FILE`.";

// Told on standard error: a sentence and a hint, or for programs one JSON object.
void report(std::string_view code, std::string_view message, std::string_view hint, int sqlite_code,
            std::string_view holder, bool json) {
  if (json) {
    nlohmann::ordered_json error = {
        {"code", code}, {"message", message}, {"hint", hint}, {"sqlite_code", sqlite_code}};
    error["holder"] = holder.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(holder);
    using Json = nlohmann::ordered_json;
    fmt::print(stderr, "{}\n",
               Json{{"error", error}}.dump(-1, ' ', false, Json::error_handler_t::replace));
    return;
  }
  fmt::print(stderr, "kb: {}\n", message);
  if (!hint.empty()) fmt::print(stderr, "hint: {}\n", hint);
}

ExitCode exit_code_of(const turnstile::Error& error) {
  if (dynamic_cast<const turnstile::Timeout*>(&error) != nullptr) return ExitCode::TimedOut;
  if (error.code() == "DB_NOT_FOUND") return ExitCode::NotFound;
  if (dynamic_cast<const turnstile::StorageError*>(&error) != nullptr) return ExitCode::Storage;
  return ExitCode::Usage;
}

ExitCode run_reporting_errors(const std::function<ExitCode()>& command, bool json) {
  try {
    return command();
  } catch (const turnstile::Timeout& error) {
    report(error.code(), error.message(), error.hint(), error.sqlite_code(),
           error.holder().describe(), json);
    return exit_code_of(error);
  } catch (const turnstile::Error& error) {
    const std::string_view hint = error.code() == "DB_NOT_FOUND" ? kHowToMakeOne : error.hint();
    report(error.code(), error.message(), hint, error.sqlite_code(), "", json);
    return exit_code_of(error);
  } catch (const std::filesystem::filesystem_error& error) {
    report("DIRECTORY_NOT_FOUND",
           error.path1().string() + " cannot be indexed: " + error.code().message(),
           "Name a directory that exists and may be read.", 0, "", json);
    return ExitCode::NotFound;
  } catch (const std::exception& error) {
    report("UNEXPECTED", error.what(), "", 0, "", json);
    return ExitCode::Storage;
  }
}

CLI::AsNumberWithUnit durations() {
  const std::map<std::string, double> units{{"ms", 1}, {"s", 1000}, {"m", 60'000}};
  return CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::UNIT_REQUIRED, "DURATION");
}

// The command line is declared here, once; `chosen` is what it asks for.
class CommandLine {
 public:
  CommandLine() : app_("A small knowledge base: files of a directory, searchable, in one file") {
    app_.require_subcommand(1);
    add_index();
    add_search();
    add_stats();
    add_load();
  }

  int run(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      const bool asked_for_help = app_.exit(error) == 0;
      return static_cast<int>(asked_for_help ? ExitCode::Done : ExitCode::Usage);
    }
    return static_cast<int>(run_reporting_errors(chosen_, common_.json));
  }

 private:
  CLI::App* add_command(const char* name, const char* summary, std::function<ExitCode()> run) {
    CLI::App* command = app_.add_subcommand(name, summary);
    command->add_option("--db", common_.db, "The database file")->required();
    command->add_flag("--json", common_.json, "Print JSON");
    command->add_option("--embedder", common_.embedder,
                        "A command that makes vectors of texts, instead of the built-in stand-in");
    command->add_option("--timeout", timeout_ms_, "Longest wait of one call, such as 5s")
        ->transform(durations());
    command->callback([this, run = std::move(run)] {
      if (timeout_ms_ >= 0) common_.timeout = as_ms(timeout_ms_);
      chosen_ = run;
    });
    return command;
  }

  void add_index() {
    CLI::App* command =
        add_command("index", "Bring the text files of a directory into the file", [this] {
          index_.every = std::chrono::ceil<std::chrono::seconds>(as_ms(every_ms_));
          index_.lease = as_ms(lease_ms_);
          if (timeout_ms_ < 0)
            common_.timeout = std::chrono::seconds(30);  // Nobody sits and waits for one document.
          return run_index(common_, index_);
        });
    command->add_option("DIR", index_.directory, "The directory")->required();
    command->add_option("--workers", index_.workers, "Threads that read and store files")
        ->check(CLI::Range(1, 64));
    command->add_flag("--once", index_.once, "End when all is done instead of looking again");
    command->add_option("--every", every_ms_, "Time between two looks at the directory (30s)")
        ->transform(durations())
        ->check(CLI::Range(1.0, 86'400'000.0));
    command->add_option("--lease", lease_ms_, "Time after which a dead worker's file is free (10s)")
        ->transform(durations());
    command
        ->add_option("--max-text-bytes", index_.max_text_bytes, "Longest text that is stored whole")
        ->check(CLI::Range(std::size_t{8192}, std::size_t{1} << 28U));
  }

  void add_search() {
    CLI::App* command = add_command("search", "Find documents by their words and their meaning",
                                    [this] { return run_search(common_, search_); });
    command->add_option("QUERY", search_.query, "Words; \"in quotes\" side by side")->required();
    command->add_option("-n", search_.limit, "How many results at most")
        ->check(CLI::Range(1, 1000));
  }

  void add_stats() {
    add_command("stats", "Count and check what is stored", [this] { return run_stats(common_); });
  }

  void add_load() {
    CLI::App* command = add_command("load", "Search without pause and check the answers",
                                    [this] { return run_load(common_, load_); });
    command->add_option("--seconds", load_.seconds, "How long; without it until Ctrl-C")
        ->check(CLI::Range(0.0, 86'400.0));
    command->add_option("--threads", load_.threads, "How many at once")->check(CLI::Range(1, 64));
  }

  static std::chrono::milliseconds as_ms(double ms) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(ms));
  }

  CLI::App app_;
  kb::Common common_;
  kb::IndexCommand index_;
  kb::SearchCommand search_;
  kb::LoadCommand load_;
  double timeout_ms_ = -1;
  double every_ms_ = 30'000;
  double lease_ms_ = 10'000;
  std::function<ExitCode()> chosen_;
};

}  // namespace

int main(int argc, char** argv) {
  return CommandLine().run(argc, argv);
}
