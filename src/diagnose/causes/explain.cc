// From the words of a person, a driver or a log to the causes behind them.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstddef>

#include "turnstile/causes.h"

namespace turnstile {

namespace {

constexpr int kPrimaryMask = 0xff;

/// A message that speaks of few causes, or else of a result code. The first that fits counts.
struct KnownMessage {
  std::string_view text;    // In lower case.
  std::string_view causes;  // With blanks between them; empty: all that the code may have.
  std::string_view code;
};

// What is said by SQLite itself comes before what drivers make of it.
constexpr auto kKnownMessages = std::to_array<KnownMessage>({
    {"sql statements in progress", "open-statement", "SQLITE_BUSY"},
    {"unfinalized statements", "open-statement", "SQLITE_BUSY"},
    {"transaction within a transaction", "shared-connection", "SQLITE_ERROR"},
    {"no transaction is active", "ended-transaction shared-connection", "SQLITE_ERROR"},
    {"cannot vacuum from within a transaction", "", "SQLITE_ERROR"},
    {"cannot change into wal mode", "", "SQLITE_ERROR"},
    {"cannot change out of wal mode", "open-statement", "SQLITE_ERROR"},
    {"database table is locked", "", "SQLITE_LOCKED"},
    {"database schema is locked", "", "SQLITE_LOCKED"},
    {"a table in the database is locked", "", "SQLITE_LOCKED"},
    {"database is locked", "", "SQLITE_BUSY"},
    {"database file is locked", "", "SQLITE_BUSY"},
    {"database locked", "", "SQLITE_BUSY"},
    {"database is busy", "", "SQLITE_BUSY"},
    {"databasebusy", "", "SQLITE_BUSY"},
    {"databaselocked", "", "SQLITE_LOCKED"},
    {"locking protocol", "", "SQLITE_PROTOCOL"},
    {"database schema has changed", "", "SQLITE_SCHEMA"},
    {"database or disk is full", "", "SQLITE_FULL"},
    {"no space left on device", "disk-full", "SQLITE_FULL"},
    {"disk i/o error", "", "SQLITE_IOERR"},
    {"readonly database", "", "SQLITE_READONLY"},
    {"read-only database", "", "SQLITE_READONLY"},
    {"unable to open database", "", "SQLITE_CANTOPEN"},
    {"unable to open the database", "", "SQLITE_CANTOPEN"},
    {"file is not a database", "", "SQLITE_NOTADB"},
    {"file is encrypted", "not-a-database", "SQLITE_NOTADB"},
    {"image is malformed", "", "SQLITE_CORRUPT"},
    {"missing from index", "", "SQLITE_CORRUPT"},
    {"access permission denied", "", "SQLITE_PERM"},
});

std::string lower_case(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

std::string upper_case(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::toupper(c); });
  return result;
}

bool belongs_to_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && belongs_to_word(text[end]))
      ++end;
    if (end > i) words.push_back(text.substr(i, end - i));
    i = end + 1;
  }
  return words;
}

std::optional<int> number_of(std::string_view word) {
  int number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return number;
}

const ResultCode* code_of_number(std::optional<int> number) {
  if (!number) return nullptr;
  const auto found = std::ranges::find(result_codes(), *number, &ResultCode::number);
  return found == result_codes().end() ? nullptr : &*found;
}

const ResultCode* code_of_name(std::string_view name) {
  const auto found = std::ranges::find(result_codes(), name, &ResultCode::name);
  return found == result_codes().end() ? nullptr : &*found;
}

const ErrorCodeInfo* error_of_name(std::string_view name) {
  const auto found = std::ranges::find(error_codes(), name, &ErrorCodeInfo::code);
  return found == error_codes().end() ? nullptr : &*found;
}

const KnownMessage* message_in(std::string_view text) {
  const std::string lower = lower_case(text);
  const auto found = std::ranges::find_if(kKnownMessages, [&](const KnownMessage& message) {
    return lower.find(message.text) != std::string::npos;
  });
  return found == kKnownMessages.end() ? nullptr : &*found;
}

bool lists(std::string_view names, std::string_view name) {
  const std::string padded = " " + std::string(names) + " ";
  return padded.find(" " + std::string(name) + " ") != std::string::npos;
}

bool lists_a_kind_of(std::string_view names, int primary) {
  const std::vector<std::string_view> words = words_of(names);
  return std::ranges::any_of(words, [primary](std::string_view word) {
    const ResultCode* const code = code_of_name(word);
    return code != nullptr && (code->number & kPrimaryMask) == primary;
  });
}

template <class Applies>
std::vector<const Cause*> causes_where(Applies applies) {
  std::vector<const Cause*> found;
  for (const Cause& cause : causes())
    if (applies(cause)) found.push_back(&cause);
  return found;
}

// Extended codes that say no more of the cause than their primary code.
constexpr auto kGeneralCodes = std::to_array<std::string_view>(
    {"SQLITE_BUSY_TIMEOUT", "SQLITE_CORRUPT_INDEX", "SQLITE_CORRUPT_SEQUENCE"});

// Many drivers show the primary code only, so that it stands for all of its kind. An extended one
// that no cause names is taken for its primary code.
std::vector<const Cause*> causes_of(const ResultCode& result) {
  const int primary = result.number & kPrimaryMask;
  if (result.number != primary) {
    const ResultCode* const general =
        std::ranges::find(kGeneralCodes, result.name) == kGeneralCodes.end()
            ? nullptr
            : code_of_number(primary);
    auto found = causes_where([&](const Cause& c) {
      return lists(c.sqlite_codes, result.name) ||
             (general != nullptr && lists(c.sqlite_codes, general->name));
    });
    if (!found.empty()) return found;
  }
  return causes_where([&](const Cause& c) { return lists_a_kind_of(c.sqlite_codes, primary); });
}

// `(262)`, `code 517`, `rc=5 extended=517`: a number counts when its surroundings say that it is a
// code. Of several, the one that says most: `statusCode 261` more than `Error code 5`. `fits` is a
// code that the text names otherwise, or null.
const ResultCode* numbered_code(std::string_view text, const std::vector<std::string_view>& words,
                                const ResultCode* fits) {
  constexpr auto kIntroductions =
      std::to_array<std::string_view>({"error", "extended", "rc", "result", "sqlite"});
  const ResultCode* best = nullptr;
  std::string before;
  for (const std::string_view word : words) {
    const ResultCode* const code = code_of_number(number_of(word));
    const bool is_introduced =
        before.ends_with("code") ||
        std::ranges::find(kIntroductions, before) != kIntroductions.end() ||
        (word.data() != text.data() && (word.data()[-1] == '(' || word.data()[-1] == '['));
    before = lower_case(word);
    if (code == nullptr || (words.size() > 1 && !is_introduced)) continue;
    if (fits == nullptr) fits = code;
    if ((code->number & kPrimaryMask) != (fits->number & kPrimaryMask)) continue;
    if (best == nullptr || code->number > best->number) best = code;
  }
  return best;
}

// The most precise one: an extended code says more than its primary code.
const ResultCode* named_code(const std::vector<std::string_view>& words) {
  const ResultCode* best = nullptr;
  for (const std::string_view word : words) {
    std::string name = upper_case(word);
    // `BUSY` alone is a code; in a sentence it is a word.
    if (words.size() == 1 && !name.starts_with("SQLITE_")) name.insert(0, "SQLITE_");
    const ResultCode* const code = code_of_name(name);
    if (code != nullptr && (best == nullptr || code->number > best->number)) best = code;
  }
  return best;
}

// Written in capitals, as codes are.
const ErrorCodeInfo* named_error(const std::vector<std::string_view>& words) {
  for (const std::string_view word : words) {
    const ErrorCodeInfo* const error =
        error_of_name(words.size() == 1 ? upper_case(word) : std::string(word));
    if (error != nullptr) return error;
  }
  return nullptr;
}

// ---- Which of several causes are likelier ----

/// What a line that has all of `words` speaks of, and which causes are near then. Only those count
/// that the code can have at all, so that one row serves SQLITE_BUSY and SQLITE_LOCKED.
struct Clue {
  std::string_view words;  // In lower case, with blanks between them.
  std::string_view causes;
};

// The most telling ones first: what is only a setting or a call of its own stands before statements
// that everybody runs.
constexpr auto kClues = std::to_array<Clue>({
    {"journal_mode wal", "wal-switch-beside-writer exclusive-locking-mode"},
    {"journal_mode", "leave-wal-beside-others open-statement wal-switch-beside-writer"},
    {"locking_mode", "exclusive-locking-mode"},
    {"wal_checkpoint", "two-checkpointers checkpoint-waits-on-reader checkpoint-in-transaction"},
    {"checkpoint", "two-checkpointers checkpoint-waits-on-reader checkpoint-in-transaction"},
    {"sqlite3_wal_checkpoint_v2",
     "two-checkpointers checkpoint-waits-on-reader checkpoint-in-transaction"},
    {"backup", "backup-starts-over"},
    {"sqlite3_backup_step", "backup-starts-over"},
    {"attach", "attached-databases"},
    {"cache shared", "shared-cache-table-lock"},
    {"nolock", "nolock"},
    {"immutable", "immutable-with-log"},
    {"busy_timeout", "busy-handler-replaced no-busy-timeout"},
    {"vacuum", "open-statement foreign-writer no-busy-timeout writer-starved"},
    {"returning", "open-statement"},
    {"commit", "rollback-journal-reader failed-commit open-statement attached-databases"},
    {"begin immediate",
     "foreign-writer writer-starved no-busy-timeout stopped-process waiting-for-oneself "
     "failed-commit zombie-connection"},
    {"begin exclusive",
     "rollback-journal-reader foreign-writer writer-starved no-busy-timeout stopped-process"},
    {"drop", "open-statement shared-cache-table-lock foreign-writer no-busy-timeout"},
    {"create",
     "open-statement shared-cache-table-lock foreign-writer no-busy-timeout upgrade-after-read "
     "stale-snapshot"},
    {"alter",
     "open-statement shared-cache-table-lock foreign-writer no-busy-timeout upgrade-after-read "
     "stale-snapshot"},
    {"insert",
     "upgrade-after-read stale-snapshot no-busy-timeout foreign-writer writer-starved "
     "waiting-for-oneself shared-cache-table-lock"},
    {"update",
     "upgrade-after-read stale-snapshot no-busy-timeout foreign-writer writer-starved "
     "waiting-for-oneself shared-cache-table-lock"},
    {"delete",
     "upgrade-after-read stale-snapshot no-busy-timeout foreign-writer writer-starved "
     "waiting-for-oneself shared-cache-table-lock"},
    {"replace",
     "upgrade-after-read stale-snapshot no-busy-timeout foreign-writer writer-starved "
     "waiting-for-oneself shared-cache-table-lock"},
    {"select",
     "recovery-after-crash last-close exclusive-locking-mode rollback-journal-reader hot-journal "
     "shared-cache-table-lock"},
});

// The causes that the first clue in the text speaks of, with blanks between them.
std::string_view clue_in(const std::vector<std::string_view>& words) {
  std::vector<std::string> lower;
  for (const std::string_view word : words)
    lower.push_back(lower_case(word));
  for (const Clue& clue : kClues) {
    const std::vector<std::string_view> wanted = words_of(clue.words);
    if (std::ranges::all_of(wanted, [&](std::string_view word) {
          return std::ranges::find(lower, word) != lower.end();
        }))
      return clue.causes;
  }
  return {};
}

// Puts those that the words speak of in front, and counts them.
void rank(Explanation& found, const std::vector<std::string_view>& words) {
  if (found.causes.size() < 2) return;
  const std::string_view clue = clue_in(words);
  const auto rest = std::ranges::stable_partition(
      found.causes, [clue](const Cause* cause) { return lists(clue, cause->id); });
  found.likelier = found.causes.size() - rest.size();
  std::ranges::sort(found.causes.begin(), rest.begin(), {},
                    [clue](const Cause* cause) { return clue.find(cause->id); });
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace

std::optional<Explanation> explain(std::string_view words) {
  const std::string_view text = trimmed(words);
  Explanation found;
  if (const Cause* const cause = find_cause(lower_case(text))) {
    found.causes = {cause};
    return found;
  }
  const std::vector<std::string_view> each = words_of(text);
  const KnownMessage* const message = message_in(text);
  found.result = named_code(each);
  if (found.result == nullptr && message != nullptr) found.result = code_of_name(message->code);
  if (const ResultCode* const code = numbered_code(text, each, found.result);
      code != nullptr && (found.result == nullptr || code->number > found.result->number))
    found.result = code;
  found.error = named_error(each);
  if (message != nullptr && !message->causes.empty())
    found.causes = causes_where([&](const Cause& c) { return lists(message->causes, c.id); });
  else if (found.result != nullptr)
    found.causes = causes_of(*found.result);
  else if (found.error != nullptr)
    found.causes =
        causes_where([&](const Cause& c) { return lists(c.error_codes, found.error->code); });
  else
    return std::nullopt;
  rank(found, each);
  return found;
}

}  // namespace turnstile
