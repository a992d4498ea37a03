#!/usr/bin/env python3
"""The download of pinned packages, with a fake npm: offline reuse, damage, refusal, races."""
import base64
import hashlib
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
MODULE = os.path.join(os.environ["TURNSTILE_SOURCE"], "cmake", "NpmFetch.cmake")

# Copies $FAKE_TARBALL to where npm pack would put it and counts its calls.
FAKE_NPM = """#!/bin/sh
echo "$@" >> "$FAKE_CALLS"
[ -n "$FAKE_TARBALL" ] || { echo "npm ERR! network request failed" >&2; exit 1; }
cp "$FAKE_TARBALL" "$4/thing-1.2.3.tgz"
"""


class NpmFetch(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.mkdtemp(prefix="turnstile-fetch-")
        self.addCleanup(shutil.rmtree, self.scratch)
        for name in ("bin", "cache"):
            os.mkdir(self.path(name))
        # A PATH that holds nothing but what the script and the fake npm need.
        for tool in ("cmake", "sh", "cp"):
            os.symlink(shutil.which(tool), self.path("bin", tool))
        self.make_npm()
        self.good = self.make_tarball("good.tgz", b"int thing;\n")
        self.bad = self.make_tarball("bad.tgz", b"int evil;\n")
        with open(self.good, "rb") as file:
            digest = hashlib.sha512(file.read()).digest()
        self.integrity = "sha512-" + base64.b64encode(digest).decode()
        self.tarball = self.path("cache", "thing-1.2.3.tgz")

    def path(self, *names):
        return os.path.join(self.scratch, *names)

    def make_npm(self):
        with open(self.path("bin", "npm"), "w", encoding="ascii") as file:
            file.write(FAKE_NPM)
        os.chmod(self.path("bin", "npm"), 0o755)

    def make_tarball(self, name, content):
        with tarfile.open(self.path(name), "w:gz") as archive:
            for member, data in (("package/deps/thing.c", content), ("package/LICENSE", b"MIT\n"),
                                 ("package/huge.bin", b"x" * 1000)):
                info = tarfile.TarInfo(member)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return self.path(name)

    def start(self, tarball, destination="out", files=""):
        return subprocess.Popen(
            ["cmake", f"-DMODULE={MODULE}", f"-DINTEGRITY={self.integrity}",
             f"-DDESTINATION={self.path(destination)}", f"-DFILES={files}",
             "-P", os.path.join(HERE, "npm_fetch.cmake")],
            cwd=self.scratch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={"PATH": self.path("bin"), "TURNSTILE_CACHE": self.path("cache"),
                 "FAKE_TARBALL": tarball, "FAKE_CALLS": self.path("calls")})

    def fetch(self, tarball, destination="out", files=""):
        process = self.start(tarball, destination, files)
        output, _ = process.communicate()
        # CMake breaks long lines; a message is easier to look for in one.
        return process.returncode, re.sub(r"\s+", " ", output)

    def calls(self):
        if not os.path.exists(self.path("calls")):
            return 0
        with open(self.path("calls"), encoding="utf-8") as file:
            return len(file.readlines())

    def assert_fetched(self, destination="out"):
        with open(self.path(destination, "thing.c"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "int thing;\n")
        self.assertNotIn("huge.bin", os.listdir(self.path(destination)))

    def test_fetches_once_and_then_works_without_network(self):
        self.assertEqual(self.fetch(self.good)[0], 0)
        self.assert_fetched()
        self.assertEqual(self.fetch("")[0], 0)
        shutil.rmtree(self.path("out"))
        self.assertEqual(self.fetch("")[0], 0)
        self.assert_fetched()
        self.assertEqual(self.calls(), 1)

    def test_a_folder_takes_the_place_of_the_one_before(self):
        self.assertEqual(self.fetch(self.good, files="package")[0], 0)
        self.assert_fetched("out/package/deps")
        with open(self.path("out", "package", "old.c"), "w", encoding="ascii"):
            pass
        os.remove(self.path("out", ".thing"))  # As if it came from another tarball.
        status, output = self.fetch(self.good, files="package")
        self.assertEqual(status, 0, output)
        self.assert_fetched("out/package/deps")
        self.assertFalse(os.path.exists(self.path("out", "package", "old.c")))

    def test_a_fetched_package_needs_no_npm(self):
        self.fetch(self.good)
        os.remove(self.path("bin", "npm"))
        self.assertEqual(self.fetch("", "elsewhere")[0], 0)
        self.assert_fetched("elsewhere")

    def test_without_npm_says_what_to_do(self):
        os.remove(self.path("bin", "npm"))
        status, output = self.fetch(self.good)
        self.assertNotEqual(status, 0)
        self.assertIn("There is no npm in PATH", output)
        self.assertIn("apt-get install npm", output)
        self.assertIn("TURNSTILE_SQLITE=DIR", output)

    def test_without_network_says_what_npm_said(self):
        status, output = self.fetch("")
        self.assertNotEqual(status, 0)
        self.assertIn("npm could not fetch thing 1.2.3", output)
        self.assertIn("network request failed", output)
        self.assertIn(self.tarball, output)

    def test_another_package_than_the_pinned_one_is_refused(self):
        status, output = self.fetch(self.bad)
        self.assertNotEqual(status, 0)
        self.assertIn("is not the pinned package, so it is refused", output)
        self.assertFalse(os.path.exists(self.tarball))
        self.assertFalse(os.path.exists(self.path("out", "thing.c")))

    def test_a_damaged_cache_is_fetched_anew(self):
        self.fetch(self.good)
        with open(self.tarball, "r+b") as file:
            file.truncate(100)
        status, output = self.fetch(self.good, "again")
        self.assertEqual(status, 0, output)
        self.assertIn("is damaged", output)
        self.assert_fetched("again")
        self.assertEqual(self.calls(), 2)

    def test_a_damaged_cache_is_refused_when_the_second_fetch_is_wrong_too(self):
        shutil.copy(self.bad, self.tarball)
        status, output = self.fetch(self.bad)
        self.assertNotEqual(status, 0)
        self.assertIn("is not the pinned package, so it is refused", output)
        self.assertEqual(self.calls(), 1)

    def test_a_cache_that_cannot_be_made_is_named(self):
        shutil.rmtree(self.path("cache"))
        with open(self.path("cache"), "w", encoding="ascii") as file:
            file.write("a file, no directory")
        status, output = self.fetch(self.good)
        self.assertNotEqual(status, 0)
        self.assertIn("Set TURNSTILE_CACHE", output)

    def test_a_changed_pin_replaces_what_was_unpacked(self):
        os.mkdir(self.path("out"))
        for name in ("thing.c", "LICENSE", ".thing"):
            with open(self.path("out", name), "w", encoding="ascii") as file:
                file.write("of an older version")
        self.assertEqual(self.fetch(self.good)[0], 0)
        self.assert_fetched()

    def test_concurrent_fetches_download_once_and_all_succeed(self):
        running = [self.start(self.good, f"out{n}") for n in range(4)]
        for n, process in enumerate(running):
            output, _ = process.communicate()
            self.assertEqual(process.returncode, 0, output)
            self.assert_fetched(f"out{n}")
        self.assertEqual(self.calls(), 1)
        self.assertEqual(sorted(os.listdir(self.path("cache"))), ["lock", "thing-1.2.3.tgz"])


if __name__ == "__main__":
    unittest.main()
