"""Programs that a test looks through and that ./dev test does not install: ./dev setup does."""
import os
import shutil


def find(package, *names):
    """The first of the programs that is there. Without one, nothing, and says that the test looked
    at nothing; where a change is checked (.ci/run), that is a failure."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        what = f"there is no {names[0]}; `apt-get install {package}` or `./dev setup` brings it"
        if os.environ.get("CI") == "true":
            raise AssertionError(what)
        print(f"NOT TESTED: {what}")
    return found
