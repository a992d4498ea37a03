#include "demo/engine.h"

#include <dlfcn.h>

#include "demo/part.h"

namespace turnstile::cli::demo {

namespace {

template <class Function>
void look_up(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr)
    throw Impossible("the machine's libsqlite3.so.0 has no " + std::string(name));
}

Engine load_machine_engine() {
  void* const library = ::dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    throw Impossible(
        "the machine has no SQLite of its own (libsqlite3.so.0), and the one in this "
        "program has no shared cache and cannot be there twice");
  Engine engine{};
  look_up(library, "sqlite3_open_v2", engine.open_v2);
  look_up(library, "sqlite3_close_v2", engine.close_v2);
  look_up(library, "sqlite3_errmsg", engine.errmsg);
  look_up(library, "sqlite3_extended_errcode", engine.extended_errcode);
  look_up(library, "sqlite3_busy_timeout", engine.busy_timeout);
  look_up(library, "sqlite3_get_autocommit", engine.get_autocommit);
  look_up(library, "sqlite3_prepare_v2", engine.prepare_v2);
  look_up(library, "sqlite3_step", engine.step);
  look_up(library, "sqlite3_finalize", engine.finalize);
  look_up(library, "sqlite3_column_text", engine.column_text);
  look_up(library, "sqlite3_next_stmt", engine.next_stmt);
  look_up(library, "sqlite3_stmt_busy", engine.stmt_busy);
  look_up(library, "sqlite3_txn_state", engine.txn_state);
  look_up(library, "sqlite3_file_control", engine.file_control);
  look_up(library, "sqlite3_libversion", engine.libversion);
  return engine;
}

}  // namespace

const Engine& own_engine() noexcept {
  static const Engine engine = {
      .open_v2 = &sqlite3_open_v2,
      .close_v2 = &sqlite3_close_v2,
      .errmsg = &sqlite3_errmsg,
      .extended_errcode = &sqlite3_extended_errcode,
      .busy_timeout = &sqlite3_busy_timeout,
      .get_autocommit = &sqlite3_get_autocommit,
      .prepare_v2 = &sqlite3_prepare_v2,
      .step = &sqlite3_step,
      .finalize = &sqlite3_finalize,
      .column_text = &sqlite3_column_text,
      .next_stmt = &sqlite3_next_stmt,
      .stmt_busy = &sqlite3_stmt_busy,
      .txn_state = &sqlite3_txn_state,
      .file_control = &sqlite3_file_control,
      .libversion = &sqlite3_libversion,
  };
  return engine;
}

const Engine& machine_engine() {
  static const Engine engine = load_machine_engine();
  return engine;
}

}  // namespace turnstile::cli::demo
