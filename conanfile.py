"""The recipe for Conan 2. The engine comes as in every build: pinned, by npm, checked by its hash;
the option `sqlite` names a directory with an amalgamation instead. Conan Center's own sqlite3 is
no choice before it has 3.51.3: older ones lose data (docs/decisions/0009)."""
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load
from conan.tools.gnu import PkgConfigDeps


class TurnstileConan(ConanFile):
    name = "turnstile"
    description = "Many subsystems and processes on one SQLite file, without lock failures"
    license = "MIT"
    topics = ("sqlite", "database", "concurrency")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False], "cli": [True, False],
               "sqlite": ["fetched", "ANY"]}
    default_options = {"shared": False, "fPIC": True, "cli": False, "sqlite": "fetched"}
    exports_sources = ("CMakeLists.txt", "LICENSE", "THIRD_PARTY.md", "CHANGELOG.md", "apps/*",
                       "cmake/*", "docs/reference/turnstile.1", "include/*", "src/*",
                       "third_party/*")

    def set_version(self):
        text = load(self, os.path.join(self.recipe_folder, "CMakeLists.txt"))
        self.version = re.search(r"VERSION (\d+\.\d+\.\d+)\n", text)[1]

    def configure(self):
        if self.options.shared:
            self.options.rm_safe("fPIC")

    def requirements(self):
        self.requires("libsodium/[>=1.0.18 <2]")
        if self.options.cli:
            self.requires("fmt/[>=9 <12]")
            self.requires("nlohmann_json/[>=3.11 <4]")

    def build_requirements(self):
        self.tool_requires("cmake/[>=3.25]")
        self.tool_requires("pkgconf/[>=1.8]")

    def validate(self):
        check_min_cppstd(self, 20)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables.update({
            "BUILD_SHARED_LIBS": bool(self.options.shared),
            "TURNSTILE_BUILD_CLI": bool(self.options.cli),
            "TURNSTILE_BUILD_TESTS": False,
            "TURNSTILE_BUILD_BENCHMARKS": False,
            "TURNSTILE_BUILD_EXAMPLES": False,
            "TURNSTILE_INSTALL": True,
            "TURNSTILE_SQLITE": str(self.options.sqlite),
        })
        toolchain.generate()
        PkgConfigDeps(self).generate()
        if self.options.cli:
            CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "turnstile")
        self.cpp_info.set_property("cmake_target_name", "turnstile::turnstile")
        self.cpp_info.set_property("pkg_config_name", "turnstile")
        self.cpp_info.libs = ["turnstile"]
        self.cpp_info.system_libs = ["pthread", "dl", "m"]
        if not self.options.shared:
            self.cpp_info.libs.append("turnstile_sqlite3")
            self.cpp_info.includedirs.append("include/turnstile/engine")
