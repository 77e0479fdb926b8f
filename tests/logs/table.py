"""What `pybisect logs` reads of the captured logs, as the table of docs/logs.md.

    python table.py --logs FOLDER --binary PYBISECT [--before PYBISECT] [--form table|wrong] [NAME...]

`wrong` prints, for each log that is not read exactly, what is right and what was read. Ends with status 1 when one is.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from programs import PROGRAMS  # noqa: E402

HERE = Path(__file__).parent
KEYS = ("type", "message", "count", "place", "chain")


def repository(folder: Path) -> Path:
    """The kiosk as a repository."""
    shutil.copytree(HERE / "app", folder, dirs_exist_ok=True)
    identity = ["-c", "user.name=A Developer", "-c", "user.email=developer@example.org"]
    for arguments in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "the kiosk"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    return folder


def read(binary: Path, log: Path, repo: Path) -> list[dict]:
    """The groups that pybisect reads, in the form of an expectation."""
    command = [binary, "logs", "--json", "-", "--repo", repo, log]
    report = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    return [group_of(one) for one in report["groups"]]


def group_of(group: dict) -> dict:
    """One group: type, message, count, innermost place in the repository, causes."""
    inside = [frame for frame in group["frames"] if frame["file"]]
    place = "{file}:{line} {function}".format(**inside[-1]) if inside else ""
    return {
        "type": group["exception"] or "",
        "message": group["message"],
        "count": group["count"],
        "place": place,
        "chain": [one.removeprefix("after ") for one in group["related"]],
    }


def same(found: list[dict], right: list[dict]) -> bool:
    """Whether the same groups, in whatever order."""
    return sorted(map(repr, found)) == sorted(repr({key: one[key] for key in KEYS}) for one in right)


def told(groups: list[dict]) -> str:
    """Groups in a cell."""
    parts = []
    for one in groups:
        line = f"{one['type'] or 'a line'} ×{one['count']}"
        line += f" at {one['place'].split()[0]}" if one["place"] else ""
        line += f" from {', '.join(cause.split(':')[0] for cause in one['chain'])}" if one["chain"] else ""
        parts.append(line)
    return "; ".join(parts)


def main() -> None:
    """Reads the arguments and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logs", type=Path, required=True)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--form", choices=("table", "wrong"), default="table")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    columns = ["program", "version", "form", "what is read", "what the program leaves out"]
    columns += ["before"] if options.before else []
    lines, mistakes = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)], []
    with tempfile.TemporaryDirectory() as folder:
        repo = repository(Path(folder))
        for program in PROGRAMS:
            log = options.logs / f"{program.name}.log"
            if not log.exists() or options.names and program.name not in options.names:
                continue
            right = tomllib.loads(log.with_suffix(".expect.toml").read_text())
            found = read(options.binary, log, repo)
            exact = same(found, right["error"])
            cells = [
                program.name,
                right["from"],
                program.form,
                ("" if exact else "✗ ") + told(found),
                program.leaves_out,
            ]
            if options.before:
                then = read(options.before, log, repo)
                cells.append("the same" if same(then, right["error"]) else "✗ " + told(then))
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
            if not exact:
                wanted = "\n    ".join(repr({key: one[key] for key in KEYS}) for one in right["error"])
                mistakes.append(
                    f"{program.name}\n  right:\n    {wanted}\n  read:\n    " + "\n    ".join(map(repr, found))
                )
    print("\n".join(lines if options.form == "table" else mistakes))
    print(f"{len(lines) - 2 - len(mistakes)} right, {len(mistakes)} wrong", file=sys.stderr)
    sys.exit(bool(mistakes))


if __name__ == "__main__":
    main()
