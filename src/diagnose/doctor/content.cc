#include "diagnose/doctor/content.h"

#include <sqlite3.h>

#include <string_view>
#include <utility>

#include "diagnose/doctor/reading_vfs.h"
#include "gate/sync_point.h"
#include "sqlite/call.h"
#include "sqlite/raise.h"

namespace turnstile::diagnose {

namespace {

using Clock = std::chrono::steady_clock;

const char* vfs_for(Content::Manner manner) {
  switch (manner) {
    case Content::Manner::Still:
      return still_vfs();
    case Content::Manner::Logless:
      return logless_vfs();
    case Content::Manner::Beside:
      break;
  }
  return beside_vfs();
}

bool is_damage(int code) noexcept {
  return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

struct Finalize {
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using StatementHandle = std::unique_ptr<sqlite3_stmt, Finalize>;

Content::Row row_of(sqlite3_stmt* statement) {
  Content::Row row;
  for (int i = 0; i < sqlite3_column_count(statement); ++i) {
    const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(statement, i));
    const int size = sqlite3_column_bytes(statement, i);
    row.emplace_back(text == nullptr ? "" : text, static_cast<std::size_t>(size));
  }
  return row;
}

}  // namespace

Content::Content(std::filesystem::path path, Manner manner,
                 std::optional<std::chrono::milliseconds> longest, std::stop_token stop)
    : path_(std::move(path)), manner_(manner), longest_(longest), stop_(std::move(stop)) {
  open();
}

void Content::Close::operator()(sqlite3* handle) const noexcept {
  sqlite3_close(handle);
}

void Content::open() {
  constexpr int kFlags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
                         SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE;
  const bool is_still = manner_ != Manner::Beside;
  const std::string uri =
      sqlite::file_uri(path_) + (is_still ? "?mode=ro" : "?mode=ro&readonly_shm=1");
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(uri.c_str(), &handle, kFlags, vfs_for(manner_));
  handle_.reset(handle);
  if (result != SQLITE_OK) {
    why_not_open_ = handle == nullptr ? sqlite3_errstr(result) : sqlite3_errmsg(handle);
    return;
  }
  // The schema is a stranger's: it gets no functions with effects, and cannot make the file lie.
  for (const auto& [setting, value] :
       {std::pair(SQLITE_DBCONFIG_DEFENSIVE, 1), std::pair(SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
        std::pair(SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)}) {
    sqlite3_db_config(handle, setting, value, nullptr);
  }
  sqlite3_busy_timeout(handle, 0);
  constexpr int kSteps = 1000;  // Some ten microseconds of the virtual machine.
  sqlite3_progress_handler(handle, kSteps, &Content::on_progress, this);
  const char* const settings = is_still ? "PRAGMA temp_store=MEMORY; PRAGMA locking_mode=EXCLUSIVE"
                                        : "PRAGMA temp_store=MEMORY";
  if (sqlite3_exec(handle, settings, nullptr, nullptr, nullptr) != SQLITE_OK)
    why_not_open_ = sqlite3_errmsg(handle);
}

int Content::on_progress(void* self) noexcept {
  const Content& content = *static_cast<const Content*>(self);
  const bool is_late = content.end_ && Clock::now() >= *content.end_;
  return is_late || content.stop_.stop_requested() ? 1 : 0;
}

Content::Answer Content::ask(const std::string& sql) const {
  Answer answer;
  if (!why_not_open_.empty()) {
    answer.problem = why_not_open_;
    return answer;
  }
  end_ = longest_ ? std::optional(Clock::now() + *longest_) : std::nullopt;
  sqlite3_stmt* prepared = nullptr;
  int result = sqlite3_prepare_v3(handle_.get(), sql.c_str(), -1, 0, &prepared, nullptr);
  const StatementHandle statement(prepared);
  if (result == SQLITE_OK) {
    while ((result = sqlite3_step(prepared)) == SQLITE_ROW) {
      answer.rows.push_back(row_of(prepared));
      gate::sync_point("doctor:inside");
    }
  }
  if (stop_.stop_requested()) {
    Call call;
    call.lane = "doctor";
    sqlite::raise_stopped(call);
  }
  if (result == SQLITE_DONE) return answer;
  answer.too_long = (result & 0xff) == SQLITE_INTERRUPT;
  answer.damaged = is_damage(result);
  answer.problem = sqlite3_errmsg(handle_.get());
  return answer;
}

}  // namespace turnstile::diagnose
