"""Every runner of the table, in its order."""

from catalogue import bdd, everyday, frameworks, further, others, plugins, pytest_family, several, smoke, tasks, unittest_family, wrappers

RUNNERS = (
    *pytest_family.RUNNERS,
    *unittest_family.RUNNERS,
    *bdd.RUNNERS,
    *frameworks.RUNNERS,
    *tasks.RUNNERS,
    *others.RUNNERS,
    *wrappers.RUNNERS,
    *several.RUNNERS,
    *plugins.RUNNERS,
    *smoke.RUNNERS,
    *everyday.RUNNERS,
    *further.RUNNERS,
)
