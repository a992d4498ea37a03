#include <array>

#include "diagnose/causes/table.h"

namespace turnstile::diagnose {

namespace {

constexpr auto kCheckpointCauses = std::to_array<Cause>({
    {.id = "checkpoint-waits-on-reader",
     .title = "a checkpoint waits for a reader, and writers wait for the checkpoint",
     .sqlite_codes = "SQLITE_BUSY",
     .error_codes = "",
     .meaning = "A checkpoint of the kinds FULL, RESTART and TRUNCATE that may wait holds the "
                "write lock while an old reader keeps part of the log. Every writer is locked out "
                "until the reader ends or the checkpoint gives up, which fails. The pragma does "
                "not even fail then: the first column of its row, busy, is 1.",
     .signs = "The failing call is a checkpoint, or writes fail while one runs; `turnstile locks "
              "DB` shows the checkpoint lock and a read mark.",
     .cure = "Checkpoint PASSIVE, which waits for nobody. Use TRUNCATE only with a timeout of 0, "
             "and take SQLITE_BUSY from it for `later`.",
     .turnstile = "The checkpointer works passively beside the writers, and never waits with the "
                  "turn in its hand.",
     .not_shown = ""},
    {.id = "two-checkpointers",
     .title = "two connections want to checkpoint at once",
     .sqlite_codes = "SQLITE_BUSY",
     .error_codes = "",
     .meaning = "One checkpoint can run at a time. The second fails at once; the busy handler is "
                "not called. An automatic checkpoint on another connection is enough.",
     .signs = "The failing call is a checkpoint, and another process or thread has the checkpoint "
              "lock. Nothing is wrong: the log is being copied.",
     .cure = "Let one connection checkpoint, switch the automatic one off on all others "
             "(wal_autocheckpoint 0), and take SQLITE_BUSY for `later`.",
     .turnstile = "One checkpointer a process, under the gate between processes.",
     .not_shown = ""},
    {.id = "checkpoint-in-transaction",
     .title = "a checkpoint inside one's own transaction",
     .sqlite_codes = "SQLITE_LOCKED",
     .error_codes = "SQL_NOT_ALLOWED",
     .meaning = "A connection cannot checkpoint while it has a transaction or an unfinished "
                "SELECT, neither by the function nor by the pragma.",
     .signs = "The failing call is a checkpoint, the code is SQLITE_LOCKED, and the connection is "
              "not in autocommit.",
     .cure = "Checkpoint between transactions, with all statements reset.",
     .turnstile = "Maintenance::checkpoint has a connection of its own.",
     .not_shown = ""},
    {.id = "checkpoint-does-nothing",
     .title = "a checkpoint on a connection that has never read does nothing",
     .sqlite_codes = "",
     .error_codes = "",
     .meaning = "sqlite3_wal_checkpoint_v2() on a fresh handle returns SQLITE_OK and -1 frames: "
                "the handle does not know yet that there is a log. The log stays as large as it "
                "is.",
     .signs = "The call reports a log of -1 frames, and the size of the -wal file does not change.",
     .cure = "Read once first (SELECT count(*) FROM sqlite_schema), and take -1 for `did not run`.",
     .turnstile = "CheckpointReport says what was in the log and what was copied.",
     .not_shown = ""},
    {.id = "long-reader",
     .title = "a reader that does not end makes the log grow",
     .sqlite_codes = "",
     .error_codes = "WAL_LIMIT READ_INTERRUPTED",
     .meaning = "The log cannot start over while a transaction reads an old state of it, or a "
                "SELECT was not reset. It grows without limit, 250 MB in a second at full speed, "
                "and reads become slow.",
     .signs = "The -wal file is large and does not shrink; `turnstile locks DB` shows a read mark "
              "that stays.",
     .cure = "Keep read transactions short, reset every statement when its rows are read, and put "
             "a limit on the age of a read.",
     .turnstile = "The log is bounded: the reader is named (WAL_PINNED), and at "
                  "Options::wal_limit_bytes its read ends, or writes are refused.",
     .not_shown = ""},
    {.id = "backup-starts-over",
     .title = "a backup in steps never ends beside a writer",
     .sqlite_codes = "SQLITE_BUSY",
     .error_codes = "",
     .meaning = "sqlite3_backup_step() with a number of pages starts over whenever another "
                "connection has written. Beside steady writes it is never done; it reports no "
                "failure.",
     .signs = "sqlite3_backup_remaining() goes up again; the backup runs for much longer than the "
              "size of the file explains.",
     .cure = "Copy all pages in one step, which reads one snapshot, or run the backup on the "
             "connection that writes.",
     .turnstile = "Database::backup copies one moment, whatever is written meanwhile.",
     .not_shown = ""},
    {.id = "wal-reset-bug",
     .title = "SQLite 3.7.0 to 3.51.2 can lose a commit when the log starts over",
     .sqlite_codes = "SQLITE_CORRUPT",
     .error_codes = "ENGINE_UNSUITABLE DB_CORRUPT",
     .meaning = "A checkpoint and a commit of two connections at the same instant could reset the "
                "log twice, so that pages are overwritten by older ones. The versions 3.51.3, "
                "3.50.7 and 3.44.6 have the cure.",
     .signs = "`SELECT sqlite_version()` shows an older version, several connections write, and "
              "the integrity check finds missing rows or wrong indexes.",
     .cure = "Use a version with the cure in every program that opens the file.",
     .turnstile = "The engine inside has the cure, an older one is refused, and checkpoints and "
                  "commits share a gate.",
     .not_shown = "The instant cannot be forced from outside: 58,000 commits beside 162,000 "
                  "checkpoints of six processes did not hit it."},
});

}  // namespace

std::span<const Cause> checkpoint_causes() noexcept {
  return kCheckpointCauses;
}

}  // namespace turnstile::diagnose
