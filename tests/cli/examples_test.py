#!/usr/bin/env python3
"""Runs each program of examples/ in an empty directory and compares what it prints with the comment
at its end. An example without such a comment is a failure, so that none is left out."""
import os
import pathlib
import subprocess
import tempfile
import unittest

SOURCES = sorted((pathlib.Path(os.environ["TURNSTILE_SOURCE"]) / "examples").glob("*.cc"))
PROGRAMS = pathlib.Path(os.environ["TURNSTILE_BUILD"]) / "bin" / "examples"
LIMIT_S = 60 * int(os.environ["TURNSTILE_TEST_SLOWDOWN"])


def expected_output(source):
    """The lines behind `// Prints:`, without the comment's marks."""
    _, found, comment = source.read_text(encoding="utf-8").partition("\n// Prints:\n")
    if not found:
        raise AssertionError(f"{source.name} does not say what it prints")
    return [line.removeprefix("//   ") for line in comment.splitlines()]


class Examples(unittest.TestCase):
    def test_there_is_one_for_each_way_of_use(self):
        self.assertEqual([source.stem for source in SOURCES],
                         ["adopting", "asio", "background", "event_loop", "minimal", "observing",
                          "processes", "vault"])

    def test_each_prints_what_it_says(self):
        for source in SOURCES:
            with self.subTest(example=source.stem), tempfile.TemporaryDirectory() as directory:
                result = subprocess.run([PROGRAMS / source.stem], cwd=directory, timeout=LIMIT_S,
                                        capture_output=True, text=True, check=False)
                self.assertEqual(result.stdout.splitlines(), expected_output(source))
                self.assertEqual((result.returncode, result.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
