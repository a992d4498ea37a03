"""The compile database, by source file, whether files are compiled one by one or united."""
import json
import os
import re

_INCLUDED = re.compile(r'^#include "([^"]+)"', re.MULTILINE)


def units(database, root):
    """Yields (entry, sources): a compilation, and what it compiles as paths relative to root.

    A file that CMake made to unite others stands for those that it includes.
    """
    root = os.path.realpath(root)
    with open(database, encoding="utf-8") as file:
        entries = json.load(file)
    for entry in entries:
        path = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
        paths = [path]
        if os.path.basename(path).startswith("unity_"):
            with open(path, encoding="utf-8") as united:
                paths = _INCLUDED.findall(united.read())
        yield entry, [os.path.relpath(os.path.realpath(each), root) for each in paths]
