#include <array>

#include "diagnose/causes/table.h"

namespace turnstile::diagnose {

namespace {

constexpr auto kWriterCauses = std::to_array<Cause>({
    {.id = "no-busy-timeout",
     .title = "nobody told the connection to wait",
     .sqlite_codes = "SQLITE_BUSY",
     .error_codes = "",
     .meaning = "Another connection has the lock, and a new handle does not wait for it: its busy "
                "timeout is 0. With several writers nearly every statement fails.",
     .signs = "The failure comes at once. `PRAGMA busy_timeout` shows 0 on the connection that "
              "failed, and it had no transaction open. On a connection of Turnstile's it always "
              "shows 0, because the busy handler is Turnstile's own.",
     .cure = "Call sqlite3_busy_timeout(db, 5000) on every handle, right after it was opened and "
             "before its first statement.",
     .turnstile = "Every call has a deadline, 5 s unless it says otherwise, and waits in the order "
                  "of arrival.",
     .not_shown = ""},
    {.id = "foreign-writer",
     .title = "another program is in the middle of a transaction",
     .sqlite_codes = "SQLITE_BUSY",
     .error_codes = "WRITE_TIMEOUT OPEN_TIMEOUT",
     .meaning = "A shell, a script or a tool has begun a transaction and has not ended it. Only "
                "one can write at a time, so that everybody else waits, and fails when the busy "
                "timeout has passed.",
     .signs = "`turnstile locks DB` names the process that has the WAL write lock, or the reserved "
              "lock of a file without a log.",
     .cure = "End the transaction there: COMMIT, ROLLBACK, or end the program, which undoes it. "
             "Keep transactions short, and never wait for a person or a network inside one.",
     .turnstile = "The call waits until its deadline, and the Timeout names the process, the "
                  "program and the lock.",
     .not_shown = ""},
    {.id = "stopped-process",
     .title = "a process was stopped while it had the lock",
     .sqlite_codes = "SQLITE_BUSY",
     .error_codes = "WRITE_TIMEOUT",
     .meaning = "A debugger, Ctrl-Z or SIGSTOP stopped a process inside a transaction. Its locks "
                "stay as they are, and no timeout is long enough.",
     .signs = "`turnstile locks DB` names the holder, and `ps -o stat PID` shows T. The failure "
              "repeats with the same process.",
     .cure = "`kill -CONT PID` lets it go on, `kill -9 PID` ends it; its transaction is undone and "
             "others go on at once.",
     .turnstile = "The Timeout names the process. One that stands still between two transactions "
                  "is passed after a second.",
     .not_shown = ""},
    {.id = "writer-starved",
     .title = "others were quicker each time",
     .sqlite_codes = "SQLITE_BUSY SQLITE_BUSY_TIMEOUT",
     .error_codes = "WRITE_TIMEOUT",
     .meaning = "SQLite's busy handler has no queue: who waits sleeps up to 100 ms and tries "
                "again, and whoever comes by in between is first. With transactions of 20 ms and "
                "16 threads, one thread did all the work and fifteen timed out.",
     .signs = "The failure comes after the whole busy timeout, and `turnstile locks DB` shows "
              "another holder each time: nobody holds the lock for long.",
     .cure = "Let writers of a process queue before one connection. Between processes, take a "
             "lock file (flock) in front of BEGIN IMMEDIATE.",
     .turnstile = "Turns are granted in the order of arrival, across threads and processes.",
     .not_shown = ""},
    {.id = "upgrade-after-read",
     .title = "a transaction that began with a read wants to write beside another writer",
     .sqlite_codes = "SQLITE_BUSY",
     .error_codes = "",
     .meaning = "BEGIN is deferred: the first read takes a snapshot, the first write the lock. If "
                "another connection writes at that moment, waiting could not help, since the "
                "snapshot would be old by then. SQLite fails at once and does not call the busy "
                "handler.",
     .signs = "The statement fails within a millisecond although a busy timeout is set, inside a "
              "transaction that has read and not yet written. Repeating the statement never helps.",
     .cure = "Begin transactions that will write with BEGIN IMMEDIATE (drivers: _txlock=immediate, "
             "isolation_level='IMMEDIATE'). Until then: ROLLBACK, and run all of it again.",
     .turnstile = "Lane::write begins with the write lock, and ReadTx has nothing that writes.",
     .not_shown = ""},
    {.id = "stale-snapshot",
     .title = "a transaction wants to write on a snapshot that is no longer the newest",
     .sqlite_codes = "SQLITE_BUSY_SNAPSHOT",
     .error_codes = "",
     .meaning = "The transaction read, another connection committed, and now it wants to write. "
                "That would overwrite what it has not seen, so SQLite refuses it at once. No "
                "timeout helps.",
     .signs = "The extended code is 517; drivers that show the primary code only say `database is "
              "locked`. It comes at once, inside a transaction that began with a read.",
     .cure = "BEGIN IMMEDIATE for every transaction that will write; close cursors before you "
             "write on the same connection. On 517: ROLLBACK, and run all of it again.",
     .turnstile = "Lane::write reads and writes on the newest state, which nobody can change "
                  "meanwhile.",
     .not_shown = ""},
    {.id = "waiting-for-oneself",
     .title = "a thread waits for a lock that it has itself",
     .sqlite_codes = "SQLITE_BUSY",
     .error_codes = "WRITE_INSIDE_WRITE WRITE_INSIDE_READ READ_INSIDE_READ READ_INSIDE_WRITE",
     .meaning = "Inside a transaction, a function takes a second connection from the pool and "
                "writes through it. It waits for the first connection, which waits for the "
                "function to return; with a pool of one it waits for the pool, for ever. Without "
                "a write-ahead log a first connection that only reads is enough.",
     .signs = "The holder in `turnstile locks DB` is the process itself. The stack of the failing "
              "thread has two transactions in it.",
     .cure = "Hand the open transaction to the functions that it calls. A pool should refuse a "
             "second loan to the same thread.",
     .turnstile = "Reported at once, with both places in the code; the inner function uses the "
                  "WriteTx that is there.",
     .not_shown = ""},
    {.id = "attached-databases",
     .title = "two transactions lock attached files in opposite order",
     .sqlite_codes = "SQLITE_BUSY",
     .error_codes = "",
     .meaning = "A transaction over attached databases locks one file after the other. Two of "
                "them in opposite order wait for each other until one times out. In WAL mode they "
                "are not even atomic: after a crash one file can have the change and the other "
                "not.",
     .signs = "The connection has attached databases, and each of two processes holds what the "
              "other one waits for.",
     .cure = "Keep what changes together in one file. Else lock the files in one order everywhere.",
     .turnstile = "One file has all subsystems; ATTACH is refused.",
     .not_shown = ""},
    {.id = "failed-commit",
     .title = "a COMMIT failed, and its transaction stayed open",
     .sqlite_codes = "SQLITE_BUSY SQLITE_CONSTRAINT_FOREIGNKEY",
     .error_codes = "",
     .meaning = "A COMMIT that fails, for a deferred foreign key or a busy reader, does not end "
                "the transaction. Code that takes it for ended gives the connection back with the "
                "write lock held, and everybody else is locked out.",
     .signs = "The holder is a connection of your own program that should be idle: "
              "sqlite3_get_autocommit() is 0, or sqlite3_txn_state() shows a write transaction.",
     .cure = "On any failure of COMMIT look at sqlite3_get_autocommit(), and ROLLBACK when the "
             "transaction is still open.",
     .turnstile = "A commit that fails is rolled back before its caller is told.",
     .not_shown = ""},
    {.id = "zombie-connection",
     .title = "a closed connection lives on with its lock",
     .sqlite_codes = "SQLITE_BUSY",
     .error_codes = "",
     .meaning = "sqlite3_close_v2() with an unfinished statement makes the connection a zombie. "
                "It keeps its transaction and the write lock until the last statement is "
                "finalized, which may be when a garbage collector runs.",
     .signs = "The holder is your own process, and none of its open connections has a transaction.",
     .cure = "Finalize or reset every statement, then call sqlite3_close(), and treat its "
             "SQLITE_BUSY as a bug of your own.",
     .turnstile = "Statements end with their transaction, at the latest.",
     .not_shown = ""},
    {.id = "busy-handler-replaced",
     .title = "somebody else changed the timeout of the connection",
     .sqlite_codes = "SQLITE_BUSY",
     .error_codes = "SQL_NOT_ALLOWED",
     .meaning = "A connection has one busy handler. `PRAGMA busy_timeout`, run by a library that "
                "borrowed the connection, replaces it, and the next statement of others waits "
                "shorter or not at all.",
     .signs = "`PRAGMA busy_timeout` on the failing connection shows another value than the one "
              "that you set.",
     .cure = "Set the timeout whenever a connection comes back from a borrower, or refuse the "
             "pragma with an authorizer.",
     .turnstile = "A subsystem has a lane and no connection, and the pragma is refused.",
     .not_shown = ""},
    {.id = "uninterruptible-wait",
     .title = "an interrupt does not end the wait for a lock",
     .sqlite_codes = "SQLITE_BUSY",
     .error_codes = "CANCELLED INTERRUPTED",
     .meaning = "sqlite3_interrupt() ends running SQL, but SQLite's own busy handler does not "
                "look at it: a cancelled request waits on to the end of its timeout and then "
                "reports a lock, not an interrupt.",
     .signs = "Requests that were cancelled end with SQLITE_BUSY, and only after the whole busy "
              "timeout.",
     .cure = "Install a busy handler of your own that returns 0 once the work was cancelled.",
     .turnstile = "Every wait ends when its stop token or deadline says so.",
     .not_shown = ""},
});

}  // namespace

std::span<const Cause> writer_causes() noexcept {
  return kWriterCauses;
}

}  // namespace turnstile::diagnose
