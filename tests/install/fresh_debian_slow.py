#!/usr/bin/env python3
"""A stranger with a new Debian 12 and a clone of this tree follows README and the guide to
installing, each way to its end, and has a program that runs.

    fresh_debian_slow.py [source] [embedded] [packages]

What is typed there is taken from these pages. It needs root, debootstrap, Debian's archive and
npm's, and some twenty minutes; only `./dev test --slow` runs it.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

from installed import SOURCE, guide_project, run
from fresh_debian import FreshDebian

sys.path.insert(0, os.path.join(SOURCE, "tests", "support"))
import wanted_tool  # noqa: E402

# What the guide says that a build from source needs, under the names that Debian has for it.
NEEDED = ("g++", "cmake", "ninja-build", "pkg-config", "npm", "libsodium-dev", "libfmt-dev",
          "nlohmann-json3-dev")
# So that the packages do not compile once more what was compiled to be installed.
SPARING = "ccache"
CLONE = "turnstile"


def page(*names):
    with open(os.path.join(SOURCE, *names), encoding="utf-8") as file:
        return file.read()


def block(text, heading):
    """The first block of shell below a heading."""
    below = text[text.index(f"\n## {heading}\n"):]
    return re.search(r"^```sh\n(.*?)^```$", below, re.MULTILINE | re.DOTALL)[1]


def say(what):
    print(f"== {what}", flush=True)


class Stranger:
    def __init__(self, machine):
        self.machine = machine
        self.guide = page("docs", "guide", "installing.md")

    def project(self, name, cmake):
        """A project with the guide's CMakeLists.txt, whose program is README's example."""
        folder = self.machine.home(name)
        os.makedirs(folder)
        with open(os.path.join(folder, "CMakeLists.txt"), "w", encoding="utf-8") as file:
            file.write(cmake)
        shutil.copy(os.path.join(SOURCE, "tests", "install", "consumer", "consumer.cc"), folder)
        os.chmod(folder, 0o777)

    def run_program(self, name, program):
        self.machine.run(f"cd {name} && test \"$({program} notes.db)\" = "
                         "'hello from an installed library' && rm notes.db*")

    def use(self, name, cmake, options=""):
        say(f"a project of the stranger's: {name}")
        self.project(name, cmake)
        self.machine.run(f"cmake -G Ninja -S {name} -B {name}/build {options}\n"
                         f"cmake --build {name}/build")
        self.run_program(name, "build/consumer")

    def use_installed(self, way):
        """Each way to use what is installed."""
        find = guide_project("find_package")
        self.use(f"{way}-find", find)
        self.use(f"{way}-shared", find, "-DBUILD_SHARED_LIBS=ON")
        command = block(self.guide, "pkg-config").strip()
        for package in ("turnstile", "turnstile-static"):
            name = f"{way}-{package}"
            say(f"a program of the stranger's: {name}")
            self.project(name, "")
            self.machine.run(f"cd {name}\n" + command.replace("libs turnstile", f"libs {package}"))
            self.run_program(name, "./consumer")
        self.machine.run("turnstile version && turnstile init tour.db && rm tour.db*")

    def install_what_is_needed(self):
        self.machine.run("sudo apt-get install -y -q --no-install-recommends "
                         f"{' '.join(NEEDED)} {SPARING}")

    def from_source(self):
        say("from source, as README has it")
        self.install_what_is_needed()
        self.machine.run(f"cd {CLONE}\n" + re.sub(r"#.*", "", block(page("README.md"), "Install")))
        self.machine.run("sudo ldconfig")
        self.use_installed("source")
        self.machine.run(f"cd {CLONE} && sudo xargs rm -f <build/install/install_manifest.txt\n"
                         "sudo ldconfig")

    def inside_a_build(self):
        self.install_what_is_needed()
        commit = run("git", "-C", SOURCE, "rev-parse", "HEAD").strip()
        cmake = guide_project("FetchContent_Declare")
        cmake = cmake.replace("URL", f"/home/{self.machine.USER}/{CLONE}").replace("v0.1.0", commit)
        self.use("fetch", cmake, "-DCMAKE_UNITY_BUILD=ON")
        folder = f"../{CLONE}"
        cmake = re.sub(r"include\(FetchContent\).*FetchContent_MakeAvailable\(turnstile\)",
                       f"add_subdirectory({folder} turnstile)", cmake, flags=re.DOTALL)
        self.use("subdirectory", cmake, "-DCMAKE_UNITY_BUILD=ON")

    def from_packages(self):
        say("the Debian packages")
        self.machine.run(f"sudo apt-get install -y -q {SPARING}")
        command = block(self.guide, "Debian packages")
        self.machine.run(f"cd {CLONE}\n" + command.replace("apt-get install", "apt-get install -y"))
        self.use_installed("packages")
        self.machine.run("sudo apt-get remove -y -q turnstile libturnstile-dev libturnstile0.1\n"
                         "! command -v turnstile\n! ls /usr/include/turnstile")


def main():
    if wanted_tool.find("debootstrap", "debootstrap") is None:
        return
    if os.geteuid() != 0:
        sys.exit("a system inside the system can only be made by root: run this test as root")
    scratch = tempfile.mkdtemp(prefix="turnstile-debian-")
    try:
        say("a fresh Debian 12")
        machine = FreshDebian(os.path.join(scratch, "root"))
        run("git", "clone", "-q", SOURCE, machine.home(CLONE))
        machine.run(f"sudo chown -R {machine.USER}: {CLONE}\n"
                    "sudo apt-get install -y -q --no-install-recommends git")
        stranger = Stranger(machine)
        ways = {"source": stranger.from_source, "embedded": stranger.inside_a_build,
                "packages": stranger.from_packages}
        for way in sys.argv[1:] or ways:
            ways[way]()
    finally:
        subprocess.run(["rm", "-rf", "--one-file-system", scratch], check=True)


if __name__ == "__main__":
    main()
