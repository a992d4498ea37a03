#include "audit/commands.h"

#include <array>

namespace turnstile::cli {

namespace {

constexpr Flag kKeyFile = {"--key-file",
                           "FILE",
                           "the log's key, 32 to 128 hexadecimal digits; else from the environment "
                           "variable TURNSTILE_AUDIT_KEY",
                           '\0',
                           false,
                           Words::Files};
constexpr Flag kAfter = {"--after", "ID", "begin behind this event"};
constexpr auto kOnlyDb = std::to_array<Positional>({kDb});

// append
constexpr auto kAppendPositionals =
    std::to_array<Positional>({kDb, {"ACTION", "what was done, such as note.delete"}});
constexpr auto kAppendFlags = std::to_array<Flag>({
    {"--actor", "NAME", "who did it (default system)"},
    {"--subject", "NAME", "to what it was done"},
    {"--detail", "JSON", "what else there is to know"},
    {"--trace", "ID", "what it belongs to across programs"},
    {"--session", "ID", "what it belongs to in its program"},
    kKeyFile,
});
constexpr auto kAppendExamples = std::to_array<Example>({
    {"turnstile audit append app.db deploy --actor ada --detail '{\"version\":7}'", "one event"},
});

// list
constexpr auto kListFlags = std::to_array<Flag>({
    {"--from", "TIME", "of events that happened then or later, such as 2026-03-01T12:00:00Z"},
    {"--until", "TIME", "and before this"},
    {"--action", "ACTION", "of this action"},
    {"--actor", "NAME", "of this actor"},
    {"--subject", "NAME", "of this subject"},
    {"--trace", "ID", "of this trace"},
    {"--session", "ID", "of this session"},
    {"--before", "ID", "the next page: the last id of this one"},
    {"--limit", "COUNT", "at most so many (default 100)"},
});
constexpr auto kListExamples = std::to_array<Example>({
    {"turnstile audit list app.db --actor ada", "what ada did"},
    {"turnstile audit list app.db --subject note/7 --json | jq '.[0].time'", "when it was last"},
});

// tail
constexpr auto kTailFlags = std::to_array<Flag>({
    {"--lines", "COUNT", "begin with so many events that are there (default 10)"},
    kAfter,
});
constexpr auto kTailExamples = std::to_array<Example>({
    {"turnstile audit tail app.db", "what happens, whoever records it"},
    {"turnstile audit tail app.db --after 120 --json", "nothing missed since then, for a program"},
});

// verify
constexpr auto kVerifyPositionals = std::to_array<Positional>(
    {{"DB", "path of the database, or with --exported of an export", true, Words::Files}});
constexpr auto kVerifyFlags = std::to_array<Flag>({
    {"--anchor", "ANCHOR", "prove that the log still has what an earlier verify called its anchor"},
    {"--exported", "", "DB is a file that `audit export` has written"},
    kKeyFile,
});
constexpr auto kVerifyExamples = std::to_array<Example>({
    {"turnstile audit verify app.db", "is anything changed, removed or forged?"},
    {"turnstile audit verify app.db --anchor \"$(cat anchor.txt)\"", "or all of it made anew?"},
});

// export
constexpr auto kExportFlags = std::to_array<Flag>({
    kAfter,
    {"--until", "ID", "end with this event (default: the newest)"},
    kKeyFile,
});
constexpr auto kExportExamples = std::to_array<Example>({
    {"turnstile audit export app.db > audit.jsonl", "the whole log"},
    {"turnstile audit export app.db --after 120 > more.jsonl", "what came since"},
});

// prune
constexpr auto kPruneFlags = std::to_array<Flag>({
    {"--max-age", "TIME", "remove events that are older, such as 90d"},
    {"--max-events", "COUNT", "remove all but so many"},
    {"--even-if-broken", "", "remove events that do not verify too, and note it in the seal"},
    kKeyFile,
});
constexpr auto kPruneExamples = std::to_array<Example>({
    {"turnstile audit prune app.db --max-age 365d", "keep a year"},
});

constexpr auto kCommands = std::to_array<Command>({
    {"audit append", "record an event",
     "The event is committed when the command returns; its id is printed.\n\n"
     "The first event of a file makes the log, with the key that is given or with none, which "
     "cannot be changed afterwards.",
     kAppendPositionals, kAppendFlags, kAppendExamples, &run_audit_append},
    {"audit list", "print events, newest first",
     "With --json: an array of {id, time, actor, action, subject, detail, trace, session, "
     "previous_hash, hash}.",
     kOnlyDb, kListFlags, kListExamples, &run_audit_list},
    {"audit tail", "print events as they are recorded",
     "Goes on until Ctrl-C, and prints every event once, of all processes. With --json one "
     "object a line, as in the array of `audit list`.",
     kOnlyDb, kTailFlags, kTailExamples, &run_audit_tail},
    {"audit verify", "find what was changed, removed or forged",
     "Compares every event and every seal with its hash and with what comes before it, and "
     "the newest one with what the log remembers. Prints an anchor: keep it where nobody who "
     "can write the file can change it, and give it to --anchor later.\n\n"
     "Status 0: whole; 1: whole, but nothing can be said of the anchor, whose event was pruned; "
     "2: findings, which are printed.",
     kVerifyPositionals, kVerifyFlags, kVerifyExamples, &run_audit_verify},
    {"audit export", "write the log as JSON lines",
     "The first line says what log it is, the last one where it ends, and `audit verify "
     "--exported` tells whether anything in between was changed. What it ends with is said on "
     "standard error.",
     kOnlyDb, kExportFlags, kExportExamples, &run_audit_export},
    {"audit prune", "remove old events and leave a seal",
     "Removes the oldest events in small transactions, between which others write. A seal "
     "says what was there, so that the rest still verifies. Stops at an event that does not "
     "verify.",
     kOnlyDb, kPruneFlags, kPruneExamples, &run_audit_prune},
});

constexpr Group kAudit = {
    "audit", "a log of who did what, in which later changes are found",
    "Every event has a hash of itself and of all events before it. With a key (16 to 64 "
    "random bytes, as `openssl rand -hex 32` prints them) nobody without it can make such a "
    "hash; without one the log shows mistakes, and forgeries only together with an anchor.",
    kCommands};

}  // namespace

const Group& audit_group() noexcept;
const Group& audit_group() noexcept {
  return kAudit;
}

}  // namespace turnstile::cli
