//! Independent judges of the call diff: CPython's own parser, and black's formatting.
//!
//! The whole standard library is judged by the program `examples/call_oracles.rs`; here is a sample of it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pybisect::calls::{Parsing, Paths, diff_files, diff_files_parsing};
use pybisect::model::CallChange;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Deserialize;

#[derive(Deserialize)]
struct Judged {
    path: PathBuf,
    calls: Option<Vec<(u32, u32)>>,
}

/// Modules with much syntax and none too long.
const SAMPLE: [&str; 22] = [
    "abc.py",
    "argparse.py",
    "ast.py",
    "asyncio/base_events.py",
    "asyncio/tasks.py",
    "collections/__init__.py",
    "contextlib.py",
    "copy.py",
    "dataclasses.py",
    "datetime.py",
    "enum.py",
    "functools.py",
    "inspect.py",
    "json/decoder.py",
    "logging/__init__.py",
    "pathlib.py",
    "subprocess.py",
    "tempfile.py",
    "types.py",
    "typing.py",
    "unittest/mock.py",
    "urllib/request.py",
];

fn sample() -> Vec<PathBuf> {
    let output = Command::new("python3")
        .args(["-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"])
        .output()
        .unwrap();
    let folder = String::from_utf8(output.stdout).unwrap();
    let paths = SAMPLE.iter().map(|name| Path::new(folder.trim()).join(name));
    // Modules come and go between versions of Python.
    let there: Vec<PathBuf> = paths.filter(|path| path.exists()).collect();
    assert!(there.len() > 15, "{there:?}");
    there
}

fn judge(paths: &[PathBuf]) -> Vec<Judged> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/call_pairs/ast_calls.py");
    let mut python =
        Command::new("python3").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let list: Vec<String> = paths.iter().map(|path| format!("{}\n", path.display())).collect();
    python.stdin.take().unwrap().write_all(list.concat().as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    std::str::from_utf8(&output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn the_calls_are_those_of_cpythons_parser() {
    let mut calls = 0;
    for judged in judge(&sample()) {
        let source = std::fs::read(&judged.path).unwrap();
        let found = diff_files(None, Some(&source), Paths::same("x.py"));
        let mut ours: Vec<(u32, u32)> = found
            .changes
            .iter()
            .map(|change| change.after.as_ref().unwrap().span)
            .map(|span| (span.end_line, span.end_column))
            .collect();
        ours.sort_unstable();
        let mut theirs = judged.calls.unwrap();
        theirs.sort_unstable();
        assert_eq!(ours, theirs, "{}", judged.path.display());
        assert!(!found.partly_parsed(), "{}", judged.path.display());
        calls += ours.len();
    }
    assert!(calls > 5_000, "{calls}");
}

#[test]
fn black_changes_no_call() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/call_pairs/black");
    let mut by_source: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        by_source.entry(name.split('.').next().unwrap().to_owned()).or_default().push(path);
    }
    let mut pairs = 0;
    for paths in by_source.values() {
        let texts: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
        assert!(!diff_files(None, Some(&texts[0]), Paths::same("x.py")).changes.is_empty());
        for (a, old) in paths.iter().zip(&texts) {
            for (b, new) in paths.iter().zip(&texts) {
                let found = diff_files(Some(old), Some(new), Paths::same("x.py"));
                assert_eq!(found.changes, [], "{} -> {}", a.display(), b.display());
                pairs += 1;
            }
        }
    }
    assert!(pairs >= 50, "{pairs}");
}

/// Real files with some lines gone, doubled or moved: syntax errors included.
#[test]
fn edited_files_mirror_and_parse_alike() {
    let mut rng = StdRng::seed_from_u64(20_261_124);
    let mut changes = 0;
    for path in sample() {
        let source = std::fs::read(&path).unwrap();
        let mut lines: Vec<&[u8]> = source.split_inclusive(|&byte| byte == b'\n').collect();
        for _ in 0..6 {
            let (from, to) = (rng.random_range(0..lines.len()), rng.random_range(0..lines.len()));
            match rng.random_range(0..3) {
                0 => drop(lines.remove(from)),
                1 => lines.insert(to, lines[from]),
                _ => lines.swap(from, to),
            }
        }
        let edited = lines.concat();
        let paths = Paths::same("pkg/x.py");
        let forth = diff_files(Some(&source), Some(&edited), paths);
        let whole = diff_files_parsing(Some(&source), Some(&edited), paths, Parsing::Whole);
        assert_eq!(forth, whole, "{}", path.display());
        let sorted = |mut changes: Vec<CallChange>| {
            changes.sort_by_key(|change| format!("{change:?}"));
            changes
        };
        let back = diff_files(Some(&edited), Some(&source), paths);
        let mirrored = forth.changes.iter().cloned().map(CallChange::mirrored).collect();
        assert_eq!(sorted(back.changes), sorted(mirrored), "{}", path.display());
        assert_eq!(diff_files(Some(&edited), Some(&edited), paths).changes, [], "{}", path.display());
        changes += forth.changes.len();
    }
    assert!(changes > 50, "{changes}");
}
