#!/usr/bin/env python3
"""Checks rules of this tree that no compiler checks. Prints `path:line: [rule] what` per finding.

    tidy.py --root DIR [--compile-commands FILE]

Each rule is shown to fire by tidy_test.py. An exception is a row of EXCEPTIONS, with its reason; an
exception that is no longer needed is a finding too. Needs Debian's python3 and nothing else.
"""
import argparse
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "scripts"))
import compile_commands  # noqa: E402
import page_rules  # noqa: E402

# (rule, path) -> reason.
EXCEPTIONS = {}

MAX_LINE = 100
MAX_FILE_LINES = 600
UNBREAKABLE = re.compile(r"https?://\S{60,}|sha512-|" + r"\b[0-9a-f]{64}\b")

# What stands to the left: a layer may include these and itself.
_LEFT_OF_SUBSYSTEMS = {"sqlite", "gate", "database"}
_SUBSYSTEMS = {"records", "audit", "tasks", "cron", "vectors", "text"}
_LIBRARY = _LEFT_OF_SUBSYSTEMS | _SUBSYSTEMS | {"host", "vault", "diagnose"}
MAY_INCLUDE = {
    "sqlite": set(),
    "gate": {"sqlite"},
    "database": {"sqlite", "gate"},
    **{name: _LEFT_OF_SUBSYSTEMS for name in _SUBSYSTEMS},
    "host": _LEFT_OF_SUBSYSTEMS | _SUBSYSTEMS,
    "vault": _LEFT_OF_SUBSYSTEMS | _SUBSYSTEMS,
    "diagnose": _LEFT_OF_SUBSYSTEMS,
    "cli": _LIBRARY,
    "examples": _LIBRARY,
}

# All that a subsystem may include of these layers besides public headers; decision 17 says why.
FOR_SUBSYSTEMS = {
    "database/serialised_sink.h",
    "gate/mutex.h",
    "gate/sync_point.h",
    "sqlite/ascii.h",
    "sqlite/call.h",
    "sqlite/error_code.h",
    "sqlite/exception_text.h",
    "sqlite/fork_guard.h",
    "sqlite/quote.h",
    "sqlite/raise.h",
    "sqlite/utf8.h",
}
DECISION_ON_SUBSYSTEMS = "docs/decisions/0017-subsystems.md"

# The layer of each public header. The umbrella belongs to the highest layer that it shows.
PUBLIC_HEADERS = {
    "detail/function_ref.h": "sqlite",
    "error.h": "sqlite",
    "info.h": "sqlite",
    "row.h": "sqlite",
    "sql_definitions.h": "sqlite",
    "statement.h": "sqlite",
    "value.h": "sqlite",
    "version.h": "sqlite",
    "priority.h": "gate",
    "async.h": "database",
    "backup.h": "database",
    "database.h": "database",
    "detail/observed_query.h": "database",
    "detail/submitted_write.h": "database",
    "lane.h": "database",
    "maintenance.h": "database",
    "metrics.h": "database",
    "migration.h": "database",
    "native.h": "database",
    "observation.h": "database",
    "options.h": "database",
    "progress.h": "database",
    "recovery.h": "database",
    "schema.h": "database",
    "transaction.h": "database",
    "turnstile.h": "database",
    "records.h": "records",
    "records/condition.h": "records",
    "records/description.h": "records",
    "records/layout.h": "records",
    "records/many_to_many.h": "records",
    "records/record_schema.h": "records",
    "records/row_access.h": "records",
    "records/selection.h": "records",
    "records/storage.h": "records",
    "records/table.h": "records",
    "vault.h": "vault",
    "vault_session.h": "vault",
    "knowledge.h": "text",
    "text.h": "text",
    "audit.h": "audit",
    "audit_trail.h": "audit",
    "task.h": "tasks",
    "task_worker.h": "tasks",
    "tasks.h": "tasks",
    "cron.h": "cron",
    "cron_expression.h": "cron",
    "time_zone.h": "cron",
    "embedding_buffer.h": "vectors",
    "vector_filter.h": "vectors",
    "vectors.h": "vectors",
    "host.h": "host",
    "interrupt_watch.h": "host",
    "shell.h": "host",
    "causes.h": "diagnose",
    "diagnose.h": "diagnose",
    "doctor.h": "diagnose",
}

# Public headers may include other libraries only where listed here.
FOREIGN_INCLUDES = {"native.h": {"sqlite3.h"}}

# The requirements that tests have to prove by now: numbers, and ranges of them, by area.
DUE_REQUIREMENTS = {
    "AUD": "1-8",
    "BG": "1-10",
    "BOOT": "1-12",
    "CORE": "1-25",
    "CRON": "1-15",
    "DOC": "1-10",
    "EMB": "1-7",
    "FTS": "1-10",
    "LIFE": "1-5",
    "RO": "1-7",
    "ERR": "1-3",
    "PORT": "1-5",
    "VAT": "1-5",
    "VBK": "1-10",
    "VFS": "1-2",
    "VIN": "1-7",
    "VPL": "1-10",
    "VSC": "1-4",
    "VSE": "1-13",
    "VST": "1-9",
    "VTR": "1-12",
    "VEC": "1-11",
    "WAL": "1-12",
}

CPP = (".h", ".cc")
TEXT = CPP + (".md", ".py", ".sh", ".cmake", ".txt", ".json", ".in", ".sql", ".c", ".yml", ".go",
              ".js", "")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

# Spelt in two halves so that this file does not contain what it forbids.
BANNED_WORDS = [w + x for w, x in (("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("DISAB", "LED_"),
                                   ("GTEST_", "SKIP"))]
BANNED = re.compile("|".join(rf"\b{word}" if word.endswith("_") else rf"\b{word}\b"
                             for word in BANNED_WORDS))
# In a shell, a hundred seconds and more are a process that does not end by itself.
SLEEP = re.compile(r"\b(sl" r"eep_for|sl" r"eep_until|u" r"sleep|(clock_)?nano" r"sleep|sqlite3_sl"
                   r"eep|time\.sl" r"eep)\b|\bsl" r"eep\(|\bsl" r"eep (?!\d{3})[\d.$\"']")
SLEEP_REASON = re.compile(r"(//|#) sleep: \w")
SKIPPED = re.compile(r"\b(sk" r"ip(If|Unless)?\(|[Ss]k" r"ipTest\b|expected" r"Failure\b)")
SKIP_REASON = re.compile(r"# skip: \w")
JOURNAL = re.compile(r"pragma\s+(\w+\.)?journal_" r"mode\s*[=(]", re.IGNORECASE)
MACHINE_PATH = re.compile(r"(?<![\w.$}>)*-])/(?:ho" r"me|ro" r"ot|wo" r"rk|Us" r"ers|t" r"mp)/\w")
REGISTRY = re.compile(r"\b(?:npm" r"js\.(?:org|com)|yarn" r"pkg\.com|(?:deb|security|snapshot|ftp)"
                      r"\.deb" r"ian\.org|py" r"pi\.org|crates" r"\.io|proxy\.gol" r"ang\.org)")
TOP_CLASS = re.compile(r"^(?:class|struct)\s+(?:TURNSTILE_\w+(?:\([^)]*\))?\s+|\[\[\w+\]\]\s+)*"
                       r"(\w+)(?:<[^;{]*>)?(?:\s+final)?\s*(?::[^;]*)?(?:\{.*)?$")
TEST_BEGINS = re.compile(r"\s*(TEST(_F|_P)?\(|def test_)")
REQUIREMENT = re.compile(r"\b[A-Z]+-\d\d\b")
THREADS = re.compile(r"\bThreads: (shared|confined|scoped|immutable)\b")


class Tree:
    """The files of a checkout, as (path, lines), without what git ignores."""

    def __init__(self, root):
        self.root = root
        self.files = {}
        for path in self._list():
            name = os.path.basename(path)
            if os.path.splitext(name)[1] not in TEXT:
                continue
            full = os.path.join(root, path)
            if not os.path.isfile(full) or os.path.islink(full):
                continue
            with open(full, encoding="utf-8", errors="replace", newline="") as file:
                self.files[path] = file.read().split("\n")

    def _list(self):
        git = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", self.root, "ls-files", "-z", "--cached",
             "--others", "--exclude-standard"], capture_output=True, text=True, check=False)
        if git.returncode == 0 and git.stdout:
            return sorted(set(filter(None, git.stdout.split("\0"))))
        # A source archive without git.
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders if f not in ("build", ".git", "__pycache__")]
            found += [os.path.relpath(os.path.join(folder, name), self.root) for name in names]
        return sorted(found)

    def cpp(self, *prefixes):
        for path, lines in self.files.items():
            if path.endswith(CPP) and (not prefixes or path.startswith(prefixes)):
                yield path, lines


def layer_of(path):
    if path.startswith("include/turnstile/"):
        return PUBLIC_HEADERS.get(path[len("include/turnstile/"):])
    if path.startswith("src/"):
        return path.split("/")[1]
    if path.startswith("apps/"):
        return "cli"
    if path.startswith("examples/"):
        return "examples"
    return None


def rule_layers(tree):
    """A layer includes only itself and what stands to its left; of that, a subsystem only what
    decision 17 lists."""
    if DECISION_ON_SUBSYSTEMS in tree.files:
        listed = set(re.findall(r"`((?:sqlite|gate|database)/\w+\.h)`",
                                "\n".join(tree.files[DECISION_ON_SUBSYSTEMS])))
        for each in sorted(listed ^ FOR_SUBSYSTEMS):
            yield DECISION_ON_SUBSYSTEMS, 1, f"{each} is here or in tests/tidy/tidy.py, not in both"
    for path, lines in tree.cpp("include/", "src/", "apps/", "examples/"):
        layer = layer_of(path)
        if layer not in MAY_INCLUDE:
            yield path, 1, "belongs to no layer; add it to the tables in tests/tidy/tidy.py"
            continue
        public = path.startswith("include/")
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            target = match.group(2)
            if target.startswith("turnstile/"):
                other = PUBLIC_HEADERS.get(target[len("turnstile/"):])
                if other is None:
                    yield path, number, f"{target} is in no layer's table of public headers"
                    continue
            else:
                other = target.split("/")[0]
                if "/" not in target or other not in MAY_INCLUDE:
                    continue
                if public or layer == "examples":
                    yield path, number, f"{target} is internal; only public headers may be used"
                    continue
            if other != layer and other not in MAY_INCLUDE[layer]:
                yield path, number, f"layer {layer} may not include {target} (layer {other})"
            elif layer in _SUBSYSTEMS and other in _LEFT_OF_SUBSYSTEMS \
                    and not target.startswith("turnstile/") and target not in FOR_SUBSYSTEMS:
                yield path, number, f"{target} is not in the list of decision 17"


def rule_public_includes(tree):
    """Public headers include the standard library and turnstile/ only."""
    for path, lines in tree.cpp("include/"):
        allowed = FOREIGN_INCLUDES.get(path[len("include/turnstile/"):], set())
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if not match or match.group(2).startswith("turnstile/"):
                continue
            standard = match.group(1) == "<" and re.fullmatch(r"[a-z_]+", match.group(2))
            if not standard and match.group(2) not in allowed:
                yield path, number, f"a public header may not include {match.group(2)}"


def rule_threads(tree):
    """Every public class says in its comment which threads may use it."""
    for path, lines in tree.cpp("include/"):
        if "/detail/" in path:
            continue
        inside_detail = False
        for number, line in enumerate(lines, 1):
            if re.match(r"^namespace (turnstile::)?detail\b", line):
                inside_detail = True
            elif re.match(r"^}  // namespace (turnstile::)?detail", line):
                inside_detail = False
            match = TOP_CLASS.match(line)
            # A partial specialisation has the contract of its primary template.
            if not match or inside_detail or re.search(r"\w<", line.split(":")[0]):
                continue
            comment = []
            above = number - 2
            while above >= 0 and re.match(r"^(///|//|template\b|requires\b)", lines[above]):
                comment.append(lines[above])
                above -= 1
            if not any(THREADS.search(text) for text in comment):
                yield path, number, (f"{match.group(1)} needs a line `Threads: ` with shared, "
                                     "confined, scoped or immutable in its comment")


def rule_line_length(tree):
    for path, lines in tree.files.items():
        if not path.endswith(CPP + (".py", ".sh", ".cmake", "CMakeLists.txt", ".go", ".js")) \
                and path != "dev":
            continue
        for number, line in enumerate(lines, 1):
            if len(line) > MAX_LINE and not UNBREAKABLE.search(line):
                yield path, number, f"{len(line)} characters; {MAX_LINE} are allowed"


def rule_whitespace(tree):
    """No tabs but in Go, no blanks or carriage returns at ends of lines, a newline at the end."""
    for path, lines in tree.files.items():
        for number, line in enumerate(lines, 1):
            if "\t" in line and not path.endswith(".go"):
                yield path, number, "tab"
            if line.endswith((" ", "\t", "\r")):
                yield path, number, "blank at the end of the line"
        if lines != [""] and lines[-1] != "":
            yield path, len(lines), "no newline at the end of the file"


def rule_file_length(tree):
    for path, lines in tree.files.items():
        if path.endswith(CPP + (".py", ".sh", ".cmake")) and len(lines) - 1 > MAX_FILE_LINES:
            yield path, 1, (f"{len(lines) - 1} lines; past {MAX_FILE_LINES} a file needs a second "
                            "look and a row in EXCEPTIONS with the reason")


def rule_banned_words(tree):
    for path, lines in tree.files.items():
        for number, line in enumerate(lines, 1):
            match = BANNED.search(line)
            if match:
                yield path, number, f"'{match.group(0)}' may not stay in the tree"


def is_source(path):
    return not path.endswith((".md", ".txt", ".json")) or path.endswith("CMakeLists.txt")


def without_reason(lines, pattern, reason):
    """Numbers of the lines that fit the pattern and have no reason there or in the line above."""
    for number, line in enumerate(lines, 1):
        above = lines[number - 2] if number > 1 else ""
        if pattern.search(line) and not reason.search(line) and not reason.search(above):
            yield number


def rule_sleep(tree):
    """Tests wait for events, not for time. A sleep that is the subject of a test says so."""
    for path, lines in tree.files.items():
        if not path.startswith("tests/") or not is_source(path):
            continue
        for number in without_reason(lines, SLEEP, SLEEP_REASON):
            yield path, number, ("a sleep does not order events; use a sync point or a pipe, or "
                                 "say `// sleep: REASON` where time itself is the subject")


def rule_skipped_tests(tree):
    """A test in Python that is left out somewhere says why; GoogleTest's may not be left out."""
    for path, lines in tree.files.items():
        if path.startswith("tests/") and path.endswith(".py"):
            for number in without_reason(lines, SKIPPED, SKIP_REASON):
                yield path, number, "a test that may be left out says `# skip: REASON`"


def rule_journal_mode(tree):
    """The journal mode of a database is set in one place; that of files nobody has, by copies."""
    for path, lines in tree.cpp("include/", "src/", "apps/", "examples/"):
        if path.startswith(("src/database/bootstrap", "src/database/copies/",
                            "apps/turnstile/demo/")):  # What others do wrong.
            continue
        for number, line in enumerate(lines, 1):
            if JOURNAL.search(line):
                yield path, number, "the journal mode is set in src/database/bootstrap only"


def named_requirements(lines):
    """Those that the comment right above a test names."""
    above = set()
    for line in lines:
        if re.match(r"\s*(//|#) ", line):
            above.update(REQUIREMENT.findall(line))
            continue
        if TEST_BEGINS.match(line):
            yield from above
        above = set()


def due_requirements(due=None):
    for area, numbers in (due or DUE_REQUIREMENTS).items():
        for part in numbers.split(","):
            first, _, last = part.partition("-")
            for number in range(int(first), int(last or first) + 1):
                yield f"{area}-{number:02}"


def rule_requirements(tree):
    """Each requirement that is due is named by a test, in the comment above it."""
    table = "tests/tidy/tidy.py"
    if table not in tree.files:
        return
    named = set()
    for path, lines in tree.files.items():
        if path.startswith("tests/") and path.endswith(("_test.cc", "_test.py")):
            named.update(named_requirements(lines))
    for each in due_requirements():
        if each not in named:
            yield table, 1, f"no comment above a test names the requirement {each}"


def rule_pragma_once(tree):
    for path, lines in tree.cpp():
        if path.endswith(".h") and "#pragma once" not in lines:
            yield path, 1, "a header needs `#pragma once`"


def rule_machine(tree):
    """Nothing of one person's machine, and no name of a download host, is in the tree."""
    for path, lines in tree.files.items():
        for number, line in enumerate(lines, 1):
            if MACHINE_PATH.search(line):
                yield path, number, "absolute path of one machine"
            if REGISTRY.search(line):
                yield path, number, "host name of a package registry; name the client instead"


# Where headers are looked for, after the folder of who includes them and the one of these it is in.
INCLUDE_FOLDERS = ("src", "include", "apps/turnstile", "bench", "fuzz", "tests", "examples",
                   "examples/kb")
# What builds by itself is left out: what uses it says so, or does not find it.
MAY_BE_UNUSED = ("include/", "tests/install/consumer/", "bench/peers/")


def rule_dead_headers(tree):
    """Every header is included by another file; public ones are there for programs of others."""
    included = set()
    for path, lines in tree.cpp():
        own = [folder for folder in INCLUDE_FOLDERS if path.startswith(folder + "/")]
        folders = (os.path.dirname(path), *own, *INCLUDE_FOLDERS)
        for target in filter(None, map(INCLUDE.match, lines)):
            places = (os.path.normpath(os.path.join(folder, target[2])) for folder in folders)
            place = next((place for place in places if place in tree.files), path)
            if place != path:
                included.add(place)
    for path, _ in tree.cpp():
        if path.endswith(".h") and path not in included and not path.startswith(MAY_BE_UNUSED):
            yield path, 1, "nothing includes this header"


def rule_dead_files(tree, compiled=None):
    """Every .cc file is compiled by some target. Needs the compile database."""
    if compiled is None:
        return
    for path, _ in tree.cpp():
        if path.endswith(".cc") and path not in compiled and not path.startswith(
                ("tests/install/consumer/", "bench/peers/")):  # Built by what uses them.
            yield path, 1, "no target compiles this file"


RULES = {
    "layers": rule_layers,
    "public-includes": rule_public_includes,
    "threads": rule_threads,
    "line-length": rule_line_length,
    "whitespace": rule_whitespace,
    "file-length": rule_file_length,
    "banned-words": rule_banned_words,
    "sleep": rule_sleep,
    "skipped-tests": rule_skipped_tests,
    "journal-mode": rule_journal_mode,
    "requirements": rule_requirements,
    "pragma-once": rule_pragma_once,
    "machine": rule_machine,
    "dead-files": rule_dead_files,
    "dead-headers": rule_dead_headers,
    **page_rules.RULES,
}


def check(tree, compiled=None, exceptions=None):
    """All findings as (path, line, rule, message)."""
    exceptions = EXCEPTIONS if exceptions is None else exceptions
    used = set()
    findings = []
    for name, rule in RULES.items():
        results = rule(tree, compiled) if name == "dead-files" else rule(tree)
        for path, number, message in results:
            if (name, path) in exceptions:
                used.add((name, path))
            else:
                findings.append((path, number, name, message))
    for name, path in sorted(set(exceptions) - used):
        findings.append((path, 1, name, "the exception in tests/tidy/tidy.py is not needed"))
    return findings


def compiled_files(database, root):
    return {source for _, sources in compile_commands.units(database, root) for source in sources}


def main():
    parser = argparse.ArgumentParser(description="Checks the rules of the tree.")
    parser.add_argument("--root", required=True)
    parser.add_argument("--compile-commands", help="enables the search for dead files")
    arguments = parser.parse_args()
    compiled = None
    if arguments.compile_commands:
        compiled = compiled_files(arguments.compile_commands, arguments.root)
    tree = Tree(arguments.root)
    if not tree.files:
        sys.exit(f"tidy: found no files under {arguments.root}")
    findings = check(tree, compiled)
    for path, number, rule, message in findings:
        print(f"{path}:{number}: [{rule}] {message}")
    print(f"tidy: {len(tree.files)} files, {len(RULES)} rules, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
