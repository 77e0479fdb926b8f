"""Small projects, one version for each situation a test run can be in.

A `Runner` is a command and the files of a project that passes; its situations say which files differ. The
program under test is always `app.py` with one function, `total`, so that what a situation does is the same
for every runner, and only what the runner makes of it differs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PASSES = "passes"
FAILS = "fails"
IMPORT = "does not import"
NOTHING = "nothing there"
SKIPPED = "all skipped"
CRASHES = "crashes"
EXITS = "exits"
OTHER = "another failure"

#: In the order of the columns. "exits" is a crash without a signal: `os._exit(1)`, which no runner sees coming.
SITUATIONS = (PASSES, FAILS, IMPORT, NOTHING, SKIPPED, CRASHES, EXITS, OTHER)

#: What a commit in that situation is to a search whose failure is that of `FAILS`.
RIGHT = {PASSES: "good", FAILS: "bad"} | dict.fromkeys((IMPORT, NOTHING, SKIPPED, CRASHES, EXITS, OTHER), "skip")

APP = {
    PASSES: "def total(xs):\n    return sum(xs)\n",
    FAILS: "def total(xs):\n    return sum(xs) - 1\n",
    IMPORT: "import no_such_module\n\n\ndef total(xs):\n    return no_such_module.total(xs)\n",
    CRASHES: "import os\n\n\ndef total(xs):\n    os.abort()\n",
    EXITS: "import os\n\n\ndef total(xs):\n    os._exit(1)\n",
    OTHER: 'def total(xs):\n    return {}["no-such-key"]\n',
}

#: Files by their path; `None` removes one.
Files = dict[str, "str | None"]


@dataclass(frozen=True)
class Runner:
    """One test runner, or a wrapper around one, as a user calls it."""

    name: str
    #: The folder of the virtual environment, and of `requirements/VENV.txt`.
    venv: str
    #: A command line; `{bin}` is the folder of the environment's programs.
    command: str
    #: The distributions whose versions the table names.
    packages: tuple[str, ...]
    #: The tests, as they are when all passes.
    files: Files
    #: What replaces files where there is no test.
    nothing: Files
    #: What replaces files where all tests are skipped; `None` where the runner cannot skip.
    skipped: Files | None
    #: Where a situation is made otherwise than by `APP`.
    instead: dict[str, Files] = field(default_factory=dict)
    #: The command is for a shell.
    shell: bool = False
    #: What the line looks like by which the table shows how a run ended; the last line, where it is not given.
    closing: str = ""
    #: Where a run prints and returns just what it does when all passes, so that nobody can tell: situation → verdict.
    untold: dict[str, str] = field(default_factory=dict)
    #: A runner or wrapper that the readers were not written for by name.
    unnamed: bool = False
    #: What pybisect has to be told beside the command.
    options: tuple[str, ...] = ()

    def situations(self) -> tuple[str, ...]:
        """Those that this runner can be in."""
        return tuple(one for one in SITUATIONS if one != SKIPPED or self.skipped is not None)

    def project(self, situation: str) -> dict[str, str]:
        """All files of the project in that situation."""
        files: Files = {"app.py": APP[PASSES], **self.files}
        if situation in APP:
            files["app.py"] = APP[situation]
        elif situation == NOTHING:
            files |= self.nothing
        elif situation == SKIPPED:
            files |= self.skipped or {}
        files |= self.instead.get(situation, {})
        return {path: text for path, text in files.items() if text is not None}

    def right(self, situation: str) -> str:
        """The right verdict on a commit in that situation."""
        return self.untold.get(situation, RIGHT[situation])

    def command_line(self, bin_folder: str) -> str:
        """The command with the folder of the environment's programs filled in."""
        return self.command.replace("{bin}", bin_folder)
