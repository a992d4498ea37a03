#!/usr/bin/env python3
"""The page of a benchmark run as a browser shows it: light and dark, wide and on a phone."""
import html
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

import made_up
from picture import Picture
from runner import page

sys.path.insert(0, str(made_up.ROOT / "tests" / "support"))
import wanted_tool  # noqa: E402

PHONE, TABLET, WIDE, HEIGHT = 400, 800, 1280, 2400
SCALE = 0.5  # Of the pictures: a quarter of the pixels to decode.
SCHEMES = {"dark": 0, "light": 1}
# Shows a page in frames of some widths (a window cannot be as narrow as a phone), and says in the
# title of each how far it scrolls, how wide it is, and what sticks out of it.
FRAMES = """<!DOCTYPE html><title>-</title>FRAMES<script>onload = () => {
  document.title = JSON.stringify([...document.querySelectorAll("iframe")].map((frame) => {
    const root = frame.contentDocument.documentElement, width = root.clientWidth;
    const out = [...root.querySelectorAll("body *")].filter((each) =>
      each.getBoundingClientRect().right > width + 1 && !each.closest(".scroll, svg svg"));
    return [root.scrollWidth, width, out.map((each) => each.tagName + "." + each.className).join()];
  }));
};</script>"""


def browse(scratch, scheme, *arguments):
    """What the browser prints."""
    done = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--hide-scrollbars", f"--user-data-dir={scratch}/browser",
         f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return done.stdout


class Look(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="turnstile-look-")
        cls.addClassCleanup(holder.cleanup)
        cls.scratch = holder.name
        cls.text = page.make(made_up.record(peers=made_up.PEERS))
        path = cls.write("report.html", cls.text)
        cls.pictures = {}
        for scheme, width in itertools.product(SCHEMES, (PHONE, WIDE)):
            picture = os.path.join(cls.scratch, f"{scheme}{width}.png")
            browse(cls.scratch, scheme, f"--window-size={width},{HEIGHT}",
                   f"--force-device-scale-factor={SCALE}", f"--screenshot={picture}",
                   f"file://{path}")
            cls.pictures[scheme, width] = Picture(picture)

    @classmethod
    def write(cls, name, text):
        path = os.path.join(cls.scratch, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def measured(self, text, *widths):
        """For each width [how far it scrolls, how wide it is, what sticks out]."""
        frames = "".join(f'<iframe width="{width}" height="900" frameborder="0" '
                         f'srcdoc="{html.escape(text)}"></iframe>' for width in widths)
        path = self.write("frames.html", FRAMES.replace("FRAMES", frames))
        shown = browse(self.scratch, "light", "--window-size=1400,1000", "--dump-dom",
                       f"file://{path}")
        return json.loads(html.unescape(re.search("<title>(.*?)</title>", shown).group(1)))

    def test_follows_the_scheme_that_the_reader_prefers(self):
        for (scheme, width), picture in self.pictures.items():
            self.assertEqual(picture.width, width * SCALE)
            if scheme == "light":
                self.assertGreater(min(picture.at(2, 2)), 230)
            else:
                self.assertLess(max(picture.at(2, 2)), 40)

    def test_shows_the_colours_of_the_sides(self):
        for scheme, blue, orange in (("light", (0, 104, 179), (207, 90, 0)),
                                     ("dark", (88, 180, 240), (240, 138, 75))):
            for width in (PHONE, WIDE):
                colours = self.pictures[scheme, width].colours()
                self.assertGreater(len(colours), 50)
                self.assertGreater(colours[blue], 250, (scheme, width))
                self.assertGreater(colours[orange], 250, (scheme, width))

    def test_fits_every_width(self):
        widths = (PHONE, TABLET, WIDE)
        self.assertEqual(self.measured(self.text, *widths), [[each, each, ""] for each in widths])

    def test_that_something_sticks_out_would_be_noticed(self):
        wide = self.text.replace("<h1>", '<h1 style="width:600px">')
        (scrolled, width, out), = self.measured(wide, PHONE)
        self.assertGreater(scrolled, width)
        self.assertEqual(out, "H1.")

    def test_leaves_the_margin_of_a_phone_free(self):
        for scheme in SCHEMES:
            picture = self.pictures[scheme, PHONE]
            margin = picture.colours(range(picture.width - 4, picture.width))
            self.assertEqual(len(margin), 1)


if __name__ == "__main__":
    BROWSER = wanted_tool.find("chromium", "chromium", "chromium-browser", "google-chrome")
    if BROWSER:
        unittest.main()
