// The C interface of a SQLite: the one inside this program, or the machine's own. The machine's is
// for what is not even compiled into ours (a shared cache), and for two of them in one process.
#pragma once

#include <sqlite3.h>

namespace turnstile::cli::demo {

/// Threads: immutable.
struct Engine {
  decltype(&sqlite3_open_v2) open_v2;
  decltype(&sqlite3_close_v2) close_v2;
  decltype(&sqlite3_errmsg) errmsg;
  decltype(&sqlite3_extended_errcode) extended_errcode;
  decltype(&sqlite3_busy_timeout) busy_timeout;
  decltype(&sqlite3_get_autocommit) get_autocommit;
  decltype(&sqlite3_prepare_v2) prepare_v2;
  decltype(&sqlite3_step) step;
  decltype(&sqlite3_finalize) finalize;
  decltype(&sqlite3_column_text) column_text;
  decltype(&sqlite3_next_stmt) next_stmt;
  decltype(&sqlite3_stmt_busy) stmt_busy;
  decltype(&sqlite3_txn_state) txn_state;
  decltype(&sqlite3_file_control) file_control;
  decltype(&sqlite3_libversion) libversion;
};

[[nodiscard]] const Engine& own_engine() noexcept;

/// Throws Impossible where there is none.
[[nodiscard]] const Engine& machine_engine();

}  // namespace turnstile::cli::demo
