#!/usr/bin/env python3
"""`bench/run --peers` with tools that are missing or made up: what it says, what it believes."""
import os
import shutil
import sys
import tempfile
import unittest

import peers_run

# Stands for Node: runs as the peer when it is given a task, and is as honest as FAKE says.
FAKE_NODE = f"""#!{sys.executable} -B
import json, os, sqlite3, sys
if sys.argv[1] == "--version":
    sys.exit(print("v99"))
task, mode = json.loads(sys.argv[2]), os.environ["FAKE"]
if mode == "broken":
    sys.exit("the fake is broken")
connection = sqlite3.connect(task["file"])
for key in range(30):
    with connection:
        connection.execute(task["insert"], ("a name", 1, b"bytes", key))
        connection.execute(task["count"], (key,))
connection.close()
tally = {{"acknowledged": 31 if mode == "lossy" else 30, "counted": 30, "waits": [2000] * 30,
         "errors": 3 if mode == "failing" else 0, "first_error": "it is locked"}}
print(json.dumps({{"peer": "a fake 1.2.3", "sqlite": "3.0.0", "tallies": [tally]}}))
"""
FAKE_NPM = "#!/bin/sh\n"
FAKE_CMAKE = "#!/bin/sh\nfor word; do case $word in -DDESTINATION=*) to=${word#*=};; esac; done\n" \
             "mkdir -p \"$to/package/build\"\n"


class Peers(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.mkdtemp(prefix="turnstile-peers-")
        self.addCleanup(shutil.rmtree, self.scratch)
        self.build = peers_run.make_build(self.scratch)
        self.tools = os.path.join(self.scratch, "bin")
        os.mkdir(self.tools)

    def make_tool(self, name, text):
        path = os.path.join(self.tools, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o755)

    def make_node(self):
        headers = os.path.join(self.scratch, "include", "node")
        os.makedirs(headers)
        with open(os.path.join(headers, "node.h"), "w", encoding="ascii"):
            pass
        for name, text in (("node", FAKE_NODE), ("npm", FAKE_NPM), ("cmake", FAKE_CMAKE),
                           ("make", ""), ("g++", "#!/bin/sh\nexit 1\n")):
            self.make_tool(name, text)
        for name in ("mkdir", "env"):
            os.symlink(shutil.which(name), os.path.join(self.tools, name))

    def run_with(self, fake="honest", only="T20/node"):
        return peers_run.run(self.build, "--peers", "--filter", only, path=self.tools, FAKE=fake)

    def test_says_which_tool_each_peer_lacks(self):
        result = self.run_with(only="T20")
        self.assertEqual(result.status, 1)
        self.assertIn("nothing is left to measure", result.errors)
        for said in ("the peer go: there is no go (Debian: golang-go)",
                     "no node (Debian: nodejs)", "no npm (Debian: npm)",
                     "the peer soci: there is no g++ (Debian: g++)",
                     "the peer sqlitecpp: there is no g++ (Debian: g++)"):
            self.assertIn(said, result.errors)
        self.assertEqual(result.rows, {})

    def test_measures_the_others_and_fails_all_the_same(self):
        self.make_node()
        result = self.run_with(only="T20")
        self.assertEqual(result.status, 1)
        self.assertIn("LEFT OUT: the peer go: there is no go", result.errors)
        self.assertIn("LEFT OUT: the peer soci: ", result.errors)
        self.assertNotIn("the peer node: ", result.errors)
        self.assertEqual(list(result.rows), ["T20/node", "T20/node/p99"])

    def test_believes_a_peer_whose_writes_are_in_the_file(self):
        self.make_node()
        result = self.run_with()
        self.assertEqual((result.status, result.errors.count("LEFT OUT")), (0, 0), result.errors)
        row = result.rows["T20/node"]
        self.assertEqual((row["faults"], row["peer"], row["sqlite"]),
                         ([], "a fake 1.2.3", "3.0.0"))
        self.assertAlmostEqual(row["against"]["value"], 30 / 0.2)
        self.assertAlmostEqual(result.rows["T20/node/p99"]["against"]["value"], 2)
        self.assertIn("better-sqlite3: a fake 1.2.3 with SQLite 3.0.0", result.output)
        self.assertIn("failed calls: 0", result.output)

    def test_tells_that_a_peer_has_lost_a_write(self):
        self.make_node()
        result = self.run_with("lossy")
        self.assertIn("WRONG: peer node threads=16: ", result.output)
        self.assertIn("gives 30, acknowledged were 31", result.output)
        self.assertFalse(result.rows["T20/node"]["met"])

    def test_tells_that_calls_of_a_peer_have_failed(self):
        self.make_node()
        result = self.run_with("failing")
        self.assertIn("failed calls: 6", result.output)
        self.assertIn("failed on another side: peer node threads=16: 6 calls (it is locked)",
                      result.output)

    def test_leaves_out_a_peer_that_does_not_answer(self):
        self.make_node()
        result = self.run_with("broken")
        self.assertEqual(result.status, 1)
        self.assertIn("LEFT OUT: the peer node: ", result.errors)
        self.assertIn("the fake is broken", result.errors)

    def test_leaves_out_a_peer_whose_build_fails(self):
        self.make_node()
        self.make_tool("npm", "#!/bin/sh\necho no headers >&2\nexit 3\n")
        result = self.run_with()
        self.assertEqual(result.status, 1)
        self.assertIn("the peer node: npm could not build it:\n    no headers", result.errors)

    def test_builds_a_peer_once(self):
        self.make_node()
        calls = os.path.join(self.scratch, "calls")
        self.make_tool("npm", f"#!/bin/sh\necho \"$@\" >> '{calls}'\n")
        for _ in range(2):
            self.assertEqual(self.run_with().status, 0)
        with open(calls, encoding="ascii") as file:
            self.assertEqual(file.read(), "run build-release\n")

    def test_asks_for_no_peer_unless_it_is_told_to(self):
        result = peers_run.run(self.build, "--filter", "T20", path=self.tools)
        self.assertEqual(result.status, 1)
        self.assertIn("with --peers T20 too", result.errors)
        self.assertFalse(os.path.exists(os.path.join(self.build, "bench", "peers")))


if __name__ == "__main__":
    unittest.main()
