//! Messages without what differs from one run of the same failure to the next.
//!
//! Abstracted: numbers, addresses, ids, absolute paths, addresses of the web's hosts, times,
//! durations, quoted values, long SQL. Kept: every word, every class name, and the names that the
//! interpreter itself quotes because they are code: `name 'x' is not defined`, `No module named
//! 'x'`, `'Foo' object has no attribute 'bar'`; the exit status of another program, which tells how it
//! failed: pytest's 5 is no test, its 1 is a test that failed. What is left is compared for equality, so keeping too
//! much splits one failure in two and keeping too little joins two different ones; of the two, the
//! second names a wrong culprit.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::ansi;

/// Each rule: a named group and its replacement. The first that matches at a place wins.
const RULES: [(&str, &str, &str); 14] = [
    (
        "code",
        r"\b(?:name|named|attribute|argument|arguments?:|module|from|import name|variable|type|class|function|method|fixture|and|for [-+*/%@&|^<>=]+:) '[A-Za-z_][\w.]*'|'[A-Za-z_][\w.]*'(?: object\b| and ')|\b(?:exit (?:status|code)|exited with(?: code)?|killed by signal):? \d{1,3}\b",
        "",
    ),
    (
        "sql",
        r"\[SQL: (?s:.*?)\](?:\n|$)|\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE) [^\n]{60,}",
        "<sql>",
    ),
    ("parameters", r"\[parameters: [^\n]*\]", "<parameters>"),
    ("quoted", r#"\b[bur]?'(?:[^'\\\n]|\\.)*'|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`[^`\n]*`"#, "'…'"),
    ("at", r" at 0x[0-9A-Fa-f]+", ""),
    ("url", r"\b[a-z][a-z0-9+]{1,12}://[^\s'\x22<>)\]]+", "<url>"),
    ("uuid", r"\b[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\b", "<id>"),
    (
        "time",
        r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?: ?(?:Z\b|UTC\b|[+-]\d\d:?\d\d\b))?|\b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?\b",
        "<time>",
    ),
    ("path", r"(?:\b[A-Za-z]:\\|~/|/)(?:[\w.@%+~-]+[/\\])*[\w.@%+~-]*[\w%~]", "<path>"),
    ("hex", r"\b0[xX][0-9A-Fa-f]+\b", "<n>"),
    (
        "duration",
        r"\b\d+(?:\.\d+)? ?(?:ns|us|µs|ms|s|sec|secs|seconds?|minutes?|mins?|hours?|days?)\b",
        "<duration>",
    ),
    ("hash", r"\b[0-9a-f]*(?:[0-9][a-f]|[a-f][0-9])[0-9a-f]*\b", "<id>"),
    ("number", r"\b\d[\d_]*(?:\.\d+)*(?:[eE][+-]?\d+)?\b", "<n>"),
    ("space", r"[ \t]{2,}|[ \t]+(?:\n|$)", " "),
];

static ALL: LazyLock<Regex> = LazyLock::new(|| {
    let groups: Vec<String> = RULES.iter().map(|(name, text, _)| format!("(?P<{name}>{text})")).collect();
    Regex::new(&groups.join("|")).expect("valid patterns")
});

/// Longest shape, in characters: beyond it, messages are data.
const MOST: usize = 600;

/// The message with its changing parts abstracted. Applying it again changes nothing.
#[must_use]
pub fn shape(message: &str) -> String {
    let mut shape: String = message.trim().chars().take(4 * MOST).collect();
    // A replacement may stand beside text with which it is matched again (`'a'1'b'`), and so may a cut.
    loop {
        let next: String = once(&ansi::strip(&shape)).chars().take(MOST).collect();
        if next == shape {
            return shape;
        }
        shape = next;
    }
}

fn once(text: &str) -> String {
    let replaced = ALL.replace_all(text, |found: &Captures<'_>| -> Cow<'static, str> {
        let whole = &found[0];
        for (name, _, replacement) in RULES {
            if found.name(name).is_none() {
                continue;
            }
            return match name {
                "code" => Cow::Owned(whole.to_owned()),
                // Seven digits are a short commit id, fewer are a word like `b2b`.
                "hash" if whole.len() < 7 => Cow::Owned(whole.to_owned()),
                "space" if whole.ends_with('\n') => Cow::Borrowed("\n"),
                _ => Cow::Borrowed(replacement),
            };
        }
        Cow::Owned(whole.to_owned())
    });
    replaced.trim().to_owned()
}

/// The text with the paths of a trial's work tree as they are in the repository.
#[must_use]
pub fn within_tree(text: &str) -> String {
    static TREE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"[^\s'"(=:]*/runs/run-[^/\s]+/slots/\d+/tree/"#).expect("a valid pattern")
    });
    TREE.replace_all(text, "").into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(a: &str, b: &str) {
        assert_eq!(shape(a), shape(b));
    }

    fn different(a: &str, b: &str) {
        assert_ne!(shape(a), shape(b), "{a:?} and {b:?}");
    }

    #[test]
    fn what_changes_from_run_to_run_is_abstracted() {
        same("<Foo object at 0x7f01> is not 17", "<Foo object at 0x7fff> is not 4");
        same("no file '/tmp/a1/x.json'", "no file '/home/me/x.json'");
        same("cannot open /tmp/pytest-of-root/pytest-0/x", "cannot open /var/folders/zz/y");
        same("took 0.12s at 2024-01-02 03:04:05,678", "took 3s at 2026-11-24T10:00:00Z");
        same(
            "job 0b2f7f1e-8d4b-4a4e-9d1e-2b1a2c3d4e5f failed",
            "job 1b2f7f1e-0d4b-4a4e-9d1e-2b1a2c3d4e5a failed",
        );
        same("at 75ccfd450ad72fd1", "at a5ccfd450ad72fd0");
        same("KeyError: 'alice'", "KeyError: 'bob'");
        same("port 8000 in use", "port 54321 in use");
        same(
            "(sqlite3.IntegrityError) UNIQUE\n[SQL: INSERT INTO a (b) VALUES (?)]\n[parameters: (1,)]",
            "(sqlite3.IntegrityError) UNIQUE\n[SQL: INSERT INTO a (b, c) VALUES (?, ?)]\n[parameters: ('x', 2)]",
        );
    }

    #[test]
    fn words_classes_and_names_of_code_are_kept() {
        different(
            "the JSON object must be str, bytes or bytearray, not TextIOWrapper",
            "the JSON object must be str, bytes or bytearray, not dict",
        );
        different("name 'json' is not defined", "name 'yaml' is not defined");
        different("No module named 'a.b'", "No module named 'a.c'");
        different("returned non-zero exit status 5.", "returned non-zero exit status 1.");
        different("'Foo' object has no attribute 'x'", "'Foo' object has no attribute 'y'");
        different("'Foo' object has no attribute 'x'", "'Bar' object has no attribute 'x'");
        different("cannot import name 'a' from 'b' (/x/b.py)", "cannot import name 'c' from 'b' (/x/b.py)");
        different("f() got an unexpected keyword argument 'a'", "f() got an unexpected keyword argument 'b'");
        different(
            "unsupported operand type(s) for +: 'int' and 'str'",
            "unsupported operand type(s) for +: 'int' and 'NoneType'",
        );
        different("<A object at 0x1>", "<B object at 0x1>");
        different("load() takes 1 positional argument", "loads() takes 1 positional argument");
        assert_eq!(shape("don't use utf8 or sha256 in b2b"), "don't use utf8 or sha256 in b2b");
    }

    proptest! {
        #[test]
        fn it_is_idempotent(text in r#"(?:[a-f0-9xZ '"`/\\.:<>|\[\]\n_-]|at 0x|SQL: |name |ab1|…){0,40}"#) {
            let once = shape(&text);
            prop_assert_eq!(shape(&once), once);
        }

        #[test]
        fn it_ends_on_any_text(text in "(?s).{0,900}") {
            let once = shape(&text);
            prop_assert_eq!(shape(&once), once.clone());
            prop_assert!(once.chars().count() <= MOST);
        }
    }
}
