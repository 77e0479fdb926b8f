"""What pybisect makes of every runner in every situation, from real searches.

    python verdicts.py run --binary PYBISECT --venvs FOLDER --to FILE.json [NAME...]
    python verdicts.py write --captures FOLDER --after FILE.json [--before FILE.json] > docs/verdicts.md
    python verdicts.py add --captures FOLDER --after FILE.json --page docs/verdicts.md

`run` builds a history for each runner (see histories.py), searches it with `pybisect find --json`, and keeps the
verdict of each commit as the report tells it; a commit that the search did not need is searched for by itself.
`write` makes the tables of them, and ends with status 1 when a verdict is wrong; `add` puts in those that are not there yet.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import tables  # noqa: E402
from catalogue import RUNNERS  # noqa: E402
from histories import build  # noqa: E402
from projects import FAILS, PASSES, Runner  # noqa: E402

LIMIT = "40"


def search(binary: Path, runner: Runner, venvs: Path, situations: tuple[str, ...]) -> dict[str, list[str]]:
    """One search over a history of the situations: situation → verdicts, and why a commit was skipped."""
    with tempfile.TemporaryDirectory() as home:
        repository = Path(home) / "repository"
        commits = build(runner, repository, situations)
        report = Path(home) / "report.json"
        command = runner.command_line(str(venvs / runner.venv / "bin"))
        options = ["--shell", command] if runner.shell else ["--", *command.split()]
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TERM", "HOME") if name in os.environ}
        ended = subprocess.run(
            [binary, "find", "--good", commits[PASSES], "--bad", commits[FAILS], "--jobs", "2", "--no-narrow"]
            + ["--timeout", LIMIT, "--json", report, *runner.options, *options],
            cwd=repository,
            env=kept | {"XDG_CACHE_HOME": home + "/cache", "GIT_CONFIG_GLOBAL": os.devnull},
            capture_output=True,
            text=True,
        )
        try:
            found = json.loads(report.read_text())
        except (OSError, ValueError):
            return {
                one: ["no report", ended.stderr.strip().splitlines()[-1:] and ended.stderr.strip().splitlines()[-1]]
                for one in commits
            }
    verdicts: dict[str, list[str]] = {}
    for situation, commit in commits.items():
        # A trial of an edit tells of no commit.
        own = [trial for trial in found["trial_log"] if trial["commit"] == commit and trial["purpose"] != "narrowing"]
        seen = {trial["verdict"] for trial in own}
        why = [one["reason"] for one in found["skipped"] if one["commit"] == commit]
        if seen:
            verdicts[situation] = ["/".join(sorted(seen)), *why]
    if found["status"] == "not-reproduced":
        verdicts.setdefault(FAILS, ["not reproduced"]).append(str(found.get("reason")))
    return verdicts


def judge(binary: Path, runner: Runner, venvs: Path) -> dict[str, list[str]]:
    """All verdicts on one runner."""
    verdicts = search(binary, runner, venvs, ())
    for situation in runner.situations():
        if situation not in verdicts:
            verdicts |= search(binary, runner, venvs, (situation,))
    wrong = [one for one in runner.situations() if verdicts.get(one, ["did not run"])[0] != runner.right(one)]
    print(f"{runner.name}: {'right' if not wrong else 'WRONG'}", flush=True)
    for one in wrong:
        print(f"    {one}: {verdicts.get(one)}, not {runner.right(one)}", flush=True)
    return verdicts


def run(options: argparse.Namespace) -> None:
    """Searches, and keeps the verdicts in the file, beside those that are there."""
    runners = [one for one in RUNNERS if not options.names or one.name in options.names]
    kept = json.loads(options.to.read_text()) if options.to.exists() else {}
    with ThreadPoolExecutor(options.jobs) as pool:
        judged = pool.map(lambda one: judge(options.binary.resolve(), one, options.venvs.resolve()), runners)
        for runner, verdicts in zip(runners, judged, strict=True):
            kept[runner.name] = verdicts
            options.to.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts = parser.add_subparsers(required=True)
    runs = parts.add_parser("run")
    runs.add_argument("--binary", type=Path, required=True)
    runs.add_argument("--venvs", type=Path, required=True)
    runs.add_argument("--to", type=Path, required=True)
    runs.add_argument("--jobs", type=int, default=1)
    runs.add_argument("names", nargs="*")
    runs.set_defaults(action=run)
    writes = parts.add_parser("write")
    writes.add_argument("--captures", type=Path, required=True)
    writes.add_argument("--after", type=Path, required=True)
    writes.add_argument("--before", type=Path)
    writes.set_defaults(action=tables.write)
    adds = parts.add_parser("add")
    adds.add_argument("--captures", type=Path, required=True)
    adds.add_argument("--after", type=Path, required=True)
    adds.add_argument("--page", type=Path, required=True)
    adds.set_defaults(action=tables.add)
    options = parser.parse_args()
    options.action(options)


if __name__ == "__main__":
    main()
