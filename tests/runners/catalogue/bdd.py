"""Runners of feature files and keywords."""

from projects import Runner

FEATURE = "Feature: Sums\n\n  Scenario: A sum\n    When one, two and three are added\n    Then the sum is 6\n"
BEHAVE_STEPS = """\
from behave import then, when

import app


@when("one, two and three are added")
def added(context):
    context.result = app.total([1, 2, 3])


@then("the sum is {n:d}")
def the_sum(context, n):
    assert context.result == n, f"{context.result} is not {n}"
"""
RADISH_STEPS = """\
from radish import then, when

import app


@when("one, two and three are added")
def added(step):
    step.context.result = app.total([1, 2, 3])


@then("the sum is {n:d}")
def the_sum(step, n):
    assert step.context.result == n, f"{step.context.result} is not {n}"
"""
ROBOT = "*** Settings ***\nLibrary    app_lib.py\n\n*** Test Cases ***\nA sum\n    Total Should Be    6\n"
ROBOT_LIB = (
    "import app\n\n\ndef total_should_be(n):\n"
    '    assert app.total([1, 2, 3]) == int(n), f"{app.total([1, 2, 3])} is not {n}"\n'
)
VEDRO = """\
import vedro

import app


class Scenario(vedro.Scenario):
    subject = "a sum"

    def when(self):
        self.result = app.total([1, 2, 3])

    def then(self):
        assert self.result == 6
"""


def behave(name: str, options: str, nothing: str | None) -> Runner:
    """behave with options; `nothing` is what is left of the feature file when there is no scenario."""
    return Runner(
        name,
        "behave",
        ("{bin}/behave " + options).strip(),
        ("behave",),
        {"features/sums.feature": FEATURE, "features/steps/sums.py": BEHAVE_STEPS},
        {"features/sums.feature": nothing},
        {
            "features/sums.feature": FEATURE.replace("  Scenario", "  @skip\n  Scenario"),
            "features/environment.py": SKIPS,
        },
        closing=r"^\d+ scenarios? |^[A-Z]\w+Error",
    )


SKIPS = 'def before_scenario(context, scenario):\n    if "skip" in scenario.effective_tags:\n        scenario.skip("not now")\n'


def robot(name: str, venv: str, command: str, package: str, **others) -> Runner:
    """Robot Framework's data, run by itself or by what runs it in parallel."""
    return Runner(
        name,
        venv,
        command,
        (package,),
        {"t/sums.robot": ROBOT, "t/app_lib.py": ROBOT_LIB},
        {"t/sums.robot": "*** Settings ***\nLibrary    app_lib.py\n"},
        {"t/sums.robot": ROBOT.replace("A sum\n", "A sum\n    [Tags]    robot:skip\n")},
        closing=r"\d+ tests?, ",
        **others,
    )


RUNNERS = (
    behave("behave", "", "Feature: Sums\n"),
    behave("behave --format progress", "--format progress", None),
    robot(
        "Robot Framework",
        "robot",
        "{bin}/robot --pythonpath . --output NONE --log NONE --report NONE t",
        "robotframework",
    ),
    robot("Robot Framework (with output.xml)", "robot", "{bin}/robot --pythonpath . t", "robotframework"),
    robot(
        "pabot",
        "robot",
        "PATH={bin}:$PATH {bin}/pabot --processes 2 --pythonpath . t",
        "robotframework-pabot",
        shell=True,
    ),
    Runner(
        "radish",
        "radish",
        "PYTHONPATH=. {bin}/radish -b steps features",
        ("radish-bdd",),
        {"features/sums.feature": FEATURE, "steps/sums.py": RADISH_STEPS},
        {"features/sums.feature": "Feature: Sums\n"},
        None,
        shell=True,
        unnamed=True,
    ),
    Runner(
        "vedro",
        "vedro",
        "{bin}/vedro run",
        ("vedro",),
        {"scenarios/sum.py": VEDRO},
        {"scenarios/sum.py": "import app\n"},
        {"scenarios/sum.py": VEDRO.replace("class Sc", "@vedro.skip\nclass Sc")},
        unnamed=True,
    ),
)
