"""What hides the output of all that passes, what ends with status 0 whatever comes of the tests, and tests in other languages."""

from catalogue.pytest_family import NOTHING, SKIPPED, TEST
from catalogue.unittest_family import NOTHING as NO_CASE
from catalogue.unittest_family import SKIPPED as SKIPPED_CASE
from catalogue.unittest_family import TEST as CASE
from projects import EXITS, OTHER, Files, Runner
from projects import NOTHING as NOTHING_THERE
from projects import SKIPPED as ALL_SKIPPED

ACTIVE = "PATH={bin}:$PATH "
HOOKS = (
    "repos:\n- repo: local\n  hooks:\n  - id: tests\n    name: tests\n    language: system\n"
    "    entry: python -m pytest -q\n    pass_filenames: false\n    always_run: true\n"
)
TOX = (
    "[tox]\nskipsdist = true\nenvlist = a, b\n\n[testenv]\nskip_install = true\n"
    "commands = python -m unittest\n"
)
MESON = (
    "project('sums')\npython = import('python').find_installation('python3')\n"
    "test('sums', python, args: ['-m', 'pytest', '-q'], workdir: meson.project_source_root())\n"
)
CMAKE = (
    "cmake_minimum_required(VERSION 3.10)\nproject(sums NONE)\nenable_testing()\n"
    "add_test(NAME sums COMMAND python -m pytest -q WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})\n"
)
BATS = '@test "a sum" {\n  n=$(python3 -c "import app; print(app.total([1, 2, 3]))")\n  [ "$n" = 6 ]\n}\n'
MAIN = "\n\nif __name__ == '__main__':\n    unittest.main(exit=False)\n"
#: Nothing of a run in which all was skipped is shown.
HIDDEN = {ALL_SKIPPED: "good"}


def around(name: str, command: str, package: str, files: Files, **others) -> Runner:
    """pytest over `test_app.py`, called by something else."""
    venv, packages = others.pop("venv", "wrappers"), (package,) if package else ()
    return Runner(name, venv, command, packages, {"test_app.py": TEST, **files}, NOTHING, SKIPPED, shell=True, **others)


def script(command: str, name: str, tail: str = "", files: Files | None = None) -> Runner:
    """A test case whose script ends with status 0."""
    nothing: Files = {"test_app.py": NO_CASE["test_app.py"] + tail}
    skipped: Files = {"test_app.py": SKIPPED_CASE["test_app.py"] + tail}
    return Runner(name, "pytest", command, (), {"test_app.py": CASE + tail, **(files or {})}, nothing, skipped)


RUNNERS = (
    around("pre-commit", ACTIVE + "{bin}/pre-commit run --all-files", "pre-commit", {".pre-commit-config.yaml": HOOKS}, untold=HIDDEN),
    around("prek", ACTIVE + "{bin}/prek run --all-files", "prek", {".pre-commit-config.yaml": HOOKS}, untold=HIDDEN),
    Runner(
        "tox --parallel",
        "wrappers",
        ACTIVE + "{bin}/tox --parallel",
        ("tox",),
        {"test_app.py": CASE, "tox.ini": TOX},
        NO_CASE,
        SKIPPED_CASE,
        shell=True,
        untold={NOTHING_THERE: "good", ALL_SKIPPED: "good"},
    ),
    around(
        "meson test",
        ACTIVE + "sh -c 'meson setup build >/dev/null && meson test -C build'",
        "meson",
        {"meson.build": MESON},
        untold=HIDDEN | {EXITS: "bad", OTHER: "bad"},
    ),
    around(
        "ctest --output-on-failure",
        ACTIVE + "sh -c 'cmake -S . -B build >/dev/null && ctest --test-dir build --output-on-failure'",
        "cmake",
        {"CMakeLists.txt": CMAKE},
        untold=HIDDEN,
    ),
    around(
        "pytest --suppress-tests-failed-exit-code",
        "{bin}/python -m pytest --suppress-tests-failed-exit-code",
        "pytest-custom-exit-code",
        {},
    ),
    around("pytest, its status ignored", "{bin}/python -m pytest -q || true", "", {}, venv="pytest"),
    script("{bin}/python test_app.py", "unittest.main(exit=False)", MAIN),
    script(
        "{bin}/python run_tests.py",
        "TextTestRunner().run(…)",
        files={
            "run_tests.py": "import unittest\n\nsuite = unittest.defaultTestLoader.discover('.')\n"
            "unittest.TextTestRunner().run(suite)\n"
        },
    ),
    Runner(
        "bats",
        "pytest",
        "bats sums.bats",
        (),
        {"sums.bats": BATS},
        {"sums.bats": ""},
        {"sums.bats": BATS.replace("{\n", '{\n  skip "not now"\n', 1)},
    ),
)
