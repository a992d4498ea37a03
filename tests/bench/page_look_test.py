#!/usr/bin/env python3
"""The page of a benchmark run as a browser shows it: light and dark, wide and on a phone."""
import html
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

PHONE, TABLET, WIDE = 400, 800, 1280
SCHEMES = {"dark": 0, "light": 1}
# Shows a page in a frame of some width (a window cannot be as narrow as a phone), and says in the
# title how wide it is, what sticks out of it, and which colours it has.
FRAME = """<!DOCTYPE html><title>-</title><iframe width="{width}" height="900" frameborder="0"
srcdoc="{page}"></iframe><script>onload = () => {{
  const shown = document.querySelector("iframe").contentDocument, all = [];
  const width = shown.documentElement.clientWidth;
  for (const each of shown.querySelectorAll("body *")) {{
    const box = each.getBoundingClientRect();
    if (box.right > width + 1 && !each.closest(".scroll") && !each.closest("svg svg"))
      all.push(each.tagName + "." + each.className);
  }}
  document.title = JSON.stringify([shown.documentElement.scrollWidth, width, all.join(" ")]);
}}</script>"""


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
        cls.scratch_holder = tempfile.TemporaryDirectory(prefix="turnstile-look-")
        cls.addClassCleanup(cls.scratch_holder.cleanup)
        cls.scratch = cls.scratch_holder.name
        cls.text = page.make(made_up.record(peers=made_up.PEERS))
        cls.path = cls.write("report.html", cls.text)

    @classmethod
    def write(cls, name, text):
        path = os.path.join(cls.scratch, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def picture(self, scheme, width, height=1000):
        path = os.path.join(self.scratch, f"{scheme}{width}.png")
        browse(self.scratch, scheme, f"--window-size={width},{height}", f"--screenshot={path}",
               f"file://{self.path}")
        return Picture(path)

    def measured(self, text, width):
        """[how far it scrolls, how wide it is, what sticks out]"""
        path = self.write("frame.html", FRAME.format(width=width, page=html.escape(text)))
        shown = browse(self.scratch, "light", "--window-size=1400,1000", "--dump-dom",
                       f"file://{path}")
        title = re.search("<title>(.*?)</title>", shown).group(1)
        return json.loads(html.unescape(title))

    def test_follows_the_scheme_that_the_reader_prefers(self):
        for width in (PHONE, WIDE):
            light, dark = (self.picture(scheme, width) for scheme in ("light", "dark"))
            self.assertEqual((light.width, dark.width), (width, width))
            self.assertGreater(min(light.at(2, 2)), 230)
            self.assertLess(max(dark.at(2, 2)), 40)

    def test_shows_something_in_the_colours_of_each_side(self):
        for scheme, blue, orange in (("light", (0, 104, 179), (207, 90, 0)),
                                     ("dark", (88, 180, 240), (240, 138, 75))):
            colours = self.picture(scheme, WIDE, 2400).colours()
            self.assertGreater(len(colours), 50)
            self.assertGreater(colours[blue], 5_000, scheme)
            self.assertGreater(colours[orange], 2_000, scheme)

    def test_fits_every_width(self):
        for width in (PHONE, TABLET, WIDE):
            self.assertEqual(self.measured(self.text, width), [width, width, ""])

    def test_that_something_sticks_out_would_be_noticed(self):
        wide = self.text.replace("<h1>", '<h1 style="width:600px">')
        scrolled, width, out = self.measured(wide, PHONE)
        self.assertGreater(scrolled, width)
        self.assertEqual(out, "H1.")

    def test_leaves_the_margin_of_a_phone_free(self):
        margin = self.picture("light", PHONE, 3000).colours(range(PHONE - 8, PHONE))
        self.assertEqual(len(margin), 1)


if __name__ == "__main__":
    BROWSER = wanted_tool.find("chromium", "chromium", "chromium-browser", "google-chrome")
    if BROWSER:
        unittest.main()
