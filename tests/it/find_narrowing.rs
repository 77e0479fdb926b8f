//! From the commit to the call, by pybisect itself.

use pybisect::model::CommitId;
use serde_json::Value;

use crate::support::{TestRepo, User, culprit};

const GOOD: &str = "\
import json


def read(text):
    value = json.loads(text)
    return sorted(value)


def show(values):
    for value in values:
        print(value)


show(read('[2, 1]'))
";

/// A history in which the version after the fourth commit is replaced by another.
fn history(before: &str, after: &str) -> (TestRepo, Vec<CommitId>) {
    let mut repo = TestRepo::new();
    let ids = (0..8)
        .map(|n| {
            repo.write("app.py", if n < 4 { before } else { after }).write("n.txt", format!("{n}\n"));
            repo.commit(&format!("commit {n}"))
        })
        .collect();
    (repo, ids)
}

fn find(user: &User, repo: &TestRepo, good: CommitId, more: &[&str]) -> Value {
    let good = good.to_string();
    let mut arguments = vec!["--good", &good];
    arguments.extend_from_slice(more);
    arguments.extend_from_slice(&["--", "python3", "app.py"]);
    let (code, report) = user.find(repo.path(), &arguments);
    assert_eq!(code, Some(0), "{report:#}");
    report
}

fn proofs(report: &Value) -> Vec<(&str, &str, bool, bool)> {
    report["breaking_changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            (
                change["before"].as_str().unwrap_or_default(),
                change["after"].as_str().unwrap_or_default(),
                change["sufficient"].as_bool().unwrap(),
                change["necessary"].as_bool().unwrap(),
            )
        })
        .collect()
}

/// A history with a commit of three edits to calls, of which the first breaks it.
fn three_edits() -> (TestRepo, Vec<CommitId>) {
    let after = GOOD
        .replace("json.loads(text)", "json.load(text)")
        .replace("sorted(value)", "sorted(value, reverse=True)")
        .replace("print(value)", "print(value, flush=True)");
    history(GOOD, &after)
}

#[test]
fn among_several_edits_the_call_that_broke_it_is_proven_with_two_trials() {
    let (repo, ids) = three_edits();
    let user = User::new();
    let report = find(&user, &repo, ids[0], &["--jobs", "2"]);
    assert_eq!(culprit(&report), ids[4].to_string());
    assert_eq!(proofs(&report), [("json.loads(text)", "json.load(text)", true, true)], "{report:#}");
    let change = &report["breaking_changes"][0];
    assert_eq!(
        (&change["callee_before"], &change["callee_after"], &change["function"], &change["line"]),
        (&"json.loads".into(), &"json.load".into(), &"read".into(), &5.into())
    );
    assert_eq!((&change["kind"], &change["commit"]), (&"callee-changed".into(), &ids[4].to_string().into()));
    assert_eq!(report["trials"]["narrowing"], 2, "{report:#}");
    assert_eq!(report["narrowing"]["remarks"].as_array().unwrap().len(), 0, "{report:#}");

    // Everything is known now, and nothing runs again.
    let again = find(&user, &repo, ids[0], &["--jobs", "2"]);
    assert_eq!(again["breaking_changes"], report["breaking_changes"]);
    assert_eq!((&again["trials"]["run"], &again["trials"]["narrowing"]), (&0.into(), &0.into()), "{again:#}");
}

#[test]
fn a_commit_of_one_edit_is_proven_by_the_search_itself() {
    let (mut repo, _) = TestRepo::with_versions(&[GOOD]);
    let first = repo.write("n.txt", "1\n").commit("c");
    repo.write("app.py", GOOD.replace("json.loads(text)", "json.load(text)")).commit("break");
    repo.write("n.txt", "2\n").commit("c");
    let user = User::new();
    let report = find(&user, &repo, first, &[]);
    assert_eq!(proofs(&report), [("json.loads(text)", "json.load(text)", true, true)], "{report:#}");
    assert_eq!((&report["trials"]["narrowing"], &report["narrowing"]["edits"]), (&0.into(), &1.into()));
    let report = find(&user, &repo, first, &["--no-narrow"]);
    assert_eq!(
        (&report["breaking_changes"], &report["narrowing"]),
        (&Value::Array(Vec::new()), &Value::Null)
    );
}

#[test]
fn two_causes_are_both_named_and_together_necessary() {
    let after = GOOD.replace("sorted(value)", "sorted(None, key=value)").replace(
        "    for value in values:",
        "    for value in iter(None, values):\n        sorted(None)\n    for value in values:",
    );
    let after = after.replace("sorted(None, key=value)", "sorted(None)").replace("iter(None, values)", "[1]");
    let (repo, ids) = history(GOOD, &after);
    let report = find(&User::new(), &repo, ids[0], &[]);
    let causes: Vec<u64> = report["breaking_changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["cause"].as_u64().unwrap())
        .collect();
    assert_eq!(causes, [0, 1], "{report:#}");
    assert!(
        proofs(&report).iter().all(|&(_, _, sufficient, necessary)| sufficient && necessary),
        "{report:#}"
    );
    assert!(report["narrowing"]["remarks"][0].as_str().unwrap().starts_with("2 causes"), "{report:#}");
}

#[test]
fn edits_that_break_it_only_together_are_reported_together() {
    let good = "import json\n\n\ndef options():\n    return {}\n\n\ndef dump(value):\n    return json.dumps(value)\n\n\nprint(dump(1))\n";
    let after = good
        .replace("return {}", "return {'wrong': 1}")
        .replace("json.dumps(value)", "json.dumps(value, **options())")
        .replace("print(dump(1))", "print(dump(2))");
    let (repo, ids) = history(good, &after);
    let report = find(&User::new(), &repo, ids[0], &[]);
    let lines: Vec<u64> = report["breaking_changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [5, 9], "{report:#}");
    assert!(
        proofs(&report).iter().all(|&(_, _, sufficient, necessary)| sufficient && necessary),
        "{report:#}"
    );
}

#[test]
fn a_new_module_comes_with_its_import() {
    let mut repo = TestRepo::new();
    let mut ids = Vec::new();
    for n in 0..6 {
        if n == 3 {
            repo.write("parsing.py", "def parse(text):\n    return int(text)\n").write("docs.txt", "new\n");
            let after = GOOD
                .replace("import json", "import parsing")
                .replace("json.loads(text)", "parsing.parse(text)");
            repo.write("app.py", after.replace("print(value)", "print(value, flush=True)"));
        } else if n == 0 {
            repo.write("app.py", GOOD).write("docs.txt", "old\n");
        }
        ids.push(repo.write("n.txt", format!("{n}")).commit("c"));
    }
    let report = find(&User::new(), &repo, ids[0], &[]);
    let paths: Vec<&str> = report["breaking_changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["app.py", "app.py", "parsing.py"], "{report:#}");
    assert!(
        proofs(&report).iter().all(|&(_, _, sufficient, necessary)| sufficient && necessary),
        "{report:#}"
    );
}

#[test]
fn the_terminal_shows_the_call_and_both_proofs() {
    let after = GOOD
        .replace("json.loads(text)", "json.load(text)")
        .replace("print(value)", "print(value, flush=True)");
    let (repo, ids) = history(GOOD, &after);
    let good = ids[0].to_string();
    let ran = User::new().run(repo.path(), &["find", "--quiet", "--good", &good, "--", "python3", "app.py"]);
    let text = ran.stdout;
    for wanted in [
        "cause     app.py:5 in read\n",
        "          - json.loads(text)\n          + json.load(text)\n",
        "with this edit alone fails in the same way",
        "without it passes",
    ] {
        let joined = text.replace("\n          ", " ");
        assert!(text.contains(wanted) || joined.contains(wanted), "{wanted}\n{text}");
    }
}

#[test]
fn the_edit_that_mended_it_is_proven_as_well() {
    let broken = GOOD.replace("json.loads(text)", "json.load(text)");
    let mended = GOOD.replace("print(value)", "print(value, flush=True)").replace("values:", "list(values):");
    let (repo, ids) = history(&broken, &mended);
    let user = User::new();
    let arguments = ["--find-fix", "--bad", &ids[0].to_string(), "--", "python3", "app.py"];
    let (code, report) = user.find(repo.path(), &arguments);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(culprit(&report), ids[4].to_string());
    assert_eq!(proofs(&report), [("json.load(text)", "json.loads(text)", true, true)], "{report:#}");
    let shown = user.run(repo.path(), &[&["find"], &arguments[..]].concat()).stdout;
    let (before, after) = (ids[3].short(), ids[4].short());
    for wanted in
        [" fixed it\n".to_owned(), format!("{before} with this edit alone passes; {after} without it fails")]
    {
        assert!(shown.replace("\n          ", " ").contains(&wanted), "{wanted}\n{shown}");
    }
}

#[test]
fn a_mender_hidden_behind_its_own_mistake_is_proven_by_the_edit_that_mended_it() {
    let broken = GOOD.replace("json.loads(text)", "json.load(text)");
    let both = GOOD.replace("print(value)", "print(value, wrong=True)");
    let mut repo = TestRepo::new();
    let ids: Vec<CommitId> = (0..10)
        .map(|n| {
            let text = match n {
                0..5 => broken.as_str(),
                5 => &both,
                _ => GOOD,
            };
            repo.write("app.py", text).write("n.txt", format!("{n}\n")).commit("c")
        })
        .collect();
    let user = User::new();
    let arguments = ["--find-fix", "--bad", &ids[0].to_string(), "--", "python3", "app.py"];
    let (code, report) = user.find(repo.path(), &arguments);
    assert_eq!((code, culprit(&report)), (Some(0), ids[5].to_string().as_str()), "{report:#}");
    assert_eq!(proofs(&report), [("json.load(text)", "json.loads(text)", true, true)], "{report:#}");
    let hiding = &report["narrowing"]["hidden_by"][0];
    assert_eq!(hiding["after"], "print(value, wrong=True)", "{report:#}");
    let shown = user.run(repo.path(), &[&["find"], &arguments[..]].concat()).stdout;
    assert!(shown.replace("\n          ", " ").contains("without it, the commit passes"), "{shown}");
}

#[test]
fn a_time_limit_does_not_make_the_search_begin_before_the_evidence() {
    let (mut repo, ids) = three_edits();
    for n in 8..40 {
        repo.write("n.txt", format!("{n}\n")).commit(&format!("commit {n}"));
    }
    let trials = |options: &[&str]| {
        let report = find(&User::new(), &repo, ids[0], &[&["--jobs", "2", "--no-narrow"], options].concat());
        assert_eq!(culprit(&report), ids[4].to_string());
        report["trials"]["run"].as_u64().unwrap() + report["trials"]["cancelled"].as_u64().unwrap()
    };
    assert_eq!(trials(&["--timeout", "60s"]), trials(&[]));
}

#[test]
fn with_many_slots_narrowing_that_is_ahead_of_the_search_changes_no_answer() {
    let (repo, ids) = three_edits();
    let one = find(&User::new(), &repo, ids[0], &["--jobs", "1"]);
    for jobs in ["2", "4", "8"] {
        let user = User::new();
        let report = find(&user, &repo, ids[0], &["--jobs", jobs]);
        assert_eq!(culprit(&report), ids[4].to_string());
        assert_eq!(report["breaking_changes"], one["breaking_changes"], "{report:#}");
        assert_eq!(report["narrowing"]["remarks"], one["narrowing"]["remarks"], "{report:#}");
        // Whatever was ended is not among what is known.
        let again = find(&user, &repo, ids[0], &["--jobs", "1"]);
        assert_eq!(again["breaking_changes"], one["breaking_changes"], "{again:#}");
    }
}

#[test]
fn another_value_of_a_scripts_assertion_is_another_failure_of_a_part() {
    let before = "\
def handle(item, sink):
    result = sink(item).strip()
    return result


def run(items):
    out = []
    for item in items:
        out.append(handle(item, str))
    return out
";
    let after = "\
import asyncio
from collections.abc import Callable


async def handle(item: str, sink: Callable) -> str:
    result = sink(item).strip()
    await asyncio.sleep(0)
    return None


async def collect(items):
    out = []
    for item in items:
        out.append(await handle(item, str))
    return out


def run(items):
    return asyncio.run(collect(items))
";
    let mut repo = TestRepo::new();
    repo.write("smoke.py", "from app import run\n\nr = run([' A', 'b '])\nassert r == ['A', 'b'], r\n");
    let good = repo.write("app.py", before).commit("first").to_string();
    repo.write("app.py", after).commit("async");
    let (code, report) = User::new().find(repo.path(), &["--good", &good, "--", "python3", "smoke.py"]);
    assert_eq!(code, Some(0), "{report:#}");
    let changes = report["breaking_changes"].as_array().unwrap();
    assert!(
        changes
            .iter()
            .any(|change| change["after"].as_str().is_some_and(|text| text.contains("return None"))),
        "{report:#}"
    );
}
