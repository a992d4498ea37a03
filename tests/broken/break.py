#!/usr/bin/env python3
"""Copies a source of the library with a guarantee taken out of it.

    break.py SOURCE COPY

What is taken out comes back unless the environment variable TURNSTILE_BREAK names it when the
program runs. The product has no such switch: only the variant of it that
tests/broken/CMakeLists.txt builds, to see that `turnstile torture` finds what is missing. A piece
of code that is not where it is looked for is an error here, so that nothing is broken by halves.
"""
import os
import sys


def broken(name):
    value = 'std::getenv("TURNSTILE_BREAK")'
    return f'({value} != nullptr && std::string_view({value}) == "{name}")'


# By the end of the source's path: pairs of what is there and what takes its place.
BREAKS = {
    # The members of a group are told that they are done while its COMMIT is still to come.
    "database/group.cc": [
        ("const bool has_savepoint = !members_.empty();",
         f"const bool has_savepoint = {broken('group')} || !members_.empty();"),
        ("    members_.push_back(&job);\n    durable_ = durable_ || job.durable;\n"
         "    done = true;\n",
         f"    if (!{broken('group')}) {{\n      members_.push_back(&job);\n      done = true;\n"
         "    }\n    durable_ = durable_ || job.durable;\n"),
        ("  if (members_.empty()) {\n", f"  if (members_.empty() && !{broken('group')}) {{\n"),
    ],
    # Nobody waits for the gate between processes; SQLite's own lock is all there is.
    "gate/process_gate.cc": [
        ("  if (is_crowded()) let_others_in(deadline);\n",
         f"  if ({broken('gate')}) return Wait::Granted;\n"
         "  if (is_crowded()) let_others_in(deadline);\n"),
    ],
    # Every connection switches to WAL, as it comes, as programs without Turnstile do.
    "database/bootstrap.cc": [
        ("  if (opened_.gate->take(claim, Deadline::after(milliseconds(0)))",
         f"  if ({broken('wal')}) return;\n"
         "  if (opened_.gate->take(claim, Deadline::after(milliseconds(0)))"),
        ('  if (found == "wal" && why.empty()) return true;\n',
         f"  if ({broken('wal')})\n"
         '    return connection.query_text("PRAGMA journal_mode=WAL") == "wal";\n'
         '  if (found == "wal" && why.empty()) return true;\n'),
        ("  return std::make_unique<sqlite::Connection>(std::move(config), call_);\n"
         "}\n\nInitialized",
         "  auto connection = std::make_unique<sqlite::Connection>(std::move(config), call_);\n"
         f"  if ({broken('wal')} && !connection->config().read_only)\n"
         '    static_cast<void>(connection->query_text("PRAGMA journal_mode=WAL"));\n'
         "  return connection;\n}\n\nInitialized"),
    ],
    # An attempt whose lease was given to somebody else may end the task all the same.
    "tasks/attempts.cc": [
        ("  if (!close_attempt(tx, task, attempt, end, now)) {\n",
         f"  if (!close_attempt(tx, task, attempt, end, now) && !{broken('lease')}) {{\n"),
    ],
}


def main(source, copy):
    with open(source, encoding="utf-8") as file:
        text = file.read()
    name = "/".join(source.split("/")[-2:])
    for old, new in BREAKS[name]:
        if text.count(old) != 1:
            sys.exit(f"{source}: what is to be broken is there {text.count(old)} times:\n{old}")
        text = text.replace(old, new)
    os.makedirs(os.path.dirname(copy), exist_ok=True)
    with open(copy, "w", encoding="utf-8") as file:
        file.write("#include <cstdlib>\n#include <string_view>\n" + text)


if __name__ == "__main__":
    main(*sys.argv[1:])
