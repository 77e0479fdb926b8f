//! Reports of pytest and unittest, and the interpreter's crashes, in a log: where they end.

use std::sync::LazyLock;

use regex::Regex;

static PYTEST_END: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:=+ )?\d+ [a-z]+(?:, \d+ [a-z]+)* in [\d.:]+ ?s").expect("a valid pattern")
});

/// What a report is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    /// pytest or unittest, until their last line.
    Runner,
    /// unittest's verdict behind `Ran 3 tests`, in so many lines.
    Verdict(usize),
    /// pytest's short style, as behind an error in `conftest.py`.
    Short,
    /// The interpreter's crash.
    Crash,
}

impl Report {
    /// A runner's report that begins with this line, and what belongs above it.
    pub(super) fn new(first: &str) -> (Self, String) {
        if first.starts_with("ImportError while") {
            return (Self::Short, String::new());
        }
        // unittest's ruler stands above its heading.
        let heading = first.starts_with("FAIL: ") || first.starts_with("ERROR: ");
        (Self::Runner, if heading { "=".repeat(70) + "\n" } else { String::new() })
    }

    pub(super) fn complete(self) -> bool {
        self == Self::Verdict(0)
    }

    /// Whether the line belongs to it.
    pub(super) fn takes(&mut self, body: &str, indented: bool, blank: bool) -> bool {
        match *self {
            Self::Runner => {
                if PYTEST_END.is_match(body) {
                    *self = Self::Verdict(0);
                } else if body.starts_with("Ran ") {
                    *self = Self::Verdict(2);
                }
                true
            }
            Self::Verdict(lines) => {
                *self = Self::Verdict(lines.saturating_sub(1));
                lines > 0
            }
            Self::Short => indented || body.starts_with('E') || body.contains(".py:"),
            Self::Crash => {
                let heads = ["Current thread", "Thread 0x", "Python runtime state"];
                blank || indented || heads.iter().any(|head| body.starts_with(head))
            }
        }
    }
}
