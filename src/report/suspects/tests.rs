use super::*;
use crate::model::{
    CommitId, CommitInfo, FailingLine, FailureKind, FailureSignature, Frame, Suspect, TreeId,
};
use crate::report::Style;

fn report() -> SuspectReport {
    let commit = |byte: u8, subject: &str| CommitInfo {
        id: CommitId::from_bytes([byte; 20]),
        tree: TreeId::from_bytes([byte; 20]),
        parents: Vec::new(),
        author: "Ada <ada@example.org>".into(),
        author_time: 1_600_000_000,
        author_offset: 0,
        commit_time: 1_600_000_000,
        subject: subject.into(),
    };
    let suspect = |byte: u8, subject: &str, probability: f64, reasons: &[&str]| Suspect {
        commit: commit(byte, subject),
        probability,
        reasons: reasons.iter().map(|&reason| reason.to_owned()).collect(),
        signals: [("line".to_owned(), 1.5)].into(),
    };
    let mut failure = FailureSignature::bare(FailureKind::Exception("TypeError".into()));
    failure.message = "not TextIOWrapper".into();
    failure.frames = vec![Frame {
        path: "application.py".into(),
        line: 20,
        function: Some("your_url".into()),
        code: Some("urls = json.loads(file)".into()),
    }];
    SuspectReport {
        command: Vec::new(),
        good: vec![CommitId::from_bytes([1; 20])],
        bad: Some(CommitId::from_bytes([2; 20])),
        commits: 107,
        place: Some(FailingLine { path: "application.py".into(), line: 20 }),
        failure: Some(failure),
        evidence: vec!["traceback".into(), "words".into()],
        open_bits: 0.5,
        suspects: vec![
            suspect(2, "Read | parse", 0.931, &["changed the line that raised", "its lines"]),
            suspect(3, "Text", 0.0004, &["only tests and text"]),
        ],
        notes: vec!["the log has 2 more kinds of errors".into()],
        trial_log: Vec::new(),
    }
}

fn rendered(renderer: &dyn SuspectRenderer) -> String {
    let mut out = Vec::new();
    renderer.render(&report(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn text() {
    insta::assert_snapshot!(rendered(&SuspectsText { style: Style::new(false), width: 80, folds: false }), @r"
    TypeError: not TextIOWrapper
      application.py:20 in your_url: urls = json.loads(file)

       93 %  020202020 Read | parse  2020-09-13
             changed the line that raised
             its lines
     <0.1 %  030303030 Text  2020-09-13
             only tests and text
             105 others, none above 0.1 %
    note: the log has 2 more kinds of errors
    107 commits ranked by traceback, words; nothing was tested

    next
      git show 020202020  # the change
      pybisect find 010101010..020202020 -- COMMAND  # run a test, and prove it
    ");
}

#[test]
fn markdown() {
    insta::assert_snapshot!(rendered(&SuspectsMarkdown), @r"
    **TypeError: not TextIOWrapper**

    | probability | commit | reasons |
    |---:|---|---|
    | 93 % | 020202020 Read \| parse | changed the line that raised<br>its lines |
    | <0.1 % | 030303030 Text | only tests and text |

    107 commits ranked; nothing was tested.
    ");
}

#[test]
fn json_has_a_name_and_the_numbers() {
    let value: serde_json::Value = serde_json::from_str(&rendered(&SuspectsJson)).unwrap();
    assert_eq!(value["schema"], "pybisect.suspects/1");
    assert_eq!(value["suspects"][0]["commit"]["id"], "02".repeat(20));
    assert_eq!(value["suspects"][0]["signals"]["line"], 1.5);
    assert_eq!(value["commits"], 107);
}

#[test]
fn each_suspect_is_a_remark_on_the_line_that_failed() {
    let told: Vec<String> = suspect_annotations(&report())
        .iter()
        .map(|one| {
            format!("{:?} {}:{} {}", one.severity, one.path, one.line, one.text().replace('\n', " / "))
        })
        .collect();
    assert_eq!(
        told,
        [
            "Warning application.py:20 TypeError: not TextIOWrapper: 93 % from 020202020 Read | parse / changed \
             the line that raised / its lines",
            "Note application.py:20 TypeError: not TextIOWrapper: <0.1 % from 030303030 Text / only tests and text",
        ]
    );
    let nowhere = suspect_annotations(&SuspectReport { place: None, ..report() });
    assert_eq!((nowhere[0].path.as_str(), nowhere[0].line), ("", 1));
}

#[test]
fn small_chances_are_not_none() {
    assert_eq!([0.5, 0.05, 0.0001].map(percent), ["50 %", "5.0 %", "<0.1 %"]);
}
