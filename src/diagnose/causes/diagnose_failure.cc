// From the evidence of one failure to its cause.
//
// The rules are tried in their order, the most telling ones first: an extended code says more than
// a lock, a lock more than a guess. Each says why it was believed, since a person has to be able to
// doubt it.
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>

#include "gate/proc_file.h"
#include "turnstile/causes.h"

namespace turnstile {

namespace {

using Evidence = FailureEvidence;

constexpr int kKindMask = 0xff;

// ---- What the evidence says ----

bool is_kind(const Evidence& e, int primary) {
  return (e.sqlite_code & kKindMask) == primary;
}

bool has_text(std::string_view text, std::string_view part) {
  return std::ranges::search(text, part, [](unsigned char a, unsigned char b) {
           return std::tolower(a) == std::tolower(b);
         }).begin() != text.end();
}

bool is_wal(const Evidence& e) {
  return e.journal_mode.empty() ? e.file.has_log : e.journal_mode == "wal";
}

bool is_commit(const Evidence& e) {
  return has_text(e.sql, "commit") || has_text(e.sql, "end transaction");
}

bool is_checkpoint(const Evidence& e) {
  return has_text(e.sql, "checkpoint");
}

// The names of locks differ between views of them; what is behind them does not.
using IsLock = std::function<bool(const LockInfo&)>;

IsLock named(std::string_view part) {
  return [part](const LockInfo& lock) { return has_text(lock.lock, part); };
}

bool is_write_lock(const LockInfo& lock) {
  if (lock.kind != "write" || has_text(lock.lock, "turn")) return false;
  return has_text(lock.lock, "write") || has_text(lock.lock, "reserved") ||
         has_text(lock.lock, "pending") || has_text(lock.lock, "exclusive");
}

bool is_file_alone(const LockInfo& lock) {
  return lock.kind == "write" && has_text(lock.lock, "exclusive");
}

const LockInfo* find_lock(const Evidence& e, const IsLock& wanted, bool of_others = false) {
  const auto found = std::ranges::find_if(e.locks, [&](const LockInfo& lock) {
    return wanted(lock) && !(of_others && e.pid != 0 && lock.pid == e.pid);
  });
  return found == e.locks.end() ? nullptr : &*found;
}

bool holds_itself(const Evidence& e) {
  const LockInfo* const lock = find_lock(e, is_write_lock);
  return lock != nullptr && e.pid != 0 && lock->pid == e.pid;
}

bool others_write(const Evidence& e) {
  return find_lock(e, is_write_lock, true) != nullptr;
}

// A checkpoint that waits holds the write lock as well; an ordinary writer has not both.
bool writer_checkpoints(const Evidence& e) {
  const LockInfo* const writer = find_lock(e, is_write_lock);
  return writer != nullptr && find_lock(e, named("read mark")) != nullptr &&
         find_lock(e, [writer](const LockInfo& lock) {
           return lock.pid == writer->pid && has_text(lock.lock, "checkpoint");
         }) != nullptr;
}

bool holder_is_stopped(const Evidence& e) {
  return std::ranges::any_of(e.locks, [&](const LockInfo& lock) {
    return is_write_lock(lock) && lock.pid != 0 && lock.pid != e.pid && gate::is_stopped(lock.pid);
  });
}

bool came_at_once(const Evidence& e) {
  return e.busy_timeout && e.waited * 2 < *e.busy_timeout;
}

// ---- The rules ----

struct Rule {
  std::string_view cause;
  std::string_view why;  // A clause.
  bool (*applies)(const Evidence&);
};

// What is in the evidence itself, whatever the code.
constexpr auto kTellingRules = std::to_array<Rule>({
    {"forked-connection", "the connection was opened before a fork",
     [](const Evidence& e) { return e.is_forked; }},
    {"two-engines", "the process has more than one copy of SQLite",
     [](const Evidence& e) { return e.engines > 1; }},
    {"nolock", "the connection string asks for no locks",
     [](const Evidence& e) { return has_text(e.uri, "nolock=1") || has_text(e.uri, "unix-none"); }},
    {"replaced-file", "the path leads to another file than the one that is open",
     [](const Evidence& e) { return e.file_replaced || e.sqlite_code == SQLITE_READONLY_DBMOVED; }},
    {"immutable-with-log", "it was opened as immutable, and there is a log with content",
     [](const Evidence& e) { return has_text(e.uri, "immutable=1") && e.file.has_log; }},
    {"descriptor-closed", "the process opened and closed the file by itself",
     [](const Evidence& e) { return e.descriptor_closed; }},
    {"hard-link", "the file has more than one name",
     [](const Evidence& e) {
       return e.has_file && e.file.links > 1 && !is_kind(e, SQLITE_BUSY) &&
              !is_kind(e, SQLITE_LOCKED);
     }},
    {"leftover-log", "the file was put in place by other means than SQLite's, beside a log",
     [](const Evidence& e) {
       return e.copied && e.file.has_log &&
              (is_kind(e, SQLITE_CORRUPT) || is_kind(e, SQLITE_NOTADB));
     }},
    {"copied-without-log", "the file was copied by other means than SQLite's",
     [](const Evidence& e) { return e.copied && !e.file.has_log; }},
    {"network-file-system", "the file is on a file system of a network",
     [](const Evidence& e) {
       return e.has_file && !e.file.network_file_system.empty() &&
              (is_kind(e, SQLITE_IOERR) || is_kind(e, SQLITE_PROTOCOL) ||
               is_kind(e, SQLITE_CORRUPT));
     }},
});

constexpr auto kBusyRules = std::to_array<Rule>({
    {"recovery-after-crash", "SQLite says that the log is being recovered",
     [](const Evidence& e) { return e.sqlite_code == SQLITE_BUSY_RECOVERY; }},
    {"stale-snapshot", "SQLite says that the snapshot is not the newest any more",
     [](const Evidence& e) { return e.sqlite_code == SQLITE_BUSY_SNAPSHOT; }},
    {"open-statement", "a statement of the connection itself has not ended",
     [](const Evidence& e) { return has_text(e.message, "statements in progress"); }},
    {"two-checkpointers", "another connection has the checkpoint lock",
     [](const Evidence& e) {
       return is_checkpoint(e) && find_lock(e, named("checkpoint")) != nullptr;
     }},
    {"two-checkpointers", "another connection has the checkpoint lock",
     [](const Evidence& e) { return is_checkpoint(e) && find_lock(e, named("ckpt")) != nullptr; }},
    {"checkpoint-waits-on-reader", "a reader keeps a part of the log",
     [](const Evidence& e) { return is_checkpoint(e); }},
    {"backup-starts-over", "a backup in steps meets a writer",
     [](const Evidence& e) { return has_text(e.sql, "backup_step"); }},
    {"exclusive-locking-mode", "the connection wants the file for itself, and others have it open",
     [](const Evidence& e) { return e.exclusive_mode; }},
    {"wal-switch-beside-writer", "the statement switches to WAL, and another connection is there",
     [](const Evidence& e) { return has_text(e.sql, "journal_mode") && has_text(e.sql, "wal"); }},
    {"leave-wal-beside-others", "the statement leaves WAL mode, and another connection is there",
     [](const Evidence& e) { return has_text(e.sql, "journal_mode"); }},
    {"attached-databases", "the transaction has attached databases",
     [](const Evidence& e) {
       return e.attached_databases > 0 && (e.in_transaction || has_text(e.sql, "begin"));
     }},
    {"upgrade-after-read", "the transaction began with a read, and another one writes",
     [](const Evidence& e) { return e.in_transaction && e.has_snapshot && !is_commit(e); }},
    {"upgrade-after-read",
     "an open SELECT of the connection has a snapshot, and another one writes",
     [](const Evidence& e) {
       return e.has_open_statement && e.has_snapshot && came_at_once(e) && !is_commit(e);
     }},
    {"busy-handler-replaced", "the timeout of the connection is not the one that was set",
     [](const Evidence& e) { return e.handler_replaced; }},
    {"stopped-process", "the holder of the lock is stopped",
     [](const Evidence& e) { return holder_is_stopped(e); }},
    {"waiting-for-oneself", "the thread that waits has the lock itself, on another connection",
     [](const Evidence& e) { return e.thread_has_writer && holds_itself(e); }},
    {"waiting-for-oneself", "the thread that waits reads on another connection, without a log",
     [](const Evidence& e) {
       return e.thread_has_reader && !is_wal(e) && find_lock(e, named("shared")) != nullptr;
     }},
    {"open-statement", "a statement of this process was not run to its end, and has the lock",
     [](const Evidence& e) { return e.unfinished_writer && holds_itself(e); }},
    {"failed-commit", "a COMMIT of this process failed, and its transaction is still open",
     [](const Evidence& e) { return e.commit_failed && holds_itself(e); }},
    {"zombie-connection", "this process has the lock, and none of its open connections writes",
     [](const Evidence& e) { return e.own_writers == 0 && holds_itself(e); }},
    {"rollback-journal-reader", "a reader has the file, and there is no write-ahead log",
     [](const Evidence& e) {
       return is_commit(e) && !is_wal(e) && find_lock(e, named("shared")) != nullptr;
     }},
    {"hot-journal", "one process has the file for itself, and a -journal is there",
     [](const Evidence& e) {
       return find_lock(e, is_file_alone) != nullptr && e.file.has_journal && !is_wal(e);
     }},
    {"last-close", "one process has the file for itself, and a log is there",
     [](const Evidence& e) {
       return find_lock(e, is_file_alone) != nullptr && e.file.has_log &&
              e.waited < std::chrono::seconds(1);
     }},
    {"exclusive-locking-mode", "one process has the file for itself, and nothing is being undone",
     [](const Evidence& e) { return find_lock(e, is_file_alone) != nullptr; }},
    {"no-busy-timeout", "the connection does not wait at all",
     [](const Evidence& e) {
       return e.busy_timeout == std::chrono::milliseconds(0) && !e.in_transaction;
     }},
    {"uninterruptible-wait", "the wait had been interrupted, and went on",
     [](const Evidence& e) { return e.interrupted; }},
    {"checkpoint-waits-on-reader", "who has the write lock checkpoints, and a reader is in its way",
     [](const Evidence& e) { return writer_checkpoints(e); }},
    {"foreign-writer", "another process has the lock",
     [](const Evidence& e) { return others_write(e); }},
    {"rollback-journal-reader", "a reader has the file, and there is no write-ahead log",
     [](const Evidence& e) {
       return !is_wal(e) && find_lock(e, named("shared")) != nullptr && !holds_itself(e);
     }},
    {"writer-starved", "the whole timeout passed, and the lock went to others meanwhile",
     [](const Evidence& e) {
       return e.busy_timeout && e.busy_timeout->count() > 0 && !came_at_once(e);
     }},
});

constexpr auto kOtherRules = std::to_array<Rule>({
    {"shared-cache-table-lock", "connections share a cache",
     [](const Evidence& e) {
       return e.sqlite_code == SQLITE_LOCKED_SHAREDCACHE ||
              (is_kind(e, SQLITE_LOCKED) && has_text(e.uri, "cache=shared"));
     }},
    {"checkpoint-in-transaction", "the connection has a transaction of its own",
     [](const Evidence& e) { return is_kind(e, SQLITE_LOCKED) && is_checkpoint(e); }},
    {"open-statement", "a statement of the connection itself has not ended",
     [](const Evidence& e) { return is_kind(e, SQLITE_LOCKED); }},
    {"frozen-peer", "the locks of the log's index were not to be had",
     [](const Evidence& e) { return is_kind(e, SQLITE_PROTOCOL); }},
    {"schema-changed", "SQLite says that the schema has changed",
     [](const Evidence& e) { return is_kind(e, SQLITE_SCHEMA); }},
    {"disk-full", "SQLite says that there is no room",
     [](const Evidence& e) { return is_kind(e, SQLITE_FULL); }},
    {"disk-full", "a write failed, and the file system has no room",
     [](const Evidence& e) {
       return is_kind(e, SQLITE_IOERR) && e.has_file && e.file.directory_exists &&
              e.file.free_bytes == 0;
     }},
    {"truncated-file", "the file ends before its time",
     [](const Evidence& e) {
       return e.sqlite_code == SQLITE_IOERR_SHORT_READ ||
              (e.file_is_short && (is_kind(e, SQLITE_CORRUPT) || is_kind(e, SQLITE_NOTADB)));
     }},
    {"damaged-file", "the file system or a checksum says that the data is damaged",
     [](const Evidence& e) {
       return e.sqlite_code == SQLITE_IOERR_DATA || e.sqlite_code == SQLITE_IOERR_CORRUPTFS;
     }},
    {"io-error", "a system call failed",
     [](const Evidence& e) { return is_kind(e, SQLITE_IOERR); }},
    {"hot-journal", "a journal has to be played back, which a reader cannot",
     [](const Evidence& e) { return e.sqlite_code == SQLITE_READONLY_ROLLBACK; }},
    {"missing-shm", "the log cannot be read without its index",
     [](const Evidence& e) {
       return e.sqlite_code == SQLITE_READONLY_RECOVERY ||
              e.sqlite_code == SQLITE_READONLY_CANTLOCK ||
              e.sqlite_code == SQLITE_CANTOPEN_DIRTYWAL ||
              ((is_kind(e, SQLITE_CANTOPEN) || is_kind(e, SQLITE_READONLY)) && e.file.has_log &&
               !e.file.has_index && !e.file.directory_writable);
     }},
    {"missing-directory", "there is no such directory",
     [](const Evidence& e) {
       return is_kind(e, SQLITE_CANTOPEN) && (!e.has_file || !e.file.directory_exists);
     }},
    {"read-only-directory", "the user may not write there",
     [](const Evidence& e) {
       return is_kind(e, SQLITE_READONLY) || is_kind(e, SQLITE_PERM) ||
              (is_kind(e, SQLITE_CANTOPEN) && !e.file.directory_writable);
     }},
    {"missing-directory", "the path does not lead to a file that can be opened",
     [](const Evidence& e) { return is_kind(e, SQLITE_CANTOPEN); }},
    {"not-a-database", "the file does not begin as a database does",
     [](const Evidence& e) { return is_kind(e, SQLITE_NOTADB); }},
    {"damaged-file", "pages of the file are not what SQLite wrote",
     [](const Evidence& e) { return is_kind(e, SQLITE_CORRUPT); }},
    {"open-statement", "a statement of the connection itself has not ended",
     [](const Evidence& e) {
       return has_text(e.message, "statements in progress") ||
              has_text(e.message, "unfinalized statements") ||
              (e.has_open_statement && has_text(e.message, "out of wal mode"));
     }},
    {"ended-transaction", "a statement that failed had ended the transaction",
     [](const Evidence& e) {
       return e.transaction_ended && has_text(e.message, "no transaction is active");
     }},
    {"shared-connection", "the connection is in a transaction that the caller has not begun",
     [](const Evidence& e) {
       return has_text(e.message, "within a transaction") ||
              has_text(e.message, "no transaction is active");
     }},
});

// Nothing failed, and yet something is missing.
constexpr auto kSilentRules = std::to_array<Rule>({
    {"ended-transaction", "a statement that failed had ended the transaction",
     [](const Evidence& e) { return e.transaction_ended; }},
    {"shared-connection", "the connection was in a transaction that the caller had not begun",
     [](const Evidence& e) { return e.joined_transaction; }},
    {"checkpoint-waits-on-reader", "the row of the checkpoint says that it was busy",
     [](const Evidence& e) { return is_checkpoint(e) && has_text(e.message, "busy=1"); }},
    {"schema-changed", "the statement has other columns than it was compiled with",
     [](const Evidence& e) { return has_text(e.message, "columns instead of"); }},
    {"checkpoint-does-nothing", "the checkpoint reported a log of -1 frames",
     [](const Evidence& e) { return is_checkpoint(e) && has_text(e.message, "-1 frames"); }},
    {"long-reader", "a reader keeps the log from starting over",
     [](const Evidence& e) {
       return e.file.has_log && is_checkpoint(e) && find_lock(e, named("read")) != nullptr;
     }},
    {"backup-starts-over", "a backup in steps meets a writer",
     [](const Evidence& e) { return has_text(e.sql, "backup_step"); }},
    {"ignored-setting", "a pragma had no effect inside a transaction",
     [](const Evidence& e) { return has_text(e.sql, "foreign_keys") && e.in_transaction; }},
});

// Who holds what, for the sentence.
std::string holders(const Evidence& e) {
  const LockInfo* lock = find_lock(e, is_write_lock, true);
  if (lock == nullptr) lock = find_lock(e, is_write_lock);
  if (lock == nullptr || lock->pid == 0) return {};
  std::string text = "; process " + std::to_string(lock->pid);
  if (!lock->program.empty()) text += " (" + lock->program + ")";
  return text + " has the " + lock->lock;
}

template <class Rules>
std::optional<Diagnosis> first_that_applies(const Rules& rules, const Evidence& e) {
  for (const Rule& rule : rules)
    if (rule.applies(e)) return Diagnosis{find_cause(rule.cause), std::string(rule.why)};
  return std::nullopt;
}

std::optional<Diagnosis> by_rules(const Evidence& e) {
  if (auto found = first_that_applies(kTellingRules, e)) return found;
  if (e.sqlite_code == SQLITE_OK) return first_that_applies(kSilentRules, e);
  if (is_kind(e, SQLITE_BUSY)) return first_that_applies(kBusyRules, e);
  return first_that_applies(kOtherRules, e);
}

// ---- What this library threw ----

// A holder in the form of the evidence.
std::vector<LockInfo> locks_of(const Holder& holder) {
  if (holder.kind == Holder::Kind::Unknown || holder.lock.empty()) return {};
  LockInfo lock;
  lock.lock = holder.lock;
  lock.kind = "write";
  lock.pid = holder.pid;
  lock.program = holder.program;
  lock.lane = holder.lane;
  return {lock};
}

std::optional<Diagnosis> of_timeout(const Timeout& timeout) {
  FailureEvidence evidence;
  evidence.sqlite_code = timeout.sqlite_code() == 0 ? SQLITE_BUSY : timeout.sqlite_code();
  evidence.message = timeout.message();
  evidence.sql = timeout.sql();
  evidence.journal_mode = "wal";
  evidence.busy_timeout = timeout.waited();
  evidence.waited = timeout.waited();
  evidence.locks = locks_of(timeout.holder());
  // A lane is known of programs only that use this library: they are no strangers, and where one
  // of them had the turn all the time, its transaction is what took too long.
  if (!timeout.holder().lane.empty() && evidence.sqlite_code == SQLITE_BUSY &&
      !holder_is_stopped(evidence)) {
    return Diagnosis{find_cause("writer-starved"), timeout.holder().describe() + "."};
  }
  return diagnose_failure(evidence);
}

bool names_error(const Cause& cause, std::string_view code) {
  const std::string padded = " " + std::string(cause.error_codes) + " ";
  return padded.find(" " + std::string(code) + " ") != std::string::npos;
}

}  // namespace

std::optional<Diagnosis> diagnose_failure(const FailureEvidence& evidence) {
  std::optional<Diagnosis> found = by_rules(evidence);
  if (!found) return std::nullopt;
  found->evidence += holders(evidence) + ".";
  if (const auto first = found->evidence.begin(); first != found->evidence.end())
    *first = static_cast<char>(std::toupper(static_cast<unsigned char>(*first)));
  return found;
}

std::optional<Diagnosis> diagnose_failure(const Error& error) {
  if (const auto* const timeout = dynamic_cast<const Timeout*>(&error)) return of_timeout(*timeout);
  // Where SQLite was asked, its code is the surer sign.
  if (error.sqlite_code() != 0 && error.code() != "STATEMENT_OPEN") {
    FailureEvidence evidence;
    evidence.sqlite_code = error.sqlite_code();
    evidence.message = error.message();
    evidence.sql = error.sql();
    if (auto found = diagnose_failure(evidence); found && names_error(*found->cause, error.code()))
      return found;
  }
  for (const Cause& cause : causes())
    if (names_error(cause, error.code()))
      return Diagnosis{&cause, std::string(error.message()) + "."};
  return std::nullopt;
}

}  // namespace turnstile
