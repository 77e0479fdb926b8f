//! Readers go on to a later line, or say that they read nothing: whatever lines come together.

use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::{faulthandler, layouts, native, parse};

/// Every line of the fixtures, and some that stand at the edge of what is recognised.
static LINES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut lines: Vec<String> = [
        "",
        "    ",
        "\"\"\"",
        "'''",
        "  | \"\"\"",
        "  | ",
        "  +-+---------------- 1 ----------------",
        "    +------------------------------------",
        "Call stack:",
        "RemoteTraceback:",
        "multiprocessing.pool.RemoteTraceback: ",
        "concurrent.futures.process._RemoteTraceback:",
        "ERROR RemoteTraceback: of a worker",
        "django.test.runner RemoteTraceback:   ",
        "Traceback (most recent call last):",
        "    | Traceback (most recent call last):",
        "  + Exception Group Traceback (most recent call last):",
        "Failure: ValueError   ",
        "  File \"a.py\", line 3, in f",
        "The above exception was the direct cause of the following exception:",
    ]
    .map(str::to_owned)
    .to_vec();
    for folder in ["tracebacks", "logs", "runners"] {
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder), &mut lines);
    }
    lines.sort();
    lines.dedup();
    lines
});

fn collect(folder: &Path, lines: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("the fixtures") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, lines);
        } else {
            let text = std::fs::read(&path).expect("a fixture");
            lines.extend(
                String::from_utf8_lossy(&text).lines().filter(|line| line.len() < 400).map(str::to_owned),
            );
        }
    }
}

/// Lines that a reader may begin at.
static OPENINGS: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let may_begin = |line: &String| {
        line.contains("Traceback")
            || line.contains("File \"")
            || line.starts_with("Fatal Python error")
            || layouts::opening(line).is_some()
            || line.trim().len() < 4
    };
    (0..LINES.len()).filter(|&at| may_begin(&LINES[at])).collect()
});

fn check(lines: &[&str]) -> Result<(), TestCaseError> {
    for at in 0..lines.len() {
        for until_ruler in [false, true] {
            let native = native::read(lines, at, until_ruler).map(|(_, next)| ("native", next));
            let layout = layouts::opening(lines[at]);
            let laid_out =
                layout.and_then(|layout| (layout.read)(lines, at).map(|(_, next)| (layout.name, next)));
            let fatal = faulthandler::read(lines, at).map(|(_, next)| ("fatal", next));
            for (name, next) in [native, laid_out, fatal].into_iter().flatten() {
                prop_assert!(next > at && next <= lines.len(), "{} at {}: {:#?}", name, at, lines);
            }
        }
    }
    drop(parse(&lines.join("\n")));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_reader_that_reads_ends_behind_where_it_began(
        picked in prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8), 1..24)
    ) {
        let line = |(index, way): &(prop::sample::Index, u8)| match way {
            0 => LINES[index.index(LINES.len())].as_str(),
            1 => LINES[OPENINGS[index.index(OPENINGS.len())]].as_str(),
            // Without the indentation that would make it another line.
            _ => LINES[OPENINGS[index.index(OPENINGS.len())]].trim_start(),
        };
        let lines: Vec<&str> = picked.iter().map(line).collect();
        check(&lines)?;
    }
}

#[test]
fn a_line_that_only_speaks_of_a_remote_traceback_is_none() {
    let lines = ["the pool said RemoteTraceback: see below", "\"\"\"", "Traceback (most recent call last):"];
    assert!(native::read(&lines, 0, false).is_none());
    check(&lines).unwrap();
}
