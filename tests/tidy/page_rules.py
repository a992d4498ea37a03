"""Rules about pages: that what they refer to is there."""
import glob
import itertools
import os
import re

# What the tables of THIRD_PARTY.md say of each.
COLUMNS = ["name", "version", "licence", "why", "what would replace it"]

# What the build looks for -> its name in THIRD_PARTY.md; empty for what is no software of others
# in the result.
THIRD_PARTY = {
    "asio.hpp": "Asio",
    "benchmark": "Google Benchmark",
    "ccache": "ccache",
    "CLI11": "CLI11",
    "fmt": "{fmt}",
    "GTest": "GoogleTest",
    "ld.lld": "[lld]",
    "libsodium": "libsodium",
    "nlohmann_json": "JSON for Modern C++",
    "npm": "npm",
    "PkgConfig": "",
    "Python3": "Python",
    "SQLite3": "SQLite",
    "Threads": "",
    "ZLIB": "zlib",
}

# Who reads the blocks of README.md and docs/guide: the C++ of both is compared with what is
# compiled, every line of a console is run. Others are (page, heading, language) -> test.
READ_EVERYWHERE = {
    "cpp": "tests/unit/guide/guide_test.cc",
    "console": "tests/cli/reference_test.cc",
}
READ_BLOCKS = {
    ("README.md", "Two commands", "sh"): "tests/unit/guide/guide_test.cc",
    ("README.md", "Install", "sh"): "tests/unit/guide/guide_test.cc",
    ("README.md", "Install", "cmake"): "tests/unit/guide/guide_test.cc",
    ("docs/guide/installing.md", "From source", "sh"): "tests/unit/guide/guide_test.cc",
    ("docs/guide/installing.md", "find_package", "cmake"): "tests/install/install_test.py",
    ("docs/guide/installing.md", "pkg-config", "sh"): "tests/install/install_test.py",
    ("docs/guide/installing.md", "Inside your build", "cmake"): "tests/install/embedding_test.py",
    ("docs/guide/installing.md", "Debian packages", "sh"): "tests/install/fresh_debian_slow.py",
    ("docs/guide/migrations.md", "Rebuilding a table", "sql"):
        "tests/unit/guide/migrations_test.cc",
    ("docs/guide/operations.md", "The doctor, regularly", "sh"): "tests/cli/doctor_test.cc",
    ("docs/guide/recovery.md", "The report", "sql"): "tests/unit/guide/recovery_test.cc",
}

PROMISES = 9  # P1 to P9, see docs/reference/guarantees.md.

GOOGLE_TEST = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)")
TEST_NAME = re.compile(r"`([A-Z]\w*\.[A-Z]\w*|\w+_test\.test_\w+)`")
QUOTED = re.compile(r"`([^`]+)`")
TREE_PATH = re.compile(r"(?:docs|tests|src|include|apps|bench|examples|scripts|cmake|fuzz)/\S*")
LINK = re.compile(r"\]\(([^)\s]+)\)")
LOOKED_FOR = re.compile(r"\bfind_package\((\w+)|\bpkg_check_modules\(.*?([a-z]\w*)\)|"
                        r"\bfind_(?:program|path|library|file)\(\w+ (?:NAMES )?([\w.+-]+)")
PINNED = re.compile(r"\bset\(TURNSTILE_PIN_\w+_(?:PACKAGE|VERSION) ([\w.-]+)\)")


def unfenced(lines):
    """(number, line) of a page without its fenced blocks."""
    fenced = False
    for number, line in enumerate(lines, 1):
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def anchors(lines):
    """What a link can name in a page: its headings, as GitHub spells them."""
    found = set()
    fenced = False
    for line in lines:
        fenced ^= line.startswith("```")
        if not fenced and re.match(r"#+ ", line):
            words = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
            found.add(words.replace(" ", "-"))
    return found


def code_blocks(lines):
    """(number, heading, language) of each block of code of a page; an indented one has none."""
    heading, before = "", ""
    fenced = inside = False
    for number, line in enumerate(lines, 1):
        mark = re.match(r"\s*(?:```|~~~)(.*)", line)
        if mark:
            fenced = not fenced
            if fenced:
                yield number, heading, mark[1] if line.startswith("```") else ""
        elif not fenced:
            code = line.startswith("    ") and (inside or not before.strip())
            if code and not inside:
                yield number, heading, ""
            inside = code
            heading = line[3:] if line.startswith("## ") else heading
        before = line


def rule_blocks(tree):
    """Each block of code of README.md and of the guide is one that a test reads."""
    read = set()
    for path, lines in tree.files.items():
        if path != "README.md" and not re.fullmatch(r"docs/guide/.*\.md", path):
            continue
        for number, heading, language in code_blocks(lines):
            if (path, heading, language) in READ_BLOCKS:
                read.add((path, heading, language))
            elif language not in READ_EVERYWHERE:
                yield path, number, (f"no test reads this block ({language or 'no language'}, "
                                     f"'{heading}'); see READ_BLOCKS in tests/tidy/page_rules.py")
    if "tests/tidy/page_rules.py" not in tree.files:
        return
    for each, test in READ_BLOCKS.items():
        page, heading, language = each
        if page in tree.files and each not in read:
            yield page, 1, f"has no {language} below '{heading}' that {test} could read"
        if page in tree.files and test not in tree.files:
            yield page, 1, f"{test} is missing, which is to read {language} below '{heading}'"


def is_in_tree(tree, path):
    """Whether there are files where a page says: `a.{h,cc}`, `*` and NAME stand for several."""
    ways = [part.strip("{}").split(",") for part in re.split(r"(\{[^}]*\})", path)]
    for way in map("".join, itertools.product(*ways)):
        pattern = re.sub(r"\bNAME\b|(?<=/)[A-Z]{2,}(?=/|$)", "*", way)
        if not glob.glob(os.path.join(glob.escape(tree.root), pattern)):
            return False
    return True


def rule_links(tree):
    """A link of a page to another page leads somewhere, and to a heading that is there; a path in
    backticks is one of this tree."""
    for path, lines in tree.files.items():
        if not path.endswith(".md"):
            continue
        for number, line in unfenced(lines):
            for quoted in QUOTED.findall(line):
                named = TREE_PATH.match(quoted)
                if named and not is_in_tree(tree, named[0]):
                    yield path, number, f"there is no {named[0]}"
            for target in LINK.findall(QUOTED.sub("", line)):
                if re.match(r"[a-z]+:", target):
                    continue
                name, _, anchor = target.partition("#")
                other = os.path.normpath(os.path.join(os.path.dirname(path), name or "."))
                if not name:
                    other = path
                if not os.path.exists(os.path.join(tree.root, other)):
                    yield path, number, f"the link to {target} leads nowhere"
                elif anchor and other in tree.files and anchor not in anchors(tree.files[other]):
                    yield path, number, f"{other} has no heading {anchor}"


def test_names(tree):
    """`Suite.Name` of each GoogleTest test, `module.test_name` of each Python one."""
    names = set()
    for path, lines in tree.files.items():
        if not path.startswith("tests/"):
            continue
        text = "\n".join(lines)
        if path.endswith("_test.cc"):
            names.update(f"{suite}.{name}" for suite, name in GOOGLE_TEST.findall(text))
        elif path.endswith("_test.py"):
            module = os.path.basename(path)[:-len(".py")]
            names.update(f"{module}.{name}" for name in re.findall(r"\bdef (test_\w+)", text))
    return names


def rule_guarantees(tree):
    """Each promise has tests that hold it and one that breaks it; all of them are there."""
    page = "docs/reference/guarantees.md"
    if page not in tree.files:
        if "tests/tidy/tidy.py" in tree.files:
            yield page, 1, "the page is missing"
        return
    names = test_names(tree)
    kinds = {}  # Promise -> "Held by" or "Broken by" -> number of tests.
    promise = kind = ""
    for number, line in enumerate(tree.files[page], 1):
        if line.startswith("## "):
            promise = line[3:].split(":")[0]
        elif line.startswith(("Held by", "Broken by")):
            kind = line.split(" ")[0]
        for name in TEST_NAME.findall(line):
            if name not in names:
                yield page, number, f"there is no test {name}"
            kinds.setdefault(promise, {}).setdefault(kind, 0)
            kinds[promise][kind] += 1
    for each in (f"P{number}" for number in range(1, PROMISES + 1)):
        for kind in ("Held", "Broken"):
            if not kinds.get(each, {}).get(kind):
                yield page, 1, f"no test under '{kind} by' of {each}"


def faults_of_table(rows):
    """(number, message) of what is not said in the tables whose lines these are."""
    header = False
    for number, line in rows:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            header = False
        elif not header:
            header = True
            if ["version" if cell == "Debian 12" else cell for cell in cells] != COLUMNS:
                yield number, f"the columns are to be: {', '.join(COLUMNS)}"
        elif len(cells) != len(COLUMNS) or not all(cells) or "various" in cells:
            yield number, "a row is one thing, and says something in each column"


def rule_third_party(tree):
    """THIRD_PARTY.md names all that the build looks for or downloads, with the pinned version, and
    says all of each."""
    page = "\n".join(tree.files.get("THIRD_PARTY.md", []))
    for number, message in faults_of_table(enumerate(page.split("\n"), 1)):
        yield "THIRD_PARTY.md", number, message
    for path, lines in tree.files.items():
        if not path.endswith(("CMakeLists.txt", ".cmake")) or path.startswith("tests/install/"):
            continue
        for number, line in enumerate(lines, 1):
            for name in filter(None, sum(LOOKED_FOR.findall(line), ())):
                known = THIRD_PARTY.get(name)
                if known is None or (known and known not in page):
                    yield path, number, f"{name} is not in THIRD_PARTY.md"
            for name in PINNED.findall(line):
                if name not in page:
                    yield path, number, f"{name} is not in THIRD_PARTY.md"


def rule_decisions(tree):
    """The index of the decisions has each of them by number and title, and each number."""
    folder = "docs/decisions"
    index = "\n".join(tree.files.get(f"{folder}/README.md", []))
    numbers = set()
    for path, lines in tree.files.items():
        found = re.fullmatch(folder + r"/((\d{4})-[\w-]+\.md)", path)
        if not found:
            continue
        name, number = found[1], int(found[2])
        numbers.add(number)
        title = lines[0].removeprefix(f"# {number}. ")
        if title == lines[0]:
            yield path, 1, f"the heading is to begin with `# {number}. `"
        elif not re.search(rf"^\| {number} \| \[{re.escape(title)}\]\({name}\) \| [^|\s]", index,
                           re.MULTILINE):
            yield path, 1, f"{folder}/README.md has no line for it with this number and title"
    for number in set(range(1, max(numbers, default=0))) - numbers:
        if f"{number} was never used" not in index:
            yield f"{folder}/README.md", 1, f"says nothing of number {number}"


RULES = {
    "blocks": rule_blocks,
    "decisions": rule_decisions,
    "links": rule_links,
    "guarantees": rule_guarantees,
    "third-party": rule_third_party,
}
