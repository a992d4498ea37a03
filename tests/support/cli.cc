#include "support/cli.h"

#include <algorithm>
#include <filesystem>

#include "support/files.h"
#include "support/place_of.h"

namespace turnstile::test {

namespace {

std::vector<std::string> command_line(const std::vector<std::string>& arguments,
                                      const std::vector<std::string>& settings,
                                      const std::string& error_file) {
  std::vector<std::string> words = {
      "sh", "-c", "exec 2>\"$0\" env --default-signal=INT,TERM,HUP \"$@\"", error_file};
  words.insert(words.end(), settings.begin(), settings.end());
  words.push_back(place_of::cli());
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

}  // namespace

CliRun::CliRun(const std::vector<std::string>& arguments, const std::vector<std::string>& settings)
    : process_(command_line(arguments, settings, directory_.file("stderr"))) {}

CliResult CliRun::finish() {
  process_.close_input();
  CliResult result;
  result.out = process_.read_all();
  result.status = process_.wait();
  result.err = read_file(directory_.file("stderr"));
  return result;
}

CliResult run_cli(const std::vector<std::string>& arguments, std::string_view input,
                  const std::vector<std::string>& settings) {
  CliRun run(arguments, settings);
  if (!input.empty()) run.process().send(input);
  return run.finish();
}

ProgramResult run_in_shell(const std::string& directory, const std::string& command) {
  const std::string bin = std::filesystem::path(place_of::cli()).parent_path().string();
  return run_program({"env", "PATH=" + bin + ":/usr/bin:/bin", "sh", "-c",
                      "cd \"$0\" && eval \"$1\" 2>&1", directory, command});
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace turnstile::test
