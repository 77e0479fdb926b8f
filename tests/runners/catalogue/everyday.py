"""What people have beside the runners: task runners of other languages, snapshots, documentation, notebooks, checkers."""

import json

from catalogue.pytest_family import TEST, plain
from catalogue.smoke import checker, runs
from catalogue.tasks import NOTEBOOK, around
from catalogue.unittest_family import DJANGO_TEST, MANAGE, SETTINGS
from projects import EXITS, FAILS, IMPORT, OTHER, Runner
from projects import NOTHING as NOTHING_THERE
from projects import SKIPPED as ALL_SKIPPED

ACTIVE = "PATH={bin}:$PATH "
TASKFILE = "version: '3'\ntasks:\n  test:\n    cmds:\n      - python -m pytest -q\n"
DUTIES = "from duty import duty\n\n\n@duty\ndef test(ctx):\n    ctx.run('python -m pytest -q', title='Testing')\n"
PACKAGE = json.dumps({"name": "sums", "version": "1.0.0", "private": True, "scripts": {"test": "python -m pytest -q"}})
SCONS = "import os\n\nenv = Environment(ENV=os.environ)\nenv.AlwaysBuild(env.Alias('test', [], 'python -m pytest -q'))\n"
SNAPSHOT = "import app\n\n\ndef test_total(snapshot):\n    assert app.total([1, 2, 3]) == snapshot\n"
AMBER = "# serializer version: 1\n# name: test_total\n  6\n# ---\n"
INLINE = "from inline_snapshot import snapshot\n\nimport app\n\n\ndef test_total():\n    assert app.total([1, 2, 3]) == snapshot(6)\n"
REGRESSION = "import app\n\n\ndef test_total(data_regression):\n    data_regression.check({'sum': app.total([1, 2, 3])})\n"
SPHINX = {"conf.py": "import sys\n\nsys.path.insert(0, '.')\nextensions = ['sphinx.ext.doctest']\n"}
DOCUMENT = "Sums\n====\n\n>>> import app\n>>> app.total([1, 2, 3])\n6\n"
SKIPPED_DOCUMENT = "Sums\n====\n\n.. doctest::\n   :skipif: True\n\n   >>> import app\n   >>> app.total([1, 2, 3])\n   6\n"
SYMPY = (
    "import sys\n\nfrom sympy.testing.runtests import PyTestReporter, SymPyTests\n\n"
    "sys.path.insert(0, '.')\ntests = SymPyTests(PyTestReporter(), '', False)\ntests._testfiles = ['test_app.py']\n"
    "sys.exit(not tests.test())\n"
)
SYMPY_SKIPPED = "import app\nfrom sympy.testing.pytest import skip\n\n\ndef test_total():\n    skip('not now')\n"
SPIDER = """\
import app
import scrapy


class Sums(scrapy.Spider):
    name = "sums"

    def parse(self, response):
        \"\"\"Adds.

        @url data:text/plain,1
        @returns items 1 1
        @scrapes sum
        @sums
        \"\"\"
        yield {"sum": app.total([1, 2, 3])}
"""
CONTRACT = """\
from scrapy.contracts import Contract
from scrapy.exceptions import ContractFail


class Sums(Contract):
    name = "sums"

    def post_process(self, output):
        if output[0]["sum"] != 6:
            raise ContractFail("sum is %s" % output[0]["sum"])
"""
SCRAPY = {
    "scrapy.cfg": "[settings]\ndefault = shop.settings\n",
    "shop/__init__.py": "",
    "shop/settings.py": "SPIDER_MODULES = ['shop.spiders']\nTELNETCONSOLE_ENABLED = False\nSPIDER_CONTRACTS = {'shop.contract.Sums': 1}\n",
    "shop/contract.py": CONTRACT,
    "shop/spiders/__init__.py": "",
    "shop/spiders/sums.py": SPIDER,
}
LUIGI = """\
import luigi

import app


class Sum(luigi.Task):
    done = False

    def complete(self):
        return self.done

    def run(self):
        assert app.total([1, 2, 3]) == 6
        self.done = True
"""
RICH_SETTINGS = SETTINGS + '\nTEST_RUNNER = "django_rich.test.RichRunner"\n'
XML_SETTINGS = SETTINGS + '\nTEST_RUNNER = "xmlrunner.extra.djangotestrunner.XMLTestRunner"\n'
SMOKE = "import app\n\nassert app.total([1, 2, 3]) == 6\n"
CONTRACTS = "[importlinter]\nroot_package = shop\n\n[importlinter:contract:1]\nname = Pages know no books\ntype = forbidden\nsource_modules = shop.pages\nforbidden_modules = shop.books\n"
#: Nothing else is printed than when all passes.
UNSAID = {NOTHING_THERE: "good", ALL_SKIPPED: "good"}
GOOD = "def total(xs: list[int]) -> int:\n    return sum(xs)\n"
WRONG_TYPE = "def total(xs: list[int]) -> int:\n    return str(sum(xs))\n"
UNKNOWN = "def total(xs: list[int]) -> int:\n    return sums(xs)\n"
SETUP = "from setuptools import setup\n\nsetup(name='sums', version='1', py_modules=['app'], tests_require=['pytest'], extras_require={'test': ['pytest']})\n"
REGRTEST = "import unittest\n\nimport app\n\n\nclass Sums(unittest.TestCase):\n    def test_total(self):\n        self.assertEqual(app.total([1, 2, 3]), 6)\n"


def linked(pages: str) -> dict[str, str | None]:
    """The modules of a package."""
    return {"app.py": None, "shop/__init__.py": "", "shop/pages.py": pages, "shop/books.py": "", "shop/tills.py": ""}


def django_runner(name: str, package: str, settings: str) -> Runner:
    """Django's tests by a runner of another package."""
    skip = "from unittest import skip\n" + DJANGO_TEST.replace("    def test", '    @skip("not now")\n    def test')
    files = {"manage.py": MANAGE, "settings.py": settings, "sums/__init__.py": "", "sums/tests.py": DJANGO_TEST}
    return Runner(
        name,
        "run-django",
        "{bin}/python manage.py test",
        (package,),
        files,
        {"sums/tests.py": "import app\n"},
        {"sums/tests.py": skip},
        closing=r"^(OK|FAILED|Ran 0|NO TESTS)",
        unnamed=True,
    )


RUNNERS = (
    around("task (go-task)", ACTIVE + "{bin}/task test", "go-task-bin", {"Taskfile.yml": TASKFILE}, venv="run-tasks", shell=True, unnamed=True),
    around("duty", ACTIVE + "{bin}/duty test", "duty", {"duties.py": DUTIES}, venv="run-tasks", shell=True, untold={ALL_SKIPPED: "good"}, unnamed=True),
    around("npm test", ACTIVE + "npm test", "", {"package.json": PACKAGE}, venv="run-tasks", shell=True, unnamed=True),
    around("scons", ACTIVE + "scons -Q test", "", {"SConstruct": SCONS}, venv="run-tasks", shell=True, unnamed=True),
    around("parallel", ACTIVE + "sh -c 'ls test_*.py | parallel python -m pytest -q'", "", {"test_other.py": "def test_other():\n    assert True\n"}, venv="run-tasks", shell=True, unnamed=True),
    around("xvfb-run", ACTIVE + "xvfb-run -a python -m pytest -q", "", {}, venv="run-tasks", shell=True, unnamed=True),
    around("a pipe into tee", ACTIVE + "bash -o pipefail -c 'python -m pytest -q 2>&1 | tee tests.log'", "", {}, venv="run-tasks", shell=True, unnamed=True),
    around("a pipe into tail", ACTIVE + "bash -o pipefail -c 'python -m pytest -q 2>&1 | tail -n 3'", "", {}, venv="run-tasks", shell=True, unnamed=True),
    plain("pytest-xdist --dist loadfile", "-n 2 --dist loadfile --max-worker-restart 0", "pytest-xdist", venv="run-plugins", unnamed=True),
    plain("syrupy", "-q", "syrupy", venv="run-plugins", test=SNAPSHOT, files={"__snapshots__/test_app.ambr": AMBER}, skipped={"test_app.py": "import pytest\n" + SNAPSHOT.replace("def test", "@pytest.mark.skip\ndef test")}, unnamed=True),
    plain("inline-snapshot", "-q", "inline-snapshot", venv="run-plugins", test=INLINE, skipped={"test_app.py": "import pytest\n" + INLINE.replace("def test", "@pytest.mark.skip\ndef test")}, unnamed=True),
    plain("pytest-regressions", "-q", "pytest-regressions", venv="run-plugins", test=REGRESSION, files={"test_app/test_total.yml": "sum: 6\n"}, skipped={"test_app.py": "import pytest\n" + REGRESSION.replace("def test", "@pytest.mark.skip\ndef test")}, unnamed=True),
    plain("pytest-testmon", "-q --testmon", "pytest-testmon", venv="run-plugins", unnamed=True),
    plain("pytest-retry", "-q --retries 1", "pytest-retry", venv="run-plugins", unnamed=True),
    Runner(
        "nbval",
        "run-plugins",
        "{bin}/python -m pytest -q --nbval-lax",
        ("nbval",),
        {"sums.ipynb": NOTEBOOK},
        {"sums.ipynb": None, "readme.txt": "nothing\n"},
        {"sums.ipynb": None, "conftest.py": "collect_ignore_glob = ['*']\n"},
        unnamed=True,
    ),
    Runner(
        "papermill",
        "run-notebooks",
        "{bin}/papermill --no-progress-bar sums.ipynb out.ipynb",
        ("papermill",),
        {"sums.ipynb": NOTEBOOK},
        {"sums.ipynb": None, "readme.txt": "nothing\n"},
        None,
        unnamed=True,
    ),
    around("debugpy -m pytest", "{bin}/python -m debugpy --listen 0 -m pytest -q", "debugpy", {}, venv="run-debug", unnamed=True),
    around("pdb -c continue -m pytest", "{bin}/python -m pdb -c continue -c quit -m pytest -q", "", {}, venv="run-debug", unnamed=True),
    Runner(
        "sphinx-build -b doctest",
        "run-sphinx",
        "{bin}/sphinx-build -q -b doctest . out",
        ("Sphinx",),
        {**SPHINX, "index.rst": DOCUMENT},
        {"index.rst": "Sums\n====\n"},
        {"index.rst": SKIPPED_DOCUMENT},
        untold=UNSAID,
        unnamed=True,
    ),
    Runner(
        "make doctest (sphinx-build -M)",
        "run-sphinx",
        "{bin}/sphinx-build -M doctest . out",
        ("Sphinx",),
        {**SPHINX, "index.rst": DOCUMENT},
        {"index.rst": "Sums\n====\n"},
        {"index.rst": SKIPPED_DOCUMENT},
        unnamed=True,
    ),
    Runner(
        "SymPy's runner",
        "run-sympy",
        "{bin}/python run.py",
        ("sympy",),
        {"test_app.py": TEST, "run.py": SYMPY},
        {"test_app.py": "import app\n"},
        {"test_app.py": SYMPY_SKIPPED},
        unnamed=True,
    ),
    Runner(
        "scrapy check",
        "run-scrapy",
        "{bin}/scrapy check",
        ("Scrapy",),
        SCRAPY,
        {"shop/spiders/sums.py": "import app\n"},
        None,
        unnamed=True,
    ),
    Runner(
        "luigi",
        "run-scrapy",
        "PYTHONPATH=. {bin}/luigi --module tasks Sum --local-scheduler --retcode-task-failed 1 --retcode-unhandled-exception 4",
        ("luigi",),
        {"tasks.py": LUIGI},
        {"tasks.py": "import app\n"},
        None,
        shell=True,
        unnamed=True,
    ),
    Runner(
        "regrtest",
        "run-tasks",
        "{bin}/python -m test --testdir tests --fromfile names",
        (),
        {"tests/test_app.py": "import sys\n\nsys.path.insert(0, '.')\n" + REGRTEST, "names": "test_app\n"},
        {"tests/test_app.py": "import app\n"},
        {"tests/test_app.py": "import unittest\n\nraise unittest.SkipTest('not now')\n"},
        unnamed=True,
    ),
    django_runner("Django with django-rich", "django-rich", RICH_SETTINGS),
    django_runner("Django with xmlrunner", "unittest-xml-reporting", XML_SETTINGS),
    around("colcon test", ACTIVE + "sh -c 'colcon --log-base l build --base-paths . --build-base b --install-base i >/dev/null; colcon --log-base l test --return-code-on-test-failure --event-handlers console_direct+ --base-paths . --build-base b --install-base i'", "colcon-core", {"setup.py": SETUP}, venv="run-colcon", shell=True, unnamed=True),
    checker("ty check", "{bin}/ty check app.py", "ty", WRONG_TYPE, UNKNOWN, venv="run-types"),
    checker("pyrefly check", "{bin}/pyrefly check app.py", "pyrefly", UNKNOWN, UNKNOWN.replace("sums", "totals"), venv="run-types"),
    checker("zuban check", "{bin}/zuban check app.py", "zuban", WRONG_TYPE, UNKNOWN, venv="run-types"),
    checker("vulture", "{bin}/vulture app.py uses.py", "vulture", "import os\n\n\n" + GOOD, "import re\n\n\n" + GOOD, {"uses.py": "import app\n\napp.total([1])\n"}, venv="run-types"),
    Runner(
        "lint-imports",
        "run-types",
        "{bin}/lint-imports",
        ("import-linter",),
        {".importlinter": CONTRACTS, **linked("")},
        {"shop/pages.py": None, "shop/__init__.py": None, "shop/books.py": None, "shop/tills.py": None, "readme.txt": ""},
        None,
        instead={
            FAILS: linked("import shop.books\n"),
            OTHER: linked("import shop.tills\n") | {"shop/tills.py": "import shop.books\n"},
            IMPORT: linked("import shop.\n"),
            "crashes": linked("def page(:\n"),
            EXITS: linked("\tx = 1\n y = 2\n"),
        },
        unnamed=True,
    ),
    checker(
        "crosshair check",
        "{bin}/crosshair check --per_condition_timeout 2 app.py",
        "crosshair-tool",
        'def total(xs: list[int]) -> int:\n    """\n    post: _ >= 0\n    """\n    return sum(xs)\n',
        'def total(xs: list[int]) -> int:\n    """\n    post: True\n    """\n    return 1 // len(xs)\n',
        venv="run-types",
    ),
)
