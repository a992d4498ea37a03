"""Building the programs of bench/peers: each uses another library to do what the writers do."""
import os
import shutil
import subprocess

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
HARNESSES = os.path.join(SOURCE, "bench", "peers")
PROGRAM = "writers"

# The Debian package of each program that a build starts.
PACKAGES = {"cmake": "cmake", "g++": "g++", "go": "golang-go", "make": "make", "node": "nodejs",
            "npm": "npm"}


class Missing(Exception):
    """A peer cannot be built here; the text says why."""


def need(*programs):
    missing = [f"no {program} (Debian: {PACKAGES[program]})" for program in programs
               if not shutil.which(program)]
    if missing:
        raise Missing(f"there is {', '.join(missing)}")


def need_file(path, package):
    if not os.path.exists(path):
        raise Missing(f"there is no {path} (Debian: {package})")


def run(command, directory, **environment):
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False,
                              env={**os.environ, **environment})
    except OSError as error:
        raise Missing(f"{command[0]} cannot be started: {error}") from error
    if done.returncode != 0:
        said = "\n    ".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-12:])
        raise Missing(f"{command[0]} could not build it:\n    {said}")
    return done.stdout


def package_version(package):
    """The upstream version of an installed Debian package, for what does not say its own."""
    if not shutil.which("dpkg-query"):
        return "of unknown version"
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True,
                          text=True, check=False)
    return done.stdout.split("~")[0].split("-")[0] or "of unknown version"


def build_go(output):
    """From Debian's source packages, without modules and without a network."""
    need("go")
    package = "golang-github-mattn-go-sqlite3-dev"
    gopath = "/usr/share/gocode"
    need_file(f"{gopath}/src/github.com/mattn/go-sqlite3", package)
    run(["go", "build", "-tags", "libsqlite3",
         "-ldflags", f"-X 'main.driver={package_version(package)}'",
         "-o", os.path.join(output, PROGRAM), os.path.join(HARNESSES, "go", "main.go")], output,
        GO111MODULE="off", GOFLAGS="", GOPATH=gopath, GOCACHE=os.path.join(output, "cache"))


def build_node(output):
    """The pinned package by its own build, with the headers of the Node that will run it."""
    need("cmake", "npm", "node", "make", "g++")
    node = os.path.realpath(shutil.which("node"))
    prefix = os.path.dirname(os.path.dirname(node))
    need_file(os.path.join(prefix, "include", "node", "node.h"), "libnode-dev")
    run(["cmake", f"-DDESTINATION={output}", "-P", os.path.join(HARNESSES, "node", "fetch.cmake")],
        output)
    package = os.path.join(output, "package")
    made_by = os.path.join(package, "build", "made-by")
    version = run(["node", "--version"], output)
    if not _holds(made_by, version):  # It takes minutes.
        # The script that its authors build releases with; the headers are not downloaded.
        run(["npm", "run", "build-release"], package, npm_config_nodedir=prefix)
        with open(made_by, "w", encoding="ascii") as file:
            file.write(version)
    program = os.path.join(output, PROGRAM)
    shutil.copyfile(os.path.join(HARNESSES, "node", "writers.js"), program)
    os.chmod(program, 0o755)


def _holds(path, text):
    if not os.path.exists(path):
        return False
    with open(path, encoding="ascii") as file:
        return file.read() == text


def _is_newer(program, files):
    """Than the moment when each of the files came where it is, by this tree or by a package."""
    return os.path.exists(program) and \
        os.stat(program).st_mtime > max(os.stat(file).st_ctime for file in files)


def _sources():
    for folder in ("contention", "peers", "support"):
        for at, _, names in os.walk(os.path.join(SOURCE, "bench", folder)):
            yield from (os.path.join(at, name) for name in names)


def build_cpp(name, headers, libraries):
    """`headers` are by the Debian packages that have them."""
    def build(output):
        need("g++")
        for package, header in headers.items():
            need_file(header, package)
        if _is_newer(os.path.join(output, PROGRAM), [*headers.values(), *_sources()]):
            return
        run(["g++", "-std=c++20", "-O2", "-DNDEBUG", "-pthread",
             *(f"-I{os.path.join(SOURCE, folder)}" for folder in ("bench", "include")),
             "-o", os.path.join(output, PROGRAM), os.path.join(HARNESSES, name, "writers.cc"),
             os.path.join(SOURCE, "bench", "contention", "tally.cc"),
             *(f"-l{library}" for library in libraries)], output)
    return build


BUILDS = {
    "go": build_go,
    "node": build_node,
    "soci": build_cpp("soci", {"libsoci-dev": "/usr/include/soci/version.h",
                               "libboost-dev": "/usr/include/boost/version.hpp",
                               "libsqlite3-dev": "/usr/include/sqlite3.h"},
                      ["soci_core", "sqlite3"]),
    "sqlitecpp": build_cpp("sqlitecpp", {"libsqlitecpp-dev": "/usr/include/SQLiteCpp/SQLiteCpp.h",
                                         "libsqlite3-dev": "/usr/include/sqlite3.h"},
                           ["SQLiteCpp", "sqlite3"]),
}


def build(name, directory):
    """Makes directory/NAME/writers. Raises Missing."""
    output = os.path.join(directory, name)
    os.makedirs(output, exist_ok=True)
    try:
        BUILDS[name](output)
    except Missing:  # What an earlier build made does not stand for one that fails now.
        if os.path.exists(os.path.join(output, PROGRAM)):
            os.remove(os.path.join(output, PROGRAM))
        raise
