"""unittest and the runners of its test cases."""

from projects import (
    APP,
    CRASHES,
    EXITS,
    FAILS,
    IMPORT,
    OTHER,
    PASSES,
    Files,
    Runner,
)
from projects import (
    NOTHING as NOTHING_THERE,
)
from projects import (
    SKIPPED as ALL_SKIPPED,
)

TEST = """\
import unittest

import app


class Totals(unittest.TestCase):
    def test_total(self):
        self.assertEqual(app.total([1, 2, 3]), 6)
"""
NOTHING: Files = {"test_app.py": "import unittest\n\nimport app\n"}
SKIPPED: Files = {"test_app.py": TEST.replace("    def test", '    @unittest.skip("not now")\n    def test')}


def cases(name: str, venv: str, command: str, *packages: str, **others) -> Runner:
    """A runner over the test case of `test_app.py`."""
    return Runner(
        name,
        venv,
        command,
        packages,
        {"test_app.py": others.pop("test", TEST), **others.pop("files", {})},
        others.pop("nothing", NOTHING),
        others.pop("skipped", SKIPPED),
        **others,
    )


TRIAL = TEST.replace("import unittest\n", "from twisted.trial import unittest\n")
ZOPE = """\
import unittest

import app


class Totals(unittest.TestCase):
    def test_total(self):
        self.assertEqual(app.total([1, 2, 3]), 6)


def test_suite():
    return unittest.defaultTestLoader.loadTestsFromTestCase(Totals)
"""

MANAGE = """\
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
"""
SETTINGS = 'SECRET_KEY = "not a secret"\nINSTALLED_APPS = ["sums"]\nUSE_TZ = True\n'
DJANGO_TEST = """\
from django.test import SimpleTestCase

import app


class Totals(SimpleTestCase):
    def test_total(self):
        self.assertEqual(app.total([1, 2, 3]), 6)


class Sizes(SimpleTestCase):
    def test_size(self):
        self.assertEqual(app.total([]) or 0, app.total([]))
"""


def django(name: str, options: str) -> Runner:
    """`manage.py test` with options."""
    skip = "from unittest import skip\n\n" + DJANGO_TEST.replace("class ", '@skip("not now")\nclass ')
    return Runner(
        name,
        "django",
        ("{bin}/python manage.py test " + options).strip(),
        ("Django",),
        {"manage.py": MANAGE, "settings.py": SETTINGS, "sums/__init__.py": "", "sums/tests.py": DJANGO_TEST},
        {"sums/tests.py": "import app\n"},
        {"sums/tests.py": skip},
        closing=r"^(OK|FAILED|Ran 0|NO TESTS)",
    )


STESTR_CONF = "[DEFAULT]\ntest_path=./tests\ntop_dir=./\n"
DOCTEST = {
    one: text.replace("(xs):\n", '(xs):\n    """Adds.\n\n    >>> total([1, 2, 3])\n    6\n    """\n')
    for one, text in APP.items()
}


#: It tells nothing where no example fails: of none, and of those that are skipped, too.
DOCTEST_MAIN = """\


if __name__ == "__main__":
    import doctest
    import sys

    sys.exit(bool(doctest.testmod().failed))
"""


def doctest(name: str, command: str, package: str = "", tail: str = "", **more) -> Runner:
    """Examples in `app.py` itself."""
    others = (PASSES, FAILS, IMPORT, CRASHES, EXITS, OTHER)
    return Runner(
        name,
        package or "pytest",
        command,
        (package,) if package else (),
        {"app.py": DOCTEST[PASSES] + tail},
        {"app.py": APP[PASSES] + tail},
        {"app.py": DOCTEST[PASSES].replace("3])\n", "3])  # doctest: +SKIP\n") + tail},
        instead={one: {"app.py": DOCTEST[one] + tail} for one in others},
        **more,
    )


AVOCADO = """\
from avocado import Test

import app


class Totals(Test):
    def test_total(self):
        self.assertEqual(app.total([1, 2, 3]), 6)
"""

TESTIFY = """\
from testify import TestCase, assert_equal, run

import app


class Totals(TestCase):
    def test_total(self):
        assert_equal(app.total([1, 2, 3]), 6)


if __name__ == "__main__":
    run()
"""

ABSL = """\
from absl.testing import absltest

import app


class Totals(absltest.TestCase):
    def test_total(self):
        self.assertEqual(app.total([1, 2, 3]), 6)


if __name__ == "__main__":
    absltest.main()
"""

RUNNERS = (
    cases("unittest", "pytest", "{bin}/python -m unittest"),
    cases("unittest discover -v", "pytest", "{bin}/python -m unittest discover -v"),
    cases("unittest MODULE", "pytest", "{bin}/python -m unittest -b test_app"),
    cases("nose2", "nose2", "{bin}/nose2", "nose2"),
    cases("pynose", "pynose", "{bin}/pynose", "pynose"),
    django("Django", ""),
    django("Django --parallel", "--parallel 2"),
    cases(
        "Twisted trial",
        "twisted",
        "{bin}/python -m twisted.trial test_app",
        "Twisted",
        test=TRIAL,
        nothing={"test_app.py": "import app\n"},
        skipped={"test_app.py": TRIAL.replace("    def test", '    skip = "not now"\n\n    def test')},
    ),
    cases(
        "Twisted trial -j",
        "twisted",
        "{bin}/python -m twisted.trial -j 2 test_app",
        "Twisted",
        test=TRIAL,
        nothing={"test_app.py": "import app\n"},
        skipped={"test_app.py": TRIAL.replace("    def test", '    skip = "not now"\n\n    def test')},
    ),
    Runner(
        "stestr",
        "stestr",
        "{bin}/stestr run",
        ("stestr",),
        {".stestr.conf": STESTR_CONF, "tests/__init__.py": "", "tests/test_app.py": TEST},
        {"tests/test_app.py": NOTHING["test_app.py"]},
        {"tests/test_app.py": SKIPPED["test_app.py"]},
        closing=r"^- (Passed|Skipped|Failed): [1-9]|didn't actually|doesn't match|^ImportError|^ModuleNotFound",
    ),
    Runner(
        "zope.testrunner",
        "zope",
        "{bin}/python -m zope.testrunner --test-path=. --tests-pattern=^test_",
        ("zope.testrunner",),
        {"test_app.py": ZOPE},
        {"test_app.py": "import unittest\n\nimport app\n\n\ndef test_suite():\n    return unittest.TestSuite()\n"},
        {"test_app.py": ZOPE.replace("    def test", '    @unittest.skip("not now")\n    def test')},
        closing=r"^(Total:|Ran )",
    ),
    cases("green", "green", "{bin}/green", "green"),
    cases(
        "TestSlide (unittest)",
        "testslide",
        "{bin}/testslide test_app.py",
        "TestSlide",
        closing=r"Executed|^\w+Error",
    ),
    Runner(
        "Avocado",
        "avocado",
        "{bin}/avocado --config /dev/null run --disable-sysinfo --job-results-dir results test_app.py",
        ("avocado-framework",),
        {"test_app.py": AVOCADO},
        {"test_app.py": "import app\n"},
        {
            "test_app.py": AVOCADO.replace("Test\n", "Test, skip\n", 1).replace(
                "    def test", '    @skip("not now")\n    def test'
            )
        },
    ),
    doctest("doctest", "{bin}/python -m doctest app.py"),
    doctest("doctest -v", "{bin}/python -m doctest -v app.py"),
    doctest(
        "doctest.testmod()",
        "{bin}/python app.py",
        tail=DOCTEST_MAIN,
        untold={NOTHING_THERE: "good", ALL_SKIPPED: "good"},
    ),
    doctest(
        "doctest.testmod(verbose=True)",
        "{bin}/python app.py",
        tail=DOCTEST_MAIN.replace("testmod()", "testmod(verbose=True)"),
    ),
    cases("unittest-parallel", "upar", "{bin}/unittest-parallel", "unittest-parallel", unnamed=True),
    cases("xmlrunner", "upar", "{bin}/python -m xmlrunner discover", "unittest-xml-reporting", unnamed=True),
    cases(
        "testtools.run",
        "stestr",
        "{bin}/python -m testtools.run test_app",
        "testtools",
        unnamed=True,
    ),
    cases("testflo", "testflo", "{bin}/testflo .", "testflo", unnamed=True),
    cases(
        "testify",
        "testify",
        "{bin}/testify -x disabled test_app",
        "testify",
        test=TESTIFY,
        nothing={"test_app.py": "import app\n"},
        skipped={
            "test_app.py": TESTIFY.replace("TestCase, ", "TestCase, suite, ").replace(
                "    def test", '    @suite("disabled", reason="not now")\n    def test'
            )
        },
        unnamed=True,
    ),
    cases("haas", "haas", "{bin}/haas .", "haas", unnamed=True),
    cases(
        "absl.testing",
        "absl",
        "{bin}/python test_app.py",
        "absl-py",
        test=ABSL,
        nothing={"test_app.py": ABSL.split("class ")[0] + 'if __name__ == "__main__":\n    absltest.main()\n'},
        skipped={"test_app.py": ABSL.replace("    def test", '    @absltest.skip("not now")\n    def test')},
        closing=r"^(OK|FAILED|Ran 0|NO TESTS|\w+Error)",
        unnamed=True,
    ),
    cases(
        "subunit.run",
        "subunit",
        "{bin}/python -m subunit.run test_app | {bin}/subunit2pyunit",
        "python-subunit",
        shell=True,
        closing=r"^(OK|FAILED)",
        unnamed=True,
    ),
    doctest("xdoctest", "{bin}/xdoctest app.py all", "xdoctest", unnamed=True),
)
