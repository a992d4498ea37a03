#!/usr/bin/env python3
"""Installs everything, moves the tree, and uses the static library and the program from there."""
import os
import shutil
import unittest

from installed import (BUILD, CXX, CXX_FLAGS, HERE, SOURCE, InstalledCase, cache, configure,
                       guide_block, guide_project, pkg_config, run, version)

BOTH = cache().get("TURNSTILE_BOTH_KINDS") == "ON"


class Install(InstalledCase):
    def test_find_package_as_the_guide_has_it(self):
        project = self.path("project")
        os.mkdir(project)
        with open(os.path.join(project, "CMakeLists.txt"), "w", encoding="utf-8") as file:
            file.write(guide_project("find_package"))
        shutil.copy(os.path.join(HERE, "consumer", "consumer.cc"), project)
        configure(project, self.path("guide"), f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", self.path("guide"))
        self.check_program(self.path("guide", "consumer"))

    def test_the_native_component_comes_with_the_engine_that_it_is_for(self):
        self.check_package(self.prefix, "static", "native", programs=("native",))

    def test_a_library_with_another_sqlite_goes_on_to_use_that(self):
        self.check_package(self.prefix, "static", "static", programs=("beside",))

    def test_the_program_is_a_component(self):
        output = configure("consumer", self.path("cli"), f"-DCMAKE_PREFIX_PATH={self.prefix}",
                           "-DCOMPONENTS=cli")
        self.assertRegex(output, rf"turnstile::cli says turnstile +{version()}\n")

    def test_a_component_that_does_not_exist_is_refused(self):
        output = configure("consumer", self.path("unknown"), f"-DCMAKE_PREFIX_PATH={self.prefix}",
                           "-DCOMPONENTS=vault9", fails=True)
        self.assertIn("there is no component vault9 here", output.replace("\n  ", " "))

    def test_another_minor_version_is_refused(self):
        output = configure("consumer", self.path("newer"), f"-DCMAKE_PREFIX_PATH={self.prefix}",
                           "-DWANTED=0.99", fails=True)
        self.assertIn("compatible with requested version \"0.99\"", output.replace("\n  ", " "))

    def test_pkg_config(self):
        package = "turnstile-static" if BOTH else "turnstile"
        program = self.check_pkg_config(self.prefix, package, "consumer_pc")
        self.assertNotIn("libturnstile", run("readelf", "-d", program))
        self.assertEqual(pkg_config(self.prefix, "--modversion", package), version())

    def test_pkg_config_as_the_guide_has_it(self):
        project = self.path("by_hand")
        os.mkdir(project)
        shutil.copy(os.path.join(HERE, "consumer", "consumer.cc"), project)
        libraries = pkg_config(self.prefix, "--variable=libdir", "turnstile")
        command = guide_block("sh", "pkg-config").replace("g++", f"{CXX} {CXX_FLAGS}")
        run("sh", "-ec", command, cwd=project,
            env={**os.environ, "PKG_CONFIG_PATH": os.path.join(libraries, "pkgconfig")})
        self.check_program(os.path.join(project, "consumer"),
                           env={**os.environ, "LD_LIBRARY_PATH": libraries})

    def test_nothing_installed_knows_where_it_was_built(self):
        for folder, _, names in os.walk(self.prefix):
            for name in names:
                if not name.endswith((".cmake", ".pc", ".h")):
                    continue
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    text = file.read()
                for place in (self.path("first"), BUILD, SOURCE):
                    self.assertNotIn(place, text, name)

    def test_nothing_but_the_public_interface_is_installed(self):
        include = self.installed("include")
        self.assertEqual(os.listdir(include), ["turnstile"])
        source = os.path.join(SOURCE, "include", "turnstile")
        expected = {os.path.relpath(os.path.join(folder, name), source)
                    for folder, _, names in os.walk(source) for name in names} | {"version.h"}
        installed = {os.path.relpath(os.path.join(folder, name), f"{include}/turnstile")
                     for folder, _, names in os.walk(f"{include}/turnstile") for name in names}
        self.assertEqual(installed - {"engine/sqlite3.h"}, expected)

    def test_the_manual_page_and_the_completions_are_where_shells_look(self):
        with open(os.path.join(SOURCE, "docs", "reference", "turnstile.1"), encoding="utf-8") as at:
            page = at.read()
        with open(self.installed("share", "man", "man1", "turnstile.1"), encoding="utf-8") as at:
            self.assertEqual(at.read(), page)
        for shell, place in (("bash", "bash-completion/completions/turnstile"),
                             ("zsh", "zsh/site-functions/_turnstile"),
                             ("fish", "fish/vendor_completions.d/turnstile.fish")):
            with open(self.installed("share", place), encoding="utf-8") as file:
                said = run(self.installed("bin", "turnstile"), "completions", shell)
                self.assertEqual(file.read(), said, shell)


if __name__ == "__main__":
    unittest.main()
