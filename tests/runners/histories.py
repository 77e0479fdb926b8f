"""A small git history for a runner: it passes, then is in each situation in turn, then fails.

    python histories.py RUNNER PROGRAMS FOLDER [SITUATION...]

makes the repository in FOLDER and prints, as JSON, the command with the programs of that folder, and for each situation
its commit and the right verdict.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from catalogue import RUNNERS  # noqa: E402
from projects import FAILS, PASSES, Runner  # noqa: E402

IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "A Developer"), ("EMAIL", "developer@example.org"))
}


def git(folder: Path, *arguments: str, **environment: str) -> str:
    """Runs git without anybody's configuration."""
    clean = os.environ | IDENTITY | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"} | environment
    done = subprocess.run(["git", *arguments], cwd=folder, env=clean, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def lay(folder: Path, files: dict[str, str]) -> None:
    """Writes the files below the folder."""
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def build(runner: Runner, folder: Path, situations: tuple[str, ...] = ()) -> dict[str, str]:
    """The history of the situations between a commit that passes and one that fails: situation → commit."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    between = [one for one in situations or runner.situations() if one not in (PASSES, FAILS)]
    commits: dict[str, str] = {}
    for number, situation in enumerate([PASSES, *between, FAILS]):
        git(folder, "rm", "-rq", "--ignore-unmatch", ".")
        lay(folder, {**runner.project(situation), "CHANGES": f"{number}\n"})
        git(folder, "add", "-A")
        date = f"{1_700_000_000 + number * 3600} +0000"
        git(folder, "commit", "-qm", situation, GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date)
        commits[situation] = git(folder, "rev-parse", "HEAD")
    return commits


def main() -> None:
    """Makes one history, and prints the command and the commits."""
    name, programs, folder, *situations = sys.argv[1:]
    runner = next(one for one in RUNNERS if one.name == name)
    commits = build(runner, Path(folder), tuple(situations))
    right = {situation: runner.right(situation) for situation in commits}
    command = runner.command_line(programs)
    print(json.dumps({"command": command, "shell": runner.shell, "commits": commits, "right": right}))


if __name__ == "__main__":
    main()
