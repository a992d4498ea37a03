#include "sqlite/authorizer.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "sqlite/touched.h"

namespace turnstile::sqlite {

namespace {

// Sorted. PRAGMAs that tell something and change nothing while they have no argument.
constexpr auto kQuestions = std::to_array<std::string_view>({
    "analysis_limit",
    "application_id",
    "auto_vacuum",
    "automatic_index",
    "busy_timeout",
    "cache_size",
    "cache_spill",
    "cell_size_check",
    "checkpoint_fullfsync",
    "collation_list",
    "compile_options",
    "data_version",
    "database_list",
    "defer_foreign_keys",
    "encoding",
    "foreign_key_check",
    "foreign_keys",
    "freelist_count",
    "fullfsync",
    "function_list",
    "hard_heap_limit",
    "ignore_check_constraints",
    "integrity_check",
    "journal_mode",
    "journal_size_limit",
    "legacy_alter_table",
    "locking_mode",
    "max_page_count",
    "mmap_size",
    "module_list",
    "page_count",
    "page_size",
    "pragma_list",
    "query_only",
    "quick_check",
    "read_uncommitted",
    "recursive_triggers",
    "reverse_unordered_selects",
    "schema_version",
    "secure_delete",
    "soft_heap_limit",
    "stats",
    "synchronous",
    "table_list",
    "temp_store",
    "threads",
    "trusted_schema",
    "user_version",
    "wal_autocheckpoint",
    "writable_schema",
});

// Sorted. PRAGMAs whose argument says what the question is about; and defer_foreign_keys, which is
// no question, but whose effect ends with the transaction.
constexpr auto kQuestionsWithArgument = std::to_array<std::string_view>({
    "defer_foreign_keys",
    "foreign_key_check",
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
});

static_assert(std::ranges::is_sorted(kQuestions));
static_assert(std::ranges::is_sorted(kQuestionsWithArgument));

std::string_view view(const char* text) noexcept {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

std::string why_pragma_refused(std::string_view name, const char* argument) {
  const std::string lower = lower_case(name);
  const bool allowed =
      argument == nullptr
          ? std::ranges::binary_search(kQuestions, std::string_view(lower))
          : std::ranges::binary_search(kQuestionsWithArgument, std::string_view(lower));
  if (allowed) return {};
  return "PRAGMA " + lower + (argument == nullptr ? "" : " with a value") +
         " would change the connection or the file for everybody; settings are given in Options";
}

/// The encryption layer has functions that change the cipher and show the salt of a connection.
/// Extensions are loaded by the library, which keeps load_extension() switched off.
std::string why_function_refused(std::string_view name) {
  const std::string lower = lower_case(name);
  if (lower == "load_extension")
    return "load_extension() loads code into one connection only; name it in Options::extensions";
  if (lower == "sqlite3mc_config" || lower == "sqlite3mc_codec_data")
    return lower + "() reaches into the encryption of the connection";
  return {};
}

}  // namespace

std::string why_refused(int action, const char* first, const char* second) {
  switch (action) {
    case SQLITE_TRANSACTION:
      return std::string(view(first)) +
             " is not for application SQL: the transaction begins before the closure and ends "
             "after it";
    case SQLITE_SAVEPOINT:
      return "savepoints are made with WriteTx::savepoint()";
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
      return "the file of a Database is its only one: ATTACH and DETACH would change the "
             "connection for its next user, and a commit over two files is not atomic";
    case SQLITE_PRAGMA:
      return why_pragma_refused(view(first), second);
    case SQLITE_FUNCTION:
      return why_function_refused(view(second));
    default:
      return {};
  }
}

void note_action(StatementTraits& traits, const Action& action) {
  const auto note_write = [&] {
    // What is temporary is the connection's own.
    if (view(action.database) == "main") add_name(traits.writes, view(action.first));
  };
  switch (action.code) {
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_CREATE_TEMP_VIEW:
      traits.makes_temporary = true;
      traits.changes_schema = true;
      break;
    case SQLITE_CREATE_VTABLE:
      if (view(action.database) == "temp") traits.makes_temporary = true;
      traits.changes_schema = true;
      break;
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_TABLE:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_CREATE_VIEW:
    case SQLITE_DROP_INDEX:
    case SQLITE_DROP_TABLE:
    case SQLITE_DROP_TEMP_INDEX:
    case SQLITE_DROP_TEMP_TABLE:
    case SQLITE_DROP_TEMP_TRIGGER:
    case SQLITE_DROP_TEMP_VIEW:
    case SQLITE_DROP_TRIGGER:
    case SQLITE_DROP_VIEW:
    case SQLITE_DROP_VTABLE:
    case SQLITE_ALTER_TABLE:
    case SQLITE_REINDEX:
    case SQLITE_ANALYZE:
      traits.changes_schema = true;
      break;
    case SQLITE_INSERT:
      if (action.trigger == nullptr) traits.inserts = true;
      note_write();
      break;
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
      note_write();
      break;
    case SQLITE_FUNCTION:
      if (sqlite3_stricmp(action.second, "last_insert_rowid") == 0) traits.asks_for_rowid = true;
      break;
    default:
      break;
  }
}

}  // namespace turnstile::sqlite
