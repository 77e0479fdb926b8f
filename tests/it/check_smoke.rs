//! `pybisect check` with a smoke command.

use serde_json::Value;

use super::check_inputs::{Reviewer, findings};
use super::support::TestRepo;

const APP: &str = "\
import json


class App:
    def route(self, path):
        return lambda function: function


app = App()


@app.route('/')
def read():
    with open('urls.json') as file:
        return json.load(file)
";
const SMOKE: &str = "import application\nassert application.read() == {}, 'read wrongly'\n";
const COMMAND: [&str; 3] = ["--", "python3", "smoke.py"];

/// Calls in several forms, so that the two that matter have company.
fn broken() -> String {
    let text = APP.replace("json.load(file)", "json.loads(file)").replace("@app.route", "@app.routes");
    text.replace("open('urls.json')", "open('urls.json', 'r')")
}

fn repository() -> (TestRepo, pybisect::model::CommitId) {
    let mut repo = TestRepo::new();
    repo.write("smoke.py", SMOKE).write("urls.json", "{}").write("README.md", "a");
    let base = repo.write("application.py", APP).commit("an application");
    (repo, base)
}

fn check(reviewer: &Reviewer, repo: &TestRepo, range: &str) -> (Option<i32>, Value) {
    let mut words = vec![range, "--format", "json", "--types", "off"];
    words.extend(COMMAND);
    let ran = reviewer.check(repo.path(), &words);
    let report = serde_json::from_str(&ran.stdout);
    (ran.code, report.unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr)))
}

#[test]
fn a_red_merge_is_narrowed_to_its_calls_with_tested_suggestions() {
    let (reviewer, (mut repo, base)) = (Reviewer::new(), repository());
    repo.write("README.md", "b").commit("words");
    let culprit = repo.write("application.py", broken()).commit("tidy up");
    let head = repo.write("README.md", "c").commit("more words");
    let (code, report) = check(&reviewer, &repo, &format!("{base}..{head}"));
    assert_eq!(code, Some(10));
    assert_eq!(
        findings(&report),
        ["error breaking-call application.py:12", "error breaking-call application.py:15"]
    );
    let of = |index: usize| &report["findings"][index];
    assert!(of(0)["message"].as_str().unwrap().contains("AttributeError"), "{report:#}");
    assert!(of(1)["message"].as_str().unwrap().contains("TypeError"), "{report:#}");
    assert_eq!(of(0)["suggestion"]["new"], "@app.route('/')");
    assert_eq!(of(1)["suggestion"]["new"], "        return json.load(file)");
    assert_eq!(of(1)["suggestion"]["tested"], true);
    assert_eq!(report["smoke"]["culprit"]["commit"], culprit.to_string());
}

#[test]
fn the_runs_of_a_check_are_kept_as_those_of_a_search_and_known_the_next_time() {
    let (reviewer, (mut repo, base)) = (Reviewer::new(), repository());
    let head = repo.write("application.py", broken()).commit("tidy up");
    let range = format!("{base}..{head}");
    let (_, report) = check(&reviewer, &repo, &range);
    let sources = |report: &Value| {
        let log = report["trial_log"].as_array().unwrap().clone();
        log.iter().map(|line| line["source"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(sources(&report).len() > 3, "{report:#}");
    assert_eq!(report["trial_log"][0]["purpose"], "endpoint");
    let session = report["session"].as_str().unwrap().to_owned();
    let (_, again) = check(&reviewer, &repo, &range);
    assert_eq!(again["session"], session);
    assert!(sources(&again).iter().all(|source| source == "reused"), "{again:#}");
    assert_eq!(findings(&again), findings(&report));
    // The whole of what it printed.
    let run = |words: &[&str]| reviewer.run(repo.path(), words);
    let shown = run(&["show", &session]);
    assert!(shown.stdout.contains("the merge result fails: exit status 1"), "{}", shown.stdout);
    assert!(shown.stdout.contains("AttributeError"), "{}", shown.stdout);
    let listed = run(&["sessions"]);
    assert!(listed.stdout.contains(" failed") && listed.stdout.contains("check: "), "{}", listed.stdout);
    // It is no search: nothing goes on from it.
    let refused = run(&["log", &session]);
    assert_eq!(refused.code, Some(2), "{}", refused.stdout);
    assert!(refused.stderr.contains("pybisect show"), "{}", refused.stderr);
}

#[test]
fn a_green_merge_is_no_finding() {
    let (reviewer, (mut repo, base)) = (Reviewer::new(), repository());
    let head =
        repo.write("application.py", APP.replace("'urls.json'", "'urls.json', 'r'")).commit("explicit");
    let (code, report) = check(&reviewer, &repo, &format!("{base}..{head}"));
    assert_eq!((code, findings(&report).len()), (Some(0), 0));
    assert_eq!((&report["smoke"]["base"], &report["smoke"]["merged"]), (&"passed".into(), &"passed".into()));
}

#[test]
fn what_is_red_on_the_base_is_not_held_against_the_branch() {
    let (reviewer, (mut repo, _)) = (Reviewer::new(), repository());
    let base = repo.write("urls.json", "[").commit("break the data");
    let head = repo.write("application.py", broken()).commit("tidy up");
    let (code, report) = check(&reviewer, &repo, &format!("{base}..{head}"));
    assert_eq!((code, findings(&report).len()), (Some(0), 0));
    let notes = report["notes"].to_string();
    assert!(notes.contains("fails on the base already, though in another way"), "{notes}");
}

#[test]
fn a_failure_that_no_call_explains_is_found_at_its_line_with_a_tested_suggestion() {
    let (reviewer, (mut repo, base)) = (Reviewer::new(), repository());
    let text = APP.replace("        return json.load(file)", "        return json.load(file)['x']");
    let text = text.replace("open('urls.json')", "open('urls.json', 'r')");
    let head = repo.write("application.py", text).commit("a key");
    let (code, report) = check(&reviewer, &repo, &format!("{base}..{head}"));
    assert_eq!(
        (code, findings(&report)),
        (Some(10), vec!["error breaking-change application.py:15".to_owned()])
    );
    let suggestion = &report["findings"][0]["suggestion"];
    assert_eq!(suggestion["new"], "        return json.load(file)");
    assert_eq!((&suggestion["line"], &suggestion["tested"]), (&15.into(), &true.into()));
}

#[test]
fn lines_that_are_gone_come_back_in_the_suggestion() {
    let (reviewer, (mut repo, base)) = (Reviewer::new(), repository());
    let head = repo.write("application.py", APP.replace("app = App()\n", "")).commit("tidy up");
    let (_, report) = check(&reviewer, &repo, &format!("{base}..{head}"));
    let finding = &report["findings"][0];
    assert_eq!(finding["rule"], "breaking-change", "{report:#}");
    assert!(finding["message"].as_str().unwrap().contains("that `app = App()` went"), "{report:#}");
    let new = finding["suggestion"]["new"].as_str().unwrap();
    assert!(new.contains("app = App()"), "{new}");
}

#[test]
fn a_file_that_is_no_python_can_be_to_blame() {
    let (reviewer, (mut repo, base)) = (Reviewer::new(), repository());
    repo.write("application.py", APP.replace("'urls.json'", "'urls.json', 'r'"));
    let head = repo.write("urls.json", "[]").commit("a list");
    let (_, report) = check(&reviewer, &repo, &format!("{base}..{head}"));
    assert_eq!(findings(&report), ["error breaking-change urls.json:1"]);
}

#[test]
fn a_command_that_no_longer_gets_to_run_is_found_and_one_that_never_does_is_refused() {
    let (reviewer, (mut repo, base)) = (Reviewer::new(), repository());
    let head = repo.write("application.py", APP.replace("json.load", "json.loads")).commit("break");
    let range = format!("{base}..{head}");
    let run = |command: &[&str]| {
        let mut words = vec![&range[..], "--format", "json", "--types", "off", "--"];
        words.extend(command);
        reviewer.check(repo.path(), &words)
    };
    let ran = run(&["sh", "-c", "grep -q 'json.load(' application.py || exit 125"]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (ran.code, findings(&report)),
        (Some(10), vec!["error smoke-failed application.py:1".to_owned()])
    );
    let ran = run(&["pythn", "smoke.py"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    assert!(ran.stderr.contains("is pythn spelled right"), "{}", ran.stderr);
    let ran = run(&["python3 smoke.py"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("leave the quotes out"), "{}", ran.stderr);
    let ran = run(&["sh", "-c", "exit 125"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("says nothing of the merge result"), "{}", ran.stdout);
}

#[test]
fn a_flaky_command_blames_nothing() {
    let (reviewer, (mut repo, base)) = (Reviewer::new(), repository());
    let head = repo.write("application.py", broken()).commit("break");
    let seen = repo.path().join("seen");
    let script = format!(
        "grep -q 'json.load(' application.py || test -e {0} || {{ echo > {0}; exit 1; }}",
        seen.display()
    );
    let range = format!("{base}..{head}");
    // What it leaves behind has to be there in its next run.
    let words =
        [&range, "--isolation", "off", "--format", "json", "--types", "off", "--", "sh", "-c", &script];
    let ran = reviewer.check(repo.path(), &words);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let [finding] = &findings(&report)[..] else { panic!("{report:#}") };
    assert!(finding.starts_with("warning smoke-failed"), "{finding}");
    assert!(report["findings"][0]["evidence"].to_string().contains("flaky"), "{report:#}");
}

#[test]
fn a_failure_that_comes_with_the_merge_only_is_found() {
    let (reviewer, (mut repo, fork)) = (Reviewer::new(), repository());
    let moved = APP.replace("def read", "def load");
    let smoke = SMOKE.replace("read()", "load()");
    let base = repo.write("application.py", moved).write("smoke.py", smoke).commit("another name");
    repo.go_to(fork);
    let second = "import application\n\n\ndef twice():\n    return application.read(), application.read()\n\n\ntwice()\n";
    let head = repo.write("second.py", second).commit("read twice");
    let mut words = vec!["--format", "json", "--types", "off"];
    let range = format!("{base}..{head}");
    words.insert(0, &range);
    words.extend(["--", "sh", "-c", "test ! -e second.py || python3 second.py"]);
    let ran = reviewer.check(repo.path(), &words);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(ran.code, Some(10));
    assert_eq!(findings(&report), ["error breaking-change second.py:5"]);
    assert_eq!(report["smoke"]["culprit"], Value::Null);
    assert!(report["notes"].to_string().contains("no commit of the branch can be blamed"), "{report:#}");
}

#[test]
fn what_is_uncommitted_is_run_too() {
    let (reviewer, (repo, _)) = (Reviewer::new(), repository());
    repo.check_out();
    std::fs::write(repo.path().join("application.py"), broken()).unwrap();
    let mut words = vec!["--format", "json", "--types", "off"];
    words.extend(COMMAND);
    let ran = reviewer.check(repo.path(), &words);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, findings(&report).len()), (Some(10), 2), "{report:#}");
    let mut words = vec!["--no-smoke", "--types", "off"];
    words.extend(&COMMAND[..0]);
    assert_eq!(reviewer.check(repo.path(), &words).code, Some(0));
}
