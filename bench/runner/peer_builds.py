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


def need_file(path, what, package):
    if not os.path.exists(path):
        raise Missing(f"there is no {path}, {what} (Debian: {package})")


def run(command, directory, **environment):
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False,
                          env={**os.environ, **environment})
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
    need_file(f"{gopath}/src/github.com/mattn/go-sqlite3", "the driver's sources", package)
    run(["go", "build", "-tags", "libsqlite3",
         "-ldflags", f"-X 'main.driver={package_version(package)}'",
         "-o", os.path.join(output, PROGRAM), os.path.join(HARNESSES, "go", "main.go")], output,
        GO111MODULE="off", GOFLAGS="", GOPATH=gopath, GOCACHE=os.path.join(output, "cache"))


def build_node(output):
    """The pinned package by its own build, with the headers of the Node that will run it."""
    need("cmake", "npm", "node", "make", "g++")
    node = os.path.realpath(shutil.which("node"))
    prefix = os.path.dirname(os.path.dirname(node))
    need_file(os.path.join(prefix, "include", "node", "node.h"), "Node's headers", "libnode-dev")
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


def build_cpp(name, header, package, libraries):
    def build(output):
        need("g++")
        need_file(header, "its header", package)
        run(["g++", "-std=c++20", "-O2", "-DNDEBUG", "-pthread",
             *(f"-I{os.path.join(SOURCE, folder)}" for folder in ("bench", "include")),
             "-o", os.path.join(output, PROGRAM), os.path.join(HARNESSES, name, "writers.cc"),
             os.path.join(SOURCE, "bench", "contention", "tally.cc"),
             *(f"-l{library}" for library in libraries)], output)
    return build


BUILDS = {
    "go": build_go,
    "node": build_node,
    "soci": build_cpp("soci", "/usr/include/soci/soci.h", "libsoci-dev", ["soci_core", "sqlite3"]),
    "sqlitecpp": build_cpp("sqlitecpp", "/usr/include/SQLiteCpp/SQLiteCpp.h", "libsqlitecpp-dev",
                           ["SQLiteCpp", "sqlite3"]),
}


def build(name, directory):
    """Makes directory/NAME/writers. Raises Missing."""
    output = os.path.join(directory, name)
    os.makedirs(output, exist_ok=True)
    program = os.path.join(output, PROGRAM)
    if os.path.exists(program):
        os.remove(program)  # That of an earlier build does not stand for one that fails now.
    BUILDS[name](output)
    need_file(program, "which its build should have made", "-")
