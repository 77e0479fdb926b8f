use insta::assert_snapshot;

use super::super::Style;
use super::*;
use crate::model::{
    CallChange, CallSite, CallSpan, ChangeKind, CommitId, LocatedChange, PartlyParsedFile, StaleReason,
};

fn site(text: &str, callee: Option<&str>, line: u32) -> Option<CallSite> {
    let column = 5;
    let width = u32::try_from(text.len()).unwrap();
    Some(CallSite {
        text: text.to_owned(),
        callee: callee.map(str::to_owned),
        function: "your_url".to_owned(),
        span: CallSpan {
            start: 100,
            end: 100 + text.len(),
            line,
            column,
            end_line: line + u32::try_from(text.matches('\n').count()).unwrap(),
            end_column: column + width,
        },
    })
}

fn change(kind: ChangeKind, before: Option<CallSite>, after: Option<CallSite>) -> CallChange {
    CallChange { kind, also: Vec::new(), before, after, gone: Vec::new(), came: Vec::new(), stale: None }
}

fn sample() -> CallReport {
    let located = |path: &str, change: CallChange| LocatedChange {
        commit: Some(CommitId::from_bytes([0x75; 20])),
        subject: Some("Read the <urls> | faster".to_owned()),
        path: path.to_owned(),
        old_path: None,
        change,
    };
    let mut wrapped = change(
        ChangeKind::CallWrapped,
        site("token.value", None, 7),
        site("str(\n    token.value,\n)", Some("str"), 7),
    );
    wrapped.also = vec![ChangeKind::CallAdded];
    wrapped.came = vec!["int".to_owned()];
    let mut stale = change(ChangeKind::StaleCall, None, site("fit(1, b=2)", Some("pkg.mod.fit"), 9));
    stale.stale = Some(StaleReason {
        path: "pkg/mod.py".to_owned(),
        name: "pkg.mod.fit".to_owned(),
        line: 3,
        before: "def fit(a, b)".to_owned(),
        after: Some("def fit(a)".to_owned()),
        problem: "no parameter named 'b'".to_owned(),
    });
    CallReport {
        changes: vec![
            located(
                "app.py",
                change(
                    ChangeKind::CalleeChanged,
                    site("json.load(urls_file)", Some("json.load"), 20),
                    site("json.loads(urls_file)", Some("json.loads"), 20),
                ),
            ),
            located(
                "app.py",
                change(ChangeKind::CallRemoved, site("check(a | b)", Some("app.check"), 30), None),
            ),
            LocatedChange { old_path: Some("old.py".to_owned()), ..located("new.py", wrapped) },
            located("pkg/use.py", stale),
        ],
        files: 3,
        partly_parsed: vec![PartlyParsedFile { path: "bad.py".to_owned(), why: "line 3".to_owned() }],
    }
}

fn rendered(renderer: impl CallRenderer) -> String {
    let mut out = Vec::new();
    renderer.render(&sample(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn text() {
    assert_snapshot!(rendered(CallsText { style: Style::new(false), filtered: false, between: None }));
    let coloured = rendered(CallsText { style: Style::new(true), filtered: false, between: None });
    // The changed part of the line is set off inside of it.
    let lines: Vec<&str> = coloured.lines().filter(|line| line.contains("urls_file")).collect();
    assert_snapshot!(lines.join("\n").replace('\u{1b}', "ESC"));
}

#[test]
fn json() {
    assert_snapshot!(rendered(CallsJson));
}

#[test]
fn markdown() {
    assert_snapshot!(rendered(CallsMarkdown));
    assert!(rendered(CallsMarkdown).contains("check(a \\| b)"));
}

#[test]
fn annotated() {
    let all = annotations(&sample());
    let shown: Vec<String> = all
        .iter()
        .map(|one| format!("{}:{} {:?} {} {}", one.path, one.line, one.severity, one.rule.id, one.message))
        .collect();
    assert_snapshot!(shown.join("\n\n"));
}
