#!/usr/bin/env python3
"""The shared library: what it shows, and programs that use it."""
import os
import re
import unittest

from installed import BUILD, CXX_FLAGS, InstalledCase, configure, pkg_config, run, version

LAYERS = ("sqlite gate database records audit tasks cron vectors text host vault "
          "diagnose").split()
# What symbols belong to, in front of the name.
KINDS = "(?:typeinfo for |typeinfo name for |vtable for )?"
INTERFACE = re.compile(KINDS + r"turnstile::(?!(?:" + "|".join(LAYERS) + r")::)\w+")
# The shared library keeps its engine, and with it the handle. The table is no header's.
NOT_SHOWN = {"turnstile::native_handle(turnstile::ReadTx&)", "turnstile::kErrorCodes"}


def symbols(*arguments):
    """The names that nm lists, with those of functions' static variables and versions left out."""
    names = set()
    for line in run("nm", "--demangle", "--defined-only", *arguments).splitlines():
        match = re.match(r"[0-9a-f]+ ([A-Za-z]) (.*)", line)
        if match and match[1] in "TWVBDRGSu":
            names.add(re.sub(r"@@?TURNSTILE_[0-9.]+$", "", match[2]))
    return names


def of_the_interface(names):
    # A closure of a template is its instantiation's own affair.
    return {name for name in names if INTERFACE.match(name) and "{lambda" not in name}


class Shared(InstalledCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = next(folder for folder, _, names in os.walk(cls.prefix)
                      if "libturnstile.so" in names)
        cls.library = os.path.join(folder, "libturnstile.so")
        cls.shown = symbols("-D", cls.library)

    def test_shows_the_interface_and_nothing_else(self):
        self.assertEqual({name for name in self.shown if not INTERFACE.match(name)}, set())
        self.assertEqual([name for name in self.shown if "sqlite3" in name and
                          not name.startswith("turnstile::")], [])

    def test_is_looked_at_by_a_detector_that_sees_the_engine(self):
        static = symbols(os.path.join(BUILD, "src", "libturnstile.a"))
        self.assertIn("turnstile::sqlite::find_second_engine()",
                      {re.sub(r"\[.*?\]", "", name) for name in static - of_the_interface(static)})

    def test_shows_all_of_the_interface(self):
        static = of_the_interface(symbols(os.path.join(BUILD, "src", "libturnstile.a")))
        self.assertEqual(static - self.shown, NOT_SHOWN)
        self.assertGreater(len(static), 300)

    def test_has_the_version_of_its_interface_in_its_name(self):
        soname = "libturnstile.so." + ".".join(version().split(".")[:2])
        self.assertIn(f"[{soname}]", run("readelf", "-d", self.library))
        self.assertEqual(os.path.realpath(self.library), f"{self.library}.{version()}")
        self.assertEqual(os.path.realpath(os.path.join(os.path.dirname(self.library), soname)),
                         os.path.realpath(self.library))

    def test_find_package(self):
        build = self.check_package(self.prefix, "shared", "shared")
        self.assertIn("libturnstile.so", run("readelf", "-d", os.path.join(build, "consumer")))

    def test_is_what_build_shared_libs_asks_for(self):
        output = configure("consumer", self.path("asked"), f"-DCMAKE_PREFIX_PATH={self.prefix}",
                           "-DBUILD_SHARED_LIBS=ON")
        self.assertIn("turnstile is SHARED_LIBRARY", output)

    def test_has_no_native_component(self):
        output = configure("consumer", self.path("native"), f"-DCMAKE_PREFIX_PATH={self.prefix}",
                           "-DCOMPONENTS=shared;native", fails=True)
        self.assertIn("native.h (component native) needs the static one",
                      re.sub(r"\s+", " ", output))

    def test_a_program_with_another_sqlite_uses_both(self):
        self.check_package(self.prefix, "shared", "shared", programs=("beside",))

    def test_is_noticed_beside_the_static_one(self):
        build = self.check_package(self.prefix, "static", "static", programs=())
        configure("consumer", build, "-DPROGRAMS=twice")
        run("cmake", "--build", build)
        said = run(os.path.join(build, "twice"), self.path("twice.db"), self.library)
        self.assertRegex(said, r"^ENGINE_CONFLICT .*libturnstile\.so")

    def test_pkg_config(self):
        program = self.check_pkg_config(self.prefix, "turnstile", "consumer_pc")
        self.assertIn("libturnstile.so", run("readelf", "-d", program))

    def test_pkg_config_names_only_this_library_to_those_who_link_it(self):
        flags = pkg_config(self.prefix, "--libs", "turnstile").split()
        self.assertEqual([flag for flag in flags if flag.startswith("-l")], ["-lturnstile"])

    # skip: there is no such program that could be linked.
    @unittest.skipIf("-fsanitize" in CXX_FLAGS, "a sanitizer's program is never a static one")
    def test_pkg_config_names_all_for_a_static_program(self):
        flags = pkg_config(self.prefix, "--static", "--libs", "turnstile")
        for library in ("-lturnstile ", "-lturnstile_sqlite3", "-lsodium", "-lm"):
            self.assertIn(library, flags + " ")


if __name__ == "__main__":
    unittest.main()
