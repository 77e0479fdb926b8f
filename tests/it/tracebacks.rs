//! What is read of each text in `fixtures/tracebacks`, as real programs printed it.

use std::fmt::Write as _;
use std::path::Path;

use pybisect::triage::runner;
use pybisect::triage::traceback::{self, Link, ParsedTraceback};

fn describe(read: &ParsedTraceback, indent: &str, out: &mut String) {
    let mut marks: Vec<String> = read.test.iter().map(|test| format!("test {test}")).collect();
    marks.extend(read.captured.then(|| "captured".to_owned()));
    marks.extend(read.truncated.then(|| "cut off".to_owned()));
    let marks = if marks.is_empty() { String::new() } else { format!("  [{}]", marks.join("; ")) };
    let kind = read.kind.as_deref().unwrap_or("(unknown)");
    let message = read.message.replace('\n', "\n    | ");
    writeln!(out, "{indent}{kind}: {message}{marks}").unwrap();
    for frame in &read.frames {
        let function = frame.function.as_deref().unwrap_or("?");
        let code = frame.code.as_deref().unwrap_or("?");
        writeln!(out, "{indent}  {}:{} in {function}: {code}", frame.path, frame.line).unwrap();
    }
    for note in &read.notes {
        writeln!(out, "{indent}  note: {note}").unwrap();
    }
    for child in &read.children {
        writeln!(out, "{indent}  member").unwrap();
        describe(child, &format!("{indent}    "), out);
    }
    if let Some((link, cause)) = read.cause.as_deref() {
        let link = match link {
            Link::DirectCause => "caused by",
            Link::DuringHandling => "while handling",
        };
        writeln!(out, "{indent}  {link}").unwrap();
        describe(cause, &format!("{indent}    "), out);
    }
}

/// Everything that is read of a text, for people to check.
fn what_is_read(text: &str) -> String {
    let mut out = String::new();
    for read in traceback::parse(text) {
        describe(&read, "", &mut out);
    }
    if let Some(run) = runner::read(text) {
        writeln!(out, "{run:#?}").unwrap();
    }
    out
}

fn check(folder: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tracebacks");
    let mut files: Vec<_> =
        std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = format!("{folder}-{}", file.file_stem().unwrap().to_str().unwrap());
        insta::with_settings!({
            snapshot_path => root.join("read"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, what_is_read(&text));
        });
    }
}

#[test]
fn the_interpreters_own() {
    check("native");
}

#[test]
fn pytest() {
    check("pytest");
}

#[test]
fn unittest() {
    check("unittest");
}

#[test]
fn servers() {
    check("servers");
}
