//! Whatever is given as Python: an answer, in bounded time.

use std::fmt::Write as _;

use proptest::prelude::*;
use pybisect::calls::{Paths, diff_files, parse_patch};
use pybisect::model::PartlyParsed;

fn diff(old: &[u8], new: &[u8]) -> pybisect::model::FileCalls {
    diff_files(Some(old), Some(new), Paths::same("x.py"))
}

/// Pieces that Python's grammar cares about, in any order.
fn pythonish() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "def f(",
        "class A:",
        "\n",
        "\n    ",
        "\n\t",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "f(x)",
        "a.b",
        "@d",
        "import a as b",
        "from . import c",
        "\"",
        "'",
        "'''",
        "f'{",
        "}'",
        "#",
        "\\",
        "\\\n",
        "lambda x: ",
        "=",
        "await ",
        "async ",
        "with ",
        "if ",
        "else:",
        "match x:",
        "print ",
        "type(x).y",
        "**k",
        "*a",
        "\u{e9}",
        "\0",
        "\r\n",
        "x := ",
        ";",
        "return ",
        "yield ",
        "try:",
        "except E, e:",
    ]);
    prop::collection::vec(pieces, 0..60).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(old in prop::collection::vec(any::<u8>(), 0..400), new in prop::collection::vec(any::<u8>(), 0..400)) {
        let forth = diff(&old, &new);
        prop_assert_eq!(forth.changes.len(), diff(&new, &old).changes.len());
        drop(parse_patch(&old));
    }

    #[test]
    fn any_pieces_of_python(old in pythonish(), new in pythonish()) {
        let forth = diff(&old, &new);
        let mut mirrored: Vec<_> = forth.changes.into_iter().map(|change| format!("{:?}", change.mirrored())).collect();
        let mut back: Vec<_> = diff(&new, &old).changes.into_iter().map(|change| format!("{change:?}")).collect();
        mirrored.sort();
        back.sort();
        prop_assert_eq!(mirrored, back);
    }
}

#[test]
fn a_file_of_five_megabytes_is_compared_by_lines_and_says_so() {
    let mut old = String::from("table = [\n");
    for row in 0..240_000 {
        writeln!(old, "    row({row}, 'x'),").unwrap();
    }
    assert!(old.len() > 5_000_000);
    old.push_str("]\nlast(1)\n");
    let new = old.replace("row(104,", "column(104,").replace("last(1)", "last(2)");
    let found = diff(old.as_bytes(), new.as_bytes());
    let texts: Vec<&str> =
        found.changes.iter().map(|change| change.after.as_ref().unwrap().text.as_str()).collect();
    assert_eq!(texts, ["column(104, 'x')", "last(2)"]);
    assert_eq!(found.partly_after, Some(PartlyParsed::TooLarge { bytes: new.len() }));
    // All of it new: only the beginning is looked at.
    let found = diff_files(None, Some(new.as_bytes()), Paths::same("x.py"));
    assert!(found.changes.len() > 1000);
    assert_eq!(found.partly_after, Some(PartlyParsed::TooLarge { bytes: new.len() }));
}

#[test]
fn deep_nesting_ends() {
    for (open, close) in [("f(", ")"), ("[", "]"), ("lambda: ", ""), ("not ", ""), ("a.b(", ")"), ("-", "")] {
        let deep = format!("x = {}y{}\n", open.repeat(20_000), close.repeat(20_000));
        let broken = format!("x = {}y\n", open.repeat(20_000));
        let found = diff(deep.as_bytes(), broken.as_bytes());
        assert!(found.changes.len() <= 80_000, "{open}");
    }
    let blocks: String = (0..200).map(|depth| format!("{}if f({depth}):\n", " ".repeat(depth))).collect();
    diff(b"", blocks.as_bytes());
}
