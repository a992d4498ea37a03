#!/usr/bin/env python3
"""The page of a benchmark run: whole, valid, and true to the record it is made of."""
import html.parser
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

import made_up
from runner import chart, contention, page
from runner.row import cells

VOID = {"meta", "col", "br", "link", "input", "img", "hr"}


class Reader(html.parser.HTMLParser):
    """The page's text by table row, its attributes, and whether each element is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.wrong, self.ids, self.references = [], [], [], []
        self.rows, self.labels, self.tags, self.words = [], [], set(), []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.handle_startendtag(tag, attributes)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append("")

    def handle_startendtag(self, tag, attributes):
        names = [name for name, _ in attributes]
        if len(names) != len(set(names)):
            self.wrong.append(f"<{tag}> has an attribute twice")
        self.tags.add(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "action", "srcset"):
                self.references.append(value)
            if name == "aria-label":
                self.labels.append(value)

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.wrong.append(f"</{tag}> closes {self.open[-1:]}")
        else:
            self.open.pop()

    def handle_data(self, data):
        if "tr" in self.open:
            self.rows[-1] += data + " "
        if "style" not in self.open:
            self.words.append(data)

    def row(self, name):
        """The text of the row that begins with `name`, in single blanks."""
        found = [" ".join(row.split()) for row in self.rows if row.split()[:1] == [name]]
        return found[0] if len(found) == 1 else None

    def text(self):
        return " ".join(" ".join(self.words).split())


def faulty():
    """A row whose figure is worthless though its ratio is good."""
    row = next(row for row in made_up.ROWS if row.id == "T5/4")
    record = made_up.record([row])
    record["samples"][0]["writers turnstile synchronous=normal threads=4"]["complaint"] = "a < b"
    record["rows"] = [row.summarise(record["samples"])]
    return record


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.record = made_up.record(peers=made_up.PEERS)
        cls.text = page.make(cls.record)
        cls.reader = Reader(cls.text)

    def test_closes_what_it_opens_and_names_nothing_twice(self):
        self.assertEqual(self.reader.wrong, [])
        self.assertEqual(self.reader.open, [])
        self.assertEqual(len(self.reader.ids), len(set(self.reader.ids)))

    def test_refers_to_nothing_but_itself(self):
        self.assertGreater(len(self.reader.references), 5)
        for reference in self.reader.references:
            self.assertEqual(reference[0], "#")
            self.assertIn(reference[1:], self.reader.ids)
        self.assertIsNone(re.search(r"https?:|//\w+\.|url\(|@import", self.text))
        self.assertNotIn("script", self.reader.tags)

    def test_has_every_row_with_the_figures_of_the_record(self):
        for row in self.record["rows"]:
            shown = self.reader.row(row["id"])
            self.assertIsNotNone(shown, row["id"])
            for cell in cells(row):
                if cell not in ("yes", "no"):
                    for part in cell.split(", "):
                        self.assertIn(" ".join(part.split()), shown)

    def test_says_in_words_whether_a_target_was_met(self):
        said = {row["met"]: self.reader.row(row["id"]) for row in self.record["rows"]}
        self.assertEqual(set(said), {True, False})
        for row in self.record["rows"]:
            self.assertTrue(self.reader.row(row["id"]).endswith("met" if row["met"] else "missed"))
        met = sum(row["met"] for row in self.record["rows"])
        self.assertIn(f"{met} of {len(self.record['rows'])} targets met", self.reader.text())

    def test_tells_every_plot_in_words_too(self):
        plots = [label for label in self.reader.labels if ": Turnstile " in label]
        self.assertEqual(len(plots), 7)
        key = contention.writers("naive", 16).key
        rates = sorted(sample[key]["writes"]["per_second"] for sample in self.record["samples"])
        said = f"naive {rates[2] / 1e3:.1f} k/s"
        normal = next(label for label in plots if "synchronous=NORMAL" in label)
        self.assertIn(said, normal.split("16 threads: ")[1].split(";")[0])
        self.assertIn(f"{rates[2] / 1e3:.1f} k/s {rates[0] / 1e3:.1f} to {rates[-1] / 1e3:.1f}",
                      self.reader.text())

    def test_sums_failures(self):
        label = next(label for label in self.reader.labels if label.startswith("Failed calls"))
        self.assertIn("32: Turnstile 0, naive 0, published fix 200", label)

    def test_says_on_which_machine_it_was(self):
        for fact in ("A processor, 2 cores", "6.1", "ext4", "3.53.4", "2026-03-01 12:30 UTC",
                     "0.10 before, 0.90 after"):
            self.assertIn(fact, self.reader.text())

    def test_shows_peers_only_where_there_are_rows_of_them(self):
        self.assertIn("peers", self.reader.ids)
        self.assertEqual(self.reader.row("SOCI"), None)  # One of each measure.
        for line in ("Go a pair of pools 30.0 k/s", "SOCI a pool 21.0 k/s", "Turnstile 57.0 k/s",
                     "Go a pair of pools 1,500.0 ms", "SOCI a pool 2,100.0 ms"):
            self.assertIn(line, self.reader.text())
        self.assertEqual(self.reader.text().count("Turnstile 57.0 k/s"), 1)
        self.assertNotIn("peers", Reader(page.make(made_up.record())).ids)

    def test_leaves_out_subjects_that_were_not_measured(self):
        rows = [row for row in made_up.ROWS if row.id.startswith("T4/")]
        reader = Reader(page.make(made_up.record(rows)))
        self.assertEqual(reader.ids, ["targets", "method"])
        self.assertEqual(reader.wrong, [])
        self.assertEqual([bool(reader.row(name)) for name in ("T4/normal", "T4/full", "T5/4")],
                         [True, True, False])

    def test_is_made_of_a_record_without_a_percentile_that_older_ones_lack(self):
        record = made_up.record()
        for samples in record["samples"]:
            for sample in samples.values():
                sample.get("writes", {}).pop("p90_us", None)
        self.assertNotIn("p90", Reader(page.make(record)).text())

    def test_tells_faults_and_what_takes_the_figures_their_worth(self):
        record = faulty()
        reader = Reader(page.make({**record, "quick": True}))
        self.assertIn("✗ missed", reader.row("T5/4"))
        self.assertIn("WRONG: writers turnstile synchronous=normal threads=4: a < b",
                      reader.row("T5/4"))
        self.assertIn("the figures mean nothing", reader.text())
        self.assertNotIn("the figures mean nothing", Reader(page.make(record)).text())

    def test_is_refused_of_what_is_no_record(self):
        for other in ([], {}, self.record["rows"]):
            with self.assertRaises(page.NoRecord):
                page.make(other)


class Plots(unittest.TestCase):
    def test_a_scale_begins_at_zero_and_holds_all(self):
        for most in (0.4, 1, 7, 99, 40_000, 61_234.5):
            scale = chart.Scale([0, most])
            self.assertEqual(scale.ticks[0], 0)
            self.assertGreaterEqual(scale.ticks[-1], most)
            self.assertTrue(4 <= len(scale.ticks) <= 8, scale.ticks)

    def test_a_scale_of_nothing_but_zeros_has_a_height(self):
        self.assertEqual(chart.Scale([0, 0]).y(0), chart.HEIGHT - chart.BOTTOM)

    def test_a_logarithmic_scale_has_equal_steps(self):
        scale = chart.Scale([30, 5_000], logarithmic=True)
        heights = [scale.y(tick) for tick in (10, 100, 1_000, 10_000)]
        self.assertEqual(scale.ticks, [10, 100, 1_000, 10_000])
        steps = {round(low - high) for low, high in zip(heights, heights[1:])}
        self.assertEqual(len(steps), 1)

    def test_better_is_more_than_one_whatever_the_measure(self):
        higher = {"target": 2, "better": "higher", "spread": [1, 4], "ratio": 3}
        lower = {"target": 2, "better": "lower", "spread": [1, 4], "ratio": 1}
        self.assertEqual(chart.against_target(higher), [0.5, 2, 1.5])
        self.assertEqual(chart.against_target(lower), [2, 0.5, 2])
        self.assertEqual(chart.against_target({**lower, "target": 0}), [])


class Run(unittest.TestCase):
    """bench/run --report RUN.json"""

    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="turnstile-page-")
        self.addCleanup(self.scratch.cleanup)

    def run_with(self, text):
        path = os.path.join(self.scratch.name, "run.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return subprocess.run([sys.executable, str(made_up.ROOT / "bench/run"), "--report", path],
                              capture_output=True, text=True, check=False)

    def test_makes_the_page_of_an_earlier_run_beside_it(self):
        record = made_up.record()
        done = self.run_with(json.dumps(record))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        with open(os.path.join(self.scratch.name, "report.html"), encoding="utf-8") as file:
            self.assertEqual(file.read(), page.make(record))

    def test_refuses_what_is_no_run(self):
        for text in ("{", "[]"):
            done = self.run_with(text)
            self.assertEqual(done.returncode, 1)
            self.assertIn("bench/run: --report ", done.stderr)
            self.assertNotIn("Traceback", done.stderr)
        self.assertEqual(os.listdir(self.scratch.name), ["run.json"])


if __name__ == "__main__":
    unittest.main()
