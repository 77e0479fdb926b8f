//! The call diff of files that nobody wrote: what it takes grows with their size, and what is left out is said.

use pybisect::calls::{Paths, diff_files};
use pybisect::model::{CallSite, FileCalls, PartlyParsed};

use crate::support::repo_builder::{TestRepo, hermetic};
use crate::support::run::User;

fn nested(name: &str, depth: usize) -> String {
    format!("x = {}1{}\n", format!("{name}(").repeat(depth), ")".repeat(depth))
}

fn changes(old: &str, new: &str) -> FileCalls {
    diff_files(Some(old.as_bytes()), Some(new.as_bytes()), Paths::same("app.py"))
}

/// Bytes of all texts that the changes keep.
fn kept(calls: &FileCalls) -> usize {
    let text = |site: &Option<CallSite>| site.as_ref().map_or(0, |site| site.text.len());
    calls.changes.iter().map(|change| text(&change.before) + text(&change.after)).sum()
}

#[test]
fn calls_in_many_others_are_left_out_and_said() {
    let few = changes(&nested("f", 90), &nested("g", 90));
    assert_eq!(
        (few.changes.len(), few.partly_parsed()),
        (90, false),
        "what people write is compared in full"
    );
    let many = changes(&nested("f", 5000), &nested("g", 5000));
    assert!(many.changes.len() <= 100, "{}", many.changes.len());
    assert_eq!(many.partly_after, Some(PartlyParsed::TooDeep { line: 1 }));
    // Twice the depth takes twice as much, and no square.
    let more = changes(&nested("f", 10_000), &nested("g", 10_000));
    // (The innermost of those that are kept is not as long as the outermost.)
    assert!(kept(&more) < 3 * kept(&many), "{} {}", kept(&more), kept(&many));
    // A chain is calls in calls too.
    let chain = |name: &str| format!("x = a{}.{name}()\n", ".b()".repeat(5000));
    assert!(changes(&chain("c"), &chain("d")).partly_parsed());
}

#[test]
fn a_large_file_takes_little_memory() {
    const SIZE: usize = 1_000_000;
    let repeated = |text: &str| text.repeat(SIZE / text.len());
    let brackets = |inner: &str| format!("x = {}{inner}{}\n", "[".repeat(SIZE / 2), "]".repeat(SIZE / 2));
    type File = Box<dyn Fn(&str) -> String>;
    let files: [(&str, File); 4] = [
        ("calls in calls", Box::new(|name| nested(name, SIZE / 3))),
        ("brackets", Box::new(brackets)),
        ("a chain", Box::new(move |name| format!("x = a{}.{name}()\n", repeated(".b()")))),
        ("one line", Box::new(|name| format!("x = f({}{name}(1))\n", "g(1),".repeat(SIZE / 5)))),
    ];
    // Of each program, the largest of it so far.
    let script = "import resource, subprocess, sys\nsubprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)\nprint(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
    for (what, file) in files {
        let (repo, _) = TestRepo::with_versions(&[&file("f"), &file("h")]);
        let user = User::new();
        let mut command = hermetic("python3", repo.path());
        command.args(["-c", script]).arg(assert_cmd::cargo::cargo_bin!("pybisect"));
        command.args(["calls", "HEAD~1..HEAD"]).env("PYBISECT_CACHE_DIR", user.cache());
        let output = command.output().unwrap();
        let kilobytes: u64 = String::from_utf8_lossy(&output.stdout)
            .trim()
            .parse()
            .unwrap_or_else(|error| panic!("{what}: {error}: {}", String::from_utf8_lossy(&output.stderr)));
        assert!(kilobytes < 200 << 10, "{what}: {} MB", kilobytes >> 10);
    }
}

#[test]
fn thousands_of_calls_alike_are_matched_where_they_stand() {
    let version = |first: usize| (first..first + 5_000).map(|n| format!("f({n})\n")).collect::<String>();
    let found = changes(&version(0), &version(1_000_000));
    assert_eq!(found.changes.len(), 5_000, "each has become another");
    for change in &found.changes {
        let (before, after) = (change.before.as_ref().unwrap(), change.after.as_ref().unwrap());
        assert_eq!(before.span.line, after.span.line);
    }
    assert!(!found.partly_parsed());
}

#[test]
fn more_calls_alike_than_can_be_compared_are_matched_in_order_and_that_is_said() {
    // In functions of so many calls, all pairs are compared.
    let function = |n: usize, first: usize| {
        let calls: String = (first..first + 200).map(|n| format!(" f({n})\n")).collect();
        format!("def g{n}():\n{calls}")
    };
    let version = |first: usize| (0..80).map(|n| function(n, first + 200 * n)).collect::<String>();
    let found = changes(&version(100_000), &version(200_000));
    assert_eq!(found.partly_after, Some(PartlyParsed::TooMany));
    assert!(found.changes.iter().all(|change| change.before.is_some() && change.after.is_some()));
}
