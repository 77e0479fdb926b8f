"""Whether `suspects --log` ranks alike, whoever wraps the failure: on real regressions, by real histories.

    python wrapped_cases.py --cases FOLDER --histories FOLDER --binary PYBISECT --work FOLDER [NAME...]

Each case is one TOML file (see examples/real_cases). Its command runs at the bad commit, the traceback is taken as the
interpreter prints it, and is ranked bare and in each wrapping: a pool, a worker, a logger that writes JSON, the marks of a
container. The histories stand at FOLDER/owner+name/repo. Ends with status 1 when one ranking differs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

HEADER = "Traceback (most recent call last):\n"
CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
STAMP = "2026-11-28 10:00:01,500"


def git(folder: Path, *arguments: str) -> str:
    """What git prints."""
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def tree(case: dict, histories: Path, folder: Path) -> None:
    """The bad commit with the case's overlay."""
    if not folder.exists():
        source = histories / case["repo"].replace("/", "+") / "repo"
        git(Path("/"), "clone", "-q", "--no-checkout", "--shared", str(source), str(folder))
    git(folder, "checkout", "-q", "--force", case["bad"])


def overlay(case: dict, cases: Path, folder: Path) -> None:
    """Lays the case's own files over the tree."""
    for one in [*case.get("overlay", ()), *case.get("overlay_text", ())]:
        file = folder / one["to"]
        file.parent.mkdir(parents=True, exist_ok=True)
        if "text" in one:
            file.write_text(one["text"])
        elif "local" in one:
            shutil.copy(cases / one["local"], file)
        else:
            file.write_text(git(folder, "show", f"{one['commit']}:{one['from']}"))


def failure(case: dict, cases: Path, folder: Path, venv: Path) -> str:
    """The traceback of the failing command at the bad commit, as the interpreter prints it."""
    if not venv.exists():
        subprocess.run(["uv", "venv", "-q", "--python", "3.11", venv], check=True)
        if case["requirements"]:
            install = ["uv", "pip", "install", "-q", "--python", venv / "bin/python", *case["requirements"]]
            subprocess.run(install, check=True)
    overlay(case, cases, folder)
    program, *arguments = case["command"]
    tests = any("pytest" in one for one in arguments)
    command = [venv / "bin" / program, *arguments, *(["--tb=native"] if tests else [])]
    path = ":".join(str(folder / part) for part in case["pythonpath"].split(":"))
    environment = {"PATH": f"{venv}/bin:{os.environ['PATH']}", "PYTHONPATH": path, "HOME": str(venv), "LANG": "C.UTF-8"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    git(folder, "checkout", "-q", "--force", case["bad"])
    git(folder, "clean", "-qfdx")
    text = done.stdout + done.stderr
    at = text.find(HEADER)
    if at < 0:
        return ""
    ends = re.compile(r"^(?:=|-){5,} ?.*$|^(?:FAILED|ERROR) .*$", re.M)
    end = ends.search(text, at)
    return text[at : end.start() if end else len(text)].rstrip("\n") + "\n"


def last_line(bare: str) -> str:
    """Type and message, without the message's further lines."""
    body = bare[bare.rfind(HEADER) :].splitlines()[1:]
    return next((line for line in body if not line.startswith(" ")), "")


def parent(bare: str, program: str) -> str:
    """What the parent of a pool prints below the worker's failure."""
    text = f'{HEADER}  File "/usr/lib/python3.11/{program}", line 456, in result\n    raise self._exception\n'
    return CAUSE + text + last_line(bare) + "\n"


def pool(name: str, program: str) -> Callable[[str], str]:
    """A pool's remote traceback."""
    return lambda bare: f'{STAMP} ERROR kiosk no page\n{name}: \n"""\n{bare}"""\n{parent(bare, program)}'


def worker(lead: str, frame: str, after: str) -> Callable[[str], str]:
    """A worker's lead, its own frame above the program's, and its next record."""
    return lambda bare: lead + HEADER + frame + bare.removeprefix(HEADER) + after


def records(form: Callable[[str], dict]) -> Callable[[str], str]:
    """One JSON record between two others."""
    return lambda bare: '{"level": "INFO", "message": "sold"}\n' + json.dumps(form(bare.rstrip("\n"))) + "\n"


def behind(mark: str) -> Callable[[str], str]:
    """A mark before each line."""
    return lambda bare: "".join(f"{mark}{line}\n" for line in ["sold", *bare.splitlines(), "sold"])


def each(form: Callable[[str], dict]) -> Callable[[str], str]:
    """A JSON record for each line."""
    return lambda bare: "".join(json.dumps(form(line)) + "\n" for line in ["sold", *bare.splitlines(), "sold"])


CELERY = (
    "[2026-11-28 10:00:01,500: ERROR/ForkPoolWorker-1] Task kiosk.rate[f0bcd3bb-4ce0-47b4-b305-7c2c7e2f887f] raised "
    "unexpected: Failed('no page')\n"
)
TRACE = '  File "/opt/venv/lib/python3.11/site-packages/celery/app/trace.py", line 453, in trace_task\n    R = retval = fun(*args, **kwargs)\n'
PERFORM = '  File "/opt/venv/lib/python3.11/site-packages/rq/worker.py", line 1430, in perform_job\n    rv = job.perform()\n'
WRAPPINGS = {
    "concurrent.futures": pool("concurrent.futures.process._RemoteTraceback", "concurrent/futures/_base.py"),
    "multiprocessing.Pool": pool("multiprocessing.pool.RemoteTraceback", "multiprocessing/pool.py"),
    "joblib": pool("joblib.externals.loky.process_executor._RemoteTraceback", "concurrent/futures/_base.py"),
    "celery": worker(CELERY, TRACE, "[2026-11-28 10:00:02,500: INFO/MainProcess] Task kiosk.rate received\n"),
    "rq": worker(
        "10:00:01 [Job 4c0b]: exception raised while executing (kiosk.rate)\n", PERFORM, "10:00:02 default: kiosk.rate\n"
    ),
    "python-json-logger": records(lambda bare: {"levelname": "ERROR", "message": "no page", "exc_info": bare}),
    "ecs": records(lambda bare: {"log.level": "error", "message": "no page", "error": {"stack_trace": bare}}),
    "gelf": records(lambda bare: {"version": "1.1", "level": 3, "short_message": "no page", "full_message": bare}),
    "kubectl": behind("[pod/kiosk-7d9f8b6c5-x2x9q/app] "),
    "compose": behind("web-1  | "),
    "cri": behind("2026-11-28T10:00:01.500000001Z stderr F "),
    "docker": each(lambda line: {"log": line + "\n", "stream": "stderr", "time": "2026-11-28T10:00:01.500000001Z"}),
    "severities": each(lambda line: {"severity": "ERROR", "textPayload": line, "timestamp": "2026-11-28T10:00:01.5Z"}),
    "journald": each(lambda line: {"MESSAGE": line, "PRIORITY": "3", "_PID": "7", "__REALTIME_TIMESTAMP": "1795860001500000"}),
}


def ranking(binary: Path, folder: Path, case: dict, log: Path) -> list[tuple[str, int]]:
    """Commits and their chances, in thousandths."""
    command = [binary, "suspects", "--format", "json", "--top", "0", "--log", log, f"{case['good']}..{case['bad']}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        return [(done.stderr.strip(), -1)]
    found = json.loads(done.stdout)["suspects"]
    return [(one["commit"]["id"], round(one["probability"] * 1000)) for one in found]


def main() -> None:
    """Reads the arguments, ranks and compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("cases", "histories", "binary", "work"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    alike = different = 0
    for file in sorted(options.cases.glob("*.toml")):
        case = tomllib.loads(file.read_text())
        if options.names and case["name"] not in options.names or "requirements" not in case:
            continue
        folder, log = options.work / case["name"], options.work / f"{case['name']}.log"
        try:
            tree(case, options.histories, folder)
        except subprocess.CalledProcessError as error:
            print(f"{case['name']}: {error.stderr.strip()}")
            continue
        if not log.exists():
            log.write_text(failure(case, options.cases, folder, options.work / f"{case['name']}-venv"))
        bare = log.read_text()
        if not bare:
            print(f"{case['name']}: no traceback")
            continue
        right = ranking(options.binary.resolve(), folder, case, log.resolve())
        place = next((n for n, (commit, _) in enumerate(right, 1) if commit == case["culprit"]), 0)
        print(f"{case['name']}: {len(right)} commits, the culprit at {place} of them: {last_line(bare)[:70]}", flush=True)
        for name, wrap in WRAPPINGS.items():
            wrapped = options.work / f"{case['name']}.{name}.log"
            wrapped.write_text(wrap(bare))
            found = ranking(options.binary.resolve(), folder, case, wrapped.resolve())
            same = found == right
            alike, different = alike + same, different + (not same)
            if not same:
                at = next((n for n, (commit, _) in enumerate(found, 1) if commit == case["culprit"]), 0)
                print(f"    {name}: DIFFERS, the culprit at {at}, {found[:2]} not {right[:2]}", flush=True)
    print(f"{alike} alike, {different} different")
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
