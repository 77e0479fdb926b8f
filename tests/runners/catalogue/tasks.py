"""Wrappers: what runs a test runner, and coverage around one."""

import json

from catalogue.pytest_family import NOTHING, SKIPPED, TEST, UNCOVERED
from catalogue.unittest_family import NOTHING as NO_CASE
from catalogue.unittest_family import SKIPPED as SKIPPED_CASE
from catalogue.unittest_family import TEST as CASE
from projects import FAILS, Files, Runner


def around(name: str, command: str, package: str, files: Files, venv: str = "tasks", **others) -> Runner:
    """pytest over `test_app.py`, called by something else."""
    packages = (package,) if package else ()
    return Runner(name, venv, command, packages, {"test_app.py": TEST, **files}, NOTHING, SKIPPED, **others)


NOXFILE = """\
import nox


@nox.session(venv_backend="none")
def tests(session):
    session.run("python", "-m", "pytest", "-q")
"""
TOX = "[tox]\nskipsdist = true\n\n[testenv]\nskip_install = true\ncommands = python -m unittest\n"
HATCH = (
    '[project]\nname = "sums"\nversion = "1"\n\n[tool.hatch.envs.default]\nskip-install = true\n'
    'installer = "pip"\n\n[tool.hatch.envs.default.scripts]\ntests = "python -m unittest"\n'
)
PYPROJECT = '[project]\nname = "sums"\nversion = "1"\nrequires-python = ">=3.9"\n'
ACTIVE = "PATH={bin}:$PATH "

def notebook(*cells: str) -> str:
    """A notebook of code cells."""
    code = [
        {"cell_type": "code", "id": f"cell-{n}", "execution_count": None, "metadata": {}, "outputs": [], "source": cell}
        for n, cell in enumerate(cells)
    ]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": code, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, indent=1)


NOTEBOOK = notebook("import app", "assert app.total([1, 2, 3]) == 6")

RUNNERS = (
    around(
        "coverage run and report --fail-under",
        "{bin}/coverage run --source . -m pytest -q && {bin}/coverage report --fail-under 90",
        "coverage",
        {},
        venv="pytest",
        shell=True,
        instead={FAILS: UNCOVERED},
    ),
    around("coverage run -m pytest", "{bin}/coverage run -m pytest -q", "coverage", {}, venv="pytest"),
    Runner(
        "tox",
        "pytest",
        "{bin}/tox -q",
        ("tox",),
        {"test_app.py": CASE, "tox.ini": TOX},
        NO_CASE,
        SKIPPED_CASE,
        closing=r"^(OK|FAILED|py: (OK|FAIL))",
    ),
    around("nox", ACTIVE + "{bin}/nox", "nox", {"noxfile.py": NOXFILE}, venv="pytest", shell=True),
    Runner(
        "hatch",
        "hatch",
        "{bin}/hatch run tests",
        ("hatch",),
        {"test_app.py": CASE, "pyproject.toml": HATCH},
        NO_CASE,
        SKIPPED_CASE,
    ),
    around(
        "make", "make test PYTHON={bin}/python", "", {"Makefile": "test:\n\t$(PYTHON) -m pytest -q\n"}, venv="pytest"
    ),
    Runner(
        "make (unittest)",
        "pytest",
        "make -s test PYTHON={bin}/python",
        (),
        {"test_app.py": CASE, "Makefile": "test:\n\t$(PYTHON) -m unittest -q\n"},
        NO_CASE,
        SKIPPED_CASE,
    ),
    around(
        "just",
        "{bin}/just python={bin}/python test",
        "rust-just",
        {"justfile": 'python := "python"\n\ntest:\n    {{python}} -m pytest -q\n'},
        venv="pytest",
    ),
    around(
        "invoke",
        ACTIVE + "{bin}/invoke test",
        "invoke",
        {"tasks.py": 'from invoke import task\n\n\n@task\ndef test(c):\n    c.run("python -m pytest -q")\n'},
        shell=True,
        unnamed=True,
    ),
    around(
        "doit",
        ACTIVE + "{bin}/doit test",
        "doit",
        {"dodo.py": 'def task_test():\n    return {"actions": ["python -m pytest -q"], "verbosity": 2}\n'},
        shell=True,
        unnamed=True,
    ),
    around(
        "taskipy",
        ACTIVE + "{bin}/task test",
        "taskipy",
        {"pyproject.toml": PYPROJECT + '\n[tool.taskipy.tasks]\ntest = "python -m pytest -q"\n'},
        shell=True,
        unnamed=True,
    ),
    around(
        "poethepoet",
        ACTIVE + "{bin}/poe test",
        "poethepoet",
        {
            "pyproject.toml": PYPROJECT
            + '\n[tool.poe]\nexecutor.type = "simple"\n\n[tool.poe.tasks]\ntest = "python -m pytest -q"\n'
        },
        shell=True,
        unnamed=True,
    ),
    around(
        "pdm run",
        ACTIVE + "VIRTUAL_ENV={bin}/.. {bin}/pdm run test",
        "pdm",
        {"pyproject.toml": PYPROJECT + '\n[tool.pdm.scripts]\ntest = "python -m pytest -q"\n'},
        shell=True,
        unnamed=True,
    ),
    around(
        "poetry run",
        ACTIVE + "VIRTUAL_ENV={bin}/.. {bin}/poetry run pytest -q",
        "poetry",
        {"pyproject.toml": PYPROJECT + "\n[tool.poetry]\npackage-mode = false\n"},
        venv="poetry",
        shell=True,
        unnamed=True,
    ),
    around(
        "pipenv run",
        ACTIVE + "VIRTUAL_ENV={bin}/.. {bin}/pipenv run pytest -q",
        "pipenv",
        {"Pipfile": "[packages]\n"},
        venv="pipenv",
        shell=True,
        unnamed=True,
    ),
    around("python -X importtime", "{bin}/python -X importtime -m pytest -q", "pytest", {}, venv="pytest", unnamed=True),
    Runner(
        "nbmake",
        "notebooks",
        "{bin}/python -m pytest -q --nbmake",
        ("nbmake",),
        {"sums.ipynb": NOTEBOOK},
        {"sums.ipynb": None, "readme.txt": "nothing\n"},
        {"sums.ipynb": None, "conftest.py": "collect_ignore_glob = ['*']\n"},
        unnamed=True,
    ),
    Runner(
        "jupyter nbconvert --execute",
        "notebooks",
        ACTIVE + "{bin}/jupyter nbconvert --execute --to notebook --stdout sums.ipynb",
        ("nbconvert",),
        {"sums.ipynb": NOTEBOOK},
        {"sums.ipynb": None, "readme.txt": "nothing\n"},
        None,
        shell=True,
        unnamed=True,
    ),
)
