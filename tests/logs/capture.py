"""Runs programs with the kiosk's fault, and keeps their logs: NAME.log and NAME.expect.toml.

    python capture.py --venvs FOLDER --to FOLDER [--at /srv/kiosk] [NAME...]

What is of this machine is replaced: its folders, its name, the account.
"""

from __future__ import annotations

import argparse
import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from program import Program  # noqa: E402
from programs import PROGRAMS  # noqa: E402

HERE = Path(__file__).parent


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(port: int, path: str) -> None:
    """Asks once, with headers that must not appear anywhere; whatever comes back is right."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}?token=kiosk-secret-query",
        headers={"Authorization": "Bearer kiosk-secret-token", "Cookie": "session=kiosk-secret-cookie"},
    )
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20).read()
    except (urllib.error.URLError, OSError, ValueError):
        pass


def wait_for(port: int, process: subprocess.Popen, seconds: float) -> None:
    """Waits until somebody listens."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)


def run(program: Program, venvs: Path, at: Path) -> bytes:
    """The log of one run: both streams, in the order in which they were written."""
    venv = venvs / program.venv
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        driver = Path(folder) / "drivers" / ("kiosk_" + program.name.replace("-", "_") + ".py")
        for path, text in {f"drivers/{driver.name}": program.driver, **program.files}.items():
            file = Path(folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        command = program.command
        for name, value in {
            "bin": venv / "bin",
            "port": port,
            "driver": driver,
            "module": f"drivers.{driver.stem}",
        }.items():
            command = command.replace("{" + name + "}", str(value))
        environment = {
            "PATH": f"{venv / 'bin'}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "HOME": folder,
            "PORT": str(port),
            "PYTHONPATH": f"{at}:{folder}",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **program.environment,
        }
        log = Path(folder) / "log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                ["bash", "-c", command],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
            try:
                if program.requests:
                    wait_for(port, process, program.seconds)
                    for path in program.requests:
                        ask(port, path)
                    time.sleep(program.linger)
                else:
                    process.wait(program.seconds)
            except subprocess.TimeoutExpired:
                print(f"{program.name}: ended after {program.seconds} s", file=sys.stderr)
            finally:
                for name in (signal.SIGTERM, signal.SIGKILL):
                    try:
                        os.killpg(process.pid, name)
                        process.wait(5)
                    except (ProcessLookupError, subprocess.TimeoutExpired):
                        pass
        text = log.read_bytes()
    interpreter = os.path.realpath(venv / "bin/python")
    for value, name in (
        (str(venv), "/opt/kiosk"),
        (os.path.realpath(venv), "/opt/kiosk"),
        (str(Path(interpreter).parent.parent), "/usr"),
        (str(at), "/srv/kiosk"),
        (folder, "/var/lib/kiosk"),
        (str(port), "8000"),
        (socket.gethostname() + "/", "kiosk-1/"),
    ):
        text = text.replace(value.encode(), name.encode())
    text = re.sub(rb"\b0x7[0-9a-f]{11}\b", b"0x7f0000000000", text)
    words = rb"(?<![\w-])%s(?![\w-])"
    for value, name in ((socket.gethostname(), "kiosk-1"), (getpass.getuser(), "kiosk")):
        text = re.sub(words % re.escape(value.encode()), name.encode(), text)
    return text


def quote(text: str) -> str:
    """A string of TOML."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def versions(program: Program, venvs: Path) -> str:
    """`gunicorn 23.0.0`, as installed."""
    folder = next((venvs / program.venv / "lib").glob("python3*/site-packages"))
    installed = metadata.distributions(path=[str(folder)])
    plain = lambda name: re.sub(r"[-_.]+", "-", name).lower()
    found = {plain(one.metadata["Name"]): one.version for one in installed}
    if not program.packages:
        return program.source
    return ", ".join(f"{name} {found[plain(name)]}" for name in program.packages)


def expectation(program: Program, source: str) -> str:
    """What is right, as TOML."""
    lines = [f"from = {quote(source)}", f"errors = {len(program.errors)}"]
    if program.leaves_out:
        lines.insert(0, f"# {program.leaves_out}")
    for error in program.errors:
        chain = ", ".join(quote(one) for one in error.chain)
        lines += ["", "[[error]]", f"type = {quote(error.type)}", f"message = {quote(error.message)}"]
        lines += [f"count = {error.count}", f"place = {quote(error.place)}", f"chain = [{chain}]"]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Reads the arguments and captures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venvs", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--at", type=Path, default=Path("/srv/kiosk"))
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    shutil.copytree(HERE / "app", options.at, dirs_exist_ok=True)
    for program in PROGRAMS:
        if options.names and program.name not in options.names:
            continue
        text = run(program, options.venvs.resolve(), options.at)
        (options.to / f"{program.name}.log").write_bytes(text)
        said = expectation(program, versions(program, options.venvs))
        (options.to / f"{program.name}.expect.toml").write_text(said)
        found = [text.count(error.message.encode()) for error in program.errors]
        print(f"{program.name:28} {text.count(chr(10).encode()):5} lines, messages seen {found}", flush=True)


if __name__ == "__main__":
    main()
