use super::*;
use crate::model::event::OutputTail;
use crate::model::proof::{Proof, Trials};
use crate::model::report::{RangeSize, Skipped, TrialCounts};
use crate::model::{
    BreakingChange, CommitInfo, Dropped, FailureKind, Frame, NarrowingSummary, PackageEdit, SkipKind, Status,
    TreeId,
};
use crate::report::postmortem::samples::{id, trial};

fn commit(byte: u8, subject: &str, parents: &[u8]) -> CommitInfo {
    CommitInfo {
        id: id(byte),
        tree: TreeId::from_bytes([0; 20]),
        parents: parents.iter().map(|&parent| id(parent)).collect(),
        author: "Ada Example <ada@example.com>".to_owned(),
        author_time: 1_600_000_000,
        author_offset: 120,
        commit_time: 1_600_000_000,
        subject: subject.to_owned(),
    }
}

fn edit(path: &str, line: u32, before: Option<&str>, after: Option<&str>) -> BreakingChange {
    BreakingChange {
        commit: Some(id(2)),
        path: path.to_owned(),
        line,
        function: Some("read".to_owned()),
        kind: "lines".to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
        callee_before: None,
        callee_after: None,
        calls: Vec::new(),
        cause: 0,
        sufficient: true,
        necessary: true,
    }
}

/// A search that found a commit with these parents, and these edits.
fn found(parents: &[u8], edits: Vec<BreakingChange>) -> Report {
    let culprit = commit(
        2,
        "Read the stored URLs in one go, with a subject that goes on beyond the eightieth column",
        parents,
    );
    let mut trial_log = vec![trial(2, "bad"), trial(9, "bad"), trial(0, "good")];
    trial_log.extend(parents.iter().map(|&parent| trial(parent, "good")));
    let narrowing = NarrowingSummary {
        good: Some(id(1)),
        bad: Some(id(2)),
        edits: 30,
        trials: 15,
        ..NarrowingSummary::default()
    };
    let narrowing = Some(narrowing).filter(|_| !edits.is_empty());
    let trials = Trials { log: &trial_log, find_fix: false, first_parent: false };
    let proof = Proof::new(&culprit, trials, narrowing.as_ref());
    Report {
        status: Status::Found,
        session: "5fdc2025f9e3".to_owned(),
        command: "python -m pytest -q".to_owned(),
        good: vec![id(0)],
        bad: Some(id(9)),
        range: RangeSize { commits: 47, merges: 1 },
        failure: Some(crate::model::FailureSignature {
            message: "Lists differ: [<class 'messages.UndefinedName'>] != [] and what follows is long"
                .to_owned(),
            frames: vec![Frame {
                path: "project/test/harness.py".to_owned(),
                line: 36,
                function: Some("flakes".to_owned()),
                code: None,
            }],
            ..crate::model::FailureSignature::bare(FailureKind::Exception("AssertionError".to_owned()))
        }),
        culprits: vec![Culprit { proof, ..Culprit::new(culprit, 1.0) }],
        breaking_changes: edits,
        narrowing,
        trials: TrialCounts { run: 8, narrowing: 15, ..TrialCounts::default() },
        trial_log,
        wall_seconds: 25.0,
        jobs: 2,
        ..Report::default()
    }
}

fn answer(report: &Report, revert: Revert) -> String {
    answer_with("@@ -1 +1 @@\n-a\n+b\n".repeat(9), report, revert)
}

/// The answer where this is the culprit's whole change.
fn answer_with(diff: String, report: &Report, revert: Revert) -> String {
    let next = Next { revert, repository: None };
    let renderer = Answer { style: Style::new(false), width: 80, diff: Some(diff), next: Some(next) };
    let mut text = Vec::new();
    renderer.render(report, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    for line in text.lines() {
        assert!(crate::report::columns::width(line) <= 80, "too wide: {line}");
    }
    assert!(text.lines().count() <= ROWS, "{} rows:\n{text}", text.lines().count());
    text
}

#[test]
fn a_call() {
    let edits = vec![edit("app.py", 23, Some("json.load(urls_file)"), Some("json.loads(urls_file)"))];
    insta::assert_snapshot!(answer(&found(&[1], edits), Revert::Applies));
}

#[test]
fn several_edits() {
    let body = "def in_annotation(func):\n".to_owned() + &"    a = 1\n".repeat(9);
    let edits = vec![
        edit(
            "project/deep/folders/of/the/tree/checker.py",
            1628,
            Some("NUM = STR = BYTES = ELLIPSIS = CONSTANT = ignore"),
            Some(&body),
        ),
        edit("checker.py", 1345, None, Some("@in_annotation")),
        edit("checker.py", 659, None, Some(&body)),
        edit("checker.py", 756, Some("_in_annotation = False"), None),
        edit("checker.py", 1, None, Some("import x")),
    ];
    let conflicts = Revert::Conflicts(vec!["checker.py".to_owned(), "b.py".to_owned()]);
    insta::assert_snapshot!(answer(&found(&[1], edits), conflicts));
}

#[test]
fn a_merge_with_many_notes() {
    let mut report = found(&[1, 3], Vec::new());
    report.flaky = Some((0.02, 0.3));
    report.notes = (0..9).map(|n| format!("note {n}: {}", "words and more words ".repeat(9))).collect();
    report.skipped = vec![
        Skipped { commit: id(5), kind: SkipKind::NotRunnable, reason: "no module named x".to_owned() },
        Skipped { commit: id(6), kind: SkipKind::NotRunnable, reason: "no module named x".to_owned() },
        Skipped { commit: id(7), kind: SkipKind::Timeout, reason: "took longer than 20 s".to_owned() },
    ];
    insta::assert_snapshot!(answer(&report, Revert::Unknown));
}

#[test]
fn a_change_of_several_files_names_them() {
    let mut report = found(&[1, 3], Vec::new());
    report.flaky = Some((0.0, 0.5));
    let part = |path: &str| {
        format!("diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n")
    };
    let change = part("shop/cart.py") + &part("shop/prices.py");
    insta::assert_snapshot!(answer_with(change, &report, Revert::Unknown));
}

#[test]
fn a_package() {
    let mut report = found(&[1], Vec::new());
    report.culprits.clear();
    report.packages = vec![PackageChange {
        name: "werkzeug".to_owned(),
        before: Some("2.2.3".to_owned()),
        after: Some("3.0.0".to_owned()),
        first_bad: Some("2.3.0".to_owned()),
        last_good: Some("2.2.3".to_owned()),
        sufficient: true,
        necessary: true,
        constraint: Some("werkzeug<2.3".to_owned()),
        constraint_passed: true,
        ..PackageChange::default()
    }];
    insta::assert_snapshot!(answer(&report, Revert::Unknown));
}

/// A commit let a release in: both are told, and how to hold that back.
#[test]
fn a_package_that_a_commit_let_in() {
    let mut report =
        found(&[1], vec![edit("requirements.txt", 4, Some("werkzeug<=0.16.1"), Some("werkzeug"))]);
    let line = PackageEdit {
        path: "requirements.txt".to_owned(),
        line: 4,
        before: Some("werkzeug".to_owned()),
        after: "werkzeug<1.0.0".to_owned(),
    };
    report.packages = vec![PackageChange {
        name: "werkzeug".to_owned(),
        sufficient: true,
        necessary: true,
        constraint: Some("werkzeug<1.0.0".to_owned()),
        constraint_passed: true,
        edit: Some(line),
        ..PackageChange::default()
    }];
    insta::assert_snapshot!(answer(&report, Revert::Applies));
}

/// However many there are, and however much each brings.
#[test]
fn many_packages() {
    let mut report = found(&[1], Vec::new());
    report.culprits.clear();
    let dropped = |number| Dropped { name: format!("leaf{number}"), extra: Some("all".to_owned()) };
    let package = |number: usize| PackageChange {
        name: format!("werkzeug{number}"),
        before: Some("2.2.3".to_owned()),
        after: Some("3.0.0".to_owned()),
        first_bad: Some("2.3.0".to_owned()),
        last_good: Some("2.2.3".to_owned()),
        sufficient: true,
        constraint: Some(format!("werkzeug{number}<2.3")),
        constraint_passed: true,
        failure: Some("ImportError: cannot import name".to_owned()),
        dropped: (0..9).map(dropped).collect(),
        ..PackageChange::default()
    };
    report.packages = (0..5).map(package).collect();
    let several = answer(&report, Revert::Unknown);
    report.packages.truncate(1);
    insta::assert_snapshot!(format!("{several}\n\n{}", answer(&report, Revert::Unknown)));
}

/// Edits, remarks on them, and what the proof rests on: all that may be long at once.
#[test]
fn all_that_can_be_long() {
    let body = "def in_annotation(func):\n".to_owned() + &"    a = 1\n".repeat(9);
    let path = "project/deep/folders/of/the/tree/strategy_options_of_it.py";
    let edits = (0..9).map(|line| edit(path, 1000 + line, None, Some(&body))).collect();
    let mut report = found(&[1], edits);
    report.flaky = Some((0.02, 0.3));
    let narrowing = report.narrowing.as_mut().unwrap();
    narrowing.remarks =
        (0..3).map(|number| format!("remark {number}: {}", "words and more ".repeat(12))).collect();
    report.notes = vec!["a note of some length, ".repeat(8)];
    insta::assert_snapshot!(answer(&report, Revert::Applies));
}

#[test]
fn a_set() {
    let mut report = found(&[1], Vec::new());
    report.status = Status::Ambiguous;
    report.culprits =
        (10..22).map(|n| Culprit::new(commit(n, "A change among others", &[1]), 1.0 / 12.0)).collect();
    report.reason =
        Some("the commits between 1 and 9 cannot be tested: ".to_owned() + &"why not ".repeat(20));
    report.hint = Some("some of them fail in another way; if that counts as well: --any-failure".to_owned());
    report.outputs = vec![OutputTail {
        commit: id(5),
        lines: (0..20).map(|n| format!("line {n} of what it printed, {}", "long ".repeat(20))).collect(),
        end: None,
        ended: "exit status 2".to_owned(),
    }];
    insta::assert_snapshot!(answer(&report, Revert::Unknown));
    // With all else that may stand there, too.
    report.flaky = Some((0.02, 0.3));
    report.packages =
        vec![PackageChange { name: "werkzeug".repeat(9), sufficient: true, ..PackageChange::default() }];
    let told = answer(&report, Revert::Unknown);
    assert!(told.contains("line 19 of") && told.contains("25 s: 8 + 15 runs"), "{told}");
}

#[test]
fn a_fix_that_was_found() {
    let mut report =
        found(&[1], vec![edit("app.py", 23, Some("json.loads(urls_file)"), Some("json.load(urls_file)"))]);
    report.find_fix = true;
    insta::assert_snapshot!(answer(&report, Revert::Applies));
}

#[test]
fn an_end_that_does_not_do_what_was_said_is_an_error_of_three_parts() {
    let mut report = found(&[1], Vec::new());
    report.status = Status::NotReproduced;
    report.culprits.clear();
    report.reason =
        Some("at the bad commit f80af6a40, pytest did not come to run the test: file not found".to_owned());
    report.hint = Some(
        "check the test's path; a test that is newer than the history goes in with --with-file".to_owned(),
    );
    report.outputs = vec![OutputTail {
        commit: id(9),
        lines: vec![
            "ERROR: not found: tests/test_grouping.py::test_alias".to_owned(),
            "(no match in any of [<Module test_grouping.py>])".to_owned(),
            "::error::no command".to_owned(),
        ],
        end: Some(crate::model::event::WhichEnd::Bad),
        ended: "exit status 4".to_owned(),
    }];
    let mut text = Vec::new();
    let renderer = crate::report::Unanswered { style: Style::new(false), width: 80 };
    renderer.render(&report, &mut text).unwrap();
    insta::assert_snapshot!(String::from_utf8(text).unwrap());
}
