"""Slurm's commands in one: jobs run on this machine, and fail as a file says.

It is called by the names of the commands, and as the controller that starts the jobs; what it keeps lies beside it:
`faults.json`, `calls`, a file for each job.
"""

import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

HOME = Path(sys.argv[0]).resolve().parent
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY", "TIMEOUT")


@contextlib.contextmanager
def locked():
    with open(HOME / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write(path, value):
    new = path.with_name(path.name + ".new")
    new.write_text(json.dumps(value))
    new.rename(path)


def fault(name):
    """What goes wrong now: a number counts down, `true` holds always."""
    path = HOME / "faults.json"
    with locked():
        faults = json.loads(path.read_text()) if path.exists() else {}
        value = faults.get(name)
        if type(value) is int:
            if value <= 0:
                return None
            faults[name] = value - 1
            write(path, faults)
        return value


def jobs():
    found = {}
    for path in (HOME / "jobs").glob("*.json"):
        found[path.stem] = json.loads(path.read_text())
    return found


def change(name, **values):
    path = HOME / "jobs" / f"{name}.json"
    job = json.loads(path.read_text())
    if job["state"] not in ENDED:
        if "state" in values:
            values["reason"] = "None"
        write(path, {**job, **values})


def descendants(pid):
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rsplit(")", 1)[1].split()[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def end(pid, gently):
    all_of_it = descendants(pid)
    signals = [signal.SIGTERM, signal.SIGKILL] if gently else [signal.SIGKILL]
    for number in signals:
        for one in all_of_it:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, number)
        until = time.monotonic() + 2
        while time.monotonic() < until and any(Path(f"/proc/{one}").exists() for one in all_of_it):
            time.sleep(0.01)


def say(text):
    print(text, file=sys.stderr)
    return 1


def sbatch(words):
    if fault("silent"):
        return say("sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)")
    refusal = fault("refuse")
    if refusal:
        return say(f"sbatch: error: Batch job submission failed: {refusal}")
    options = dict(re.match(r"(--[a-z-]+)=?(.*)", word).groups() for word in words[:-3])
    script, run, batch = words[-3:]
    indices = [None]
    if "--array" in options:
        first, last = options["--array"].split("-")
        indices = range(int(first), int(last) + 1)
    with locked():
        room = HOME / "room"
        if room.exists():
            alive = [job for job in jobs().values() if job["state"] not in ENDED]
            if len(alive) + len(indices) > int(room.read_text()):
                return say(
                    "sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed: Job violates"
                    " accounting/QOS policy (job submit limit, user's size and/or time limits)"
                )
        counter = HOME / "counter"
        number = int(counter.read_text()) + 1 if counter.exists() else 1
        counter.write_text(str(number))
        names = [str(number) if index is None else f"{number}_{index}" for index in indices]
        for name in names:
            orders = [options["--output"], script, run, batch]
            job = {"state": "PENDING", "reason": "Priority", "name": options["--job-name"], "orders": orders}
            write(HOME / "jobs" / f"{name}.json", job)
    print(number)
    return 0


def controller(_):
    taken = set()
    while True:
        for name, job in jobs().items():
            if job["state"] == "PENDING" and "orders" in job and name not in taken:
                taken.add(name)
                threading.Thread(target=node, args=(name, *job["orders"]), daemon=True).start()
        time.sleep(0.01)


def node(name, log, script, run, batch):
    index = name.partition("_")[2]
    reason = fault("pending")
    if reason:
        with locked():
            change(name, reason=reason)
        return
    if fault("unseen"):
        with locked():
            change(name, state="FAILED")
        return
    variables = {"PATH": os.environ["PATH"], "TMPDIR": str(HOME / "tmp"), "SECRET_OF_THE_NODE": "1"}
    if index:
        variables["SLURM_ARRAY_TASK_ID"] = index
    folder = Path(batch, index or "0")
    if fault("lost"):
        # Where the result is to be written, it cannot.
        (folder / "result.new").mkdir()
    if fault("full"):
        (folder / "stdout.new").symlink_to("/dev/full")
    if fault("cut"):
        # It is shorter than what is said of it, a moment before that is said.
        trial = Path(run, "trial").read_text()
        run = HOME / f"run-{name}"
        run.mkdir()
        cut = '    truncate --size=3 "$dir/stdout"\n} | put result'
        (run / "trial").write_text(trial.replace("} | put result", cut))
    with open(log.replace("%a", index or "0"), "w") as output:
        with locked():
            job = json.loads((HOME / "jobs" / f"{name}.json").read_text())
            if job["state"] in ENDED:
                return
            process = subprocess.Popen(
                ["sh", script, str(run), batch],
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            change(name, state="RUNNING", pid=process.pid)
        for state in ("NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY"):
            if fault(state):
                while not (folder / "begun" / "node").exists():
                    time.sleep(0.01)
                end(process.pid, gently=False)
                output.write(f"slurmstepd: error: *** JOB {name} ON here ENDED: {state} ***\n")
                process.wait()
                with locked():
                    change(name, state=state)
                return
        code = process.wait()
    with locked():
        change(name, state="COMPLETED" if code == 0 else "FAILED")


def squeue(words):
    if fault("silent"):
        return say("slurm_load_jobs error: Unable to contact slurm controller (connect failure)")
    [wanted] = [word.partition("=")[2] for word in words if word.startswith("--name=")]
    forgets = fault("forgets")
    with locked():
        for name, job in jobs().items():
            if job["name"] == wanted and not (forgets and job["state"] in ENDED):
                print(f"{name}|{job['state']}|{job['reason']}")
    return 0


def scancel(words):
    by_name = [word.partition("=")[2] for word in words if word.startswith("--name=")]
    ended = []
    with locked():
        for name, job in jobs().items():
            if (name in words or job["name"] in by_name) and job["state"] not in ENDED:
                change(name, state="CANCELLED")
                ended.append(job)
    for job in ended:
        if "pid" in job:
            end(job["pid"], gently=True)
    return 0


if __name__ == "__main__":
    command = Path(sys.argv[0]).name
    if command != "controller":
        with open(HOME / "calls", "a") as calls:
            calls.write(json.dumps([command, *sys.argv[1:]]) + "\n")
    sys.exit(globals()[command](sys.argv[1:]))
