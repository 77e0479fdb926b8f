//! `pybisect calls` on repositories made for it.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{TestRepo, User};

fn calls(user: &User, repo: &TestRepo, arguments: &[&str]) -> Value {
    let mut all = vec!["calls", "--format", "json"];
    all.extend_from_slice(arguments);
    let ran = user.run(repo.path(), &all);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

fn brief(report: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let changes = report["changes"].as_array().unwrap().iter();
    changes
        .map(|change| {
            let [kind, path, before, after] =
                ["kind", "path", "before", "after"].map(|key| text(&change[key]));
            format!("{kind} {path}: {before} => {after}")
        })
        .collect()
}

const LOAD: &str = "import json\n\ndef your_url(f):\n    return json.load(f)\n";
const LOADS: &str = "import json\n\ndef your_url(f):\n    return json.loads(f)\n";

#[test]
fn a_commit_a_range_and_each_commit_of_it() {
    let (repo, ids) = TestRepo::with_versions(&[
        LOAD,
        LOADS,
        "import json\n\ndef your_url(f):\n    return json.load(f, 1)\n",
    ]);
    let user = User::new();
    let one = calls(&user, &repo, &[&ids[1].to_string()]);
    assert_eq!(one["schema"], "pybisect.calls/1");
    assert_eq!(one["files"], 1);
    assert_eq!(one["partly_parsed"], serde_json::json!([]));
    let change = &one["changes"][0];
    assert_eq!(change["commit"], ids[1].to_string());
    assert_eq!(change["kind"], "callee-changed");
    assert_eq!((&change["line"], &change["old_line"]), (&4.into(), &4.into()));
    assert_eq!(change["function"], "your_url");
    assert_eq!(
        (&change["callee_before"], &change["callee_after"]),
        (&"json.load".into(), &"json.loads".into())
    );
    let span = &change["span"];
    let (start, end) = (span["start"].as_u64().unwrap(), span["end"].as_u64().unwrap());
    assert_eq!(&LOADS[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()], "json.loads(f)");

    // The whole range is one edit, commit by commit it is two; the root adds the call.
    let range = format!("{}..main", ids[0]);
    assert_eq!(
        brief(&calls(&user, &repo, &[&range])),
        ["argument-added app.py: json.load(f) => json.load(f, 1)"]
    );
    for _ in 0..2 {
        // The second time from the cache.
        let each = calls(&user, &repo, &["--each", "main"]);
        let commits: Vec<&Value> =
            each["changes"].as_array().unwrap().iter().map(|change| &change["commit"]).collect();
        assert_eq!(commits, [&ids[2].to_string(), &ids[1].to_string(), &ids[0].to_string()]);
    }
    let history = calls(&user, &repo, &["--callee", "json.loads", &range]);
    assert_eq!(brief(&history).len(), 2);
    assert_eq!(brief(&calls(&user, &repo, &["--callee", "yaml.*", &range])).len(), 0);
    assert_eq!(brief(&calls(&user, &repo, &["--each", "--kind", "callee-changed", &range])).len(), 2);
    assert_eq!(brief(&calls(&user, &repo, &["--each", "--path", "other", &range])).len(), 0);
    assert_eq!(brief(&calls(&user, &repo, &["--each", "-n", "1", "main"])).len(), 1);
}

#[test]
fn the_work_tree_against_head() {
    let (repo, _) = TestRepo::with_versions(&[LOAD]);
    repo.check_out();
    let user = User::new();
    assert_eq!(brief(&calls(&user, &repo, &[])).len(), 0);
    std::fs::write(repo.path().join("app.py"), LOADS).unwrap();
    assert_eq!(brief(&calls(&user, &repo, &[])), ["callee-changed app.py: json.load(f) => json.loads(f)"]);
    std::fs::remove_file(repo.path().join("app.py")).unwrap();
    assert_eq!(brief(&calls(&user, &repo, &[])), ["call-removed app.py: json.load(f) => -"]);
}

#[test]
fn files_that_moved_and_merges() {
    let mut repo = TestRepo::new();
    let root = repo.write("pkg/a.py", "from . import x\n\ndef f(y):\n    return x.go(y)\n").commit("root");
    let moved = repo
        .remove("pkg/a.py")
        .write("lib2/b.py", "from . import x\n\ndef f(y):\n    return x.go(y)\n")
        .commit("move");
    let side = repo.go_to(root).write("other.py", "side(1)\n").commit("side");
    repo.go_to(moved).write("other.py", "side(1)\n");
    let merge = repo.merge(side, "merge");
    repo.go_to(moved).write("other.py", "side(2)\n");
    let evil = repo.merge(side, "merge with a change");
    let user = User::new();
    let of = |commit: &dyn ToString| brief(&calls(&user, &repo, &[&commit.to_string()]));
    assert_eq!(of(&moved), Vec::<String>::new());
    assert_eq!(of(&side), ["call-added other.py: - => side(1)"]);
    assert_eq!(of(&merge), Vec::<String>::new());
    assert_eq!(of(&evil), ["call-added other.py: - => side(2)"]);
}

#[test]
fn stale_calls_name_the_definition() {
    let mut repo = TestRepo::new();
    let user = "from .core import make, Base, drop\n\nclass Sub(Base):\n    def __init__(self):\n        super().__init__(1)\n        self.step(1, fast=True)\n\ndef use(other):\n    make(1, 2)\n    make(1, b=2)\n    make(*other)\n    other.step(1, fast=True)\n    drop()\n    Base(1)\n";
    let before = "def make(a, b=0):\n    return a\n\ndef drop():\n    pass\n\nclass Base:\n    def __init__(self, a):\n        self.a = a\n\n    def step(self, n, fast=False):\n        return n\n";
    let after = "def make(a, *, b=0):\n    return a\n\nclass Base:\n    def __init__(self, a, c):\n        self.a = a\n\n    def step(self, n, quick=False):\n        return n\n";
    repo.write("pkg/__init__.py", "from .core import make\n");
    repo.write("pkg/user.py", user).write("pkg/core.py", before);
    repo.write("run.py", "import pkg\n\npkg.make(1, 2)\npkg.make(1)\n").commit("before");
    let commit = repo.write("pkg/core.py", after).commit("after");
    let home = User::new();
    let report = calls(&home, &repo, &["--kind", "stale-call", &commit.to_string()]);
    let mut found: Vec<String> = report["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            let definition = &change["definition"];
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            format!(
                "{}:{} {} [{}: {}]",
                text(&change["path"]),
                change["line"],
                text(&change["after"]),
                text(&definition["name"]),
                text(&definition["problem"]),
            )
        })
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            "pkg/user.py:13 drop() [pkg.core.drop: the definition is gone]",
            "pkg/user.py:14 Base(1) [pkg.core.Base.__init__: no value for 'c']",
            "pkg/user.py:5 super().__init__(1) [pkg.core.Base.__init__: no value for 'c']",
            "pkg/user.py:6 self.step(1, fast=True) [pkg.core.Base.step: no parameter named 'fast']",
            "pkg/user.py:9 make(1, 2) [pkg.core.make: takes 1 positional arguments, 2 given]",
            "run.py:3 pkg.make(1, 2) [pkg.core.make: takes 1 positional arguments, 2 given]",
        ]
    );
    assert_eq!(
        brief(&calls(&home, &repo, &["--kind", "stale-call", "--stale=false", &commit.to_string()])).len(),
        0
    );
}

#[test]
fn a_definition_that_only_moved_makes_nothing_stale() {
    let mut repo = TestRepo::new();
    repo.write("a.py", "def f(x):\n    return x\n\ndef g(x):\n    return x\n")
        .write("use.py", "from a import f, g\nf(1)\ng(1)\n");
    repo.commit("before");
    repo.write("a.py", "from b import f\n\ndef g(x, y=1, **more):\n    return x\n")
        .write("b.py", "def f(x):\n    return x\n");
    let commit = repo.commit("after");
    let report = calls(&User::new(), &repo, &["--kind", "stale-call", &commit.to_string()]);
    assert_eq!(brief(&report), Vec::<String>::new());
}

#[test]
fn two_files_and_patches() {
    let (repo, ids) = TestRepo::with_versions(&[LOAD, LOADS]);
    let user = User::new();
    std::fs::write(repo.path().join("old.py"), LOAD).unwrap();
    std::fs::write(repo.path().join("new.py"), LOADS).unwrap();
    let expected = "json.load(f) => json.loads(f)";
    assert_eq!(
        brief(&calls(&user, &repo, &["old.py", "new.py"])),
        [format!("callee-changed new.py: {expected}")]
    );
    assert_eq!(brief(&calls(&user, &repo, &["new.py", "new.py"])).len(), 0);

    let patch = repo.git(&["diff", &ids[0].to_string(), &ids[1].to_string()]);
    let read = |folder: &std::path::Path, patch: &str| -> Value {
        let mut command = user.command(folder, &["calls", "--format", "json", "--patch", "-"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(patch.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let inside = read(repo.path(), &patch);
    assert_eq!(brief(&inside), [format!("callee-changed app.py: {expected}")]);
    assert_eq!(inside["changes"][0]["callee_after"], "json.loads");
    assert_eq!(inside["partly_parsed"], serde_json::json!([]));
    // Elsewhere only the patch itself is there to be read.
    let elsewhere = tempfile::tempdir().unwrap();
    let outside = read(elsewhere.path(), &patch);
    assert_eq!(brief(&outside), [format!("callee-changed app.py: {expected}")]);
    assert_eq!(outside["changes"][0]["line"], 4);
    assert_eq!(outside["partly_parsed"], serde_json::json!(["app.py"]));
}

#[test]
fn other_formats_and_wrong_arguments() {
    let (repo, ids) = TestRepo::with_versions(&[LOAD, LOADS]);
    let user = User::new();
    let commit = ids[1].to_string();
    let run = |arguments: &[&str]| user.run(repo.path(), arguments);
    for format in ["sarif", "rdjson", "gitlab"] {
        let ran = run(&["calls", "--format", format, &commit]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        serde_json::from_str::<Value>(&ran.stdout).unwrap();
    }
    assert!(run(&["calls", "--format", "github", &commit]).stdout.starts_with("::notice title="));
    assert!(run(&["calls", "--format", "markdown", &commit]).stdout.contains("| `json.load(f)` |"));
    let text = run(&["calls", &commit]).stdout;
    assert!(text.contains("your_url, line 4: callee changed  json.load → json.loads"), "{text}");
    assert!(run(&["calls", "--color", "always", &commit]).stdout.contains('\u{1b}'));
    for wrong in
        [&["calls", "--kind", "nonsense"][..], &["calls", "no-such-revision"], &["calls", "--callee", "["]]
    {
        assert_eq!(run(wrong).code, Some(2), "{wrong:?}");
    }
}
