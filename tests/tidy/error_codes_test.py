#!/usr/bin/env python3
"""Compares the table of error codes with its uses and with docs/reference/errors.md.

    error_codes_test.py            runs the tests
    error_codes_test.py --write    writes the page anew
"""
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reference/errors.md"
HEAD = """# Error codes

`Error::code()` is one of these. They are stable; the texts beside them are not. The table is
`src/sqlite/error_code.h`, and `turnstile help errors` prints it. This page is written by
`tests/tidy/error_codes_test.py --write` and checked by the tests.

| code | meaning | what to do |
|---|---|---|
"""


def table(text):
    """[(code, meaning, hint)] of the C++ initialiser."""
    body = text[text.index("to_array<ErrorCodeInfo>") :]
    body = re.sub(r'"\s*\n\s*"', "", body[: body.index("});")])
    return re.findall(r'\{"([A-Z_]+)",\s*"([^"]*)",\s*"([^"]*)"\}', body)


def page(rows):
    return HEAD + "".join(f"| `{code}` | {meaning} | {hint} |\n" for code, meaning, hint in rows)


def unused(rows, sources):
    used = set(re.findall(r'\bcode\("([A-Z_]+)"\)', "\n".join(sources)))
    return [code for code, _, _ in rows if code not in used]


def rows():
    return table((ROOT / "src/sqlite/error_code.h").read_text())


class ErrorCodes(unittest.TestCase):
    def test_are_in_order_and_not_doubled(self):
        codes = [code for code, _, _ in rows()]
        self.assertGreater(len(codes), 30)
        self.assertEqual(codes, sorted(set(codes)))

    # ERR-01
    def test_are_all_used(self):
        sources = [
            path.read_text()
            for path in (ROOT / "src").rglob("*")
            if path.suffix in (".cc", ".h") and path.name != "error_code.h"
        ]
        self.assertEqual(unused(rows(), sources), [])

    def test_are_all_on_the_page(self):
        self.assertEqual(PAGE.read_text(), page(rows()))

    def test_a_code_that_nothing_uses_is_found(self):
        rows = [("ABC", "", ""), ("ABD", "", "")]
        self.assertEqual(unused(rows, ['raise(code("ABD"))']), ["ABC"])


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page(rows()))
    else:
        unittest.main()
