#!/usr/bin/env python3
"""The reference of the public interface: made without a warning, and complete."""
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("docs", "scripts", "tests/support")]
import doxygen_filter  # noqa: E402
import reference  # noqa: E402
import wanted_tool  # noqa: E402

HEADER = """// A file.
#pragma once

namespace turnstile {

/// A class. Threads: shared.
class Thing {
 public:
  /// Does it.
  void act(int a);
  void act(double a);
%s
};

}  // namespace turnstile
"""


def filtered(text):
    return doxygen_filter.Filter(text).result().split("\n")


class Reference(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="turnstile-reference-")
        self.addCleanup(self.scratch.cleanup)

    def made_of(self, member):
        """What doxygen says of one header."""
        source = pathlib.Path(self.scratch.name) / "source"
        (source / "include" / "turnstile").mkdir(parents=True)
        (source / "include" / "turnstile" / "thing.h").write_text(HEADER % member)
        (source / "docs" / "reference").mkdir(parents=True)
        for name in ("Doxyfile", "doxygen_filter.py"):
            shutil.copy(ROOT / "docs" / name, source / "docs" / name)
        (source / "docs" / "reference" / "api.md").write_text("# Reference\n")
        return reference.make(os.path.join(self.scratch.name, "out"), source)

    def test_is_made_without_a_warning_and_has_every_class(self):
        said, status = reference.make(self.scratch.name)
        self.assertEqual((said, status), ("", 0))
        html = pathlib.Path(self.scratch.name) / "html"
        listed = (html / "annotated.html").read_text(encoding="utf-8")
        for name in ("Database", "Lane", "WriteTx", "Records", "TaskQueue", "VaultSession"):
            self.assertIn(f">{name}<", listed)
        page = (html / "classturnstile_1_1Lane.html").read_text(encoding="utf-8")
        self.assertIn("A named entrance", page)

    def test_is_refused_where_a_function_is_not_documented(self):
        said, status = self.made_of("\n  void secret();")
        self.assertNotEqual(status, 0)
        self.assertIn("secret", said)

    def test_is_made_where_every_function_is(self):
        self.assertEqual(self.made_of("\n  void open();  ///< Says `a < b` and @this."), ("", 0))


class Filter(unittest.TestCase):
    def test_keeps_the_lines_where_they_are(self):
        for path in sorted((ROOT / "include").rglob("*.h")):
            text = path.read_text(encoding="utf-8")
            self.assertEqual(len(filtered(text)), text.count("\n") + 1, path)

    def test_gives_an_overload_the_words_of_the_first(self):
        lines = filtered(HEADER % "")
        self.assertEqual(lines[9], "  void act(int a);")
        self.assertEqual(lines[10], "  /** @overload */ void act(double a);")

    def test_takes_other_names_for_no_overloads(self):
        self.assertIn("  void other();", filtered(HEADER % "  void other();"))

    def test_moves_words_behind_a_bracket_in_front(self):
        self.assertIn("  /** Is it. */ bool is() const {",
                      filtered(HEADER % "  bool is() const {  ///< Is it.\n    return true;\n  }"))

    def test_takes_code_in_comments_literally(self):
        self.assertEqual(filtered("\n/// See `a<b> @c`, and #d.")[1],
                         "/// See <code>a&lt;b&gt; \\@c</code>, and \\#d.")


if __name__ == "__main__":
    if wanted_tool.find("doxygen", "doxygen"):
        unittest.main()
