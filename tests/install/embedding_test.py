#!/usr/bin/env python3
"""Turnstile inside another project's build: what that project gets, and what it is spared.

With the argument `build`, the project is built and run too, both ways; that compiles the whole
library anew, so only `./dev test --slow` does it.
"""
import os
import re
import shutil
import sys
import unittest

from installed import HERE, SOURCE, ScratchCase, configure, guide_project, run

WAYS = {"subdirectory": f"-DTURNSTILE={SOURCE}",
        "fetch": f"-DFETCHCONTENT_SOURCE_DIR_TURNSTILE={SOURCE}"}
# What only developers of Turnstile need.
SPARED = [f"-DCMAKE_DISABLE_FIND_PACKAGE_{name}=ON" for name in
          ("GTest", "benchmark", "Python3", "fmt", "nlohmann_json", "CLI11", "ZLIB", "SQLite3")]
# Entries of the cache that CMake's own modules make.
OF_MODULES = re.compile(r"(PKG_CONFIG|pkgcfg_lib_TURNSTILE|FETCHCONTENT|turnstile|TURNSTILE)_|"
                        r"FETCHCONTENT_|CMAKE_DISABLE_FIND_PACKAGE_|WAY$|TURNSTILE$")


def cache(build):
    with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as file:
        return {line.split(":")[0] for line in file
                if re.match(r"[\w.-]+:(?!INTERNAL|STATIC)", line)}


class Configured(ScratchCase):
    def check(self, way):
        plain = self.path("plain-" + way)
        build = self.path(way)
        configure("embedding", plain)
        configure("embedding", build, f"-DWAY={way}", WAYS[way], *SPARED)
        foreign = {entry for entry in cache(build) - cache(plain) if not OF_MODULES.match(entry)}
        self.assertEqual(foreign, set())
        default = run("ninja", "-C", build, "-t", "commands", "all")
        self.assertNotRegex(default, r"/(apps|bench|examples|fuzz)/|/tests/(?!install/)")
        self.assertIn("libturnstile.a", default)
        self.assertNotIn("libturnstile.so", default)
        installed = run("cmake", "--install", build, "--prefix", self.path("installed"))
        self.assertNotIn("turnstile", installed.replace(self.scratch, ""))

    def test_add_subdirectory_gets_the_library_and_nothing_else(self):
        self.check("subdirectory")

    def test_fetch_content_gets_the_library_and_nothing_else(self):
        self.check("fetch")

    def test_build_shared_libs_makes_the_shared_one_and_the_guide_says_how(self):
        # The guide's own project; where it comes from is for its reader to know.
        project = self.path("project")
        os.mkdir(project)
        with open(os.path.join(project, "CMakeLists.txt"), "w", encoding="utf-8") as file:
            file.write(guide_project("FetchContent_Declare"))
        shutil.copy(os.path.join(HERE, "consumer", "consumer.cc"), project)
        build = self.path("shared")
        configure(project, build, WAYS["fetch"], "-DBUILD_SHARED_LIBS=ON")
        self.assertIn("libturnstile.so", run("ninja", "-C", build, "-t", "commands", "consumer"))


class Built(ScratchCase):
    def test_both_ways(self):
        # One folder, so that the second way finds what the first has compiled.
        build = self.path("build")
        database = os.path.join(build, "consumer.db")
        for way, shared in (("subdirectory", "OFF"), ("fetch", "ON")):
            configure("embedding", build, f"-DWAY={way}", WAYS[way], *SPARED,
                      "-DCMAKE_UNITY_BUILD=ON", f"-DBUILD_SHARED_LIBS={shared}")
            run("cmake", "--build", build)
            self.check_program(os.path.join(build, "consumer"))
            os.remove(database)
            linked = run("readelf", "-d", os.path.join(build, "consumer"))
            self.assertEqual("libturnstile.so" in linked, shared == "ON")


if __name__ == "__main__":
    case = "Built" if sys.argv[1:] == ["build"] else "Configured"
    unittest.main(argv=sys.argv[:1], defaultTest=case)
