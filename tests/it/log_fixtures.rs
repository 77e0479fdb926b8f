//! What is read of each log in `fixtures/logs`: groups, type, message, count, place and chain, exactly.

use std::fmt::Write as _;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use pybisect::model::{LogGroup, LogReport};
use pybisect::triage::log::{LogOptions, LogReader, RepositoryFiles};

use crate::support::log_options;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    from: String,
    errors: usize,
    #[serde(default)]
    error: Vec<Error>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
struct Error {
    r#type: String,
    message: String,
    count: u64,
    place: String,
    chain: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/logs/programs")
}

/// With the files of the programs' repository.
fn options() -> LogOptions {
    let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs/app");
    let files = walkdir::WalkDir::new(&app)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file());
    let paths = files.map(|entry| entry.path().strip_prefix(&app).unwrap().to_str().unwrap().to_owned());
    LogOptions { files: RepositoryFiles::new(paths), ..log_options(2) }
}

fn read(text: &[u8]) -> LogReport {
    let mut reader = LogReader::new(options());
    reader.read("app.log", &mut Cursor::new(text));
    reader.finish()
}

fn found(group: &LogGroup) -> Error {
    let place = group.place().map(|place| {
        let path = place.file.as_deref().unwrap_or(&place.frame.path);
        format!("{path}:{} {}", place.frame.line, place.frame.function.as_deref().unwrap_or_default())
    });
    let chain = group.related.iter().map(|one| one.strip_prefix("after ").unwrap_or(one).to_owned());
    Error {
        r#type: group.exception.clone().unwrap_or_default(),
        message: group.message.clone(),
        count: group.count,
        place: place.unwrap_or_default(),
        chain: chain.collect(),
    }
}

/// Each log and what is right.
fn fixtures() -> Vec<(String, Vec<u8>, Expected)> {
    fixtures_in(&folder())
}

fn fixtures_in(folder: &Path) -> Vec<(String, Vec<u8>, Expected)> {
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .map(|path| {
            let expected = std::fs::read_to_string(path.with_extension("expect.toml")).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let expected = toml::from_str(&expected).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, std::fs::read(&path).unwrap(), expected)
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn check(folder: &Path, least: usize) {
    let mut wrong = String::new();
    let all = fixtures_in(folder);
    assert!(all.len() >= least, "{} logs in {}", all.len(), folder.display());
    for (name, text, expected) in all {
        let mut reader = LogReader::new(options());
        reader.read("app.log", &mut Cursor::new(text));
        let mut got: Vec<Error> = reader.finish().groups.iter().map(found).collect();
        let mut want = expected.error.clone();
        got.sort();
        want.sort();
        if got != want || got.len() != expected.errors {
            writeln!(wrong, "{name} ({}):\n  read {got:#?}\n  not {want:#?}", expected.from).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Captured from the programs themselves by `tests/logs/capture.py`.
#[test]
fn what_real_programs_wrote_is_read_exactly() {
    check(&folder(), 120);
}

/// Whoever writes the lines, and in whatever pieces they come.
#[test]
fn a_containers_marks_and_the_size_of_a_read_change_nothing() {
    for (name, text, _) in fixtures() {
        let plain: Vec<Error> = read(&text).groups.iter().map(found).collect();
        let mut reader = LogReader::new(options());
        reader.read("app.log", &mut std::io::BufReader::with_capacity(11, text.as_slice()));
        let pieces: Vec<Error> = reader.finish().groups.iter().map(found).collect();
        assert_eq!(pieces, plain, "{name}");
        let mut marked = Vec::new();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            marked.extend_from_slice(b"[pod/forge-7d9f8b6c5-x2x9q/app] ");
            marked.extend_from_slice(line);
        }
        let marked: Vec<Error> = read(&marked).groups.iter().map(found).collect();
        assert_eq!(marked, plain, "{name} behind a container's marks");
    }
}

/// What a layout prints of variables is in no part of the report.
#[test]
fn values_of_variables_are_dropped() {
    for (name, text, _) in fixtures() {
        let report = serde_json::to_string(&read(&text)).unwrap();
        for value in ["'four'", "└", "item = '", "request = {", "kiosk-secret"] {
            assert!(!report.contains(value), "{name}: {value} in {report}");
        }
    }
}
