#!/usr/bin/env python3
"""Makes the Debian packages, unpacks them as dpkg does, and uses them from there."""
import glob
import gzip
import os
import re
import unittest

from installed import BUILD, ScratchCase, cache, run, version

LIBRARY = "libturnstile" + ".".join(version().split(".")[:2])
NAMES = (LIBRARY, "libturnstile-dev", "turnstile")


class Packages(ScratchCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Fast instead of small.
        run("cpack", "--config", os.path.join(BUILD, "CPackConfig.cmake"),
            "-B", os.path.join(cls.scratch, "made"), "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=gzip")
        cls.files = {}
        for path in glob.glob(os.path.join(cls.scratch, "made", "*.deb")):
            cls.files[run("dpkg-deb", "--field", path, "Package").strip()] = path
        # A system that dpkg finds empty. Unpacked only: what runs after that is ldconfig, which is
        # not there.
        cls.root = os.path.join(cls.scratch, "root")
        admin = os.path.join(cls.root, "var", "lib", "dpkg")
        for folder in ("info", "updates", "triggers"):
            os.makedirs(os.path.join(admin, folder))
        for name in ("status", "available"):
            with open(os.path.join(admin, name), "w", encoding="ascii"):
                pass
        run("dpkg", f"--root={cls.root}", "--force-not-root,depends", "--log=/dev/null",
            "--unpack", *sorted(cls.files.values()))
        cls.usr = os.path.join(cls.root, "usr")
        cls.lib = os.path.join(cls.usr, cache()["CMAKE_INSTALL_LIBDIR"])

    def field(self, package, name):
        return run("dpkg-deb", "--field", self.files[package], name).strip()

    def names_in(self, package):
        listed = run("dpkg-deb", "--contents", self.files[package]).splitlines()
        return [line.split()[5].removeprefix("./") for line in listed]

    def test_are_three(self):
        self.assertEqual(sorted(self.files), sorted(NAMES))
        for name in NAMES:
            self.assertEqual(self.field(name, "Version"), f"{version()}-1")
            self.assertRegex(self.field(name, "Maintainer"), r"^[\w ]+ <\S+@\S+>$")
            self.assertEqual(self.field(name, "Priority"), "optional")

    def test_describe_themselves(self):
        for name, section in zip(NAMES, ("libs", "libdevel", "database")):
            self.assertEqual(self.field(name, "Section"), section)
            summary, *rest = self.field(name, "Description").splitlines()
            self.assertRegex(summary, r"^[a-z].{20,60} \(\w[\w ]+\w\)$")
            self.assertTrue(rest)
            for line in rest:
                self.assertRegex(line, r"^ \S.{0,78}$")

    def test_depend_on_what_they_are_linked_with(self):
        for name in (LIBRARY, "turnstile"):
            depends = self.field(name, "Depends")
            for package in ("libc6", "libstdc++6", "libsodium23"):
                self.assertRegex(depends, rf"\b{re.escape(package)} \(>= ", name)
            self.assertNotIn("sqlite", depends)
        self.assertIn(f"{LIBRARY} (= {version()}-1)", self.field("libturnstile-dev", "Depends"))
        self.assertIn("libsodium-dev", self.field("libturnstile-dev", "Depends"))

    def test_have_no_file_twice(self):
        seen = [name for package in NAMES for name in self.names_in(package)
                if not name.endswith("/")]
        self.assertEqual(sorted(seen), sorted(set(seen)))

    def test_have_files_of_root_that_others_cannot_change(self):
        for name in NAMES:
            for line in run("dpkg-deb", "--contents", self.files[name]).splitlines():
                mode, owner = line.split()[:2]
                self.assertEqual(owner, "root/root", line)
                self.assertRegex(mode, r"^(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x|lrwxrwxrwx)$", line)

    def test_have_a_licence_and_a_changelog_where_debian_has_them(self):
        for name in NAMES:
            folder = os.path.join(self.usr, "share", "doc", name)
            with open(os.path.join(folder, "copyright"), encoding="utf-8") as file:
                self.assertIn("License: Expat", file.read())
            with gzip.open(os.path.join(folder, "changelog.gz"), "rt", encoding="utf-8") as file:
                self.assertTrue(file.readline().startswith("# Changelog"))
            self.assertTrue(all("/share/doc/" not in path or f"/share/doc/{name}" in path or
                                path.endswith("/share/doc/") for path in self.names_in(name)))

    def test_the_library_is_alone_in_its_package(self):
        paths = [path for path in self.names_in(LIBRARY)
                 if "/share/" not in path and not path.endswith("/")]
        self.assertEqual([os.path.basename(path) for path in paths],
                         [f"libturnstile.so.{version()}"[:-2], f"libturnstile.so.{version()}"])
        soname = LIBRARY.removeprefix("libturnstile")
        control = run("dpkg-deb", "--info", self.files[LIBRARY], "shlibs")
        self.assertEqual(control.split()[:3], ["libturnstile", soname, LIBRARY])

    def test_are_stripped(self):
        library = os.path.join(self.lib, "libturnstile.so." + version())
        for path in (library, os.path.join(self.usr, "bin", "turnstile"),
                     os.path.join(self.lib, "libturnstile.a")):
            self.assertNotIn(".debug_info", run("readelf", "--section-headers", path))

    def test_the_program_runs_and_has_its_page_and_completions(self):
        said = run(os.path.join(self.usr, "bin", "turnstile"), "version")
        self.assertIn(version(), said)
        page = os.path.join(self.usr, "share", "man", "man1", "turnstile.1.gz")
        with gzip.open(page, "rt", encoding="utf-8") as file:
            self.assertIn(".TH TURNSTILE 1", file.read().upper())
        for place in ("bash-completion/completions/turnstile", "fish/vendor_completions.d"):
            self.assertIn(f"usr/share/{place}", "\n".join(self.names_in("turnstile")))
        self.assertTrue(any(path.endswith("/_turnstile") for path in self.names_in("turnstile")))

    def test_find_package_static(self):
        self.check_package(self.usr, "static", "cli", "static")

    def test_find_package_shared(self):
        self.check_package(self.usr, "shared", "shared")

    def test_pkg_config_static(self):
        self.check_pkg_config(self.usr, "turnstile-static", "static_pc")

    def test_pkg_config_shared(self):
        program = self.check_pkg_config(self.usr, "turnstile", "shared_pc")
        self.assertIn("libturnstile.so", run("readelf", "-d", program))


if __name__ == "__main__":
    unittest.main()
