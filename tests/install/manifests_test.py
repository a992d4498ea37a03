#!/usr/bin/env python3
"""vcpkg.json and conanfile.py against the build that they describe.

Neither tool is here, nor what they would download: a stand-in plays Conan's part. So this shows
that they say what the build understands, not that their registries have it.
"""
import importlib.util
import json
import os
import re
import sys
import types
import unittest

from installed import BUILD, SOURCE, cache, version

# What the build looks for -> what vcpkg and Conan call it.
VCPKG_NAMES = {"libsodium": "libsodium", "PkgConfig": "pkgconf", "fmt": "fmt", "ZLIB": "zlib",
               "nlohmann_json": "nlohmann-json", "GTest": "gtest", "CLI11": "cli11",
               "benchmark": "benchmark"}
# Of the compiler, of the system, of developers, or of tests alone.
NOT_VCPKG = {"Threads", "Python3", "SQLite3"}


def looked_for(*folders):
    """The packages that the CMake files of these folders look for."""
    found = set()
    for folder in folders:
        for place, _, names in os.walk(os.path.join(SOURCE, folder)):
            if "install" in place.split(os.sep) or "peers" in place.split(os.sep):
                continue
            for name in names:
                if name != "CMakeLists.txt":
                    continue
                with open(os.path.join(place, name), encoding="utf-8") as file:
                    text = file.read()
                found |= set(re.findall(r"find_package\((\w+)", text))
                if "pkg_check_modules" in text:
                    found.add("libsodium")
    return {VCPKG_NAMES[name] for name in found - NOT_VCPKG}


class Vcpkg(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(SOURCE, "vcpkg.json"), encoding="utf-8") as file:
            self.manifest = json.load(file)

    def dependencies(self, *features):
        lists = [self.manifest["dependencies"]]
        lists += [self.manifest["features"][feature]["dependencies"] for feature in features]
        return {name if isinstance(name, str) else name["name"] for each in lists for name in each}

    def test_has_the_version_and_the_description_of_the_project(self):
        self.assertEqual(self.manifest["version"], version())
        with open(os.path.join(SOURCE, "CMakeLists.txt"), encoding="utf-8") as file:
            self.assertIn(f"DESCRIPTION \"{self.manifest['description']}\"", file.read())

    def test_names_what_the_library_looks_for(self):
        self.assertEqual(self.dependencies(), looked_for("src"))

    def test_names_what_the_command_line_looks_for(self):
        self.assertEqual(self.dependencies("cli"), looked_for("src", "apps"))

    def test_names_what_the_tests_look_for(self):
        self.assertEqual(self.dependencies("cli", "tests") - {"turnstile"},
                         looked_for("src", "apps", "tests", "examples", "fuzz"))

    def test_names_what_the_benchmarks_look_for(self):
        self.assertLessEqual(looked_for("bench") - self.dependencies("cli", "benchmarks"), set())

    def test_tells_of_options_that_exist(self):
        for feature in self.manifest["features"].values():
            named = re.findall(r"TURNSTILE_\w+", feature["description"])
            self.assertTrue(named)
            self.assertLessEqual(set(named), set(cache()))


class Recorder:
    """Plays CMakeToolchain, CMake, PkgConfigDeps and CMakeDeps: remembers what they are told."""

    def __init__(self, recipe):
        self.recipe = recipe
        self.cache_variables = {}

    def __getattr__(self, name):
        def remember(*_):
            self.recipe.told.append((type(self).__name__, name, dict(self.cache_variables)))
        return remember


class Options(types.SimpleNamespace):
    def rm_safe(self, name):
        self.__dict__.pop(name, None)


class Information(types.SimpleNamespace):
    def set_property(self, name, value):
        self.properties[name] = value


def stand_in():
    """Modules with the names that the recipe takes from Conan."""
    class ConanFile:
        pass

    def load(_, path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    def copy(recipe, pattern, source, target):
        recipe.copied.append((pattern, source, target))

    recorders = {name: type(name, (Recorder,), {})
                 for name in ("CMake", "CMakeDeps", "CMakeToolchain", "PkgConfigDeps")}
    contents = {
        "conan": {"ConanFile": ConanFile},
        "conan.tools": {},
        "conan.tools.build": {"check_min_cppstd": lambda recipe, least: recipe.told.append(
            ("standard", least))},
        "conan.tools.cmake": {**recorders, "cmake_layout": lambda recipe: None},
        "conan.tools.files": {"load": load, "copy": copy},
        "conan.tools.gnu": recorders,
    }
    for name, members in contents.items():
        sys.modules[name] = types.ModuleType(name)
        vars(sys.modules[name]).update(members)


class Conan(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stand_in()
        spec = importlib.util.spec_from_file_location("recipe",
                                                      os.path.join(SOURCE, "conanfile.py"))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        cls.kind = module.TurnstileConan

    def recipe(self, **options):
        recipe = self.kind()
        recipe.recipe_folder = recipe.source_folder = SOURCE
        recipe.package_folder = "package"
        recipe.told, recipe.copied, recipe.required = [], [], []
        recipe.requires = recipe.tool_requires = recipe.required.append
        recipe.options = Options(**{**self.kind.default_options, **options})
        recipe.cpp_info = Information(properties={}, includedirs=["include"])
        for step in ("set_version", "configure", "requirements", "build_requirements", "validate",
                     "layout", "generate", "build", "package", "package_info"):
            getattr(recipe, step)()
        return recipe

    def variables(self, recipe):
        return next(call[2] for call in recipe.told
                    if call[:2] == ("CMakeToolchain", "generate"))

    def test_has_the_version_of_the_project(self):
        self.assertEqual(self.recipe().version, version())

    def test_sets_options_that_the_build_has(self):
        self.assertLessEqual(set(self.variables(self.recipe())), set(cache()))

    def test_turns_its_options_into_those_of_the_build(self):
        for value in (False, True):
            variables = self.variables(self.recipe(shared=value, cli=value))
            self.assertIs(variables["BUILD_SHARED_LIBS"], value)
            self.assertIs(variables["TURNSTILE_BUILD_CLI"], value)
        self.assertEqual(self.variables(self.recipe(sqlite="/amalgamation"))["TURNSTILE_SQLITE"],
                         "/amalgamation")

    def test_requires_what_the_build_looks_for(self):
        for options, folders in ({}, ["src"]), ({"cli": True}, ["src", "apps"]):
            required = {name.split("/")[0].replace("_", "-")
                        for name in self.recipe(**options).required}
            self.assertEqual(required - {"cmake"}, looked_for(*folders))

    def test_builds_and_installs_with_cmake(self):
        told = [call[:2] for call in self.recipe().told if call[0] == "CMake"]
        self.assertEqual(told, [("CMake", "configure"), ("CMake", "build"), ("CMake", "install")])

    def test_names_the_libraries_that_are_installed(self):
        self.assertEqual(self.recipe(shared=True).cpp_info.libs, ["turnstile"])
        static = self.recipe()
        self.assertEqual(static.cpp_info.libs, ["turnstile", "turnstile_sqlite3"])
        made = {name for _, _, names in os.walk(BUILD) for name in names}
        self.assertLessEqual({f"lib{name}.a" for name in static.cpp_info.libs}, made)
        self.assertFalse(hasattr(self.recipe(shared=True).options, "fPIC"))

    def test_takes_all_sources_that_the_build_reads(self):
        patterns = [name.split("/")[0] for name in self.kind.exports_sources]
        with open(os.path.join(SOURCE, "CMakeLists.txt"), encoding="utf-8") as file:
            text = file.read()
        for folder in set(re.findall(r"(?:include|add_subdirectory)\((\w+)", text)) - {
                "GNUInstallDirs", "examples", "tests", "fuzz", "bench"}:
            self.assertIn(folder, patterns)


if __name__ == "__main__":
    unittest.main()
