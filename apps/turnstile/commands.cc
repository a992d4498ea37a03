// The commands of one word; command.h says how to add one.
#include <array>

#include "command_table.h"
#include "sql_runs.h"

namespace turnstile::cli {

namespace {

constexpr auto kGlobalFlags = std::to_array<Flag>({
    {"--json", "", "print data and errors as JSON"},
    {"--timeout", "TIME", "longest wait for others: 250ms, 5s, 2m (default 5s)"},
    {"--yes", "", "answer every question with yes"},
    {"--help", "", "explain the command and stop", 'h'},
});

constexpr auto kFormats = std::to_array<std::string_view>({"table", "json", "csv", "lines"});
constexpr auto kShells = std::to_array<std::string_view>({"bash", "zsh", "fish"});
constexpr auto kTopics = std::to_array<std::string_view>({"errors", "exit-codes"});

constexpr Flag kParameter = {"--param", "NAME=VALUE",
                             "value of the SQL parameter :NAME, or of ?NAME for a number", 'p',
                             true};

// init
constexpr auto kInitPositionals = std::to_array<Positional>({kDb});
constexpr auto kInitFlags = std::to_array<Flag>({
    {"--page-size", "BYTES", "page size of a new file, a power of two from 512 to 65536"},
    {"--schema", "FILE", "SQL of the next schema step; repeat it for further steps", '\0', true,
     Words::Files},
});
constexpr auto kInitExamples = std::to_array<Example>({
    {"turnstile init app.db", "an empty database"},
    {"turnstile init app.db --schema 1.sql --schema 2.sql", "with two schema steps"},
});

// info
constexpr auto kInfoPositionals = std::to_array<Positional>({kDb});
constexpr auto kInfoFlags = std::to_array<Flag>({
    {"--metrics", "", "print the metrics as OpenMetrics text, for collectors, and nothing else"},
});
constexpr auto kInfoExamples = std::to_array<Example>({
    {"turnstile info app.db", "for people"},
    {"turnstile info app.db --json | jq .wal_bytes", "one value for a script"},
    {"turnstile info app.db --metrics", "what a program of your own exports with to_open_metrics"},
});

// query
constexpr auto kQueryPositionals =
    std::to_array<Positional>({kDb, {"SQL", "one statement that reads"}});
constexpr auto kQueryFlags = std::to_array<Flag>({
    kParameter,
    {"--format", "FORMAT", "how rows are printed (default table)", '\0', false, Words::Choices,
     kFormats},
});
constexpr auto kQueryExamples = std::to_array<Example>({
    {"turnstile query app.db 'SELECT * FROM note WHERE id = :id' -p id=7", "a parameter by name"},
    {"turnstile query app.db 'SELECT * FROM note' --format csv > note.csv", "for a spreadsheet"},
});

// exec
constexpr auto kExecPositionals =
    std::to_array<Positional>({kDb, {"SQL", "statements, or - to read them from standard input"}});
constexpr auto kExecFlags = std::to_array<Flag>({
    kParameter,
    kDurability,
});
constexpr auto kExecExamples = std::to_array<Example>({
    {"turnstile exec app.db 'INSERT INTO note(title) VALUES (:t)' -p t=Shopping", "one row"},
    {"turnstile exec app.db - < changes.sql", "many statements, all or none of them"},
});

// migrate
constexpr auto kMigratePositionals = std::to_array<Positional>(
    {kDb, {"DIR", "directory of files NNNN_name.sql, one a schema step", true, Words::Files}});
constexpr auto kMigrateFlags = std::to_array<Flag>({
    {"--status", "", "list the steps and whether the file has them; status 1 when one is missing"},
    {"--dry-run", "", "run what is missing, say so, and undo it"},
    {"--adopt", "VERSION", "take a file of unknown origin as having the steps up to this one"},
    {"--no-backup", "", "do not copy a file with data first"},
});
constexpr auto kMigrateExamples = std::to_array<Example>({
    {"turnstile migrate app.db migrations", "run what is missing"},
    {"turnstile migrate app.db migrations --status", "is anything missing?"},
});

// recover
constexpr auto kRecoverPositionals = std::to_array<Positional>({
    {"SRC", "path of the damaged database", true, Words::Files},
    {"DEST", "path of the new one, which must not exist", true, Words::Files},
});
constexpr auto kRecoverFlags = std::to_array<Flag>({
    {"--page-size", "BYTES", "page size of the source, where it cannot be found out"},
});
constexpr auto kRecoverExamples = std::to_array<Example>({
    {"turnstile recover damaged.db new.db", "save what can be read"},
    {"turnstile recover damaged.db new.db --json | jq .losses", "what is missing, for a script"},
});

// backup, restore, verify
constexpr Flag kQuick = {"--quick", "",
                         "check the pages, but not the indexes against their tables"};
constexpr auto kBackupPositionals =
    std::to_array<Positional>({kDb, {"DEST", "the new file", true, Words::Files}});
constexpr auto kBackupFlags = std::to_array<Flag>({
    {"--compact", "", "leave out free pages"},
    {"--overwrite", "", "replace DEST when it is there"},
    {"--no-manifest", "", "write no DEST.manifest"},
    kQuick,
});
constexpr auto kBackupExamples = std::to_array<Example>({
    {"turnstile backup app.db /mnt/backup/app.db", "while programs go on"},
    {"turnstile backup app.db copy.db --compact --overwrite", "as small as can be"},
});
constexpr auto kRestorePositionals =
    std::to_array<Positional>({{"SRC", "a backup", true, Words::Files}, kDb});
constexpr auto kRestoreFlags = std::to_array<Flag>({
    {"--delete-old", "", "do not keep the database that was there"},
    kQuick,
});
constexpr auto kRestoreExamples = std::to_array<Example>({
    {"turnstile restore /mnt/backup/app.db app.db", "the former one is kept beside it"},
});
constexpr auto kVerifyPositionals =
    std::to_array<Positional>({{"FILE", "a database or a backup", true, Words::Files}});
constexpr auto kVerifyFlags = std::to_array<Flag>({kQuick});
constexpr auto kVerifyExamples = std::to_array<Example>({
    {"turnstile verify copy.db && echo good", "for a script"},
});

// checkpoint, optimize, vacuum
constexpr auto kMaintenancePositionals = std::to_array<Positional>({kDb});
constexpr auto kCheckpointFlags = std::to_array<Flag>({
    {"--passive", "", "wait for no reader"},
});
constexpr auto kCheckpointExamples = std::to_array<Example>({
    {"turnstile checkpoint app.db", "before the file is copied by other means"},
});
constexpr auto kOptimizeExamples = std::to_array<Example>({
    {"turnstile optimize app.db", "now and then"},
});
constexpr auto kVacuumFlags = std::to_array<Flag>({
    {"--incremental", "", "give free pages back in small steps, between which others write"},
    {"--pages", "COUNT", "with --incremental: at most so many (default all)"},
});
constexpr auto kVacuumExamples = std::to_array<Example>({
    {"turnstile vacuum app.db", "rewrite the whole file"},
});

// locks
constexpr auto kLocksPositionals = std::to_array<Positional>({kDb});
constexpr auto kLocksFlags = std::to_array<Flag>({
    {"--watch", "", "look again every second until Ctrl-C"},
});
constexpr auto kLocksExamples = std::to_array<Example>({
    {"turnstile locks app.db", "who holds what now"},
});

// top
constexpr auto kTopPositionals = std::to_array<Positional>({kDb});
constexpr auto kTopFlags = std::to_array<Flag>({
    {"--once", "", "look once and end"},
    {"--interval", "DURATION", "time between two looks; without it 1s"},
});
constexpr auto kTopExamples = std::to_array<Example>({
    {"turnstile top app.db", "what goes on, until Ctrl-C"},
    {"turnstile top app.db --once --json", "one look, for a script"},
});

// serve
constexpr auto kServePositionals = std::to_array<Positional>({kDb});
constexpr auto kServeFlags = std::to_array<Flag>({
    {"--port", "N", "port of 127.0.0.1; without it 8040, 0 for any that is free"},
});
constexpr auto kServeExamples = std::to_array<Example>({
    {"turnstile serve app.db", "then look at http://127.0.0.1:8040/"},
});

// explain
constexpr auto kExplainPositionals = std::to_array<Positional>({
    {"WORDS",
     "a result code, an error code, a message, a line of a log, or a cause; - reads a log",
     false,
     Words::Causes,
     {},
     true},
});
constexpr auto kExplainFlags = std::to_array<Flag>({
    {"--markdown", "", "print all causes as the page docs/reference/causes.md"},
});
constexpr auto kExplainExamples = std::to_array<Example>({
    {"turnstile explain database table is locked", "a message"},
    {"turnstile explain 517", "a result code"},
    {"turnstile explain upgrade-after-read", "a cause, with its cure"},
    {"turnstile explain - < app.log", "the first failure in a log"},
});

// demo
constexpr auto kDemoPositionals = std::to_array<Positional>({
    {"CAUSE", "a cause, seed1 or seed2; without it, they are listed", false, Words::Demos},
});
constexpr auto kDemoFlags = std::to_array<Flag>({
    {"--part", "PART", "used by the command itself, for the processes that it starts"},
});
constexpr auto kDemoExamples = std::to_array<Example>({
    {"turnstile demo", "what there is"},
    {"turnstile demo stale-snapshot", "let it happen"},
});

// doctor
constexpr auto kDoctorPositionals = std::to_array<Positional>(
    {{"DB", "path of a database or of a workspace, or a file: URI", true, Words::Files}});
constexpr auto kDoctorFlags = std::to_array<Flag>({
    {"--full", "", "compare indexes with tables too, and take the time that it takes"},
    {"--fix", "", "set right what can be set right without a risk, after asking"},
    {"--encrypted", "", "the program means the file to be encrypted"},
    {"--embedding", "NAME=DIM", "what the program's model makes for this collection", '\0', true},
});
constexpr auto kDoctorExamples = std::to_array<Example>({
    {"turnstile doctor app.db", "what is wrong, and what to do"},
    {"turnstile doctor app.db --json | jq .summary", "for a script"},
});

// watch
constexpr auto kWatchPositionals = std::to_array<Positional>(
    {kDb, {"TABLE", "tell only of commits that touch these tables", false, Words::Any, {}, true}});
constexpr auto kWatchExamples = std::to_array<Example>({
    {"turnstile watch app.db", "every commit, whoever makes it"},
    {"turnstile watch app.db note tag --json | jq -c .tables", "of two tables, for a script"},
});

// torture, bench
constexpr auto kTrialPositionals = std::to_array<Positional>(
    {{"DIR", "a directory on the disk that is to be tried", true, Words::Files}});
constexpr auto kTortureFlags = std::to_array<Flag>({
    {"--processes", "COUNT", "so many processes (default 4)"},
    {"--threads", "COUNT", "each with so many that write (default 4)"},
    {"--seconds", "COUNT", "for so long (default 10)"},
    {"--kill", "", "kill processes with kill -9, and stop them for a while"},
    {"--full-disk", "", "let the disk be full for them now and then"},
    {"--seed", "NUMBER", "what chance begins with (default by chance)"},
});
constexpr auto kTortureExamples = std::to_array<Example>({
    {"turnstile torture /var/lib/app --kill --full-disk", "ten seconds of everything"},
    {"turnstile torture . --seconds 600 --kill --full-disk --json | jq .findings",
     "ten minutes, for a script"},
});

// bench
constexpr auto kBenchFlags = std::to_array<Flag>({
    {"--seconds", "COUNT", "for so long (default 10)"},
    {"--threads", "COUNT", "so many threads that write (default 4)"},
    {"--synchronous", "MODE", "normal, or full: a sync with each commit (default normal)", '\0',
     false, Words::Choices, kDurabilities},
});
constexpr auto kBenchExamples = std::to_array<Example>({
    {"turnstile bench /var/lib/app", "ten seconds on the disk of an application"},
    {"turnstile bench . --synchronous full --json | jq .writes.ratio.per_second",
     "with a sync each, one value for a script"},
});

// version
constexpr auto kVersionExamples = std::to_array<Example>({
    {"turnstile version --json | jq -r .engine.version", "the SQLite inside"},
});

// help
constexpr auto kHelpPositionals = std::to_array<Positional>({
    {"TOPIC",
     "a command, a group of commands, exit-codes or errors",
     false,
     Words::HelpTopics,
     {},
     true},
});
constexpr auto kHelpFlags = std::to_array<Flag>({
    {"--man", "", "print the manual page's source"},
});
constexpr auto kHelpExamples = std::to_array<Example>({
    {"turnstile help query", "one command"},
    {"turnstile help --man | man -l -", "the manual page"},
});

// completions
constexpr auto kCompletionsPositionals = std::to_array<Positional>({
    {"SHELL", "bash, zsh or fish", true, Words::Choices, kShells},
});
constexpr auto kCompletionsExamples = std::to_array<Example>({
    {"source <(turnstile completions bash)", "for this shell"},
});

constexpr auto kCommands = std::to_array<Command>({
    {"init", "create a database, configure it, bring its schema up to date",
     "May be run again at any time: what is done already is left alone. Each --schema file is one "
     "step, numbered 1, 2, 3 in the order given; the file's user_version says which steps it has. "
     "All missing steps are one transaction.",
     kInitPositionals, kInitFlags, kInitExamples, run_init},
    {"info", "show how a database is set up and how large it is",
     "Opens it for reading only and so neither waits for a writer nor changes anything: no "
     "database is made, and the journal mode stays what it is. SQLite may leave an empty -wal and "
     "a -shm.\n\n"
     "Every process measures for itself. The metrics that --json and --metrics show are those of "
     "this command, which has only opened the database: their names and form, and the size of the "
     "log. For a program's own use Database::metrics().",
     kInfoPositionals, kInfoFlags, kInfoExamples, run_info},
    {"query", "run one statement that reads, on one snapshot",
     "Rows are printed as they come, so that the result may be larger than memory.\n\n"
     "A VALUE is an integer or a real number if it is written like one, NULL, a blob such as "
     "x'00ff', or else text; 'quotes' make text of anything.",
     kQueryPositionals, kQueryFlags, kQueryExamples, run_query},
    {"exec", "run statements that write, in one transaction",
     "All of them take effect, or none. Several statements, separated by semicolons, are allowed "
     "where there are no parameters. Values are written as for query.",
     kExecPositionals, kExecFlags, kExecExamples, run_exec},
    {"migrate", "run the schema steps of a directory that a database lacks",
     "All of them in one transaction, each once in the life of the file, which keeps a record of "
     "it with the checksum of the step. A step that was edited since, a gap, and a file with more "
     "steps than the directory are refused. A file with data is copied to DB.before-vN first, N "
     "being the first missing step.",
     kMigratePositionals, kMigrateFlags, kMigrateExamples, run_migrate},
    {"recover", "make a new database of what can be read of a damaged one",
     "SRC is only read, its write-ahead log included, and never by SQLite. DEST gets the tables, "
     "rows, indexes, views and triggers; rows whose table is not known are in its table "
     "lost_and_found. It appears when it is whole and has passed the integrity check.\n\n"
     "The status is 0 when everything was read and 1 when something was lost.",
     kRecoverPositionals, kRecoverFlags, kRecoverExamples, run_recover},
    {"backup", "copy a database while programs use it",
     "The copy holds one moment, is checked, and only then gets its name: what interrupts the "
     "command leaves nothing of that name. Nobody waits for it, but the write-ahead log cannot be "
     "cut off until all pages are copied. DEST.manifest says what the file is, for `turnstile "
     "verify`.",
     kBackupPositionals, kBackupFlags, kBackupExamples, run_backup},
    {"restore", "put a backup in the place of a database",
     "SRC is checked first, and so is its copy beside DB; then DB is exchanged in one step. Nobody "
     "else may have it open: whoever has is named. The former database is kept as "
     "DB.before-restore-TIME, where TIME is in UTC, and nobody deletes that but you.",
     kRestorePositionals, kRestoreFlags, kRestoreExamples, run_restore},
    {"verify", "look whether a file is a whole database",
     "Its pages, indexes and foreign keys, whether a log lies beside it that nobody uses, and its "
     "manifest if it has one. Writes nothing. Ends with 2 when the file is not to be used, with 1 "
     "when it is whole and has foreign keys that lead nowhere.",
     kVerifyPositionals, kVerifyFlags, kVerifyExamples, run_verify},
    {"checkpoint", "copy the write-ahead log into the file",
     "Waits until --timeout for readers that keep the log, and lets others write meanwhile. Ends "
     "with 1 when something is left in the log.",
     kMaintenancePositionals, kCheckpointFlags, kCheckpointExamples, run_checkpoint},
    {"optimize",
     "bring the statistics of the query planner up to date",
     "Looks at those tables only that have changed much.",
     kMaintenancePositionals,
     {},
     kOptimizeExamples,
     run_optimize},
    {"vacuum", "give free space back to the file system",
     "Rewrites the file in one transaction, for which others wait to write, and takes up to twice "
     "its size. With --incremental only pages at the end are given back, in small transactions; "
     "the "
     "file must have been made with auto_vacuum=incremental.",
     kMaintenancePositionals, kVacuumFlags, kVacuumExamples, run_vacuum},
    {"locks", "show which processes hold or wait for locks on a database",
     "Names each lock as SQLite does, with the process that has it, whatever program that is; of "
     "programs that use this library also lane, age and statement, and how many calls wait. Does "
     "not open the database and so cannot disturb it.",
     kLocksPositionals, kLocksFlags, kLocksExamples, run_locks},
    {"top", "show what goes on at a database: lanes, waits, locks, the log, tasks",
     "Drawn anew in place until Ctrl-C. Figures are those that programs which use this library "
     "show "
     "to others of their user; locks are those of all programs. Rates are of the time since the "
     "former look, with --once since a program opened the database. With --json one object a line.",
     kTopPositionals, kTopFlags, kTopExamples, run_top},
    {"serve", "show what goes on at a database as a page, and to collectors of metrics",
     "Prints the address of the page. Only programs of this machine can reach it, of any user: "
     "statements are shown without values. Beside the page there are /live.json, as of top with "
     "--json, and /metrics, in the format OpenMetrics. Ctrl-C ends it.",
     kServePositionals, kServeFlags, kServeExamples, run_serve},
    {"explain", "say what a failure of SQLite's means, what causes it, and how to cure it",
     "Takes the words as they are: a result code by name or number, a code of Turnstile's, a "
     "message, or a line of a log with one of these in it. Where several causes are possible, it "
     "says how to find out which one it is, and which are likelier by the statement in the same "
     "words. Of standard input (-, or no words and no terminal) it takes the first line that names "
     "a failure, and the few lines in front of it. Needs no database.",
     kExplainPositionals, kExplainFlags, kExplainExamples, run_explain},
    {"demo", "let a failure happen with SQLite alone, then do the same work through Turnstile",
     "In a directory of its own, with processes of its own where it needs them; both counts are "
     "printed. The status is 0 when SQLite alone failed and Turnstile did not, 1 when nothing "
     "failed or this machine does not permit it, and 2 when Turnstile failed.",
     kDemoPositionals, kDemoFlags, kDemoExamples, run_demo},
    {"doctor", "look for what is wrong with a database, or soon will be",
     "For the database of any program: its file and what lies beside it, the disk, the processes "
     "that use it and their versions of SQLite, locks and who holds them, and what is inside. "
     "Changes nothing. Beside programs that use the file it is a reader, for a fifth of a second "
     "at a time: nobody waits for it but a checkpoint that waits for readers, and writers behind "
     "that. With --full it reads for as long as it takes, and keeps the log meanwhile. Each "
     "finding has its evidence, a cure, and the cause that `turnstile explain` tells more of.\n\n"
     "--fix copies the file and what lies beside it into a directory DB.aside-... first, and takes "
     "a log in only where the whole file is found to be sound with it.\n\n"
     "Run it as the user that the program runs as, or as root to see all processes. Ends with 1 "
     "when there are warnings and with 2 when something failed.\n\n"
     "Of a workspace of vaults it looks at the files, for which it needs no password.",
     kDoctorPositionals, kDoctorFlags, kDoctorExamples, run_doctor},
    {"watch",
     "tell of each commit that touches tables, whoever makes it",
     "Opens the database for reading only. A line is one commit, or several where they came faster "
     "than they could be told. Which tables a program touched that does not use this library is "
     "not known, so that its commits are told whatever the tables. Ctrl-C ends it.",
     kWatchPositionals,
     {},
     kWatchExamples,
     run_watch},
    {"torture", "try on this disk that nothing is lost and nobody locked out",
     "Processes of this program write, read and work on tasks of one database in a directory of "
     "their own in DIR, and keep a ledger of what was acknowledged, outside the database. "
     "Meanwhile there are backups, checkpoints, a slow disk and sqlite3 shells, and with the flags "
     "kill -9, processes that stand still, and a full disk. Then the database is compared with the "
     "ledger: nothing acknowledged may be missing, nothing half there. A full disk is a limit on "
     "what the processes may write: nobody else on the disk is disturbed.\n\n"
     "Ends with 2 when something was found; the directory is kept then, and removed otherwise. A "
     "wait that is longer than --timeout, here 30s, is a finding.",
     kTrialPositionals, kTortureFlags, kTortureExamples, run_torture},
    {"bench", "measure on this disk what threads get, with plain SQLite and with Turnstile",
     "Threads write small transactions into files in a directory of their own in DIR, which is "
     "removed in the end: through SQLite as published advice has it (a connection a thread, WAL, a "
     "busy timeout of --timeout, BEGIN IMMEDIATE, prepared statements), and through Turnstile, a "
     "lane a thread. Both have turns of half a second, in both orders, so that a ratio is one of "
     "the same moment; it is Turnstile's figure divided by the other, above 1 good for what is "
     "done a second, below 1 for what somebody waits. Then a thread reads rows by their key beside "
     "the writers. How long a write takes with a sync, alone, explains the rest.\n\n"
     "Ends with 0 when it has measured, whatever the figures. It holds them against no targets: "
     "that is `./dev bench` in the source tree.",
     kTrialPositionals, kBenchFlags, kBenchExamples, run_bench},
    {"version",
     "show the versions of the program and of its SQLite",
     "The version of sqlite-vec is shown when the environment variable TURNSTILE_VEC0 names its "
     "library.",
     {},
     {},
     kVersionExamples,
     run_version},
    {"help", "explain a command, the exit codes or the error codes", "", kHelpPositionals,
     kHelpFlags, kHelpExamples, run_help},
    {"completions",
     "print a shell's completion script",
     "",
     kCompletionsPositionals,
     {},
     kCompletionsExamples,
     run_completions},
});

}  // namespace

std::span<const Command> single_commands() noexcept {
  return kCommands;
}

std::span<const Flag> global_flags() noexcept {
  return kGlobalFlags;
}

std::span<const std::string_view> help_topics() noexcept {
  return kTopics;
}

}  // namespace turnstile::cli
