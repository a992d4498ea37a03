"""What the tests of installing share: running programs, an installed tree, consumers of it."""
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
SOURCE = os.environ["TURNSTILE_SOURCE"]
BUILD = os.environ["TURNSTILE_BUILD"]
CXX = os.environ["TURNSTILE_TEST_CXX"]
CXX_FLAGS = os.environ["TURNSTILE_TEST_CXX_FLAGS"]


def run(*command, fails=False, **options):
    """Runs a program and returns what it says; `fails` when it is to fail."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            check=False, **options)
    if (result.returncode != 0) != fails:
        raise AssertionError(f"{shlex.join(command)}: {result.returncode}\n{result.stdout}")
    return result.stdout


def cache():
    """The entries of the build's CMake cache, name -> value."""
    with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file if line[0] not in "#/\n" and "=" in line]
    return {line.split(":", 1)[0]: line.split("=", 1)[1] for line in lines}


def version():
    return cache()["CMAKE_PROJECT_VERSION"]


def configure(source, build, *options, fails=False):
    return run("cmake", "-G", "Ninja", "-S", os.path.join(HERE, source), "-B", build,
               f"-DCMAKE_CXX_COMPILER={CXX}", f"-DCMAKE_CXX_FLAGS={CXX_FLAGS}", *options,
               fails=fails)


def pkg_config(prefix, *arguments):
    folder = next(folder for folder, _, names in os.walk(prefix) if "turnstile.pc" in names)
    return run("pkg-config", *arguments,
               env={**os.environ, "PKG_CONFIG_PATH": folder}).strip()


def guide_block(language, word):
    """The block in the guide to installing that has this word."""
    with open(os.path.join(SOURCE, "docs", "guide", "installing.md"), encoding="utf-8") as file:
        blocks = re.findall(rf"^```{language}\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)
    return next(block for block in blocks if word in block)


def guide_project(word):
    """The CMakeLists.txt in the guide to installing that has this word."""
    return guide_block("cmake", word)


class ScratchCase(unittest.TestCase):
    """Has a scratch folder for the whole class."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.mkdtemp(prefix="turnstile-install-")
        cls.addClassCleanup(shutil.rmtree, cls.scratch)

    def path(self, *names):
        return os.path.join(self.scratch, *names)

    def check_program(self, program, **options):
        """A consumer that was built does what it is for."""
        database = program + ".db"
        self.assertEqual(run(program, database, **options).strip(),
                         "hello from an installed library")

    def check_package(self, prefix, kind, *components, programs=("consumer",)):
        """find_package() finds this kind of library below `prefix`; the consumers of it work."""
        build = tempfile.mkdtemp(prefix=f"{kind}-", dir=self.scratch)
        self.assertIn(f"turnstile is {kind.upper()}_LIBRARY", configure(
            "consumer", build, f"-DCMAKE_PREFIX_PATH={prefix}",
            f"-DCOMPONENTS={';'.join(components)}", f"-DPROGRAMS={';'.join(programs)}"))
        run("cmake", "--build", build)
        for program in programs:
            self.check_program(os.path.join(build, program))
        return build

    def check_pkg_config(self, prefix, package, name):
        """A consumer that asks pkg-config for its flags works. Returns the program."""
        flags = shlex.split(pkg_config(prefix, "--cflags", "--libs", package))
        program = self.path(name)
        run(CXX, "-std=c++20", *shlex.split(CXX_FLAGS),
            os.path.join(HERE, "consumer", "consumer.cc"), "-o", program, *flags)
        libraries = os.path.dirname(pkg_config(prefix, "--variable=libdir", "turnstile") + "/")
        self.check_program(program, env={**os.environ, "LD_LIBRARY_PATH": libraries})
        return program


class InstalledCase(ScratchCase):
    """Has a tree that `cmake --install` made and that was moved afterwards."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        first = os.path.join(cls.scratch, "first")
        run("cmake", "--install", BUILD, "--prefix", first)
        # Moved before it is used: nothing installed may know where it was installed to.
        cls.prefix = os.path.join(cls.scratch, "moved")
        os.rename(first, cls.prefix)

    def installed(self, *names):
        return os.path.join(self.prefix, *names)
