#include "task/commands.h"

#include <array>

#include "command.h"

namespace turnstile::cli {

namespace {

constexpr auto kStates =
    std::to_array<std::string_view>({"pending", "running", "done", "failed", "cancelled"});

constexpr Positional kIds = {"ID", "the task's number", true, Words::Any, {}, true};
constexpr auto kDbOnly = std::to_array<Positional>({kDb});
constexpr auto kDbAndIds = std::to_array<Positional>({kDb, kIds});

// add
constexpr auto kAddPositionals = std::to_array<Positional>({
    kDb,
    {"COMMAND", "the program and its arguments, behind --", true, Words::Program, {}, true},
});
constexpr auto kAddFlags = std::to_array<Flag>({
    {"--queue", "NAME", "the queue (default default)", 'q'},
    {"--delay", "TIME", "begin it so long from now at the earliest"},
    {"--key", "KEY", "while a task of this key is not finished, add no second one"},
    {"--max-attempts", "COUNT", "how often it may be begun (default 3)"},
    {"--priority", "NUMBER", "higher ones go first (default 0)"},
    {"--after", "ID", "begin it when that task is done; may be repeated", '\0', true},
    {"--limit", "TIME", "the longest that it may run (default 30m)"},
});
constexpr auto kAddExamples = std::to_array<Example>({
    {"turnstile task add app.db -- make report", "run it once, some time"},
    {"turnstile task add app.db --delay 10m --key backup -- sh -c 'tar c data | gzip > data.gz'",
     "later, and not twice"},
});

// work
constexpr auto kWorkFlags = std::to_array<Flag>({
    {"--queue", "NAME", "a queue to work for (default default); may be repeated", 'q', true},
    {"--workers", "COUNT", "commands that run at the same time (default 1)"},
    {"--until-empty", "", "end when no task is pending or running in the queues"},
});
constexpr auto kWorkExamples = std::to_array<Example>({
    {"turnstile task work app.db --workers 4", "until Ctrl-C"},
    {"turnstile task work app.db --until-empty", "what is there"},
});

// list, show
constexpr auto kListFlags = std::to_array<Flag>({
    {"--queue", "NAME", "only of this queue", 'q'},
    {"--state", "STATE", "only in this state", '\0', false, Words::Choices, kStates},
    {"--limit", "COUNT", "at most so many (default 100)"},
    {"--before", "ID", "only smaller numbers, for the next page"},
});
constexpr auto kListExamples = std::to_array<Example>({
    {"turnstile task list app.db --state failed", "the dead letters"},
});
constexpr auto kShowPositionals = std::to_array<Positional>({kDb, {"ID", "the task's number"}});
constexpr auto kShowExamples = std::to_array<Example>({
    {"turnstile task show app.db 7", "with all attempts"},
    {"turnstile task show app.db 7 --json | jq -r .result", "what it printed"},
});

// retry, cancel
constexpr auto kRetryPositionals = std::to_array<Positional>(
    {kDb, {"ID", "the task's number; without one, all that failed", false, Words::Any, {}, true}});
constexpr auto kRetryFlags = std::to_array<Flag>({
    {"--queue", "NAME", "without an ID: only of this queue", 'q'},
});
constexpr auto kRetryExamples = std::to_array<Example>({
    {"turnstile task retry app.db 7", "one"},
    {"turnstile task retry app.db --queue mail", "all that failed in a queue"},
});
constexpr auto kCancelExamples = std::to_array<Example>({
    {"turnstile task cancel app.db 7", "whether it runs or waits"},
});

// stats, prune
constexpr auto kStatsExamples = std::to_array<Example>({
    {"turnstile task stats app.db", "how many are in which state"},
});
constexpr auto kPruneFlags = std::to_array<Flag>({
    {"--keep", "COUNT", "finished tasks to keep of each kind of end (default 500)"},
});
constexpr auto kPruneExamples = std::to_array<Example>({
    {"turnstile task prune app.db --keep 0", "all that are finished"},
});

constexpr auto kCommands = std::to_array<Command>({
    {"task add", "put a command into a queue",
     "Prints the number of the task. It is run by `turnstile task work`, in whatever process that "
     "is, in its working directory and environment: as a program with its arguments and without a "
     "shell, which `sh -c` gives. A command that ends with another status than 0 has failed. It is "
     "tried again with growing pauses, up to --max-attempts times, and so has to be one that may "
     "be run twice: a machine can fail between its end and the record of it.",
     kAddPositionals, kAddFlags, kAddExamples, run_task_add},
    {"task work", "run the commands of queues",
     "Any number of processes may do this at the same time; each task is run by one. Prints a line "
     "for each that ended. While there is nothing to do it sleeps, and wakes when a task is added "
     "or due.\n\n"
     "Ctrl-C begins no more, sends SIGTERM to the commands that run, and gives their tasks back; "
     "a second one ends at once, and the tasks are given to others when their lease of 30 s is "
     "over. With --until-empty the status is 1 when a task failed for the last time.",
     kDbOnly, kWorkFlags, kWorkExamples, run_task_work},
    {"task list", "show tasks, the newest first", "", kDbOnly, kListFlags, kListExamples,
     run_task_list},
    {"task show",
     "show a task with its attempts",
     "",
     kShowPositionals,
     {},
     kShowExamples,
     run_task_show},
    {"task retry", "try tasks that failed again",
     "With as many attempts as they had. The status is 1 when there was none to be tried.",
     kRetryPositionals, kRetryFlags, kRetryExamples, run_task_retry},
    {"task cancel",
     "have tasks not be done",
     "One that runs counts as cancelled at once, and its command is ended. The status is 1 when "
     "one of them was finished already.",
     kDbAndIds,
     {},
     kCancelExamples,
     run_task_cancel},
    {"task stats",
     "count tasks by queue and state",
     "",
     kDbOnly,
     {},
     kStatsExamples,
     run_task_stats},
    {"task prune", "remove finished tasks",
     "The newest of those that are done, that failed and that were cancelled are kept; a task with "
     "a retention of its own is kept for that long. Workers do this too, now and then.",
     kDbOnly, kPruneFlags, kPruneExamples, run_task_prune},
});

}  // namespace

const Group& task_group() noexcept;
const Group& task_group() noexcept {
  static constexpr Group kGroup = {
      "task", "background tasks: commands in queues that survive their program",
      "Tasks are kept in the database, and any number of processes may add and run them. A program "
      "with handlers of its own uses turnstile::TaskQueue and WorkerPool; this group shows its "
      "tasks too, and runs those that are commands.",
      kCommands};
  return kGroup;
}

}  // namespace turnstile::cli
