//! Pairs of files with the changes that they must give.
//!
//! A `.pair` names the kinds that a person expects (`kind+also; kind`), and holds both versions and the
//! changes in full. `PYBISECT_UPDATE_PAIRS=1` writes the last part anew; the first is never written.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use pybisect::calls::{Parsing, Paths, diff_files, diff_files_parsing};
use pybisect::model::{CallChange, CallSite, ChangeKind, FileCalls};

const PATHS: Paths = Paths::same("shop/web/views.py");

struct Pair {
    path: PathBuf,
    expected: Vec<String>,
    before: String,
    after: String,
    changes: String,
}

fn pairs() -> Vec<Pair> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/call_pairs");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pair"))
        .collect();
    paths.sort();
    paths.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> Pair {
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once("#### before\n").unwrap();
    let (before, rest) = rest.split_once("#### after\n").unwrap();
    let (after, changes) = rest.split_once("#### changes\n").unwrap();
    let mut expected: Vec<String> = head
        .trim()
        .trim_start_matches("#### expect ")
        .split("; ")
        .filter(|kind| *kind != "none")
        .map(str::to_owned)
        .collect();
    expected.sort();
    Pair { path, expected, before: before.to_owned(), after: after.to_owned(), changes: changes.to_owned() }
}

fn kinds(change: &CallChange) -> String {
    change.kinds().map(ChangeKind::word).collect::<Vec<_>>().join("+")
}

fn shown(calls: &FileCalls) -> String {
    let side = |site: &Option<CallSite>| match site {
        None => "-".to_owned(),
        Some(site) => {
            let text = site.text.replace("\r\n", "\\n").replace('\n', "\\n");
            let callee = site.callee.as_deref().unwrap_or("(no call)");
            format!("{}:{} {text} [{callee}] in {}", site.span.line, site.span.column, site.function)
        }
    };
    let mut out = String::new();
    for change in &calls.changes {
        writeln!(out, "{}", kinds(change)).unwrap();
        writeln!(out, "  - {}", side(&change.before)).unwrap();
        writeln!(out, "  + {}", side(&change.after)).unwrap();
        for (sign, callees) in [("gone", &change.gone), ("came", &change.came)] {
            if !callees.is_empty() {
                writeln!(out, "  {sign}: {}", callees.join(", ")).unwrap();
            }
        }
    }
    for (side, partly) in [("before", &calls.partly_before), ("after", &calls.partly_after)] {
        if let Some(why) = partly {
            writeln!(out, "partly parsed {side}: {why:?}").unwrap();
        }
    }
    out
}

fn diff(pair: &Pair) -> FileCalls {
    diff_files(Some(pair.before.as_bytes()), Some(pair.after.as_bytes()), PATHS)
}

#[test]
fn every_pair_gives_what_is_expected_of_it() {
    let update = std::env::var_os("PYBISECT_UPDATE_PAIRS").is_some();
    let mut wrong = String::new();
    for pair in pairs() {
        let calls = diff(&pair);
        let mut found: Vec<String> = calls.changes.iter().map(kinds).collect();
        found.sort();
        let shown = shown(&calls);
        if found != pair.expected || (!update && shown != pair.changes) {
            let name = pair.path.file_stem().unwrap().to_string_lossy();
            writeln!(wrong, "{name}: expected {:?}, found {found:?}\n{shown}", pair.expected).unwrap();
        }
        if update {
            let text = std::fs::read_to_string(&pair.path).unwrap();
            let (kept, _) = text.split_once("#### changes\n").unwrap();
            // Whole, since other tests are reading.
            let mut file = tempfile::NamedTempFile::new_in(pair.path.parent().unwrap()).unwrap();
            write!(file, "{kept}#### changes\n{shown}").unwrap();
            file.persist(&pair.path).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn there_are_pairs_of_every_kind_and_enough_without_a_change() {
    let pairs = pairs();
    assert!(pairs.iter().filter(|pair| !pair.expected.is_empty()).count() >= 60);
    assert!(pairs.iter().filter(|pair| pair.expected.is_empty()).count() >= 15);
    for kind in ChangeKind::ALL.into_iter().filter(|kind| *kind != ChangeKind::StaleCall) {
        let has =
            |pair: &Pair| pair.expected.iter().any(|kinds| kinds.split('+').next() == Some(kind.word()));
        assert!(pairs.iter().any(has), "no pair for {kind:?}");
    }
}

#[test]
fn the_reverse_of_a_pair_is_its_mirror() {
    for pair in pairs() {
        let forth = diff(&pair);
        let back = diff_files(Some(pair.after.as_bytes()), Some(pair.before.as_bytes()), PATHS);
        let mut mirrored: Vec<CallChange> = forth.changes.into_iter().map(CallChange::mirrored).collect();
        let mut back = back.changes;
        mirrored.sort_by_key(|change| format!("{change:?}"));
        back.sort_by_key(|change| format!("{change:?}"));
        assert_eq!(mirrored, back, "{}", pair.path.display());
    }
}

#[test]
fn parsing_what_changed_gives_what_parsing_all_gives() {
    for pair in pairs() {
        let (before, after) = (Some(pair.before.as_bytes()), Some(pair.after.as_bytes()));
        let whole = diff_files_parsing(before, after, PATHS, Parsing::Whole);
        assert_eq!(diff(&pair), whole, "{}", pair.path.display());
    }
}
