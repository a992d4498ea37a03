#include <array>

#include "diagnose/causes/table.h"

namespace turnstile::diagnose {

namespace {

constexpr auto kConnectionCauses = std::to_array<Cause>({
    {.id = "shared-cache-table-lock",
     .title = "connections share a cache, which has locks of its own",
     .sqlite_codes = "SQLITE_LOCKED SQLITE_LOCKED_SHAREDCACHE",
     .error_codes = "URI_INVALID",
     .meaning = "With cache=shared in the URI, connections of a process lock tables against each "
                "other, readers against writers too. The busy timeout does not apply: the failure "
                "comes at once, in 72 of 100 writes of four connections.",
     .signs = "The code is 262, or 6 with `database table is locked`, and the connection string "
              "has cache=shared.",
     .cure = "Take cache=shared out of every connection string, and set journal_mode to WAL. "
             "Nothing is gained by sharing on a machine of today.",
     .turnstile = "Shared cache is not compiled in, and a URI that asks for it is refused.",
     .not_shown = ""},
    {.id = "open-statement",
     .title = "a statement of the same connection has not ended",
     .sqlite_codes = "SQLITE_LOCKED SQLITE_LOCKED_VTAB SQLITE_BUSY SQLITE_ERROR",
     .error_codes = "STATEMENT_OPEN",
     .meaning = "A SELECT that was not read to its end or reset keeps DROP TABLE, DROP INDEX, "
                "VACUUM and checkpoints out, even of other tables. An INSERT with RETURNING that "
                "was not read to its end keeps COMMIT out and holds the write lock.",
     .signs = "The message is `database table is locked` or `cannot commit transaction - SQL "
              "statements in progress`; sqlite3_next_stmt() and sqlite3_stmt_busy() find the "
              "statement.",
     .cure = "Reset or finalize a statement as soon as its rows are read. Iterators of drivers "
             "hold one: read all rows first, or close the iterator.",
     .turnstile = "Statements cannot outlive their closure; within one, the failure names what is "
                  "open.",
     .not_shown = ""},
    {.id = "shared-connection",
     .title = "two tasks use one connection at the same time",
     .sqlite_codes = "SQLITE_ERROR SQLITE_MISUSE",
     .error_codes = "",
     .meaning = "A connection has one transaction. Two threads, or two coroutines, on one "
                "connection join each other's transaction and end it for each other: a row that "
                "was reported as stored goes when the other one rolls back. Without SQLite's "
                "mutex the damage is worse: of 5,400 rows 828 were stored.",
     .signs = "`cannot start a transaction within a transaction`, `cannot commit - no transaction "
              "is active`, or rows that are missing without any failure.",
     .cure = "One connection belongs to one thread or task at a time: a pool lends it for the "
             "length of a transaction.",
     .turnstile = "A lane may be used by any thread; every closure has its own transaction.",
     .not_shown = ""},
    {.id = "ended-transaction",
     .title = "a statement that failed ended the transaction",
     .sqlite_codes = "SQLITE_ERROR",
     .error_codes = "TRANSACTION_LOST",
     .meaning = "ON CONFLICT ROLLBACK, RAISE(ROLLBACK), a full disk, a failed read and an "
                "interrupted write undo the whole transaction. Who goes on after such a failure "
                "is in autocommit: each further statement is stored at once and cannot be rolled "
                "back, and COMMIT fails.",
     .signs = "`cannot commit - no transaction is active` or `cannot rollback - no transaction is "
              "active`, after another failure; or rows that were rolled back are there.",
     .cure = "After every failure inside a transaction look at sqlite3_get_autocommit(): where it "
             "is 1, begin anew. Use OR ABORT, which undoes one statement only.",
     .turnstile = "Nothing more runs in such a transaction: TRANSACTION_LOST, and the closure "
                  "fails.",
     .not_shown = ""},
    {.id = "forked-connection",
     .title = "a connection was carried through fork()",
     .sqlite_codes = "SQLITE_CORRUPT SQLITE_IOERR",
     .error_codes = "USED_AFTER_FORK",
     .meaning = "POSIX locks are not inherited, but the child's copy of the connection believes "
                "that it has them. Its writes can be lost without a failure, or damage the file; "
                "closing it can take the parent's log away.",
     .signs = "A process that opened the database before a fork (a pre-forking server, "
              "multiprocessing) and used it after; rows are missing that were reported as stored.",
     .cure = "Open the database after the fork, in each process. Never use or close in a child "
             "what its parent has opened.",
     .turnstile = "Refused in the child before anything happens; the child opens its own.",
     .not_shown = ""},
    {.id = "two-engines",
     .title = "two copies of SQLite in one process",
     .sqlite_codes = "SQLITE_CORRUPT SQLITE_CORRUPT_INDEX SQLITE_NOTADB",
     .error_codes = "ENGINE_CONFLICT",
     .meaning = "A library brings its own SQLite beside that of the program. In POSIX, closing a "
                "file drops all locks that the process has on it: one copy takes the locks of the "
                "other away and deletes its log. Committed rows vanish, and the file is damaged.",
     .signs = "`/proc/PID/maps` has libsqlite3 besides a program that has it built in, or two "
              "libraries with it.",
     .cure = "Link one SQLite for all: a shared library, or one copy that is passed on. Else let "
             "only one of them open the file.",
     .turnstile = "A second copy is looked for at open, and refused.",
     .not_shown = ""},
    {.id = "descriptor-closed",
     .title = "the program opened and closed the file by itself",
     .sqlite_codes = "SQLITE_CORRUPT SQLITE_IOERR SQLITE_IOERR_DELETE_NOENT",
     .error_codes = "",
     .meaning = "In POSIX, closing any descriptor of a file drops all locks that the process has "
                "on it. Reading the header, copying or hashing the file, or its -shm, in a process "
                "that has it open, lets another process write at the same time.",
     .signs = "The process uses open(), a copy or a hash on the path of its database; `turnstile "
              "locks DB` shows no lock although a transaction is open.",
     .cure = "Never open the database, -wal or -shm in a process that has it open; use another "
             "process, or the backup interface.",
     .turnstile = "Never does so itself: locks and sizes are learned without opening the file.",
     .not_shown = ""},
    {.id = "schema-changed",
     .title = "the schema changed under a prepared statement",
     .sqlite_codes = "SQLITE_SCHEMA",
     .error_codes = "",
     .meaning = "A statement was compiled for a schema that has changed since. Statements of "
                "sqlite3_prepare_v2() are compiled anew by themselves, up to 50 times, those of "
                "the old sqlite3_prepare() are not. `SELECT *` then has other columns than "
                "before, without a word.",
     .signs = "`database schema has changed`, while another connection creates or drops tables; "
              "values in the wrong columns.",
     .cure = "Use sqlite3_prepare_v2(), name columns instead of SELECT *, and do not change the "
             "schema all the time; retry when it is reported all the same.",
     .turnstile = "Statements are compiled anew and their columns looked up again.",
     .not_shown = ""},
    {.id = "ignored-setting",
     .title = "a setting was ignored because a transaction was open",
     .sqlite_codes = "",
     .error_codes = "",
     .meaning = "`PRAGMA foreign_keys` inside a transaction does nothing, and says nothing. Rows "
                "that refer to nowhere get in.",
     .signs = "`PRAGMA foreign_keys` shows 0, and `PRAGMA foreign_key_check` shows rows.",
     .cure = "Set what belongs to a connection right after it was opened, and read it back.",
     .turnstile = "Settings are made on every connection at open, and compared.",
     .not_shown = ""},
    {.id = "nolock",
     .title = "a program opened the file without locks",
     .sqlite_codes = "SQLITE_IOERR_DELETE_NOENT SQLITE_CORRUPT",
     .error_codes = "URI_INVALID",
     .meaning = "With nolock=1, or vfs=unix-none, a connection neither takes nor respects locks. "
                "It writes through the transactions of others; rows are lost, and the file is "
                "damaged.",
     .signs = "A connection string has nolock=1 or a vfs; the process has the file open and "
              "`turnstile locks DB` shows no lock of it.",
     .cure = "Take it out. Where a file system has no locks, only one program may open the file.",
     .turnstile = "A URI that asks for it is refused.",
     .not_shown = ""},
});

}  // namespace

std::span<const Cause> connection_causes() noexcept {
  return kConnectionCauses;
}

}  // namespace turnstile::diagnose
