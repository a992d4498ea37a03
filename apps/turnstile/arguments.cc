#include "arguments.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <utility>

#include "failure.h"
#include "number.h"
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

struct Unit {
  std::string_view name;
  std::chrono::milliseconds length;
};

// The longest first.
constexpr auto kUnits = std::to_array<Unit>({
    {"d", kDay},
    {"h", std::chrono::hours(1)},
    {"m", std::chrono::minutes(1)},
    {"s", std::chrono::seconds(1)},
    {"ms", std::chrono::milliseconds(1)},
});

std::string spelled(std::chrono::milliseconds time) {
  const auto unit = std::ranges::find_if(kUnits, [time](const Unit& candidate) {
    return time % candidate.length == std::chrono::milliseconds(0);
  });
  return fmt::format("{}{}", time / unit->length, unit->name);
}

// The place of the words behind `--`, or null when the command has none.
const Positional* program_of(const Command& command) {
  const auto& positionals = command.positionals;
  return !positionals.empty() && positionals.back().words == Words::Program ? &positionals.back()
                                                                            : nullptr;
}

}  // namespace

/// One pass over the words. Threads: confined.
class Arguments::Parser {
 public:
  Parser(const std::vector<std::string>& words, const CommandTable& table)
      : words_(words), table_(table) {}

  Arguments run() {
    for (; next_ < words_.size(); ++next_) {
      const std::string& word = words_[next_];
      if (!only_positionals_ && word == "--")
        end_flags();
      else if (!only_positionals_ && looks_like_flag(word))
        take_flag(word);
      else if (result_.command_ == nullptr)
        take_command(word);
      else
        take_positional(word);
    }
    finish();
    return std::move(result_);
  }

 private:
  [[nodiscard]] std::string see_help() const {
    if (result_.command_ != nullptr)
      return fmt::format("`turnstile help {}` explains it.", result_.command_->name);
    if (result_.group_ != nullptr)
      return fmt::format("`turnstile help {}` lists its commands.", result_.group_->name);
    return "`turnstile help` lists the commands.";
  }

  void take_command(const std::string& word) {
    if (result_.group_ != nullptr) {
      result_.command_ = table_.find(full_name(*result_.group_, word));
      if (result_.command_ == nullptr) fail_unknown_second_word(word);
      return;
    }
    result_.group_ = table_.find_group(word);
    if (result_.group_ != nullptr) return;
    result_.command_ = table_.find(word);
    if (result_.command_ == nullptr) fail_unknown_command(word);
  }

  [[noreturn]] void fail_unknown_command(const std::string& word) const {
    std::string meant = suggestion(word, table_.first_words());
    for (const Group* group : table_.groups())
      if (const Command* command = table_.find(full_name(*group, word)); meant.empty() && command)
        meant = fmt::format("Did you mean {}? ", command->name);
    throw usage_failure(fmt::format("there is no command '{}'", word), meant + see_help());
  }

  [[noreturn]] void fail_unknown_second_word(const std::string& word) const {
    throw usage_failure(fmt::format("{} has no command '{}'", result_.group_->name, word),
                        suggestion(word, second_words(*result_.group_)) + see_help());
  }

  void take_positional(const std::string& word) {
    const auto& expected = result_.command_->positionals;
    if (place_ == expected.size()) {
      throw usage_failure(
          fmt::format("{} has no use for the word '{}'", result_.command_->name, word),
          "Quote words that belong together. " + see_help());
    }
    const Positional& positional = expected[place_];
    if (positional.words == Words::Choices)
      require_choice(positional.name, word, positional.choices);
    result_.values_[positional.name].push_back(word);
    if (!positional.repeats) ++place_;
  }

  // After `--`. What the command line has room for before the words of a program must be there by
  // now, or else the first of them would be taken for it.
  void end_flags() {
    only_positionals_ = true;
    if (result_.command_ == nullptr || program_of(*result_.command_) == nullptr) return;
    const auto before =
        result_.command_->positionals.first(result_.command_->positionals.size() - 1);
    require(before);
    place_ = before.size();
  }

  template <class Part>  // Positional or Flag.
  void require(std::span<const Part> parts) const {
    for (const Part& part : parts) {
      if (part.required && !result_.has(part.name)) {
        throw usage_failure(
            fmt::format("{} needs {}: {}", result_.command_->name, part.name, part.help),
            see_help());
      }
    }
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
    if (result_.command_ == nullptr) {
      throw usage_failure(fmt::format("there is no flag {} before the command", name),
                          suggestion(name, names) + see_help());
    }
    const Positional* program = program_of(*result_.command_);
    throw usage_failure(
        fmt::format("{} has no flag {}", result_.command_->name, name),
        suggestion(name, names) +
            (program == nullptr ? "" : fmt::format("Put -- before {}. ", program->name)) +
            see_help());
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
    result_.timeout_ = result_.duration("--timeout").value_or(result_.timeout_);
    if (result_.has("--help")) return;
    if (result_.command_ != nullptr) {
      require(result_.command_->positionals);
      require(result_.command_->flags);
    } else if (result_.group_ != nullptr) {
      throw usage_failure(fmt::format("{} needs one of its commands: {}", result_.group_->name,
                                      fmt::join(second_words(*result_.group_), ", ")),
                          fmt::format("`turnstile help {}` explains them.", result_.group_->name));
    }
  }

  const std::vector<std::string>& words_;
  const CommandTable& table_;
  std::size_t next_ = 0;
  std::size_t place_ = 0;  // Of the next positional.
  bool only_positionals_ = false;
  Arguments result_;
};

Arguments Arguments::parse(const std::vector<std::string>& words, const CommandTable& table) {
  return Parser(words, table).run();
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

std::optional<std::int64_t> Arguments::integer(std::string_view flag, std::int64_t least,
                                               std::int64_t most) const {
  const auto text = value(flag);
  if (!text) return std::nullopt;
  const auto number = parse_number<std::int64_t>(*text);
  if (!number || *number < least || *number > most) {
    const bool has_end = most != std::numeric_limits<std::int64_t>::max();
    throw usage_failure(fmt::format("'{}' is no number for {}", printable(*text), flag),
                        fmt::format("Write a whole number from {}{}.", least,
                                    has_end ? fmt::format(" to {}", most) : std::string(" on")));
  }
  return number;
}

std::optional<std::chrono::milliseconds> Arguments::duration(
    std::string_view flag, std::chrono::milliseconds longest) const {
  const auto text = value(flag);
  if (!text) return std::nullopt;
  const auto time = parse_duration(*text, longest);
  if (!time) {
    throw usage_failure(fmt::format("'{}' is no time for {}", *text, flag),
                        fmt::format("Write a whole number and its unit (ms, s, m, h or d), such as "
                                    "250ms or 5s. The longest is {}.",
                                    spelled(longest)));
  }
  return time;
}

std::optional<int> Arguments::page_size() const {
  constexpr int kLeast = 512;
  constexpr int kMost = 65536;
  const auto size = integer("--page-size", kLeast, kMost);
  if (!size) return std::nullopt;
  if (!std::has_single_bit(static_cast<std::uint64_t>(*size))) {
    throw usage_failure(
        fmt::format("'{}' is no size for --page-size", *size),
        fmt::format("Write a power of two from {} to {}, such as 4096.", kLeast, kMost));
  }
  return static_cast<int>(*size);
}

std::string Arguments::positional(std::string_view name) const {
  return value(name).value_or("");
}

std::vector<std::string> Arguments::positionals(std::string_view name) const {
  return values(name);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text,
                                                        std::chrono::milliseconds longest) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const std::string_view name(rest, static_cast<std::size_t>(end - rest));
  const auto unit = std::ranges::find(kUnits, name, &Unit::name);
  if (error != std::errc() || unit == kUnits.end() || number < 0 || number > longest / unit->length)
    return std::nullopt;
  return number * unit->length;
}

}  // namespace turnstile::cli
