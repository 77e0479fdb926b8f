"""Runs every runner in every situation and keeps what it printed: RUNNER/SITUATION.{cmd,out,err,all,rc}.

    python capture.py --venvs FOLDER --to FOLDER [NAME...]

`all` is the output of a second run with both streams in one file, in the order in which they were written. A run
that has not ended after half a minute is ended, and its status is `timeout`.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from catalogue import RUNNERS  # noqa: E402
from histories import git, lay  # noqa: E402
from projects import Runner  # noqa: E402

SECONDS = 30


def slug(name: str) -> str:
    """A file name for a runner or a situation."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")


def status(command: str, project: Path, home: str, out: int, err: int) -> str:
    """Runs a command line to its end, or ends it with all that it started."""
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TERM") if name in os.environ}
    process = subprocess.Popen(
        ["bash", "-c", command],
        cwd=project,
        env=environment | {"HOME": home, "TMPDIR": home},
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        start_new_session=True,
    )
    try:
        return str(process.wait(SECONDS))
    except subprocess.TimeoutExpired:
        return "timeout"
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


def run(runner: Runner, situation: str, venvs: Path, to: Path) -> str:
    """One capture; the line to print about it."""
    command = runner.command_line(str(venvs / runner.venv / "bin"))
    base = to / slug(runner.name) / slug(situation)
    base.parent.mkdir(parents=True, exist_ok=True)
    for ends in (("out", "err"), ("all",)):
        with tempfile.TemporaryDirectory() as home:
            project = Path(home) / "project"
            lay(project, runner.project(situation))
            # Hooks want a repository.
            git(project, "init", "-q")
            git(project, "add", "-A")
            streams = [os.open(f"{base}.{end}", os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND) for end in ends]
            rc = status(command, project, home, streams[0], streams[-1])
            for stream in streams:
                os.close(stream)
    Path(f"{base}.cmd").write_text(command + "\n")
    Path(f"{base}.rc").write_text(rc + "\n")
    lines = [line for line in Path(f"{base}.all").read_text(errors="replace").splitlines() if line.strip()]
    return f"{runner.name:28} {situation:16} {rc:>4}  {lines[-1][:100] if lines else ''}"


def main() -> None:
    """Reads the arguments and captures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venvs", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    runners = [one for one in RUNNERS if not options.names or one.name in options.names]
    jobs = [(one, situation) for one in runners for situation in one.situations()]
    with ThreadPoolExecutor(2) as pool:
        for line in pool.map(lambda job: run(*job, options.venvs.resolve(), options.to.resolve()), jobs):
            print(line, flush=True)


if __name__ == "__main__":
    main()
