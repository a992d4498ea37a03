#include <array>

#include "diagnose/causes/table.h"

namespace turnstile::diagnose {

namespace {

constexpr auto kJournalCauses = std::to_array<Cause>({
    {.id = "rollback-journal-reader",
     .title = "without a write-ahead log, a reader keeps a commit out",
     .sqlite_codes = "SQLITE_BUSY",
     .error_codes = "DB_WAL_UNAVAILABLE",
     .meaning = "With a rollback journal a commit needs the file for itself, so that one open "
                "SELECT is enough to make it fail; new readers fail while it waits. The "
                "transaction of a COMMIT that failed like this stays open.",
     .signs = "`PRAGMA journal_mode` shows delete, truncate or persist, and `turnstile locks DB` "
              "shows shared locks of others.",
     .cure = "Set journal_mode to WAL, once, for the life of the file. Retry or roll back a COMMIT "
             "that failed.",
     .turnstile = "Opens in WAL mode; readers and the writer do not wait for each other.",
     .not_shown = ""},
    {.id = "wal-switch-beside-writer",
     .title = "the switch to WAL meets another connection",
     .sqlite_codes = "SQLITE_BUSY",
     .error_codes = "OPEN_TIMEOUT",
     .meaning = "Setting journal_mode to WAL on a file without it reads first and then wants the "
                "file for itself: an upgrade, for which the busy handler is not called. Four "
                "connections of a pool that all run the pragma on a new file fail in 20 to 100 of "
                "100 starts, timeout or not.",
     .signs = "The failing statement is the pragma, it fails at once, and only at the first start "
              "with a new file. `PRAGMA journal_mode` shows delete.",
     .cure = "Ask for the mode first. Switch once, from one connection, before the pool exists, "
             "and try again on SQLITE_BUSY.",
     .turnstile = "The mode is settled once, behind the gate between processes, before there is a "
                  "pool.",
     .not_shown = ""},
    {.id = "leave-wal-beside-others",
     .title = "WAL mode cannot be left while others have the file open",
     .sqlite_codes = "SQLITE_BUSY",
     .error_codes = "SQL_NOT_ALLOWED",
     .meaning = "Setting journal_mode to another mode needs the file for itself, and does not wait "
                "for it. Even an idle connection is in the way.",
     .signs = "The failing statement is the pragma, and `turnstile locks DB` shows a shared lock.",
     .cure = "Stay in WAL mode. To hand out one single file, make a copy with the backup interface "
             "or VACUUM INTO.",
     .turnstile = "The pragma is refused; Database::backup makes the single file.",
     .not_shown = ""},
    {.id = "exclusive-locking-mode",
     .title = "a connection keeps the file for itself",
     .sqlite_codes = "SQLITE_BUSY",
     .error_codes = "SQL_NOT_ALLOWED OPEN_TIMEOUT READ_TIMEOUT WRITE_TIMEOUT",
     .meaning = "After `PRAGMA locking_mode` EXCLUSIVE a connection does not give its locks back "
                "between transactions. Nobody else can read or write until it is closed. Beside "
                "another connection its own next write fails.",
     .signs = "`turnstile locks DB` shows an exclusive lock that stays, while its holder does "
              "nothing. Where the mode was set before the first access of a file in WAL mode, "
              "there is no -shm file.",
     .cure = "Do not use it where a file is shared. Set NORMAL, and then access the file once. "
             "Where there is no -shm file that does nothing, and the pragma still returns "
             "`exclusive`: close that connection.",
     .turnstile = "The pragma is refused. A foreign program that does it is named by the Timeout.",
     .not_shown = ""},
    {.id = "recovery-after-crash",
     .title = "another process is reading the log after a crash",
     .sqlite_codes = "SQLITE_BUSY_RECOVERY",
     .error_codes = "OPEN_TIMEOUT",
     .meaning = "After a crash the first connection reads the whole write-ahead log to rebuild its "
                "index; all others are busy until then. A log of 200 MB took 0.5 s.",
     .signs = "The extended code is 261, right after a crash or a kill. A `-wal` file is large.",
     .cure = "Set the busy timeout before the first read, and longer than a recovery takes. Keep "
             "the log small with checkpoints.",
     .turnstile = "A start waits for it within its deadline; the log is bounded.",
     .not_shown = ""},
    {.id = "hot-journal",
     .title = "a crash left a rollback journal that has to be played back first",
     .sqlite_codes = "SQLITE_BUSY SQLITE_READONLY_ROLLBACK",
     .error_codes = "DB_READ_ONLY OPEN_TIMEOUT",
     .meaning = "A process was killed in the middle of a transaction of a file without a log. The "
                "next one undoes it and needs the file for itself meanwhile; who may only read "
                "cannot undo it at all.",
     .signs = "There is a `-journal` beside the file, not empty, and no process that writes.",
     .cure = "Open the file once for writing, with a busy timeout. Never delete or leave behind "
             "the -journal file: without it the file is damaged.",
     .turnstile = "A start waits and undoes it; a read-only open says why it cannot.",
     .not_shown = ""},
    {.id = "frozen-peer",
     .title = "a process stands still while the log's index is unusable",
     .sqlite_codes = "SQLITE_PROTOCOL SQLITE_BUSY_RECOVERY",
     .error_codes = "OPEN_TIMEOUT READ_TIMEOUT WRITE_TIMEOUT",
     .meaning = "A process was stopped after it had begun to write the index of the log. Nobody "
                "else can read the index, and SQLite gives up after ten seconds with `locking "
                "protocol`, whatever the busy timeout.",
     .signs = "`turnstile locks DB` shows the holder of the WAL write lock, and `ps -o stat PID` "
              "shows T.",
     .cure = "Let the process go on (`kill -CONT`) or end it. Do not retry in a loop: each try "
             "takes ten seconds.",
     .turnstile = "The Timeout says that a process stands still, and which.",
     .not_shown = ""},
    {.id = "last-close",
     .title = "the last connection is being closed",
     .sqlite_codes = "SQLITE_BUSY",
     .error_codes = "OPEN_TIMEOUT",
     .meaning = "Who closes the last connection takes the file for itself, copies the log into it "
                "and deletes it. Programs that open, insert and close in a loop meet that moment: "
                "without a timeout 97 of 100 inserts failed.",
     .signs = "The failures come with programs that open and close all the time, and are gone with "
              "a busy timeout. `turnstile locks DB` shows an exclusive lock for moments.",
     .cure = "Keep one connection open for as long as the process lives, and set the busy timeout "
             "before the first statement.",
     .turnstile = "A Database stays open; starts and closes wait for each other.",
     .not_shown = ""},
});

}  // namespace

std::span<const Cause> journal_causes() noexcept {
  return kJournalCauses;
}

}  // namespace turnstile::diagnose
