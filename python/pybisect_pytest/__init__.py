"""pytest plugin: which commit broke each newly failing test.

``pytest --bisect`` asks ``pybisect find`` after a red run, ``pytest --bisect-suspects`` ranks commits without running
anything. Without one of them nothing of this is loaded.
"""

import os

__all__ = ["pytest_addoption", "pytest_configure"]


def pytest_addoption(parser):
    group = parser.getgroup("bisect", "which commit broke it (pybisect)")
    try:
        group.addoption(
            "--bisect",
            action="store_true",
            default=False,
            help="after a red run, find the commit that broke each newly failing test",
        )
        group.addoption(
            "--bisect-suspects",
            action="store_true",
            default=False,
            help="after a red run, rank the commits that its failures point at; nothing is run again",
        )
        group.addoption(
            "--bisect-good",
            metavar="REV",
            default=None,
            help="a commit on which the tests pass (default: looked for; for --bisect-suspects: the last tag)",
        )
        group.addoption(
            "--bisect-timeout",
            metavar="SECONDS",
            type=float,
            default=None,
            help="how long --bisect may take (default: no limit)",
        )
    except ValueError:
        # Another plugin has an option of this name: then it is that plugin's.
        return
    parser.addini("bisect_good", "a commit on which the tests pass, for --bisect", default="")


def pytest_configure(config):
    option = config.option
    wanted = getattr(option, "bisect", False) is True or getattr(option, "bisect_suspects", False) is True
    # Not in workers of pytest-xdist, and not in the trials of pybisect itself, where addopts may ask for it as well.
    if not wanted or hasattr(config, "workerinput") or "PYBISECT_TRIAL" in os.environ:
        return
    from .reporter import BisectReporter

    config.pluginmanager.register(BisectReporter(config), "pybisect-reporter")
