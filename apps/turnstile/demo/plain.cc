#include "demo/plain.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>
#include <stdexcept>
#include <utility>

#include "turnstile/diagnose.h"

namespace turnstile::cli::demo {

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void scene_failed(std::string_view sql, const std::string& why) {
  throw std::runtime_error("the demonstration could not be prepared: " + std::string(sql) + ": " +
                           why);
}

}  // namespace

std::string name_of(int result) {
  const auto all = result_codes();
  const auto found = std::ranges::find(all, result, &ResultCode::number);
  if (found != all.end()) return std::string(found->name);
  return result == SQLITE_OK ? "SQLITE_OK" : std::to_string(result);
}

Plain::Plain(Part& part, std::string_view name, const PlainOptions& options)
    : part_(part), options_(options), opened_by_(::getpid()) {
  const bool is_uri = name.starts_with("file:");
  if (is_uri) uri_ = name;
  path_ = is_uri ? part.file(name.substr(5, name.find('?') - 5)) : part.file(name);
  open_result_ =
      engine().open_v2(is_uri ? uri_.c_str() : path_.c_str(), &handle_, options.flags, options.vfs);
  if (open_result_ == SQLITE_OK) engine().busy_timeout(handle_, options.timeout_ms);
}

void Plain::close() noexcept {
  engine().close_v2(std::exchange(handle_, nullptr));
}

int Plain::step_all(sqlite3_stmt* statement, std::string& value) const {
  int result = 0;
  while ((result = engine().step(statement)) == SQLITE_ROW) {
    const auto* const text = engine().column_text(statement, 0);
    value = text == nullptr ? std::string() : reinterpret_cast<const char*>(text);
  }
  return result == SQLITE_DONE ? SQLITE_OK : result;
}

int Plain::run(std::string_view sql) {
  if (open_result_ != SQLITE_OK) return engine().extended_errcode(handle_);
  std::string value;
  const std::string text(sql);
  const char* rest = text.c_str();
  int result = SQLITE_OK;
  while (result == SQLITE_OK && *rest != '\0') {
    sqlite3_stmt* statement = nullptr;
    result = engine().prepare_v2(handle_, rest, -1, &statement, &rest);
    if (result == SQLITE_OK && statement != nullptr) result = step_all(statement, value);
    // Finalizing keeps the message and the code of the failure.
    engine().finalize(statement);
  }
  return result == SQLITE_OK ? SQLITE_OK : engine().extended_errcode(handle_);
}

void Plain::must(std::string_view sql) {
  if (run(sql) != SQLITE_OK) scene_failed(sql, engine().errmsg(handle_));
}

std::string Plain::text(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  std::string value;
  const std::string copy(sql);
  int result = engine().prepare_v2(handle_, copy.c_str(), -1, &statement, nullptr);
  if (result == SQLITE_OK) result = step_all(statement, value);
  engine().finalize(statement);
  if (result != SQLITE_OK) scene_failed(sql, engine().errmsg(handle_));
  return value;
}

std::int64_t Plain::number(std::string_view sql) {
  return std::stoll(text(sql));
}

bool Plain::is_in(int transaction) const noexcept {
  return handle_ != nullptr && engine().txn_state(handle_, nullptr) == transaction;
}

bool Plain::has_moved() const noexcept {
  int moved = 0;
  const int result = engine().file_control(handle_, nullptr, SQLITE_FCNTL_HAS_MOVED, &moved);
  return result == SQLITE_OK && moved != 0;
}

bool Plain::is_short() const noexcept {
  // Through the descriptor that SQLite has: closing one of our own would drop its locks.
  sqlite3_file* file = nullptr;
  std::array<unsigned char, 100> header{};
  sqlite3_int64 bytes = 0;
  if (engine().file_control(handle_, nullptr, SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
      file == nullptr || file->pMethods == nullptr ||
      file->pMethods->xFileSize(file, &bytes) != SQLITE_OK ||
      file->pMethods->xRead(file, header.data(), static_cast<int>(header.size()), 0) != SQLITE_OK)
    return false;
  // https://sqlite.org/fileformat2.html#the_database_header
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  if (!std::ranges::equal(std::span(header).first<16>(), kMagic)) return false;
  const auto number_at = [&](std::size_t at, std::size_t size) {
    sqlite3_int64 number = 0;
    for (std::size_t i = at; i < at + size; ++i)
      number = number * 256 + header.at(i);
    return number;
  };
  const sqlite3_int64 page_size = number_at(16, 2) == 1 ? 65536 : number_at(16, 2);
  const bool is_counted = number_at(24, 4) == number_at(92, 4);
  return is_counted && bytes < number_at(28, 4) * page_size;
}

bool Plain::has_lost_locks() const {
  const std::vector<LockInfo> held = locks(path_);
  return !is_in(SQLITE_TXN_NONE) && std::ranges::none_of(held, [](const LockInfo& lock) {
    return lock.pid == ::getpid() && (lock.lock == "shared lock" || lock.lock == "exclusive lock");
  });
}

FailureEvidence Plain::evidence(std::string_view sql) {
  FailureEvidence before = part_.known();
  before.sql = sql;
  before.pid = ::getpid();
  if (before.uri.empty()) before.uri = uri_;
  if (!before.busy_timeout) before.busy_timeout = std::chrono::milliseconds(options_.timeout_ms);
  if (handle_ == nullptr || open_result_ != SQLITE_OK) return before;
  before.is_forked = before.is_forked || opened_by_ != ::getpid();
  before.file_replaced = before.file_replaced || has_moved();
  before.file_is_short = before.file_is_short || is_short();
  before.in_transaction = engine().get_autocommit(handle_) == 0;
  before.has_snapshot = engine().txn_state(handle_, nullptr) == SQLITE_TXN_READ;
  sqlite3_stmt* statement = nullptr;
  while ((statement = engine().next_stmt(handle_, statement)) != nullptr)
    before.has_open_statement = before.has_open_statement || engine().stmt_busy(statement) != 0;
  return before;
}

bool Plain::count(FailureEvidence before, int result, Clock::time_point since) {
  if (result == SQLITE_OK) {
    part_.tally().done();
    return true;
  }
  before.waited = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since);
  before.sqlite_code = result;
  before.message = engine().errmsg(handle_);
  before.file = file_facts(path_);
  before.has_file = true;
  // What a look from outside would find: the file in this mode keeps a log beside it.
  if (before.journal_mode.empty()) before.journal_mode = before.file.has_log ? "wal" : "delete";
  if (before.file.exists) before.locks = locks(path_);
  part_.tally().failed(name_of(result), before.message, diagnose_failure(before));
  return false;
}

bool Plain::work(std::string_view sql) {
  FailureEvidence before = evidence(sql);
  const auto since = Clock::now();
  const int result = run(sql);
  return count(std::move(before), result, since);
}

void Plain::lost(std::int64_t lost, std::string_view what, std::string_view sql,
                 std::string_view message) {
  FailureEvidence before = evidence(sql);
  before.message = message;
  before.file = file_facts(path_);
  before.has_file = true;
  if (before.file.exists) before.locks = locks(path_);
  part_.tally().lost(lost, what, diagnose_failure(before));
}

OpenStatement::OpenStatement(Plain& connection, std::string_view sql)
    : engine_(connection.engine()) {
  const std::string text(sql);
  if (engine_.prepare_v2(connection.handle(), text.c_str(), -1, &statement_, nullptr) !=
          SQLITE_OK ||
      engine_.step(statement_) != SQLITE_ROW)
    scene_failed(sql, engine_.errmsg(connection.handle()));
}

void OpenStatement::end() noexcept {
  engine_.finalize(std::exchange(statement_, nullptr));
}

namespace {

// Of the one ActingSleep.
const std::function<void()>* sleep_act = nullptr;
bool has_acted = false;

int acting_sleep(sqlite3_vfs* /*vfs*/, int microseconds) noexcept {
  try {
    if (sleep_act != nullptr && !std::exchange(has_acted, true)) (*sleep_act)();
  } catch (const std::exception&) {
    ::_exit(1);  // A callback of SQLite's must not throw; the part is told to have ended.
  }
  sqlite3_vfs* const own = sqlite3_vfs_find("unix");
  return own->xSleep(own, microseconds);
}

}  // namespace

ActingSleep::ActingSleep(std::function<void()> act)
    : act_(std::move(act)), vfs_(*sqlite3_vfs_find("unix")) {
  vfs_.zName = kVfs;
  vfs_.xSleep = acting_sleep;
  sleep_act = &act_;
  has_acted = false;
  sqlite3_vfs_register(&vfs_, 0);
}

ActingSleep::~ActingSleep() {
  sqlite3_vfs_unregister(&vfs_);
  sleep_act = nullptr;
}

void ActingSleep::again() noexcept {
  has_acted = false;
}

void make_counter(Plain& connection, std::string_view journal_mode) {
  connection.must("PRAGMA journal_mode=" + std::string(journal_mode));
  connection.must(
      "CREATE TABLE counter(id INTEGER PRIMARY KEY, value INTEGER NOT NULL);"
      "INSERT INTO counter VALUES (1, 0), (2, 0);");
}

}  // namespace turnstile::cli::demo
