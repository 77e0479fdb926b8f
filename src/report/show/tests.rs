use super::*;
use crate::model::{
    Captured, CommitInfo, Culprit, Status, Termination, TreeId, TrialId, TrialKind, VerdictKind,
};
use crate::report::Style;

fn id(byte: u8) -> CommitId {
    CommitId::from_bytes([byte; 20])
}

fn output(trial: u64, commit: u8, verdict: &str, text: &str) -> KeptOutput {
    KeptOutput {
        trial: TrialId(trial),
        commit: id(commit),
        purpose: TrialKind::Search,
        verdict: VerdictKind::of_word(verdict),
        ending: Termination::Exited { code: i32::from(verdict == "bad") },
        stdout: Captured { text: text.to_owned(), bytes: 0 },
        stderr: Captured::default(),
    }
}

fn report() -> Report {
    let commit = CommitInfo {
        id: id(2),
        tree: TreeId::from_bytes([0; 20]),
        parents: vec![id(1)],
        author: "Ada <b>".to_owned(),
        author_time: 1_600_000_000,
        author_offset: 120,
        commit_time: 1_600_000_000,
        subject: "Read in one go".to_owned(),
    };
    Report {
        status: Status::Found,
        command: "python -m pytest -q".to_owned(),
        good: vec![id(0)],
        bad: Some(id(9)),
        culprits: vec![Culprit::new(commit, 1.0)],
        ..Report::default()
    }
}

const HOSTILE: &str = "a <b>&\u{1b}[31m```\n::error::x\n";

fn text_of(width: usize, commit: Option<CommitId>) -> String {
    let outputs = [
        output(0, 9, "bad", "at the end\n"),
        output(1, 1, "good", "1 passed\n"),
        output(2, 2, "bad", HOSTILE),
        output(3, 2, "bad", "1 failed\n"),
    ];
    let report = report();
    let mut text = Vec::new();
    let shown = ShownSession { report: &report, outputs: &outputs };
    ShowText { style: Style::new(false), width }.render(shown, commit, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn the_culprit_and_its_parent_are_shown_good_first() {
    insta::assert_snapshot!("narrow", text_of(80, None));
    insta::assert_snapshot!("wide", text_of(140, None));
    insta::assert_snapshot!("one", text_of(80, Some(id(9))));
}

#[test]
fn nothing_foreign_is_markup() {
    let report = report();
    let outputs = [output(1, 1, "good", "1 passed\n"), output(2, 2, "bad", HOSTILE)];
    let shown = ShownSession { report: &report, outputs: &outputs };
    let mut markdown = Vec::new();
    ShowMarkdown.render(shown, &mut markdown).unwrap();
    insta::assert_snapshot!("markdown", String::from_utf8(markdown).unwrap());
}
