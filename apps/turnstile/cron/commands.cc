#include "cron/commands.h"

#include <array>

namespace turnstile::cli {

namespace {

constexpr auto kMissed = std::to_array<std::string_view>({"skip", "once", "all"});
constexpr auto kOverlaps = std::to_array<std::string_view>({"skip", "allow", "queue"});

constexpr Flag kZone = {"--zone", "ZONE",
                        "the clock it goes by, such as Europe/Berlin (default UTC)"};
constexpr Positional kName = {"NAME", "the job's name"};

// add
constexpr auto kAddPositionals = std::to_array<Positional>({
    kDb,
    kName,
    {"EXPRESSION", "when it is due: five or six fields, @daily, @every 90s, @at TIME"},
    {"COMMAND", "the program that it runs, and its arguments", false, Words::Program, {}, true},
});
constexpr auto kAddFlags = std::to_array<Flag>({
    kZone,
    {"--sql", "SQL", "statements that it runs in one transaction, instead of a program"},
    {"--missed", "POLICY", "what becomes of due times that nobody was there for (default skip)",
     '\0', false, Words::Choices, kMissed},
    {"--missed-limit", "COUNT", "with --missed all: only the latest ones (default 100)"},
    {"--overlap", "POLICY", "what if an earlier run still goes on (default skip)", '\0', false,
     Words::Choices, kOverlaps},
    {"--job-timeout", "TIME", "how long a run may take (default 30m)"},
    {"--jitter", "TIME", "begin later by a part of this, another one each time"},
});
constexpr auto kAddExamples = std::to_array<Example>({
    {"turnstile cron add app.db backup '30 3 * * *' --zone Europe/Berlin -- ./backup.sh",
     "every night"},
    {"turnstile cron add app.db tidy @hourly --sql 'DELETE FROM session WHERE expires < "
     "unixepoch()'",
     "SQL"},
});

// list, history
constexpr auto kListPositionals = std::to_array<Positional>({kDb});
constexpr auto kListFlags = std::to_array<Flag>({
    {"--enabled", "", "only those that are neither paused nor over"},
});
constexpr auto kListExamples = std::to_array<Example>({
    {"turnstile cron list app.db", "all jobs"},
    {"turnstile cron list app.db --json | jq -r '.[] | select(.enabled | not).name'",
     "those that are paused or over"},
});
constexpr auto kHistoryPositionals =
    std::to_array<Positional>({kDb, {"NAME", "the job's name; all jobs without it", false}});
constexpr auto kHistoryFlags = std::to_array<Flag>({
    {"--count", "COUNT", "at most so many runs (default 20)", 'n'},
});
constexpr auto kHistoryExamples = std::to_array<Example>({
    {"turnstile cron history app.db backup -n 5", "the last five runs of a job"},
});

// next
constexpr auto kNextPositionals =
    std::to_array<Positional>({{"EXPRESSION", "five or six fields, @daily, @every 90s, @at TIME"}});
constexpr auto kNextFlags = std::to_array<Flag>({
    kZone,
    {"--from", "TIME", "look from here, such as 2026-03-01T12:00 (default now)"},
    {"--count", "COUNT", "so many (default 10)", 'n'},
});
constexpr auto kNextExamples = std::to_array<Example>({
    {"turnstile cron next '30 2 * * *' --zone Europe/Berlin --from 2026-03-28 -n 3",
     "around a change of the clocks"},
});

// run
constexpr auto kRunPositionals = std::to_array<Positional>({kDb});
constexpr auto kRunFlags = std::to_array<Flag>({
    {"--once", "", "run what is due now and end; status 1 when a run failed"},
    {"--until", "TIME", "end at this time"},
    {"--max-running", "COUNT", "so many runs at once (default 5)"},
});
constexpr auto kRunExamples = std::to_array<Example>({
    {"turnstile cron run app.db", "until Ctrl-C"},
    {"turnstile cron run app.db --once", "from another scheduler, or by hand"},
});

// pause, resume, remove
constexpr auto kChangePositionals = std::to_array<Positional>({kDb, kName});
constexpr auto kPauseExamples = std::to_array<Example>({
    {"turnstile cron pause app.db backup", "until resume"},
});
constexpr auto kResumeExamples = std::to_array<Example>({
    {"turnstile cron resume app.db backup", "from now on"},
});
constexpr auto kRemoveExamples = std::to_array<Example>({
    {"turnstile cron remove app.db backup", "for good"},
});

constexpr auto kCommands = std::to_array<Command>({
    {"cron add", "add a job, or change the one of that name",
     "What is run is a program with its arguments, behind --, or SQL. The program is started in "
     "the directory of `turnstile cron run`, without a shell, with the job's name in TURNSTILE_JOB "
     "and the due time in TURNSTILE_DUE.\n\n"
     "A job that is there already keeps its history and its pause, and its next run too unless "
     "the schedule or the zone is another.",
     kAddPositionals, kAddFlags, kAddExamples, run_cron_add},
    {"cron list", "show the jobs", "", kListPositionals, kListFlags, kListExamples, run_cron_list},
    {"cron next", "show when an expression is due",
     "Needs no database. Where the clocks are changed: a time that is left out is due right after "
     "the gap, one that comes twice the first time; a schedule of every hour goes on at its pace.",
     kNextPositionals, kNextFlags, kNextExamples, run_cron_next},
    {"cron run", "run jobs when they are due, until Ctrl-C",
     "Any number of these, and of programs with a scheduler of their own, may work on one "
     "database: each due time is run by one of them. Jobs of a program's own kinds are left to "
     "it. A line is a run that has begun, ended or was left out.",
     kRunPositionals, kRunFlags, kRunExamples, run_cron_run},
    {"cron pause",
     "run a job no more until resume",
     "A run that goes on is asked to stop, whoever runs it.",
     kChangePositionals,
     {},
     kPauseExamples,
     run_cron_pause},
    {"cron resume",
     "go on with a paused job",
     "From now on: what was due meanwhile is not made up for.",
     kChangePositionals,
     {},
     kResumeExamples,
     run_cron_resume},
    {"cron remove",
     "remove a job and its history",
     "A run that goes on is asked to stop, whoever runs it.",
     kChangePositionals,
     {},
     kRemoveExamples,
     run_cron_remove},
    {"cron history", "show the newest runs, the newest first", "", kHistoryPositionals,
     kHistoryFlags, kHistoryExamples, run_cron_history},
});

constexpr Group kGroup = {
    "cron", "run programs and SQL when they are due",
    "Jobs are kept in the database and run by `turnstile cron run`, in as many processes as you "
    "like, and by programs that use the library. See docs/guide/cron.md.",
    kCommands};

}  // namespace

const Group& cron_group() noexcept;
const Group& cron_group() noexcept {
  return kGroup;
}

}  // namespace turnstile::cli
