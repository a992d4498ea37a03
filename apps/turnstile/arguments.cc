#include "arguments.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "failure.h"
#include "text.h"

namespace turnstile::cli {

namespace {

bool is_one_of(std::string_view word, std::span<const std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string suggestion(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string_view best = nearest(word, candidates);
  return best.empty() ? "" : fmt::format("Did you mean {}? ", best);
}

// `--name`, `-n`; not `-` (standard input), `-5`, nor SQL that begins with a comment (`-- ...`).
bool looks_like_flag(std::string_view word) {
  const std::size_t dashes = std::min(word.find_first_not_of('-'), word.size());
  if (dashes == 0 || dashes > 2 || dashes == word.size()) return false;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const std::string_view name = word.substr(dashes, word.find('=') - dashes);
  return is_letter(word[dashes]) &&
         (dashes == 1 || std::all_of(name.begin(), name.end(), [&](char c) {
            return is_letter(c) || c == '-' || (c >= '0' && c <= '9');
          }));
}

}  // namespace

/// One pass over the words. Threads: confined.
class Arguments::Parser {
 public:
  explicit Parser(const std::vector<std::string>& words) : words_(words) {}

  Arguments run() {
    for (; next_ < words_.size(); ++next_) {
      const std::string& word = words_[next_];
      if (only_positionals_ || !looks_like_flag(word))
        if (!only_positionals_ && word == "--")
          only_positionals_ = true;
        else
          take_positional(word);
      else
        take_flag(word);
    }
    finish();
    return std::move(result_);
  }

 private:
  [[nodiscard]] std::string see_help() const {
    return result_.command_ == nullptr
               ? "`turnstile help` lists the commands."
               : fmt::format("`turnstile help {}` explains it.", result_.command_->name);
  }

  void take_positional(const std::string& word) {
    if (result_.command_ == nullptr) {
      result_.command_ = find_command(word);
      if (result_.command_ == nullptr) fail_unknown_command(word);
      return;
    }
    const auto& expected = result_.command_->positionals;
    const bool repeats = !expected.empty() && expected.back().repeats;
    if (result_.positionals_.size() >= expected.size() && !repeats) {
      throw usage_failure(
          fmt::format("{} has no use for the word '{}'", result_.command_->name, word),
          "Quote words that belong together. " + see_help());
    }
    const Positional& positional =
        expected[std::min(result_.positionals_.size(), expected.size() - 1)];
    if (positional.words == Words::Choices)
      require_choice(positional.name, word, positional.choices);
    result_.positionals_.push_back(word);
  }

  [[noreturn]] void fail_unknown_command(const std::string& word) const {
    std::vector<std::string_view> names;
    for (const Command& command : commands())
      names.push_back(command.name);
    throw usage_failure(fmt::format("there is no command '{}'", word),
                        suggestion(word, names) + see_help());
  }

  [[nodiscard]] std::vector<Flag> known_flags() const {
    std::vector<Flag> flags(global_flags().begin(), global_flags().end());
    if (result_.command_ != nullptr)
      flags.insert(flags.end(), result_.command_->flags.begin(), result_.command_->flags.end());
    return flags;
  }

  void take_flag(const std::string& word) {
    const bool is_short = word[1] != '-';
    const std::string name = word.substr(0, is_short ? 2 : word.find('='));
    const std::vector<Flag> flags = known_flags();
    const auto found = std::find_if(flags.begin(), flags.end(), [&](const Flag& flag) {
      return is_short ? flag.letter == word[1] : flag.name == name;
    });
    if (found == flags.end()) fail_unknown_flag(name, flags);
    std::optional<std::string> attached;
    if (name.size() < word.size())
      attached = word.substr(name.size() + (word[name.size()] == '=' ? 1 : 0));
    store(*found, name, std::move(attached));
  }

  [[noreturn]] void fail_unknown_flag(const std::string& name,
                                      const std::vector<Flag>& flags) const {
    std::vector<std::string_view> names;
    for (const Flag& flag : flags)
      names.push_back(flag.name);
    std::string message = result_.command_ == nullptr
                              ? fmt::format("there is no flag {} before the command", name)
                              : fmt::format("{} has no flag {}", result_.command_->name, name);
    throw usage_failure(std::move(message), suggestion(name, names) + see_help());
  }

  void store(const Flag& flag, const std::string& name, std::optional<std::string> attached) {
    std::vector<std::string>& stored = result_.values_[flag.name];
    if (flag.value.empty()) {
      if (attached)
        throw usage_failure(fmt::format("the flag {} takes no value", name), see_help());
      return;
    }
    if (!attached) {
      if (next_ + 1 == words_.size()) {
        throw usage_failure(fmt::format("the flag {} needs a value, {}", name, flag.value),
                            see_help());
      }
      attached = words_[++next_];
    }
    if (!stored.empty() && !flag.repeats)
      throw usage_failure(fmt::format("the flag {} is given twice", name), see_help());
    if (flag.words == Words::Choices) require_choice(name, *attached, flag.choices);
    stored.push_back(std::move(*attached));
  }

  void require_choice(std::string_view name, const std::string& word,
                      std::span<const std::string_view> choices) const {
    if (!is_one_of(word, choices)) {
      throw usage_failure(
          fmt::format("'{}' is no value for {}", word, name),
          fmt::format("{}It is one of: {}.", suggestion(word, choices), fmt::join(choices, ", ")));
    }
  }

  void finish() {
    if (const auto text = result_.value("--timeout")) {
      const auto timeout = parse_duration(*text);
      if (!timeout) {
        throw usage_failure(fmt::format("'{}' is no time for --timeout", *text),
                            "Write a whole number and its unit: 250ms, 5s or 2m, up to a day.");
      }
      result_.timeout_ = *timeout;
    }
    if (result_.command_ == nullptr || result_.has("--help")) return;
    for (std::size_t i = result_.positionals_.size(); i < result_.command_->positionals.size();
         ++i) {
      const Positional& missing = result_.command_->positionals[i];
      if (missing.required) {
        throw usage_failure(
            fmt::format("{} needs {}: {}", result_.command_->name, missing.name, missing.help),
            see_help());
      }
    }
  }

  const std::vector<std::string>& words_;
  std::size_t next_ = 0;
  bool only_positionals_ = false;
  Arguments result_;
};

Arguments Arguments::parse(const std::vector<std::string>& words) {
  return Parser(words).run();
}

bool Arguments::asks_for_json(const std::vector<std::string>& words) noexcept {
  const auto end = std::find(words.begin(), words.end(), "--");
  return std::find(words.begin(), end, "--json") != end;
}

std::optional<std::string> Arguments::value(std::string_view flag) const {
  const auto found = values_.find(flag);
  if (found == values_.end() || found->second.empty()) return std::nullopt;
  return found->second.back();
}

std::vector<std::string> Arguments::values(std::string_view flag) const {
  const auto found = values_.find(flag);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

std::string Arguments::positional(std::string_view name) const {
  const std::vector<std::string> given = positionals(name);
  return given.empty() ? std::string() : given.front();
}

std::vector<std::string> Arguments::positionals(std::string_view name) const {
  std::vector<std::string> given;
  for (std::size_t i = 0; i < positionals_.size(); ++i) {
    const auto& expected = command_->positionals;
    if (expected[std::min(i, expected.size() - 1)].name == name) given.push_back(positionals_[i]);
  }
  return given;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  constexpr std::chrono::hours kLongest(24);
  if (error != std::errc() || number < 0 || number > std::chrono::milliseconds(kLongest).count())
    return std::nullopt;
  std::chrono::milliseconds duration(number);
  if (unit == "s")
    duration *= 1000;
  else if (unit == "m")
    duration *= 60 * 1000;
  else if (unit != "ms")
    return std::nullopt;
  return duration <= kLongest ? std::optional(duration) : std::nullopt;
}

}  // namespace turnstile::cli
