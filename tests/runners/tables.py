"""The tables of docs/verdicts.md, from what was captured and what pybisect made of it."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from capture import slug
from catalogue import RUNNERS
from projects import SITUATIONS, Runner

HERE = Path(__file__).parent
HEAD = """\
# Verdicts

Which verdict a commit gets, by runner and by what its run came to. Written by `tests/runners/verdicts.py` from real
runs and real searches; not by hand. Each runner has a history of its own: a commit that passes, one commit for each
situation, and one that fails. Searched for is the failure of the last one, so the right verdicts are: good where the
tests pass, bad where that failure is, and skip for all else: a commit that could not start, ran no test, crashed, or
failed in another way says nothing about the failure that is searched for.

The program under test is one function, `total`. It *fails* by a wrong sum, *does not import* for want of a module,
*crashes* by `os.abort()`, *exits* by `os._exit(1)` in the middle of a test, which no runner sees coming, and *another
failure* is a `KeyError`.

What a test asserts of the answer of a server fails by that assertion, whatever failed in the server: two failures behind
the same assertion are told apart by what the server logged meanwhile, where that is printed with the test (sanic-testing).
A script that calls `doctest.testmod()` by itself prints nothing when its examples pass, as when there are none: it is a
script, so its status 0 is good; with `verbose=True` it tells which.

Some runners do not come to an end by themselves after a crash or with nothing to run: the parallel modes of green, Django,
testflo and unittest-parallel, `trial --jobs`, Avocado, nbval. Only a time limit tells; `--timeout` sets one that fits, and such a
commit is skipped.

"""


def plain(name: str) -> str:
    """The name of a distribution in its normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def versions(runner: Runner) -> str:
    """`pytest-cov 7.1.0`, from the pinned requirements."""
    pins = (HERE / "requirements" / f"{runner.venv}.txt").read_text().splitlines()
    found = {plain(name): version for name, _, version in (line.partition("==") for line in pins)}
    return ", ".join(f"{name} {found[plain(name)]}" for name in runner.packages) or "of Python 3.11"


def without_places(text: str) -> str:
    """Without the folders that a run happened to have."""
    text = re.sub(r"/\S*?/(?:slots/\d+/(?:tree|…)|project)(?=/|\b)?", "/project", text)
    return re.sub(r"/\S*?/lib/python3\.\d+/", "", re.sub(r"/\S*?/venvs/[^/ ]+/bin/", "", text))


def closing(captures: Path, runner: Runner, situation: str) -> tuple[str, str]:
    """The status of a run, and the line in which the runner says how it ended."""
    base = captures / slug(runner.name) / slug(situation)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", Path(f"{base}.all").read_text(errors="replace"))
    lines = [re.sub(r"\s+", " ", without_places(line)).strip() for line in text.splitlines()]
    lines = [line for line in lines if re.search(r"\w", line)]
    fitting = [line for line in lines if runner.closing and re.search(runner.closing, line)] or lines
    line = re.sub(r"^[=─_-]+ | [=─_-]+$", "", fitting[-1]) if fitting else ""
    return Path(f"{base}.rc").read_text().strip(), line if len(line) <= 72 else line[:71] + "…"


def cell(text: str) -> str:
    """Text as code in a table."""
    return "`" + text.replace("|", "\\|").replace("`", "'") + "`" if text else ""


def row(cells: list[str]) -> str:
    """A line of a table."""
    return "| " + " | ".join(cells) + " |"


def overview(runners: list[Runner], verdicts: dict) -> list[str]:
    """Runner by situation."""
    lines = [row(["runner", "version", *SITUATIONS]), row(["---"] * (2 + len(SITUATIONS)))]
    for runner in runners:
        cells = [runner.name, versions(runner)]
        for situation in SITUATIONS:
            if situation not in runner.situations():
                cells.append("–")
                continue
            verdict = verdicts[runner.name].get(situation, ["did not run"])[0]
            note = "" if verdict == runner.right(situation) else " ✗"
            cells.append(verdict + note + ("¹" if situation in runner.untold else ""))
        lines.append(row(cells))
    return lines


def details(runners: list[Runner], verdicts: dict, captures: Path) -> list[str]:
    """Every run: its status, its closing line, the verdict, and why."""
    lines = []
    for runner in runners:
        command = runner.command.replace("PATH={bin}:$PATH ", "").replace("{bin}/", "")
        told = f" (`{' '.join(runner.options)}`)" if runner.options else ""
        lines += [f"### {runner.name}", "", f"{versions(runner)}: `{command}`{told}", ""]
        lines += [row(["", "status", "closing line", "verdict"]), row(["---"] * 4)]
        for situation in runner.situations():
            status, line = closing(captures, runner, situation)
            verdict, *why = verdicts[runner.name].get(situation, ["did not run"])
            said = verdict + (f": {why[0]}" if why else "")
            lines.append(row([situation, status, cell(line), without_places(said).replace("|", "\\|")]))
        lines.append("")
    return lines


def wrong(runners: list[Runner], verdicts: dict) -> list[str]:
    """The cells that are not right."""
    return [
        f"{runner.name}: {situation}: {verdicts[runner.name].get(situation)}"
        for runner in runners
        for situation in runner.situations()
        if verdicts[runner.name].get(situation, ["did not run"])[0] != runner.right(situation)
    ]


def write(options: argparse.Namespace) -> None:
    """Prints the page."""
    after = json.loads(options.after.read_text())
    runners = [one for one in RUNNERS if one.name in after]
    lines = ["## Overview", "", *overview(runners, after), ""]
    lines += [
        "¹ The run prints and returns just what it does when all tests pass, or when the failure that is searched for is",
        "there, so there is nothing to tell it by.",
        "",
        "– The runner has no way to skip.",
        "",
    ]
    if options.before:
        before = json.loads(options.before.read_text())
        compared = [one for one in runners if one.unnamed and one.name in before]
        lines += ["## Runners that no reader was written for, before there were readers", ""]
        lines += [
            "By the exit status and the traceback alone. ✗ marks a wrong verdict.",
            "",
            *overview(compared, before),
            "",
        ]
    lines += ["## Every run", "", *details(runners, after, options.captures)]
    print(HEAD + "\n".join(lines).rstrip())
    mistakes = wrong(runners, after)
    print(*mistakes, sep="\n", file=sys.stderr)
    sys.exit(bool(mistakes))


def add(options: argparse.Namespace) -> None:
    """Adds runners to the page that are not on it yet."""
    after = json.loads(options.after.read_text())
    page = options.page.read_text()
    runners = [one for one in RUNNERS if one.name in after and f"### {one.name}\n" not in page]
    rows = "".join(line + "\n" for line in overview(runners, after)[2:])
    page = page.replace("\n\n¹ ", "\n" + rows + "\n¹ ", 1)
    options.page.write_text(page.rstrip() + "\n\n" + "\n".join(details(runners, after, options.captures)).rstrip() + "\n")
    mistakes = wrong(runners, after)
    print(f"{len(runners)} added", *mistakes, sep="\n", file=sys.stderr)
    sys.exit(bool(mistakes))
