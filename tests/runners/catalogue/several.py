"""Several runs in one command: by `&&`, a script, a Makefile, sessions and environments; of one runner and of two."""

from catalogue.pytest_family import NOTHING, SKIPPED, TEST
from catalogue.unittest_family import NOTHING as NO_CASE
from catalogue.unittest_family import SKIPPED as SKIPPED_CASE
from catalogue.unittest_family import TEST as CASE
from projects import Files, Runner

ACTIVE = "PATH={bin}:$PATH "
#: What passes in every situation, beside the tests that are searched for.
OTHER = "def test_other():\n    assert True\n"
OTHER_CASE = (
    "import unittest\n\n\nclass Other(unittest.TestCase):\n    def test_other(self):\n        self.assertTrue(True)\n"
)
STRICT = "set -e\npython -m pytest -q test_app.py\npython -m pytest -q test_other.py\n"
KEEPS = (
    "status=0\npython -m pytest test_app.py || status=$?\npython -m pytest test_other.py || status=$?\nexit $status\n"
)
TRAPS = (
    "set -eu\nscratch=$(mktemp -d)\ntrap 'rm -rf \"$scratch\"' EXIT\n"
    'for part in app other; do\n  echo "== $part"\n  python -m pytest -q test_$part.py\ndone\n'
)
MAKEFILE = (
    "test: first second\nfirst:\n\tpython -m pytest -q test_app.py\nsecond:\n\tpython -m pytest -q test_other.py\n"
)
NOXFILE = """\
import nox


@nox.session(venv_backend="none")
def first(session):
    session.run("python", "-m", "pytest", "-q", "test_app.py")


@nox.session(venv_backend="none")
def second(session):
    session.run("python", "-m", "pytest", "-q", "test_other.py")
"""
TOX = (
    "[tox]\nskipsdist = true\nenvlist = a, b\n\n[testenv]\nskip_install = true\ncommands =\n"
    "    a: python -m unittest test_app\n    b: python -m unittest test_other\n"
)


def pytests(name: str, command: str, files: Files | None = None, **others) -> Runner:
    """pytest on `test_app.py`, and on `test_other.py`."""
    all_files = {"test_app.py": TEST, "test_other.py": OTHER, **(files or {})}
    venv, packages = others.pop("venv", "pytest"), others.pop("packages", ("pytest",))
    return Runner(name, venv, command, packages, all_files, NOTHING, SKIPPED, shell=True, unnamed=True, **others)


def cases(name: str, command: str, files: Files | None = None, packages: tuple[str, ...] = ()) -> Runner:
    """unittest on `test_app.py`, and something on `test_other.py`."""
    all_files = {"test_app.py": CASE, "test_other.py": OTHER_CASE, **(files or {})}
    return Runner(name, "pytest", command, packages, all_files, NO_CASE, SKIPPED_CASE, shell=True, unnamed=True)


RUNNERS = (
    pytests(
        "pytest && pytest", ACTIVE + "sh -c 'python -m pytest -q test_app.py && python -m pytest -q test_other.py'"
    ),
    pytests(
        "pytest; pytest, the other first",
        ACTIVE + "sh -c 'python -m pytest test_other.py; python -m pytest test_app.py'",
    ),
    pytests("a script with set -e", ACTIVE + "sh run.sh", {"run.sh": STRICT}),
    pytests("a script that keeps the status", ACTIVE + "sh run.sh", {"run.sh": KEEPS}),
    pytests("a script with a trap and a loop", ACTIVE + "bash run.sh", {"run.sh": TRAPS}),
    pytests("make with two targets", ACTIVE + "make test", {"Makefile": MAKEFILE}),
    pytests("make -k with two targets", ACTIVE + "make -k test", {"Makefile": MAKEFILE}),
    pytests("nox with two sessions", ACTIVE + "{bin}/nox", {"noxfile.py": NOXFILE}, packages=("nox",)),
    pytests(
        "coverage run twice",
        ACTIVE + "sh -c 'coverage run -p -m pytest -q test_app.py && coverage run -p -m pytest -q test_other.py'",
        packages=("coverage",),
    ),
    cases("unittest && unittest", ACTIVE + "sh -c 'python -m unittest test_app && python -m unittest test_other'"),
    cases(
        "unittest && pytest",
        ACTIVE + "sh -c 'python -m unittest test_app && python -m pytest -q test_other.py'",
        packages=("pytest",),
    ),
    cases(
        "pytest && unittest",
        ACTIVE + "sh -c 'python -m pytest -q test_app.py && python -m unittest test_other'",
        packages=("pytest",),
    ),
    cases("tox with two environments", ACTIVE + "{bin}/tox -q", {"tox.ini": TOX}, packages=("tox",)),
)
