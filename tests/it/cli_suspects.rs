//! `pybisect suspects` as a command, and what `find` makes of the evidence.

use serde_json::Value;

use pybisect::model::CommitId;

use crate::support::{TestRepo, User};

const APP: &str = "\
import json


def index():
    return 'home'


def your_url(code):
    with open('urls.json') as urls_file:
        urls = json.load(urls_file)
    return urls[code]
";
const SMOKE: &str = "\
from application import your_url
assert your_url('a') == 'https://example.org'
";

/// A shortener of addresses whose middle commit reads its file with the wrong function.
fn shortener() -> (TestRepo, Vec<CommitId>) {
    let mut repo = TestRepo::new();
    repo.write("urls.json", "{\"a\": \"https://example.org\"}").write("smoke.py", SMOKE);
    let mut ids = vec![repo.write("application.py", APP).commit("The shortener")];
    let mut app = APP.to_owned();
    for number in 0..6 {
        ids.push(repo.write("README.md", format!("Version {number}\n")).commit("Write about it"));
        app = app.replace("'home'", &format!("'home {number}'")).replace(&format!(" {}'", number - 1), "'");
        ids.push(repo.write("application.py", &app).commit("Another home page"));
        if number == 2 {
            app = app.replace("json.load(", "json.loads(");
            ids.push(repo.write("application.py", &app).commit("Read the addresses"));
        }
    }
    repo.check_out();
    (repo, ids)
}

fn culprit(ids: &[CommitId]) -> String {
    ids[7].to_string()
}

fn suspects(repo: &TestRepo, arguments: &[&str]) -> Value {
    let all: Vec<&str> = ["suspects", "--format", "json"].iter().chain(arguments).copied().collect();
    let ran = User::new().run(repo.path(), &all);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// A stand-in for pytest, whose test fails.
const PYTEST: &str = r"
import sys
print('F\n=================== FAILURES ===================')
print('____________________ test_x ____________________\n')
print('    def test_x():\n>       assert 1 == 2\nE       assert 1 == 2\n')
print('test_x.py:2: AssertionError')
print('=========== short test summary info ============')
print('FAILED test_x.py::test_x - assert 1 == 2\n1 failed in 0.01s')
sys.exit(1)
";

#[test]
fn the_command_is_told_as_it_was_given() {
    let mut repo = TestRepo::new();
    let good = repo.write("pytest.py", "").write("test_x.py", "def test_x():\n    pass\n").commit("begin");
    repo.write("pytest.py", PYTEST).write("test_x.py", "def test_x():\n    assert 1 == 2\n").commit("break");
    repo.check_out();
    let report = suspects(&repo, &[&format!("{good}.."), "--", "python3", "-m", "pytest", "-q"]);
    assert_eq!(report["command"], serde_json::json!(["python3", "-m", "pytest", "-q"]));
    assert_eq!(report["trial_log"][0]["verdict"], "bad", "{report:#}");
}

#[test]
fn annotations_stand_on_the_line_that_failed() {
    let (repo, ids) = shortener();
    let range = format!("{}..", ids[0]);
    let run = |format: &str| {
        let ran = User::new().run(
            repo.path(),
            &["suspects", "--top", "1", "--format", format, &range, "--", "python3", "smoke.py"],
        );
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.stdout
    };
    let short = &culprit(&ids)[..9];
    let github = run("github");
    assert!(
        github.starts_with("::warning title=pybisect (suspect),file=application.py,line=10,"),
        "{github}"
    );
    assert!(github.contains(short), "{github}");
    for format in ["sarif", "gitlab", "rdjson"] {
        let text = run(format);
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
        assert!(text.contains(short) && text.contains("application.py"), "{text}");
    }
}

fn reasons(suspect: &Value) -> String {
    let list = suspect["reasons"].as_array().unwrap().iter();
    list.map(|reason| reason.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_log_of_the_server_names_file_function_call_and_commit() {
    let (repo, ids) = shortener();
    let log = "\
10.0.0.1 - - [24/Nov/2026:11:10:08 +0000] \"GET / HTTP/1.1\" 200 12
[2026-11-24 11:10:08,532] ERROR in app: Exception on /a [GET]
Traceback (most recent call last):
  File \"/var/app/venv/lib/python3.11/site-packages/flask/app.py\", line 2525, in wsgi_app
    response = self.full_dispatch_request()
  File \"/var/app/current/application.py\", line 11, in your_url
    urls = json.loads(urls_file)
  File \"/usr/lib/python3.11/json/__init__.py\", line 339, in loads
    raise TypeError(f'the JSON object must be str, bytes or bytearray, '
TypeError: the JSON object must be str, bytes or bytearray, not TextIOWrapper
10.0.0.1 - - [24/Nov/2026:11:10:08 +0000] \"GET /a HTTP/1.1\" 500 265
";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), log).unwrap();
    let range = format!("{}..", ids[0]);
    let path = file.path().to_str().unwrap();
    let report = suspects(&repo, &["--log", path, &range]);
    assert_eq!(report["schema"], "pybisect.suspects/1");
    assert_eq!(report["commits"], 13);
    let first = &report["suspects"][0];
    assert_eq!(first["commit"]["id"], culprit(&ids));
    assert!(first["probability"].as_f64().unwrap() > 0.6, "{first}");
    assert!(
        reasons(first)
            .contains("changed the line that raised: application.py:10, `urls = json.loads(urls_file)`"),
        "{first}"
    );
    assert!(reasons(first).contains("application.py: `json.load` became `json.loads`"), "{first}");
    let all = suspects(&repo, &["--top", "0", "--log", path, &range]);
    let list = all["suspects"].as_array().unwrap();
    let sum: f64 = list.iter().map(|one| one["probability"].as_f64().unwrap()).sum();
    assert!(list.len() == 13 && (sum - 1.0).abs() < 1e-9);
    assert!(list.iter().all(|one| one["probability"].as_f64().unwrap() > 0.0));
    assert!(list.iter().any(|one| reasons(one).contains("only text, comments, annotations or layout")));

    let text = User::new().run(repo.path(), &["suspects", "--color", "never", "--log", path, &range]);
    for word in
        ["TypeError: the JSON object", "application.py", "your_url", "json.loads", "Read the addresses"]
    {
        assert!(text.stdout.contains(word), "no '{word}' in {}", text.stdout);
    }
}

#[test]
fn a_log_without_a_traceback_says_how_little_it_tells() {
    let (repo, ids) = shortener();
    let range = format!("{}..", ids[0]);
    let ask = |log: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), log).unwrap();
        suspects(&repo, &["--log", file.path().to_str().unwrap(), &range])
    };
    let words = ask("2026-11-24 11:10:08,532 ERROR cannot read the addresses\n");
    assert_eq!(words["suspects"][0]["commit"]["id"], culprit(&ids));
    assert!(words["notes"].to_string().contains("low confidence"), "{words}");
    assert!(words["suspects"][0]["probability"].as_f64().unwrap() < 0.6);

    let nothing = ask("2026-11-24 11:10:08,532 INFO all is well\n");
    assert!(nothing["notes"].to_string().contains("no errors found"), "{nothing}");
    assert_eq!(nothing["evidence"], Value::Array(Vec::new()));
}

#[test]
fn one_run_at_bad_tells_what_it_executed() {
    let (repo, ids) = shortener();
    let range = format!("{}..", ids[0]);
    let report = suspects(&repo, &[&range, "--", "python3", "smoke.py"]);
    let first = &report["suspects"][0];
    assert_eq!(first["commit"]["id"], culprit(&ids));
    assert!(report["evidence"].to_string().contains("executed functions"), "{report}");
    assert!(reasons(first).contains("what the failing run executed: `your_url`"), "{first}");

    let untraced = suspects(&repo, &["--no-trace", &range, "--", "python3", "smoke.py"]);
    assert_eq!(untraced["suspects"][0]["commit"]["id"], culprit(&ids));
    assert!(!untraced["evidence"].to_string().contains("executed functions"), "{untraced}");
}

#[test]
fn what_passes_or_is_no_range_is_said() {
    let (repo, ids) = shortener();
    let range = format!("{}..{}", ids[0], ids[1]);
    let passes = User::new().run(repo.path(), &["suspects", &range, "--", "python3", "smoke.py"]);
    assert_eq!(passes.code, Some(4), "{}", passes.stderr);
    assert!(passes.stderr.contains("passes"), "{}", passes.stderr);
    let no_range = User::new().run(repo.path(), &["suspects", "..HEAD", "--", "false"]);
    assert_eq!(no_range.code, Some(2));
    assert!(no_range.stderr.contains("GOOD..BAD"), "{}", no_range.stderr);
}

#[test]
fn a_search_begins_with_the_suspect_and_proves_it_in_one_round() {
    let (repo, ids) = shortener();
    let (code, report) = User::new()
        .find(repo.path(), &["--jobs", "2", "--good", &ids[0].to_string(), "--", "python3", "smoke.py"]);
    assert_eq!(code, Some(0));
    assert_eq!(report["culprits"][0]["commit"], culprit(&ids));
    assert_eq!(report["culprits"][0]["verified"], true);
    assert_eq!(report["suspects"][0]["commit"], culprit(&ids));
    // Both endpoints, the suspect and its parent; one more may have begun before the evidence was read.
    assert!(report["trials"]["run"].as_u64().unwrap() <= 5, "{}", report["trials"]);
}

/// The program sees nothing of the watching: not its path, not another module of that name.
#[test]
fn watching_does_not_change_what_the_program_sees() {
    let mut repo = TestRepo::new();
    repo.write("sitecustomize.py", "import sys\nsys.own = True\n");
    repo.write(
        "smoke.py",
        "import sys, threading\nfrom app import f\nassert sys.own and not any('trace' in p for p in sys.path)\n\
         thread = threading.Thread(target=f)\nthread.start()\nthread.join()\nraise SystemExit('seen')\n",
    );
    let good = repo.write("app.py", "def f():\n    return 1\n").commit("one");
    repo.write("app.py", "def f():\n    return 2\n").commit("two");
    repo.write("other.py", "def g():\n    return 2\n").commit("three");
    repo.check_out();
    let user = User::new();
    let range = format!("{good}..");
    let arguments = ["suspects", "--format", "json", &range, "--", "python3", "smoke.py"];
    let ran = user.command(repo.path(), &arguments).env("PYTHONPATH", ".").output().unwrap();
    let report: Value = serde_json::from_slice(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&ran.stderr)));
    assert_eq!(report["suspects"][0]["commit"]["subject"], "two", "{report}");
    assert!(reasons(&report["suspects"][0]).contains("executed: `f` in app.py"), "{report}");
}

#[test]
fn without_a_failure_it_says_how_to_give_one() {
    let (repo, _) = TestRepo::with_versions(&["0", "1"]);
    let ran = User::new().run(repo.path(), &["suspects", "HEAD~1.."]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("--log") && ran.stderr.contains("suspects HEAD~1.. --"), "{}", ran.stderr);
}

#[test]
fn a_line_of_the_traceback_is_suspected_though_it_is_but_an_annotation_or_an_import() {
    let changes = [
        ("def total(x):", "def total(x: Missing):"),
        ("from typing import Any", "from typing import Any, Missing"),
    ];
    for (old, new) in changes {
        let mut repo = TestRepo::new();
        let app = "from typing import Any\n\n\ndef total(x):\n    return x\n".to_owned();
        repo.write("smoke.py", "from app import total\nassert total(1) == 1\n");
        let mut ids: Vec<CommitId> = Vec::new();
        for n in 0..16 {
            let app = if n >= 9 { app.replace(old, new) } else { app.clone() };
            let other = format!("def other():\n    return {n}\n");
            ids.push(repo.write("app.py", app).write("other.py", other).commit("c"));
        }
        repo.check_out();
        let good = ids[0].to_string();
        let report = suspects(&repo, &["--good", &good, "--", "python3", "smoke.py"]);
        assert_eq!(report["suspects"][0]["commit"]["id"], ids[9].to_string(), "{report:#}");
        let (_, report) = User::new()
            .find(repo.path(), &["--jobs", "1", "--no-narrow", "--good", &good, "--", "python3", "smoke.py"]);
        assert_eq!(report["culprits"][0]["commit"], ids[9].to_string(), "{report:#}");
        assert!(report["trials"]["run"].as_u64().unwrap() <= 4, "{report:#}");
    }
}
