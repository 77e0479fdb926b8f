//! `pybisect check --require-tested`: the smoke command is watched.

use std::path::PathBuf;

use serde_json::Value;

use super::check_inputs::{Reviewer, findings};
use super::support::TestRepo;

const MODULE: &str = "\
import json


def reached(x):
    return json.dumps(
        x,
    )


def never(x):
    return json.dumps(x)


def branches(x):
    if x:
        return str(x)
    return repr(x)


def in_a_thread(x):
    return bool(x)


def in_a_worker(x):
    return int(x)
";
const SMOKE: &str = "\
import os
import threading
from pkg import module

module.reached(1)
module.branches(0)
thread = threading.Thread(target=module.in_a_thread, args=(1,))
thread.start()
thread.join()
if os.fork() == 0:
    module.in_a_worker(1)
    os._exit(0)
os.wait()
";

/// Every call of the module is changed.
fn repository(smoke: &str) -> (TestRepo, String) {
    let mut repo = TestRepo::new();
    repo.write("smoke.py", smoke).write("pkg/__init__.py", "").write("alone.py", "print(len('a'))\n");
    let base = repo.write("pkg/module.py", MODULE).commit("first");
    let changed = MODULE.replace("(x)\n", "(x or 2)\n").replace("        x,\n", "        x or 2,\n");
    repo.write("pkg/module.py", changed).write("alone.py", "print(len('b'))\n");
    repo.write("pkg/test_module.py", "def test_it():\n    assert str(1)\n");
    let head = repo.commit("second");
    (repo, format!("{base}..{head}"))
}

fn check(repo: &TestRepo, range: &str, command: &[&str]) -> (Option<i32>, Value) {
    let mut words = vec![range, "--types", "off", "--require-tested", "error", "--format", "json", "--"];
    words.extend(command);
    let ran = Reviewer::new().check(repo.path(), &words);
    let report = serde_json::from_str(&ran.stdout);
    (ran.code, report.unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr)))
}

/// Interpreters of several versions, from a version manager and from `PATH`.
fn pythons() -> Vec<(String, (u32, u32))> {
    let mut found: Vec<PathBuf> = Vec::new();
    if let Some(home) = std::env::var_os("HOME") {
        let versions = std::fs::read_dir(PathBuf::from(home).join(".pyenv/versions"));
        found.extend(versions.into_iter().flatten().flatten().map(|entry| entry.path().join("bin/python")));
    }
    found.extend((6..20).filter_map(|minor| which::which(format!("python3.{minor}")).ok()));
    found.extend(which::which("python3").ok());
    let facts = |python: &PathBuf| {
        let script = "import sys; print(sys.executable, sys.version_info[0], sys.version_info[1])";
        let output = std::process::Command::new(python).args(["-c", script]).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let mut words = text.split_whitespace();
        let (name, major, minor) = (words.next()?, words.next()?, words.next()?);
        Some((name.to_owned(), (major.parse().ok()?, minor.parse().ok()?)))
    };
    let mut pythons: Vec<_> =
        found.iter().filter_map(facts).filter(|(_, version)| *version >= (3, 6)).collect();
    pythons.sort();
    pythons.dedup();
    pythons
}

#[test]
fn changed_calls_that_the_command_does_not_reach_are_found_with_every_python() {
    let (repo, range) = repository(SMOKE);
    for (python, version) in pythons() {
        let (code, report) = check(&repo, &range, &[&python, "smoke.py"]);
        let mut expected =
            vec!["error untested-call pkg/module.py:11", "error untested-call pkg/module.py:16"];
        // Before audit hooks, a program that is not watched could not be told.
        if version >= (3, 8) {
            expected.insert(0, "error untested-call alone.py:1");
        }
        assert_eq!(
            (code, findings(&report)),
            (Some(10), expected.into_iter().map(str::to_owned).collect()),
            "{python}"
        );
    }
}

#[test]
fn an_installed_copy_counts_and_another_program_may_have_loaded_the_rest() {
    let smoke = "\
import os, shutil, subprocess, sys
shutil.copytree('pkg', 'lib/pkg')
sys.path.insert(0, 'lib')
from pkg import module
assert os.path.dirname(module.__file__).endswith('lib/pkg')
for function in (module.reached, module.never, module.in_a_thread, module.in_a_worker):
    function(1)
module.branches(0)
module.branches(1)
subprocess.check_call([sys.executable, 'alone.py'], env={})
";
    let (repo, range) = repository(smoke);
    let (code, report) = check(&repo, &range, &["python3", "smoke.py"]);
    assert_eq!((code, findings(&report)), (Some(0), vec![]), "{report:#}");
}

#[test]
fn what_cannot_be_watched_is_said() {
    let said = |command: &[&str]| {
        let (repo, range) = repository(SMOKE);
        let (code, report) = check(&repo, &range, command);
        assert_eq!((code, findings(&report)), (Some(0), vec![]));
        report["notes"].to_string()
    };
    assert!(said(&["true"]).contains("is not known"));
    assert!(said(&["python3", "-I", "-c", "1"]).contains("is not known"));
    assert!(said(&["env", "-i", "/bin/sh", "-c", "true"]).contains("is not known"));
}

#[test]
fn a_command_that_fails_only_while_it_is_watched_passes() {
    let smoke = "import os, sys\nsys.exit(3 if 'PYBISECT_LINES' in os.environ else 0)\n";
    let (repo, range) = repository(smoke);
    let (code, report) = check(&repo, &range, &["python3", "smoke.py"]);
    assert_eq!((code, findings(&report)), (Some(0), vec![]), "{report:#}");
    assert_eq!(report["smoke"]["merged"], "passed");
    assert!(report["notes"].to_string().contains("while it is watched"), "{report:#}");
}

#[test]
fn there_has_to_be_something_to_watch() {
    let (repo, range) = repository(SMOKE);
    let ran = Reviewer::new().check(repo.path(), &[&range, "--require-tested", "warn"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("--coverage"), "{}", ran.stderr);
    let ran = Reviewer::new().check(repo.path(), &[&range, "--types", "off", "--require-tested", "off"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}
