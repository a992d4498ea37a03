// The one way to SQLite's own handle, for code that was written against the C API.
//
// The handle is borrowed: it ends with the transaction, stays with the thread, and must be left as
// it was found. The transaction is Turnstile's: an authorizer refuses BEGIN, COMMIT, ROLLBACK,
// SAVEPOINT, ATTACH, DETACH and every PRAGMA that changes a setting. Statements prepared through it
// must be finalized before the closure returns; hooks and handlers end with the transaction. A
// connection whose settings, functions, attached or temporary objects are not what they were is
// replaced by a new one, counted (Metrics::replaced_connections), and the log sink is told
// (CONNECTION_REPLACED). A write that has used the handle shares its commit with no later one.
#pragma once

#include <sqlite3.h>

#include "turnstile/transaction.h"

namespace turnstile {

/// The connection of a transaction; a WriteTx is a ReadTx here too. Throws MisuseError when SQLite
/// has rolled the transaction back. Threads: scoped.
[[nodiscard]] sqlite3* native_handle(ReadTx& tx);

}  // namespace turnstile
