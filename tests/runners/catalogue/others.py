"""More set-ups: examples in documents, plugins that print otherwise, scripts and harnesses of one's own."""

from catalogue.pytest_family import marked, plain
from catalogue.tasks import around
from catalogue.unittest_family import NOTHING as NO_CASE
from catalogue.unittest_family import SKIPPED as SKIPPED_CASE
from catalogue.unittest_family import TEST as CASE
from projects import EXITS, NOTHING, OTHER, SKIPPED, Files, Runner

CHECK = "from pytest_check import check\nimport app\n\n\ndef test_total():\n    with check:\n        assert app.total([1, 2, 3]) == 6\n"
TRIO = (
    "import pytest\n\nimport app\n\n\n@pytest.mark.trio\nasync def test_total():\n    assert app.total([1, 2, 3]) == 6\n"
)
DOCUMENTED = 'import app\n\n\ndef f():\n    """\n    >>> app.total([1, 2, 3])\n    6\n    """\n'
EXAMPLE: Files = {"app_doc.py": DOCUMENTED, "test_app.py": None}
NO_EXAMPLE: Files = {"app_doc.py": "import app\n"}
SKIPPED_EXAMPLE: Files = {"app_doc.py": DOCUMENTED.replace("3])", "3])  # doctest: +SKIP")}

SYBIL = (
    "from sybil import Sybil\nfrom sybil.parsers.rest import DocTestParser, SkipParser\n\n"
    'pytest_collect_file = Sybil(parsers=[DocTestParser(), SkipParser()], pattern="*.rst").pytest()\n'
)
RST = "Sums\n\n>>> import app\n>>> app.total([1, 2, 3])\n6\n"
MARKDOWN = "# Sums\n\n```python\nimport app\n\nassert app.total([1, 2, 3]) == 6\n```\n"
MANUEL = (
    "import manuel.doctest\nimport manuel.testing\n\n\ndef load_tests(loader, tests, pattern):\n"
    '    return manuel.testing.TestSuite(manuel.doctest.Manuel(), "doc.txt")\n'
)
SUITE = (
    "import doctest\n\nimport app_doc\n\n\ndef load_tests(loader, tests, pattern):\n"
    "    tests.addTests(doctest.DocTestSuite(app_doc))\n    return tests\n"
)
DJANGO: Files = {
    "settings.py": 'SECRET_KEY = "x"\nINSTALLED_APPS = []\nDATABASES = {}\nUSE_TZ = True\n',
    "test_app.py": "from django.test import SimpleTestCase\n\nimport app\n\n\nclass Sums(SimpleTestCase):\n"
    "    def test_total(self):\n        self.assertEqual(app.total([1, 2, 3]), 6)\n",
}
LIT = (
    "import sys\n\nimport lit.formats\n\nconfig.name = 'sums'\nconfig.test_format = lit.formats.ShTest(False)\n"
    "config.suffixes = ['.txt']\nconfig.substitutions.append(('%python', sys.executable))\n"
    "config.environment['PYTHONPATH'] = config.test_source_root or '.'\n"
)
COUNTS = (
    "import sys\nimport unittest\n\nsuite = unittest.defaultTestLoader.discover('.')\n"
    "result = unittest.TextTestRunner(stream=open('/dev/null', 'w')).run(suite)\n"
    "print('tests', result.testsRun, 'failures', len(result.failures), 'errors', len(result.errors))\n"
    "sys.exit(len(result.failures) + len(result.errors))\n"
)
HTML = (
    "import sys\nimport unittest\n\nimport HtmlTestRunner\n\nsuite = unittest.defaultTestLoader.discover('.')\n"
    "result = HtmlTestRunner.HTMLTestRunner().run(suite)\nsys.exit(not result.wasSuccessful())\n"
)
PROVE = (
    "echo 1..1\nn=$(python -c 'import app; print(app.total([1, 2, 3]))') && [ \"$n\" = 6 ] && echo ok 1 - total || "
    '{ echo "# got $n"; echo not ok 1 - total; }\n'
)


def unittest(name: str, command: str, package: str, **others) -> Runner:
    """unittest's test case, run in another way."""
    files = {"test_app.py": CASE, **others.pop("files", {})}
    nothing, skipped = others.pop("nothing", NO_CASE), others.pop("skipped", SKIPPED_CASE)
    packages = (package,) if package else ()
    return Runner(name, "others", command, packages, files, nothing, skipped, **others)


RUNNERS = (
    plain(
        "pytest -p no:terminal",
        "-p no:terminal",
        venv="others",
        untold={SKIPPED: "good", EXITS: "bad", OTHER: "bad"},
    ),
    plain("pytest-pretty", "", "pytest-pretty", venv="pretty"),
    plain("pytest-tldr", "", "pytest-tldr", venv="tldr"),
    plain("pytest-json-report", "-q --json-report --json-report-file=none", "pytest-json-report", venv="others"),
    plain("pytest-check", "-q", "pytest-check", venv="others", test=CHECK, skipped=marked(CHECK)),
    plain("pytest-trio", "-q", "pytest-trio", venv="trio", test=TRIO, skipped=marked(TRIO)),
    plain(
        "pytest-django",
        "-q --ds settings",
        "pytest-django",
        venv="pytest-django",
        files=DJANGO,
        nothing={"test_app.py": "import app\n"},
        skipped={
            "test_app.py": DJANGO["test_app.py"]
            .replace("import app\n", "import unittest\n\nimport app\n", 1)
            .replace("    def test", '    @unittest.skip("not now")\n    def test')
        },
    ),
    plain(
        "pytest --doctest-modules",
        "-q --doctest-modules app_doc.py",
        venv="others",
        files=EXAMPLE,
        nothing=NO_EXAMPLE,
        skipped=SKIPPED_EXAMPLE,
    ),
    plain(
        "pytest-doctestplus",
        "-q --doctest-plus app_doc.py",
        "pytest-doctestplus",
        venv="others",
        files=EXAMPLE,
        nothing=NO_EXAMPLE,
        skipped=SKIPPED_EXAMPLE,
    ),
    plain(
        "Sybil",
        "-q",
        "sybil",
        venv="others",
        files={"conftest.py": SYBIL, "doc.rst": RST, "test_app.py": None},
        nothing={"doc.rst": "Sums\n"},
        skipped={"doc.rst": RST.replace(">>> import", ".. skip: start\n\n>>> import")},
        untold={SKIPPED: "good"},
    ),
    plain(
        "pytest-markdown-docs",
        "-q --markdown-docs doc.md",
        "pytest-markdown-docs",
        venv="others",
        files={"doc.md": MARKDOWN, "test_app.py": None},
        nothing={"doc.md": "# Sums\n"},
        skipped={"doc.md": MARKDOWN.replace("```python", "```python notest")},
    ),
    around("slipcover", "{bin}/python -m slipcover -m pytest -q", "slipcover", {}, venv="others"),
    unittest("unittest -b -f", "{bin}/python -m unittest -b -f", ""),
    unittest("teamcity.unittestpy", "{bin}/python -m teamcity.unittestpy", "teamcity-messages"),
    unittest(
        "HtmlTestRunner",
        "{bin}/python run_tests.py",
        "html-testRunner",
        files={"run_tests.py": HTML},
        closing=r"^(OK|FAILED|\(|Ran 0|\w+Error)",
    ),
    unittest(
        "a script that counts",
        "{bin}/python run_tests.py",
        "",
        files={"run_tests.py": COUNTS},
        untold={SKIPPED: "good"},
    ),
    unittest(
        "manuel",
        "{bin}/python -m unittest",
        "manuel",
        files={"test_app.py": MANUEL, "doc.txt": "Sums\n\n    >>> import app\n    >>> app.total([1, 2, 3])\n    6\n"},
        nothing={"doc.txt": "Sums\n"},
        skipped=None,
        untold={NOTHING: "good"},
    ),
    unittest(
        "DocTestSuite",
        "{bin}/python -m unittest test_doc",
        "",
        files={**EXAMPLE, "test_doc.py": SUITE},
        nothing=NO_EXAMPLE,
        skipped=SKIPPED_EXAMPLE,
        untold={SKIPPED: "good"},
    ),
    unittest(
        "lit",
        "{bin}/lit -v .",
        "lit",
        files={
            "lit.cfg": LIT,
            "sums.txt": "# RUN: %python -c 'import app; assert app.total([1, 2, 3]) == 6'\n",
            "test_app.py": None,
        },
        nothing={"sums.txt": None},
        skipped={"sums.txt": "# REQUIRES: moon\n# RUN: true\n"},
    ),
    unittest(
        "prove",
        "PATH={bin}:$PATH prove -e sh sums.t",
        "",
        files={"sums.t": PROVE, "test_app.py": None},
        nothing={"sums.t": "echo 1..0\n"},
        skipped={"sums.t": "echo 1..1\necho 'ok 1 # SKIP not now'\n"},
        shell=True,
        untold={SKIPPED: "good", EXITS: "bad"},
    ),
)
