use insta::assert_snapshot;
use serde_json::Value;

use super::super::Style;
use super::*;
use crate::model::{Annotation, CommitId, MergeSide, Rule, SmokeResult, Suggestion};

fn sample() -> CheckReport {
    let side = |name: &str, byte: u8| MergeSide {
        name: name.to_owned(),
        commit: CommitId::from_bytes([byte; 20]),
        uncommitted: byte == 2,
    };
    let error = Annotation {
        rule: Rule { id: "breaking-call".to_owned(), summary: "This call makes the command fail".to_owned() },
        severity: Severity::Error,
        path: "a&b/app.py".to_owned(),
        line: 20,
        column: 24,
        end_line: 20,
        end_column: 45,
        in_old_version: false,
        message: "`json.loads(urls_file)` makes the command fail: <TypeError>".to_owned(),
        evidence: vec![
            "ty: Expected `str | bytes`, found_it `TextIO`".to_owned(),
            "control \u{1b}[0m".to_owned(),
        ],
        suggestion: Some(Suggestion {
            title: "call json.load as before".to_owned(),
            line: 20,
            end_line: 20,
            old: "    urls = json.loads(urls_file)".to_owned(),
            new: "    urls = json.load(urls_file)".to_owned(),
            tested: true,
        }),
        fingerprint: "00c0ffee".to_owned(),
    };
    let warning = Annotation {
        rule: Rule { id: "untested-call".to_owned(), summary: "No test executes it".to_owned() },
        severity: Severity::Warning,
        line: 3,
        message: "no test executes f(1)".to_owned(),
        evidence: Vec::new(),
        suggestion: None,
        ..error.clone()
    };
    CheckReport {
        base: side("origin/main", 1),
        head: side("HEAD", 2),
        conflicts: Vec::new(),
        files: 1,
        changed_calls: 2,
        findings: vec![error, warning],
        ignored: 1,
        in_baseline: 0,
        smoke: Some(SmokeResult {
            command: "python smoke.py".to_owned(),
            base: "passed".to_owned(),
            merged: "failed".to_owned(),
            failure: Some("TypeError: the JSON object must be str".to_owned()),
            is_new: true,
            culprit: None,
            new_failures: Vec::new(),
            known: None,
            not_judged: None,
        }),
        notes: vec!["no type evidence: ty is not on PATH".to_owned()],
        session: None,
        trial_log: Vec::new(),
    }
}

fn rendered(renderer: impl CheckRenderer, report: &CheckReport) -> String {
    let mut out = Vec::new();
    renderer.render(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn nothing() -> CheckReport {
    CheckReport {
        findings: Vec::new(),
        smoke: None,
        notes: Vec::new(),
        changed_calls: 0,
        ignored: 0,
        ..sample()
    }
}

#[test]
fn text() {
    let text = |verbose| CheckText { style: Style::new(false), verbose, width: None };
    assert_snapshot!(rendered(text(true), &sample()));
    assert_eq!(rendered(text(false), &nothing()), "nothing found in 0 changed calls (1 Python file)\n");
}

#[test]
fn json() {
    let text = rendered(CheckJson, &sample());
    assert_snapshot!(text);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["schema"], "pybisect.check/1");
}

#[test]
fn markdown() {
    assert_snapshot!(rendered(CheckMarkdown, &sample()));
}

#[test]
fn junit() {
    assert_snapshot!(rendered(CheckJunit { fail_on: Some(Severity::Error) }, &sample()));
    let clean = rendered(CheckJunit { fail_on: Some(Severity::Error) }, &nothing());
    assert!(clean.contains(r#"tests="1" failures="0""#), "{clean}");
}

#[test]
fn nothing_is_told_twice() {
    let failure = "TypeError: the JSON object must be str";
    let mut report = sample();
    let finding = &mut report.findings[0];
    let culprit = crate::model::CommitId::from_bytes([3; 20]);
    finding.message = format!(
        "`json.loads(urls_file)` makes the command fail: {failure}\nfirst in {} Read it in one go",
        culprit.short()
    );
    finding.evidence = vec!["callee changed: `json.load(urls_file)` → `json.loads(urls_file)`".to_owned()];
    if let Some(suggestion) = &mut finding.suggestion {
        suggestion.title = "as it was: `json.load(urls_file)`".to_owned();
    }
    if let Some(smoke) = &mut report.smoke {
        smoke.culprit = Some(crate::model::CommitInfo {
            id: culprit,
            tree: crate::model::TreeId::from_bytes([4; 20]),
            parents: Vec::new(),
            author: "A <a@b.c>".to_owned(),
            author_time: 0,
            author_offset: 0,
            commit_time: 0,
            subject: "Read it in one go".to_owned(),
        });
    }
    let view = CheckText { style: Style::new(false), verbose: true, width: None };
    let text = rendered(view, &report);
    for (told, times) in [(failure, 1), ("first in 030303030", 1), ("json.load(", 1), ("json.loads(", 2)] {
        assert_eq!(text.matches(told).count(), times, "{told}: {text}");
    }
    assert!(text.contains("    callee changed\n") && text.contains("    as it was (tested)\n"), "{text}");
}
