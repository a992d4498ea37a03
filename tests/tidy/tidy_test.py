#!/usr/bin/env python3
"""Shows that every rule of tidy.py finds a tree that breaks it, and passes one that does not."""
import os
import tempfile
import unittest

import page_rules
import tidy

CLASS = "#pragma once\nnamespace turnstile {\n%s\nclass Thing {\n};\n}  // namespace turnstile\n"

THIRD_PARTY = ("| name | Debian 12 | licence | why | what would replace it |\n"
               "|---|---|---|---|---|\n%s")

# rule -> [(path, content that breaks the rule)]. Words that the rules forbid are put together here
# from halves, so that the checker can check this file too.
BROKEN = {
    "layers": [
        ("src/sqlite/a.cc", '#include "gate/claim.h"\n'),
        ("src/gate/a.cc", '#include "database/pool.h"\n'),
        ("src/audit/a.cc", '#include "tasks/queue.h"\n'),
        ("src/audit/b.cc", '#include "sqlite/connection.h"\n'),
        ("docs/decisions/0017-subsystems.md", "Only `sqlite/raise.h`.\n"),
        ("src/diagnose/a.cc", '#include "tasks/attempts.h"\n'),
        ("src/database/a.cc", '#include "turnstile/diagnose.h"\n'),
        ("src/gate/b.cc", '#include "turnstile/database.h"\n'),
        ("examples/kb/a.cc", '#include "sqlite/connection.h"\n'),
        ("include/turnstile/value.h", '#pragma once\n#include "turnstile/lane.h"\n'),
        ("include/turnstile/unheard_of.h", "#pragma once\n"),
        ("src/unheard_of/a.cc", "\n"),
    ],
    "public-includes": [
        ("include/turnstile/lane.h", "#pragma once\n#include <sqlite3.h>\n"),
        ("include/turnstile/error.h", "#pragma once\n#include <fmt/core.h>\n"),
        ("include/turnstile/native.h", "#pragma once\n#include <unistd.h>\n"),
    ],
    "threads": [
        ("include/turnstile/lane.h", CLASS % "/// A thing."),
        ("include/turnstile/lane.h", CLASS % "/// A thing. Threads: sometimes."),
        ("include/turnstile/lane.h", CLASS % "/// A thing. Threads: shared.\n"),
    ],
    "line-length": [("src/gate/a.cc", "// " + "x" * 98 + "\n")],
    "whitespace": [
        ("src/gate/a.cc", "int a;\t// tab\n"),
        ("README.md", "blank \n"),
        ("src/gate/b.cc", "int b;"),
        ("src/gate/c.cc", "int c;\r\n"),
    ],
    "file-length": [("src/gate/a.cc", "int a;\n" * 601)],
    "banned-words": [
        ("src/gate/a.cc", "// TO" + "DO: later\n"),
        ("docs/a.md", "FIX" + "ME\n"),
        ("tests/unit/a_test.cc", "TEST(Gate, DISAB" + "LED_Works) {}\n"),
        ("tests/unit/b_test.cc", "GTEST_" + "SKIP() << 1;\n"),
        ("src/gate/b.cc", "// XX" + "X\n"),
    ],
    "sleep": [
        ("tests/unit/a_test.cc", "std::this_thread::sleep" + "_for(1s);\n"),
        ("tests/process/a_actor.cc", "usl" + "eep(10);\n"),
        ("tests/cli/a_test.py", "time.sl" + "eep(1)\n"),
        ("tests/cli/b_test.py", "from time import sleep\nslee" + "p(1)\n"),
        ("tests/cli/b_test.cc", "sqlite3_sl" + "eep(10);\n"),
        ("tests/cli/c_test.cc", 'script("touch a; slee' + 'p 0.1");\n'),
        ("tests/cli/a.sh", "slee" + "p 1\n"),
        ("tests/cli/run", 'slee' + 'p "$seconds"\n'),
    ],
    "skipped-tests": [
        ("tests/cli/a_test.py", "@unittest.skip" + "If(fast, \"slow\")\n"),
        ("tests/cli/b_test.py", "self.skip" + "Test()\n"),
        ("tests/cli/c_test.py", "raise unittest.Skip" + "Test()\n"),
        ("tests/cli/d_test.py", "@unittest.expected" + "Failure\n"),
    ],
    "journal-mode": [
        ("src/gate/a.cc", 'run("PRAGMA journal' + '_mode=WAL");\n'),
        ("apps/turnstile/a.cc", 'run("pragma main.journal' + '_mode (wal)");\n'),
    ],
    "requirements": [("tests/tidy/tidy.py", "\n")],
    "pragma-once": [("src/gate/a.h", "int a;\n")],
    "machine": [
        ("README.md", "cd /ho" + "me/someone/turnstile\n"),
        ("dev", "x=/t" + "mp/build\n"),
        ("cmake/a.cmake", "https://registry.npm" + "js.org/a\n"),
    ],
    "dead-files": [("src/a.cc", "int a;\n")],
    "dead-headers": [
        ("src/gate/a.h", "#pragma once\n"),
        ("tests/support/a.h", '#pragma once\n#include "support/a.h"\n'),
    ],
    "blocks": [
        ("docs/guide/a.md", "```sql\nSELECT 1;\n```\n"),
        ("docs/guide/b.md", "```\nturnstile version\n```\n"),
        ("docs/guide/c.md", "# Title\n\n    turnstile version\n"),
        ("docs/guide/d.md", "- item\n  ```sh\n  ./dev test\n  ```\n"),
        ("README.md", "## Elsewhere\n```sh\n./dev test\n```\n"),
    ],
    "links": [
        ("README.md", "See [the rules](docs/rules.md).\n"),
        ("docs/a.md", "# One heading\n\n[x](#another-heading)\n"),
        ("docs/b.md", "![a drawing](../drawing.png)\n"),
        ("README.md", "See `tests/unit/gone_test.cc`.\n"),
        ("README.md", "See `docs/README.{md,txt}`.\n"),
        ("README.md", "See `src/NAME/a.cc --write`.\n"),
    ],
    "guarantees": [
        ("docs/reference/guarantees.md", "## P1: it holds\n\nHeld by `Gate.Works`.\n"),
        ("docs/reference/guarantees.md", "`gate_test.test_works`\n"),
    ],
    "decisions": [
        ("docs/decisions/0001-gates.md", "# 1. Gates\n"),
        ("docs/decisions/0001-gates.md", "# Gates\n"),
    ],
    "third-party": [
        ("src/CMakeLists.txt", "find_package(Boost REQUIRED)\n"),
        ("src/CMakeLists.txt", "pkg_check_modules(X REQUIRED IMPORTED_TARGET libx)\n"),
        ("cmake/a.cmake", "find_program(X_PROGRAM x)\n"),
        ("cmake/a.cmake", "find_path(X_FOLDER x.hpp REQUIRED)\n"),
        ("cmake/a.cmake", "find_library(X_LIBRARY NAMES x-1 x)\n"),
        ("THIRD_PARTY.md", "| name | version | licence | why |\n|---|---|---|---|\n"),
        ("THIRD_PARTY.md", THIRD_PARTY % "| x, y | 1 | various | tools | others |\n"),
        ("THIRD_PARTY.md", THIRD_PARTY % "| x | | MIT | a tool | another |\n"),
        ("THIRD_PARTY.md", THIRD_PARTY % "| x | 1 | MIT | a tool |\n"),
        ("third_party/pins.cmake", "set(TURNSTILE_PIN_X_PACKAGE some-package)\n"),
        ("third_party/pins.cmake", "set(TURNSTILE_PIN_X_VERSION 1.2.3)\n"),
    ],
}

ALL_REQUIREMENTS = list(tidy.due_requirements())
NAMES_ALL_REQUIREMENTS = "".join(f"// {each}: so it is.\nTEST(Gate, Works) {{}}\n"
                                 for each in ALL_REQUIREMENTS)

GUARANTEES = "".join(f"## P{number}: it holds\n\nHeld by `Gate.Works`.\n"
                     "Broken by `Gate.Breaks`.\n" for number in range(1, page_rules.PROMISES + 1))

DECISIONS = "1 was never used.\n| 2 | [Turns (and more)](0002-turns.md) | who is next |\n"

CLEAN = {
    "src/sqlite/connection.cc": '#include "sqlite/connection.h"\n#include "turnstile/error.h"\n',
    "src/sqlite/connection.h": '#pragma once\n#include "turnstile/value.h"\n',
    "src/gate/turn.cc": '#include "gate/turn.h"\n#include "sqlite/connection.h"\n',
    "src/gate/turn.h": "#pragma once\n",
    "src/cron/engine.cc": '#include "sqlite/raise.h"\n#include "turnstile/lane.h"\n',
    "src/database/bootstrap.cc": 'run("PRAGMA journal' + '_mode=WAL");\n',
    "include/turnstile/lane.h": CLASS % "/// A thing.\n///\n/// Threads: shared.",
    "include/turnstile/native.h": "#pragma once\n#include <sqlite3.h>\n",
    "tests/unit/wait_test.cc": "// sleep: the deadline is the subject\nsleep" + "_for(1s);\n",
    "tests/unit/shell_test.cc": 'script("exec slee' + 'p 1000");\n',
    "tests/unit/some_test.py": "# skip: never a static program\n@unittest.skip" + "If(asan)\n",
    "bench/peers/go/main.go": "func main() {\n\tprint()\n}\n",
    "bench/peers/soci/writers.cc": "int a;\n",
    "tests/tidy/tidy.py": "\n",
    "tests/unit/all_test.cc": NAMES_ALL_REQUIREMENTS,
    "tests/unit/gate_test.cc": "TEST(Gate, Works) {}\nTEST_P(\n    Gate,\n    Breaks) {}\n",
    "docs/reference/guarantees.md": GUARANTEES,
    "docs/a.md": "# The `x` of a\n[b](reference/guarantees.md#p1-it-holds), [c](#the-x-of-a)\n",
    "docs/b.md": "`[d](e)`\n```cpp\n[](int) {}\n```\n",
    "README.md": "## Two commands\n\n```sh\n./dev test\n```\n```cpp\nint a;\n```\n"
                 "- an item\n    goes on\n```console\n$ turnstile version\n\n    1\n```\n",
    "docs/c.md": "`src/LAYER/*.cc`, `src/gate/turn.{h,cc}`, `tests/tidy/tidy.py --root .`\n"
                 "```sh\ncat `docs/made.txt`\n```\n",
    "docs/decisions/README.md": DECISIONS,
    "docs/decisions/0002-turns.md": "# 2. Turns (and more)\n",
    "THIRD_PARTY.md": THIRD_PARTY % "| libsodium | 1 | ISC | keys | x-package 1.2.3 |\n",
    "src/CMakeLists.txt": "find_package(Threads)\npkg_check_modules(S REQUIRED libsodium)\n",
    "third_party/pins.cmake": "set(TURNSTILE_PIN_X_PACKAGE x-package)\n",
    "examples/minimal.cc": '#include "turnstile/turnstile.h"\n',
}


def findings(files, compiled=None, exceptions=None):
    with tempfile.TemporaryDirectory() as root:
        for path, content in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8", newline="") as file:
                file.write(content)
        return tidy.check(tidy.Tree(root), compiled, exceptions or {})


class Rules(unittest.TestCase):
    def test_every_rule_has_a_fixture(self):
        self.assertEqual(set(BROKEN), set(tidy.RULES))

    def test_every_fixture_is_found_by_its_rule(self):
        for rule, fixtures in BROKEN.items():
            for path, content in fixtures:
                with self.subTest(rule=rule, path=path, content=content[:60]):
                    found = findings({path: content}, compiled=set())
                    self.assertIn((path, rule), [(f[0], f[2]) for f in found])

    def test_a_clean_tree_has_no_findings(self):
        compiled = {path for path in CLEAN if path.endswith(".cc")}
        self.assertEqual(findings(CLEAN, compiled), [])

    def test_each_requirement_must_be_named(self):
        for each in ALL_REQUIREMENTS:
            with self.subTest(requirement=each):
                text = NAMES_ALL_REQUIREMENTS.replace(each, "CORE-99")
                found = findings({"tests/tidy/tidy.py": "\n", "tests/unit/all_test.cc": text,
                                  "tests/unit/gate_test.cc": CLEAN["tests/unit/gate_test.cc"],
                                  "docs/reference/guarantees.md": GUARANTEES})
                self.assertEqual([f[3].endswith(" " + each) for f in found], [True])

    def test_due_requirements_are_numbers_and_ranges(self):
        self.assertEqual(list(tidy.due_requirements({"GATE": "2,8-10", "LOG": "1"})),
                         ["GATE-02", "GATE-08", "GATE-09", "GATE-10", "LOG-01"])

    def test_a_requirement_is_named_right_above_a_test_only(self):
        for text in ("// CORE-01: a remark.\n\nTEST(Gate, Works) {}\n",
                     "// CORE-01: of a class.\nclass Gate {};\nTEST(Gate, Works) {}\n",
                     "TEST(Gate, Works) {  // CORE-01\n}\n"):
            self.assertEqual(list(tidy.named_requirements(text.split("\n"))), [], text)
        text = "// CORE-01: so it is.\n// It is.\nTEST(Gate, Works) {}\n"
        self.assertEqual(list(tidy.named_requirements(text.split("\n"))), ["CORE-01"])

    def test_each_promise_must_be_held_and_broken(self):
        for number in range(1, page_rules.PROMISES + 1):
            for kind in ("Held", "Broken"):
                with self.subTest(promise=number, kind=kind):
                    head, mark, rest = GUARANTEES.partition(f"## P{number}:")
                    text = head + mark + rest.replace(f"{kind} by `", "See `", 1)
                    found = findings({**CLEAN, "docs/reference/guarantees.md": text},
                                     {path for path in CLEAN if path.endswith(".cc")})
                    self.assertEqual([f[3] for f in found],
                                     [f"no test under '{kind} by' of P{number}"])

    def test_each_block_that_a_test_is_to_read_must_be_there(self):
        compiled = {path for path in CLEAN if path.endswith(".cc")}
        files = {path: text for path, text in CLEAN.items() if path != "README.md"}
        files["tests/tidy/page_rules.py"] = "\n"
        page = "docs/guide/recovery.md"
        for text, missing in (("## The report\n```sql\nSELECT 1;\n```\n", ["is missing"]),
                              ("## The report\n", ["could read", "is missing"])):
            found = findings({**files, page: text}, compiled)
            self.assertEqual([(f[0], f[2]) for f in found], [(page, "blocks")] * len(missing))
            for finding, words in zip(found, missing):
                self.assertIn(words, finding[3])

    def test_the_index_of_decisions_has_titles_and_all_numbers(self):
        compiled = {path for path in CLEAN if path.endswith(".cc")}
        for wrong in (DECISIONS.replace("Turns", "Turn"), DECISIONS.replace("| 2 |", "| 3 |"),
                      DECISIONS.replace("who is next ", ""), DECISIONS.replace("1 was", "3 was")):
            found = findings({**CLEAN, "docs/decisions/README.md": wrong}, compiled)
            self.assertEqual([f[2] for f in found], ["decisions"], wrong)

    def test_an_exception_silences_one_rule_in_one_file(self):
        path, content = BROKEN["pragma-once"][0]
        files = {path: content, "src/gate/a.cc": '#include "gate/a.h"\n'}
        self.assertEqual(findings(files, exceptions={("pragma-once", path): "why"}), [])

    def test_an_unneeded_exception_is_found(self):
        found = findings(CLEAN, exceptions={("pragma-once", "src/gate/turn.h"): "why"})
        self.assertEqual([(f[0], f[2]) for f in found], [("src/gate/turn.h", "pragma-once")])


if __name__ == "__main__":
    unittest.main()
