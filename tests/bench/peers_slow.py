#!/usr/bin/env python3
"""Builds the real peers, those whose tools are here, and takes a sample of each. Slow: building
better-sqlite3 takes minutes. `./dev bench --peers --quick` installs the tools."""
import os
import re
import shutil
import tempfile
import unittest

import peers_run

LEFT_OUT = re.compile(r"^LEFT OUT: the peer (\w+): (.*)$", re.MULTILINE)
NAMES = {"go": "mattn/go-sqlite3", "node": "better-sqlite3", "soci": "SOCI",
         "sqlitecpp": "SQLiteCpp"}


class Peers(unittest.TestCase):
    def test_each_does_the_work_and_says_what_it_is(self):
        scratch = tempfile.mkdtemp(prefix="turnstile-peers-")
        self.addCleanup(shutil.rmtree, scratch)
        build = peers_run.make_build(scratch)
        built = os.path.join(peers_run.REAL, "bench", "peers")
        os.makedirs(built, exist_ok=True)
        os.symlink(built, os.path.join(build, "bench", "peers"))
        result = peers_run.run(build, "--peers", "--filter", "T20")
        left_out = dict(LEFT_OUT.findall(result.errors))
        self.assertNotIn("WRONG", result.output)
        for name, called in NAMES.items():
            with self.subTest(name):
                if left_out.get(name, "").startswith("there is no "):
                    print(f"NOT TESTED: the peer {name}: {left_out[name]}")
                    continue
                self.assertNotIn(name, left_out, result.errors)
                row = result.rows[f"T20/{name}"]
                self.assertGreater(row["against"]["value"], 100)  # A second; any of them can.
                self.assertGreater(result.rows[f"T20/{name}/p99"]["against"]["value"], 0)
                self.assertRegex(row["peer"], rf"^{called} v?\d+\.\d+\.\d+")
                self.assertRegex(row["sqlite"], r"^3\.\d+\.\d+$")
        self.assertEqual(result.status, 1 if left_out else 0, result.errors)


if __name__ == "__main__":
    unittest.main()
