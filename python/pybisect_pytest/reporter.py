"""What is said under the failures of a red run."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time

#: More tests are not searched for at once.
MOST_TESTS = 50
#: So many tests of one commit are named.
MOST_NAMES = 10
#: So many suspects are shown.
MOST_SUSPECTS = 3
#: With so many reasons each.
MOST_REASONS = 2
#: Without a tag, suspects are looked for in so many commits.
MOST_COMMITS = 200


class Trouble(Exception):
    """Why there is no answer, for the user."""


class BisectReporter:
    def __init__(self, config):
        self.config = config

    def pytest_terminal_summary(self, terminalreporter):
        failed = [report for kind in ("failed", "error") for report in terminalreporter.stats.get(kind, [])]
        failed = [report for report in failed if getattr(report, "nodeid", "")]
        if not failed:
            return
        # Whatever goes wrong here, the run is what it was.
        try:
            self.tell(terminalreporter, failed)
        except Trouble as trouble:
            terminalreporter.write_line(f"pybisect: {trouble}", yellow=True)
        except KeyboardInterrupt:
            terminalreporter.write_line("pybisect: stopped; the same command goes on", yellow=True)
        except Exception as error:
            terminalreporter.write_line(f"pybisect: {type(error).__name__}: {error}", yellow=True)

    def tell(self, out, failed):
        program = find_program()
        if self.config.option.bisect:
            out.write_sep("=", "which commit broke it")
            self.tell_culprits(out, program, failed)
        else:
            out.write_sep("=", "commits that the failures point at")
            self.tell_suspects(out, program, failed)

    def good(self):
        return self.config.option.bisect_good or self.config.getini("bisect_good") or None

    # --bisect

    def tell_culprits(self, out, program, failed):
        ids = unique(report.nodeid for report in failed)
        command = [program, "find", "--json", "-", "--quiet"]
        if self.good():
            command += ["--good", self.good()]
        command += ["--", *self.rerun_command(), *ids[:MOST_TESTS]]
        out.write_line(f"pybisect: searching for {count(len(ids), 'failing test')} …")
        out.flush()
        report = self.run(command, self.config.option.bisect_timeout)
        targets = report.get("targets") or [report]
        edits = edits_by_commit(report)
        answers = {}
        for target in targets:
            name = target.get("test") or ids[0]
            answers.setdefault(tuple(self.answer(target, edits)), []).append(name)
        # Tests of one commit are named together.
        for lines, names in answers.items():
            for name in names[:MOST_NAMES]:
                out.write_line(name, red=True)
            if len(names) > MOST_NAMES:
                out.write_line(f"and {count(len(names) - MOST_NAMES, 'more test')}", red=True)
            for line in lines:
                out.write_line(f"  {line}")
        if len(ids) > MOST_TESTS:
            out.write_line(f"{count(len(ids) - MOST_TESTS, 'more failing test')} not searched for")
        if report.get("session"):
            out.write_line(f"all of it: pybisect show {report['session']}")

    def answer(self, target, edits):
        culprits = target.get("culprits") or []
        packages = target.get("packages") or []
        if target.get("status") == "found" and culprits:
            commit = culprits[0]["commit"]
            info = self.commit(commit if isinstance(commit, str) else commit["id"])
            line = f"broken by {info['short']} {info['author']}, {info['ago']}"
            change = edits.get(info["id"])
            return [f"{line}: {change}" if change else line, info["subject"]]
        if packages:
            told = ", ".join(f"{one.get('name')} {one.get('first_bad') or one.get('after') or ''}".strip() for one in packages)
            return [f"broken by a package, not by a commit: {told}"]
        if target.get("status") == "ambiguous" and culprits:
            ids = [one["commit"] if isinstance(one["commit"], str) else one["commit"]["id"] for one in culprits]
            return [f"broken by one of {count(len(ids), 'commit')}: " + ", ".join(one[:9] for one in ids[:5])]
        lines = [target.get("reason") or "no answer"]
        return lines + [f"hint: {target['hint']}"] if target.get("hint") else lines

    def rerun_command(self):
        """How the failing tests are run again: with what decides whether and how they run at all."""
        option = self.config.option
        words = [sys.executable, "-m", "pytest", "-q"]
        if getattr(option, "inifilename", None):
            words += ["-c", os.path.abspath(option.inifilename)]
        for override in getattr(option, "override_ini", None) or []:
            words += ["-o", override]
        for plugin in getattr(option, "plugins", None) or []:
            words += ["-p", plugin]
        mode = getattr(option, "importmode", "prepend")
        if mode != "prepend":
            words += [f"--import-mode={mode}"]
        if self.config.pluginmanager.hasplugin("xdist"):
            # A few tests are not worth workers, and what runs apart says less of what failed.
            words += ["-n0"]
        return words

    # --bisect-suspects

    def tell_suspects(self, out, program, failed):
        good = self.good() or self.last_tag()
        for report in failed[:MOST_TESTS]:
            text = traceback_of(report) or getattr(report, "longreprtext", "") or str(report.longrepr)
            with tempfile.TemporaryDirectory(prefix="pybisect-pytest-") as folder:
                log = os.path.join(folder, "failure.log")
                with open(log, "w", encoding="utf-8") as file:
                    file.write(f"{text}\n")
                command = [program, "suspects", "--format", "json", "--top", str(MOST_SUSPECTS)]
                ranked = self.run([*command, "--log", log, f"{good}.."], None)
            out.write_line(report.nodeid, red=True)
            suspects = ranked.get("suspects") or []
            for suspect in suspects:
                info = self.commit(suspect["commit"]["id"])
                reasons = "; ".join((suspect.get("reasons") or [])[:MOST_REASONS])
                out.write_line(
                    f"  {suspect['probability']:4.0%}  {info['short']} {info['author']}, {info['ago']}: {info['subject']}"
                )
                if reasons:
                    out.write_line(f"        {reasons}")
            if not suspects:
                out.write_line(f"  no commit since {good}")
        out.write_line("to prove one: pytest --bisect")

    def last_tag(self):
        tag = self.git("describe", "--tags", "--abbrev=0")
        if tag:
            return tag
        commits = self.git("rev-list", f"--max-count={MOST_COMMITS}", "HEAD").split()
        if len(commits) < 2:
            raise Trouble("no git history here to look at")
        return commits[-1]

    # what both need

    def run(self, command, limit):
        """The JSON that a command of pybisect prints. It runs where ids of tests begin."""
        process = subprocess.Popen(
            command,
            cwd=str(self.config.rootpath if hasattr(self.config, "rootpath") else self.config.rootdir),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        )
        try:
            stdout, stderr = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            end(process)
            raise Trouble(f"no answer after {limit:g} s (--bisect-timeout); the same command goes on") from None
        except KeyboardInterrupt:
            end(process)
            raise
        try:
            return json.loads(stdout)
        except ValueError:
            said = stderr.decode("utf-8", "replace").strip().splitlines()
            raise Trouble("\n".join(said[-6:]) or f"ended with {process.returncode}") from None

    def git(self, *arguments):
        done = subprocess.run(
            ["git", *arguments],
            cwd=str(self.config.rootpath if hasattr(self.config, "rootpath") else self.config.rootdir),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        return done.stdout.decode("utf-8", "replace").strip()

    def commit(self, name):
        told = self.git("log", "-1", "--no-show-signature", "--format=%H%x00%h%x00%an%x00%at%x00%s", name).split("\0")
        if len(told) != 5:
            return {"id": name, "short": name[:9], "author": "", "ago": "", "subject": ""}
        keys = ("id", "short", "author", "ago", "subject")
        return {**dict(zip(keys, told)), "ago": ago(time.time() - float(told[3]))}


def find_program():
    """The pybisect that was installed with this plugin, or else the one on PATH."""
    own = os.path.join(sysconfig.get_path("scripts"), "pybisect")
    found = own if os.access(own, os.X_OK) else shutil.which("pybisect")
    if not found:
        raise Trouble("the program pybisect is not installed here (pip install pybisect)")
    return found


def environment():
    """That of the user, without what pytest set for the tests of this run."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")
            and name not in ("PYTEST_CURRENT_TEST", "PYTEST_VERSION")}


def end(process):
    """It ends its trials itself, and is waited for: nothing is left running."""
    process.terminate()
    try:
        process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def traceback_of(report):
    """A failure as Python itself prints it, whatever --tb says; None where pytest keeps no entries of it."""
    entries = getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", None) or []
    places = [place for place in (getattr(entry, "reprfileloc", None) for entry in entries) if place]
    crash = getattr(report.longrepr, "reprcrash", None)
    places = places or ([crash] if crash else [])
    if not places or crash is None:
        return None
    lines = [f'  File "{place.path}", line {place.lineno}, in <unknown>' for place in places]
    return "\n".join(["Traceback (most recent call last):", *lines, crash.message])


def edits_by_commit(report):
    """What the first culprit changed, in a few words."""
    culprits = report.get("culprits") or []
    changes = report.get("breaking_changes") or []
    if len(culprits) != 1 or not changes:
        return {}
    change = changes[0]
    before, after = change.get("callee_before"), change.get("callee_after")
    if not (before and after and before != after):
        before, after = (first_line(change.get(key)) for key in ("before", "after"))
    words = [f"`{word}`" for word in (before, after) if word]
    commit = culprits[0]["commit"]
    told = " → ".join(words) if len(words) == 2 else ("added " if after else "removed ") + "".join(words)
    more = f" and {count(len(changes) - 1, 'more edit')}" if len(changes) > 1 else ""
    return {commit if isinstance(commit, str) else commit["id"]: told + more} if words else {}


def first_line(text):
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    return lines[0] if lines else ""


def ago(seconds):
    for unit, length in (("year", 31_557_600), ("month", 2_629_800), ("week", 604_800), ("day", 86_400), ("hour", 3_600)):
        if seconds >= length:
            return f"{count(int(seconds // length), unit)} ago"
    return f"{count(int(seconds // 60), 'minute')} ago" if seconds >= 60 else "just now"


def count(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def unique(items):
    return list(dict.fromkeys(items))
