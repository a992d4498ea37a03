#!/usr/bin/env python3
"""Installs the library, moves the tree, and builds and runs a consumer against it both ways."""
import os
import shlex
import shutil
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
BUILD = os.environ["TURNSTILE_BUILD"]
CXX = os.environ["TURNSTILE_TEST_CXX"]
CXX_FLAGS = os.environ["TURNSTILE_TEST_CXX_FLAGS"]


def run(*command, **options):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            check=False, **options)
    if result.returncode != 0:
        raise AssertionError(f"{shlex.join(command)}: {result.returncode}\n{result.stdout}")
    return result.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.mkdtemp(prefix="turnstile-install-")
        first = os.path.join(cls.scratch, "first")
        run("cmake", "--install", BUILD, "--prefix", first)
        # Moved before it is used: nothing installed may know where it was installed to.
        cls.prefix = os.path.join(cls.scratch, "moved")
        os.rename(first, cls.prefix)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.scratch)

    def check_program(self, program):
        database = os.path.join(self.scratch, os.path.basename(program) + ".db")
        self.assertEqual(run(program, database).strip(), "hello from an installed library")

    def test_find_package(self):
        build = os.path.join(self.scratch, "build")
        run("cmake", "-G", "Ninja", "-S", os.path.join(HERE, "consumer"), "-B", build,
            f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DCMAKE_CXX_COMPILER={CXX}",
            f"-DCMAKE_CXX_FLAGS={CXX_FLAGS}")
        run("cmake", "--build", build)
        self.check_program(os.path.join(build, "consumer"))

    def test_pkg_config(self):
        folder = next(folder for folder, _, names in os.walk(self.prefix)
                      if "turnstile.pc" in names)
        environment = {**os.environ, "PKG_CONFIG_PATH": folder}
        flags = run("pkg-config", "--cflags", "--libs", "turnstile", env=environment)
        self.assertNotIn("first", flags)
        program = os.path.join(self.scratch, "consumer_pc")
        run(CXX, "-std=c++20", *shlex.split(CXX_FLAGS),
            os.path.join(HERE, "consumer", "consumer.cc"), "-o", program, *shlex.split(flags))
        self.check_program(program)

    def test_nothing_but_the_public_interface_is_installed(self):
        include = os.path.join(self.prefix, "include")
        self.assertEqual(os.listdir(include), ["turnstile"])
        source = os.path.join(os.environ["TURNSTILE_SOURCE"], "include", "turnstile")
        expected = {os.path.relpath(os.path.join(folder, name), source)
                    for folder, _, names in os.walk(source) for name in names} | {"version.h"}
        installed = {os.path.relpath(os.path.join(folder, name), f"{include}/turnstile")
                     for folder, _, names in os.walk(f"{include}/turnstile") for name in names}
        self.assertEqual(installed - {"engine/sqlite3.h"}, expected)


if __name__ == "__main__":
    unittest.main()
