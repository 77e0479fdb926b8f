"""Frameworks with a form of their own."""

from projects import NOTHING, OTHER, Runner

WARD = """\
from ward import test

import app


@test("a sum")
def _():
    assert app.total([1, 2, 3]) == 6
"""
TESTSLIDE = """\
from testslide.dsl import context

import app


@context
def Totals(context):
    @context.example
    def sums(self):
        assert app.total([1, 2, 3]) == 6
"""
LOCUST = """\
from locust import User, constant, events, task

import app


class Adds(User):
    wait_time = constant(0.2)

    @task
    def total(self):
        result = app.total([1, 2, 3])
        wrong = None if result == 6 else ValueError(f"{result} is not 6")
        events.request.fire(
            request_type="sum", name="total", response_time=1, response_length=1, exception=wrong, context={}
        )
"""
MAMBA = """\
from expects import equal, expect
from mamba import description, it

import app

with description("totals"):
    with it("sums"):
        expect(app.total([1, 2, 3])).to(equal(6))
"""
SLASH = "import slash\n\nimport app\n\n\ndef test_total():\n    assert app.total([1, 2, 3]) == 6\n"
OKTEST = """\
from oktest import ok, test

import app


class TotalsTest(object):
    @test("sums")
    def _(self):
        ok(app.total([1, 2, 3])) == 6
"""

PRYSK = """\
A sum:

  $ cd "$TESTDIR/.."
  $ python3 -c "import app; print(app.total([1, 2, 3]))"
  6
"""

CHEESECAKE = """\
import lemoncheesecake.api as lcc
from lemoncheesecake.matching import check_that, equal_to

import app


@lcc.suite("Totals")
class totals:
    @lcc.test("A sum")
    def total(self):
        check_that("the sum", app.total([1, 2, 3]), equal_to(6))
"""
NIMOY = """\
from nimoy.specification import Specification

import app


class TotalsSpec(Specification):
    def sums(self):
        with expect:
            app.total([1, 2, 3]) == 6
"""
TESTPLAN = """\
import sys

from testplan import test_plan
from testplan.testing.multitest import MultiTest, testcase, testsuite

import app


@testsuite
class Totals:
    @testcase
    def total(self, env, result):
        result.equal(app.total([1, 2, 3]), 6)


@test_plan(name="totals")
def main(plan):
    plan.add(MultiTest(name="Totals", suites=[Totals()]))


if __name__ == "__main__":
    sys.exit(not main())
"""
BYEXAMPLE = """\
# Sums

```python
>>> import app
>>> app.total([1, 2, 3])
6
```
"""

RUNNERS = (
    Runner(
        "ward",
        "ward",
        "{bin}/ward",
        ("ward",),
        {"test_app.py": WARD},
        {"test_app.py": "import app\n"},
        {"test_app.py": WARD.replace("import test", "import skip, test").replace("def _", '@skip("not now")\ndef _')},
    ),
    Runner(
        "TestSlide",
        "testslide",
        "{bin}/testslide sums_test.py",
        ("TestSlide",),
        {"sums_test.py": TESTSLIDE},
        {"sums_test.py": "import app\n"},
        {"sums_test.py": TESTSLIDE.replace("@context.example", "@context.xexample")},
        closing=r"Executed|Skipped: +[1-9]|^\w+Error",
    ),
    Runner(
        "TestSlide --format progress",
        "testslide",
        "{bin}/testslide --format progress sums_test.py",
        ("TestSlide",),
        {"sums_test.py": TESTSLIDE},
        {"sums_test.py": "import app\n"},
        {"sums_test.py": TESTSLIDE.replace("@context.example", "@context.xexample")},
        closing=r"Executed|Skipped: +[1-9]|^\w+Error",
    ),
    Runner(
        "locust",
        "locust",
        "{bin}/locust --headless --users 1 --spawn-rate 1 --run-time 2s --only-summary --host http://localhost",
        ("locust",),
        {"locustfile.py": LOCUST},
        {"locustfile.py": "import app\n"},
        None,
    ),
    Runner(
        "mamba",
        "mamba",
        "{bin}/mamba",
        ("mamba",),
        {"spec/app_spec.py": MAMBA},
        {"spec/app_spec.py": "import app\n"},
        {
            "spec/app_spec.py": MAMBA.replace("import description, it", "import _it, description").replace(
                "with it", "with _it"
            )
        },
        unnamed=True,
    ),
    Runner(
        "slash",
        "slash",
        "PYTHONPATH=. {bin}/slash run test_app.py",
        ("slash",),
        {"test_app.py": SLASH},
        {"test_app.py": "import app\n"},
        {"test_app.py": SLASH.replace("def test", '@slash.skipped("not now")\ndef test')},
        shell=True,
        unnamed=True,
    ),
    Runner(
        "Oktest",
        "oktest",
        "{bin}/python -m oktest test_app.py",
        ("Oktest",),
        {"test_app.py": OKTEST},
        {"test_app.py": "import app\n"},
        {
            "test_app.py": OKTEST.replace("import ok, test", "import ok, skip, test").replace(
                "    def _", '    @skip("not now")\n    def _'
            )
        },
        unnamed=True,
    ),
    Runner(
        "prysk",
        "prysk",
        "{bin}/prysk spec/app.t",
        ("prysk",),
        {"spec/app.t": PRYSK},
        {"spec/app.t": "Nothing to run.\n"},
        {"spec/app.t": PRYSK.replace("  6\n", "  6\n  $ exit 80\n")},
        # A file without a command is one that passes.
        untold={NOTHING: "good"},
        unnamed=True,
    ),
    Runner(
        "lemoncheesecake",
        "lcc",
        "PYTHONPATH=. {bin}/lcc run --exit-error-on-failure",
        ("lemoncheesecake",),
        {"suites/totals.py": CHEESECAKE},
        {"suites/totals.py": "import app\n"},
        {"suites/totals.py": CHEESECAKE.replace("    @lcc.test", '    @lcc.disabled("not now")\n    @lcc.test')},
        shell=True,
        untold={OTHER: "bad"},
        unnamed=True,
    ),
    Runner(
        "nimoy",
        "nimoy",
        "PYTHONPATH=. {bin}/nimoy",
        ("nimoy-framework",),
        {"specs/totals_spec.py": NIMOY},
        {"specs/totals_spec.py": "import app\n"},
        {
            "specs/totals_spec.py": NIMOY.replace("import Specification\n", "import Specification\nimport unittest\n").replace(
                "    def sums", '    @unittest.skip("not now")\n    def sums'
            )
        },
        shell=True,
        unnamed=True,
    ),
    Runner(
        "byexample",
        "byexample",
        "PYTHONPATH=. {bin}/byexample -l python sums.md",
        ("byexample",),
        {"sums.md": BYEXAMPLE},
        {"sums.md": "# Sums\n\nNothing.\n"},
        {"sums.md": BYEXAMPLE.replace("import app\n", "import app       # byexample: +skip\n").replace("3])\n", "3])      # byexample: +skip\n")},
        shell=True,
        unnamed=True,
    ),
    Runner(
        "testplan",
        "testplan",
        "{bin}/python test_plan.py",
        ("testplan",),
        {"test_plan.py": TESTPLAN},
        {"test_plan.py": TESTPLAN.replace("    @testcase\n", "")},
        {"test_plan.py": TESTPLAN.replace("testsuite\n\n", "testsuite\nfrom testplan.testing.multitest.suite import skip_if\n\n", 1).replace("    @testcase", "    @skip_if(lambda testsuite: True)\n    @testcase")},
        unnamed=True,
    ),
)
