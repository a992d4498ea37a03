#!/usr/bin/env python3
"""`turnstile torture` finds that a guarantee is broken, and finds nothing where none is.

    torture_broken_test.py PROGRAM

PROGRAM is the variant that break.py makes.
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop()
# What is left to chance may need another run; what is found once is found.
RUNS = 3
# A disk that syncs in no time lets more happen in the seconds of a run.
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None


def findings(guarantee):
    """What a short run finds: by id, the first of each."""
    environment = dict(os.environ, TURNSTILE_BREAK=guarantee)
    with tempfile.TemporaryDirectory(dir=MEMORY) as directory:
        run = subprocess.run(
            [PROGRAM, "torture", directory, "--seconds", "8", "--processes", "8", "--kill",
             "--full-disk", "--json"],
            env=environment, capture_output=True, text=True, check=False, timeout=120)
        report = json.loads(run.stdout)
        print(f"TURNSTILE_BREAK={guarantee}: status {run.returncode}, {report['findings']}")
        if (run.returncode == 2) != bool(report["findings"]):
            raise AssertionError(f"status {run.returncode} does not fit the report")
        return {each["id"]: each["message"] for each in report["findings"]}


def found_within_some_runs(guarantee, ids):
    return any(ids & findings(guarantee).keys() for _ in range(RUNS))


class BrokenBuild(unittest.TestCase):
    def test_finds_nothing_where_nothing_is_broken(self):
        self.assertEqual(findings("nothing"), {})

    def test_finds_a_group_that_is_acknowledged_before_its_commit(self):
        self.assertTrue(found_within_some_runs("group", {"LOST"}))

    def test_finds_a_gate_that_nobody_waits_for(self):
        self.assertTrue(found_within_some_runs("gate", {"OUT_OF_ORDER"}))

    def test_finds_connections_that_each_switch_to_wal(self):
        self.assertTrue(found_within_some_runs("wal", {"LOCK_FAILURE"}))

    def test_finds_a_lease_that_is_not_fenced(self):
        self.assertTrue(found_within_some_runs("lease", {"DONE_TWICE"}))


if __name__ == "__main__":
    unittest.main()
