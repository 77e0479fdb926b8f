"""Every runner of the table, in its order."""

from catalogue import bdd, frameworks, others, pytest_family, tasks, unittest_family, wrappers

RUNNERS = (
    *pytest_family.RUNNERS,
    *unittest_family.RUNNERS,
    *bdd.RUNNERS,
    *frameworks.RUNNERS,
    *tasks.RUNNERS,
    *others.RUNNERS,
    *wrappers.RUNNERS,
)
