#include "failure.h"

#include <fmt/core.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "json.h"
#include "output.h"
#include "text.h"

namespace turnstile::cli {

namespace {

/// What the program says of a code in place of what the library says: its own exit status, where
/// the type of the exception does not decide it, and a hint in terms of commands and flags.
struct Translation {
  std::string_view code;
  std::optional<ExitCode> status;
  std::string_view hint;
};

constexpr auto kTranslations = std::to_array<Translation>({
    {"ATTACHMENT_NOT_FOUND", ExitCode::NotFound,
     "`turnstile vault info --attachments` lists them."},
    {"ATTACHMENT_READ", ExitCode::Storage, ""},
    {"ATTACHMENT_TOO_LARGE", ExitCode::Usage, "Keep large files outside of the profile."},
    {"AUDIT_CHAIN_BROKEN", ExitCode::Findings,
     "See with `turnstile audit verify` what was changed; --even-if-broken prunes all the same."},
    {"AUDIT_EXPORT_INVALID", ExitCode::Usage, ""},
    {"AUDIT_KEY_WRONG", ExitCode::Password, "Give the log's key with --key-file."},
    {"AUDIT_NOT_FOUND", ExitCode::NotFound,
     "Check the path; `turnstile audit append` begins a log."},
    {"AUTO_VACUUM_OFF", {}, "Leave --incremental out."},
    {"BACKUP_EXISTS", ExitCode::Usage, "Choose another name, or add --overwrite."},
    {"BACKUP_INVALID", ExitCode::Findings, ""},
    {"BACKUP_LIMIT", ExitCode::Usage, "Make it smaller; a program can allow more."},
    {"BACKUP_PROFILE_DIFFERS", ExitCode::Usage, ""},
    {"CANCELLED", ExitCode::Interrupted, ""},
    {"CONSTRAINT", {}, "Change the data or the schema; nothing was changed."},
    {"DB_EXISTS", ExitCode::Usage, ""},
    {"DB_IS_DIRECTORY", ExitCode::Usage, ""},
    {"DB_NOT_FOUND", ExitCode::NotFound,
     "Check the path; `turnstile init DB` makes a new database."},
    {"DB_NO_DIRECTORY", ExitCode::NotFound, "Check the path, or make the directory first."},
    {"DB_READ_ONLY", ExitCode::Usage, "Leave mode=ro out of the URI to write."},
    {"DB_SCHEMA_UNKNOWN",
     {},
     "Say with `turnstile migrate --adopt VERSION` up to which step the file has them."},
    {"DB_WAL_UNAVAILABLE", {}, "Move the file to a local disk."},
    {"INTERRUPTED", ExitCode::Interrupted, ""},
    {"INVALID_PASSWORD", ExitCode::Password, ""},
    {"MIGRATION_INVALID", {}, "Give the schema files in their order."},
    {"MIGRATION_UNREADABLE", ExitCode::NotFound, ""},
    {"OPEN_TIMEOUT", {}, "Let the holder finish, or wait longer with --timeout."},
    {"PARAMETER_COUNT", {}, "Give each parameter its value with -p NAME=VALUE."},
    {"PASSWORD_REQUIRED", ExitCode::Password,
     "Give it with --password-fd or TURNSTILE_PASSWORD, or run this at a terminal."},
    {"PASSWORD_UNEXPECTED", ExitCode::Usage, "Leave --encrypt out."},
    {"PROFILE_ALREADY_PROTECTED", ExitCode::Usage, "Use `turnstile vault change-password`."},
    {"PROFILE_NOT_FOUND", ExitCode::NotFound, "`turnstile vault list` shows the profiles."},
    {"PROFILE_NOT_PROTECTED", ExitCode::Usage, "Use `turnstile vault set-password`."},
    {"READ_ONLY_TRANSACTION", {}, "Use `turnstile exec` for statements that write."},
    {"READ_TIMEOUT", {}, "Let the holder finish, or wait longer with --timeout."},
    {"SQL_ERROR", {}, "Correct the SQL; nothing was changed."},
    {"SQL_NOT_ALLOWED",
     {},
     "Leave BEGIN, COMMIT, PRAGMA and ATTACH out: each command is one transaction of its own."},
    {"TASK_KEY_TAKEN", ExitCode::No, ""},
    {"TASK_NOT_FOUND", ExitCode::NotFound, "`turnstile task list DB` shows the tasks."},
    {"VAULT_LOCKED", ExitCode::Password, ""},
    {"VAULT_TOO_LARGE", ExitCode::Usage,
     "It has to fit into 512 MiB of memory to be given a password or sealed; create a profile with "
     "--kind encrypted instead."},
    {"VECTOR_COLLECTION_DIFFERS", ExitCode::Usage, ""},
    {"VECTOR_COLLECTION_UNKNOWN", ExitCode::NotFound,
     "Check the name; `turnstile vec info` lists the collections."},
    {"VECTOR_EXTENSION_MISSING", ExitCode::Usage,
     "Name its library in the environment variable TURNSTILE_VEC0, or make the collection with "
     "--storage packed, which needs none."},
    {"WORKSPACE_INVALID", ExitCode::NotFound,
     "Check the path; `turnstile vault create` makes a workspace."},
    {"WRITE_TIMEOUT",
     {},
     "Nothing was written; let the holder finish, or wait longer with --timeout."},
});

/// Hints of the library that know more than its table, but name a part of its interface.
struct OwnHint {
  std::string_view part;
  std::string_view hint;
};

constexpr auto kOwnHints = std::to_array<OwnHint>({
    {"execute_script()", "Give one statement; `turnstile exec` runs several when there is no -p."},
    {"RestoreProfile::profile", "Put the backup in its place by adding --replace with that id."},
});

const Translation* translation_of(std::string_view code) noexcept {
  for (const Translation& entry : kTranslations)
    if (entry.code == code) return &entry;
  return nullptr;
}

std::string_view general_hint(std::string_view code) noexcept {
  for (const ErrorCodeInfo& entry : error_codes())
    if (entry.code == code) return entry.hint;
  return {};
}

// A hint that the error brought itself knows more than any table.
std::string_view hint_of(const Error& error) noexcept {
  for (const OwnHint& own : kOwnHints)
    if (error.hint().find(own.part) != std::string_view::npos) return own.hint;
  const Translation* translation = translation_of(error.code());
  if (translation == nullptr || translation->hint.empty() ||
      error.hint() != general_hint(error.code())) {
    return error.hint();
  }
  return translation->hint;
}

Json text_or_null(std::string_view text) {
  return text.empty() ? Json() : Json(text);
}

Json number_or_null(std::int64_t number) {
  return number == 0 ? Json() : Json(number);
}

Json holder_of(const Error& error) {
  const auto* timeout = dynamic_cast<const Timeout*>(&error);
  if (timeout == nullptr || timeout->holder().kind == Holder::Kind::Unknown) return {};
  const Holder& holder = timeout->holder();
  const bool dated = holder.since.time_since_epoch().count() != 0;
  return {{"kind", holder.kind == Holder::Kind::Thread ? "thread" : "process"},
          {"lock", text_or_null(holder.lock)},
          {"lane", text_or_null(holder.lane)},
          {"thread", number_or_null(holder.thread_id)},
          {"thread_name", text_or_null(holder.thread)},
          {"pid", number_or_null(holder.pid)},
          {"program", text_or_null(holder.program)},
          {"since", dated ? Json(iso_time(holder.since)) : Json()}};
}

void print_json(std::string_view code, std::string_view message, std::string_view hint,
                int sqlite_code, Json holder) {
  const Json error = {{"error",
                       {{"code", code},
                        {"message", message},
                        {"hint", hint},
                        {"sqlite_code", number_or_null(sqlite_code)},
                        {"holder", std::move(holder)}}}};
  fmt::print(stderr, "{}\n", dump(error));
}

// The hint is a sentence; the message is a clause, so that it can stand inside another one.
void print_text(std::string_view message, std::string_view excerpt, std::string_view hint) {
  const Style style = Style::of(stderr);
  fmt::print(stderr, "{}turnstile:{} {}\n{}", style.red, style.plain, printable(message), excerpt);
  if (!hint.empty()) fmt::print(stderr, "{}hint:{} {}\n", style.bold, style.plain, printable(hint));
}

// The line of the SQL at which the parser stopped, with a mark below the place.
std::string excerpt_of(const Error& error) {
  if (!error.sql_offset() || *error.sql_offset() > error.sql().size()) return {};
  const std::string_view sql = error.sql();
  const std::size_t offset = *error.sql_offset();
  const std::size_t before = sql.substr(0, offset).rfind('\n');
  const std::size_t start = before == std::string_view::npos ? 0 : before + 1;
  const std::string_view line = sql.substr(start, sql.find('\n', offset) - start);
  constexpr std::size_t kMostColumns = 200;
  const std::string lead = printable(sql.substr(start, offset - start));
  if (display_width(lead) > kMostColumns) return {};
  return fmt::format("  {}\n  {:{}}^\n", shortened(line, kMostColumns), "", display_width(lead));
}

}  // namespace

ExitCode exit_code_of(const Error& error) noexcept {
  const Translation* translation = translation_of(error.code());
  if (translation != nullptr && translation->status) return *translation->status;
  if (dynamic_cast<const Timeout*>(&error) != nullptr ||
      dynamic_cast<const QueueFull*>(&error) != nullptr) {
    return ExitCode::TimedOut;
  }
  if (dynamic_cast<const Cancelled*>(&error) != nullptr) return ExitCode::Interrupted;
  if (dynamic_cast<const StorageError*>(&error) != nullptr) return ExitCode::Storage;
  if (dynamic_cast<const ConstraintError*>(&error) != nullptr ||
      dynamic_cast<const MisuseError*>(&error) != nullptr ||
      dynamic_cast<const MigrationError*>(&error) != nullptr || !error.sql().empty()) {
    return ExitCode::Usage;
  }
  return ExitCode::Storage;
}

Failure::Failure(ExitCode status, std::string_view code, std::string message, std::string hint)
    : status_(status), code_(code), message_(std::move(message)), hint_(std::move(hint)) {}

Failure usage_failure(std::string message, std::string hint) {
  return {ExitCode::Usage, "USAGE", std::move(message), std::move(hint)};
}

void report(const Failure& failure, bool json) {
  if (json)
    print_json(failure.code(), failure.message(), failure.hint(), 0, {});
  else
    print_text(failure.message(), "", failure.hint());
}

void report(const Error& error, bool json) {
  if (json) {
    print_json(error.code(), error.message(), hint_of(error), error.sqlite_code(),
               holder_of(error));
  } else {
    print_text(error.message(), excerpt_of(error), hint_of(error));
  }
}

// A statement that does not parse is an Error of another type; text that is not UTF-8, or has a NUL
// byte, is refused in the same way once more when it is run as a script.
bool is_second_statement(const Error& error) noexcept {
  return error.code() == "SQL_ERROR" && error.sql_offset().has_value() &&
         dynamic_cast<const MisuseError*>(&error) != nullptr;
}

void report_interruption(const Error* error, bool json) {
  const bool unknown = error != nullptr && error->commit_state() == CommitState::Unknown;
  const std::string_view message = "interrupted";
  const std::string_view hint =
      unknown ? "Whether the changes were committed is not known; look before doing it again."
              : "What had not been committed was undone; run it again if it is still wanted.";
  if (json)
    print_json("INTERRUPTED", message, hint, error == nullptr ? 0 : error->sqlite_code(), {});
  else
    print_text(message, "", hint);
}

void report_warning(std::string_view code, std::string_view message, bool json) {
  if (json) {
    const Json warning = {{"warning", {{"code", code}, {"message", message}}}};
    fmt::print(stderr, "{}\n", dump(warning));
  } else {
    const Style style = Style::of(stderr);
    fmt::print(stderr, "{}turnstile: warning:{} {}\n", style.yellow, style.plain,
               printable(message));
  }
}

}  // namespace turnstile::cli
