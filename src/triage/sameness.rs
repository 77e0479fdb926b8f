//! Whether two failures are the same one, and how sure that is.
//!
//! | | the same | likely the same |
//! |---|---|---|
//! | an exception | type and message agree, of one test or of a script | … of a test with another name; the message holds other data |
//! | a failed assertion | one test, one statement | a test of another name, with the same statement or the very same words |
//! | what no reader knows | status and closing lines | … but for the data in them |
//!
//! The name of a test is no more than a hint: tests are moved, renamed and split, and ids hold running numbers, addresses
//! and dates. So a name that differs makes no other failure of one that says the same. It decides where the words do not:
//! between two failed assertions, whose values are the tests' business. What was logged meanwhile may tell two failures
//! apart that say the same.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::assertion::is_another_statement;
use super::identity::{Identity, identity};
use super::logged::tells_apart;
use crate::model::{FailureKind, FailureSignature};

/// How sure it is that two failures are the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sameness {
    /// They are.
    Same,
    /// They are taken for the same; why that is not certain, in words that end a sentence.
    Likely(String),
    /// They are not.
    Other,
}

impl Sameness {
    /// Whether they are taken for the same.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        *self != Self::Other
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Same => 0,
            Self::Likely(_) => 1,
            Self::Other => 2,
        }
    }

    /// The surer one of two.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if other.rank() < self.rank() { other } else { self }
    }
}

/// Whether two failures are taken for the same one.
#[must_use]
pub fn same_failure(a: &FailureSignature, b: &FailureSignature) -> bool {
    sameness(a, b).is_taken()
}

/// How sure it is that a failure that was seen is the one that is searched for.
#[must_use]
pub fn sameness(target: &FailureSignature, seen: &FailureSignature) -> Sameness {
    let (FailureKind::Exception(a), FailureKind::Exception(b)) = (&target.kind, &seen.kind) else {
        return unread(target, seen);
    };
    // Classes move between modules without becoming another failure.
    let last = |kind: &str| kind.rsplit('.').next().unwrap_or(kind).to_owned();
    if last(a) != last(b) || tells_apart(target, seen) {
        return Sameness::Other;
    }
    match last(a).as_str() {
        "AssertionError" => assertion(target, seen),
        // pytest gives no message for it, and no more than the exception's name for the other.
        "DocTestFailure" | "UnexpectedException" => silent(target, seen),
        // Another test's silence is another failure.
        _ if target.shape.is_empty() && seen.shape.is_empty() => silent(target, seen),
        _ => exception(target, seen),
    }
}

/// Whether the message of a failed assertion, its values kept, is another one. Of a script, whose assertion may compare
/// all that a program does, that may be another fault; a test's name and statement tell enough.
#[must_use]
pub fn says_otherwise(a: &FailureSignature, b: &FailureSignature) -> bool {
    is_scripts_assertion(a) && is_scripts_assertion(b) && !says_the_same(a, b)
}

/// Whether a failure is an assertion of a script that failed with a message.
#[must_use]
pub fn is_scripts_assertion(failure: &FailureSignature) -> bool {
    let is_assertion = matches!(&failure.kind, FailureKind::Exception(kind) if kind.rsplit('.').next() == Some("AssertionError"));
    is_assertion && failure.tests.is_empty() && !failure.message.is_empty()
}

/// Whether a failure comes at every run of a commit: the text of its files decides, and nothing else.
#[must_use]
pub fn cannot_be_chance(failure: &FailureSignature) -> bool {
    let FailureKind::Exception(kind) = &failure.kind else { return false };
    let of_text = ["SyntaxError", "IndentationError", "TabError"].contains(&kind.as_str());
    of_text || failure.tests.iter().any(|test| is_complaint(test, kind))
}

/// Whether the id is that of a checker's complaint: of a file, with the rule in front of its words.
fn is_complaint(id: &str, rule: &str) -> bool {
    let words = id.split_once("::").map(|(_, words)| words);
    words.and_then(|words| words.strip_prefix(rule)).is_some_and(|rest| rest.starts_with(' '))
}

/// A signal, the time limit, or a status: all else that is known is what was printed last.
fn unread(target: &FailureSignature, seen: &FailureSignature) -> Sameness {
    if target.kind != seen.kind {
        Sameness::Other
    } else if target.shape == seen.shape {
        Sameness::Same
    } else if is_data_apart(target, seen) {
        other_data(seen)
    } else {
        Sameness::Other
    }
}

/// Without words, the test or the line has to be the same.
fn silent(target: &FailureSignature, seen: &FailureSignature) -> Sameness {
    if !same_shape(&target.shape, &seen.shape) {
        return Sameness::Other;
    }
    match identity(target, seen) {
        Identity::Same | Identity::Unknown => Sameness::Same,
        Identity::Other if same_place(target, seen) => renamed(seen),
        Identity::Other => Sameness::Other,
        Identity::Moved | Identity::Drifted | Identity::Parameters => renamed(seen),
    }
}

fn exception(target: &FailureSignature, seen: &FailureSignature) -> Sameness {
    let identity = identity(target, seen);
    let is_named_alike = matches!(identity, Identity::Same | Identity::Unknown);
    if same_shape(&target.shape, &seen.shape) {
        return if is_named_alike { Sameness::Same } else { renamed(seen) };
    }
    let is_one_place = same_place(target, seen);
    if is_data_apart(target, seen) || is_one_place && is_one_text(target, seen) {
        let is_sure = is_one_place && is_named_alike;
        return if is_sure { Sameness::Same } else { other_data(seen) };
    }
    Sameness::Other
}

fn assertion(target: &FailureSignature, seen: &FailureSignature) -> Sameness {
    let is_another = is_another_statement(target, seen);
    match identity(target, seen) {
        Identity::Same if !is_another => Sameness::Same,
        Identity::Moved | Identity::Drifted | Identity::Parameters if !is_another => renamed(seen),
        // Of a test with another name, nothing but the very words tell.
        Identity::Other if !is_another && says_the_same(target, seen) => renamed(seen),
        Identity::Unknown => {
            // Without a message, the statement is all there is.
            let same_words =
                same_shape(&target.shape, &seen.shape) && !(target.shape.is_empty() && is_another);
            if same_words || same_place(target, seen) {
                Sameness::Same
            } else if !is_another && is_data_apart(target, seen) {
                other_data(seen)
            } else {
                Sameness::Other
            }
        }
        _ => Sameness::Other,
    }
}

fn renamed(seen: &FailureSignature) -> Sameness {
    let name = seen.tests.first().map_or("otherwise", String::as_str);
    Sameness::Likely(format!("the failing test was called {name} there"))
}

fn other_data(seen: &FailureSignature) -> Sameness {
    let message = seen.message.lines().next().unwrap_or_default();
    Sameness::Likely(format!("its message held other data there: {message}"))
}

/// Whether both were raised by the same line of the same function. A line may have moved, and its file, too.
fn same_place(a: &FailureSignature, b: &FailureSignature) -> bool {
    let innermost = |one: &FailureSignature| {
        let frame = one.frames.last()?;
        Some((frame.function.clone(), frame.code.as_deref().map(spaced)?))
    };
    innermost(a).is_some() && innermost(a) == innermost(b)
}

/// A line without what a formatter changes.
fn spaced(code: &str) -> String {
    code.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Equal, or one is the beginning of the other, cut off by a runner's summary line.
fn same_shape(a: &str, b: &str) -> bool {
    let begins = |short: &str, long: &str| {
        ["...", "…"]
            .iter()
            .filter_map(|dots| short.strip_suffix(dots))
            .any(|start| start.len() >= 10 && long.starts_with(start))
    };
    a == b || begins(a, b) || begins(b, a)
}

/// Whether the messages are equal but for the dicts, lists and tuples that they print.
fn is_data_apart(a: &FailureSignature, b: &FailureSignature) -> bool {
    /// What [`message_shape`](super::message_shape) puts in place of data.
    const PLACES: [&str; 8] =
        ["<n>", "<id>", "<path>", "<time>", "<duration>", "<url>", "<sql>", "<parameters>"];
    let (a, b) = (without_data(&a.shape), without_data(&b.shape));
    let words = PLACES.iter().fold(a.clone(), |text, place| text.replace(place, ""));
    words.chars().filter(|letter| letter.is_alphabetic()).count() >= 3 && same_shape(&a, &b)
}

/// A shape without what stands in brackets; a bracket that is not closed was cut off.
fn without_data(shape: &str) -> String {
    let mut out = String::new();
    let mut depth = 0_u32;
    for letter in shape.chars() {
        match letter {
            '{' | '[' | '(' => {
                if depth == 0 {
                    out.push_str("(…)");
                }
                depth += 1;
            }
            '}' | ']' | ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => out.push(letter),
            _ => {}
        }
    }
    out
}

/// Whether two messages of one line of code are one text with other values in it.
fn is_one_text(a: &FailureSignature, b: &FailureSignature) -> bool {
    let words = |one: &FailureSignature| -> BTreeSet<String> {
        let text = without_data(&one.shape);
        text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .filter(|word| word.chars().any(char::is_alphabetic))
            .map(str::to_owned)
            .collect()
    };
    let (a, b) = (words(a), words(b));
    let common = a.intersection(&b).count();
    common > 0 && common * 2 >= a.len().max(b.len())
}

/// Whether the messages are equal to the letter, but for addresses, times and the order of what they print.
fn says_the_same(a: &FailureSignature, b: &FailureSignature) -> bool {
    static FLEETING: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"0x[0-9A-Fa-f]+|\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?|\b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?\b|(?:/[\w.@%+~-]+){2,}",
        )
        .ok()
    });
    let parts = |one: &FailureSignature| {
        let text = FLEETING.as_ref().map_or_else(
            || one.message.clone(),
            |pattern| pattern.replace_all(&one.message, "…").into_owned(),
        );
        let separates = |letter: char| letter.is_whitespace() || "{}[](),".contains(letter);
        let mut parts: Vec<String> =
            text.split(separates).filter(|part| !part.is_empty()).map(str::to_owned).collect();
        parts.sort_unstable();
        parts
    };
    let (a, b) = (parts(a), parts(b));
    !a.is_empty() && a == b
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Frame;
    use crate::triage::message_shape;

    /// A failure of a test (none where its id is empty) at this line of code.
    fn failed(kind: &str, message: &str, test: &str, code: &str) -> FailureSignature {
        let function = Some(test.rsplit([':', '.']).next().unwrap_or_default().to_owned());
        let frame = Frame { path: "t.py".to_owned(), line: 3, function, code: Some(code.to_owned()) };
        FailureSignature {
            message: message.to_owned(),
            shape: message_shape::shape(message),
            frames: Some(frame).filter(|_| !code.is_empty()).into_iter().collect(),
            tests: Some(test.to_owned()).filter(|test| !test.is_empty()).into_iter().collect(),
            ..FailureSignature::bare(FailureKind::Exception(kind.to_owned()))
        }
    }

    /// One letter for what two failures are: (S)ame, (L)ikely, (O)ther.
    fn grade(a: &FailureSignature, b: &FailureSignature) -> char {
        let letter = |sameness: &Sameness| ['S', 'L', 'O'][usize::from(sameness.rank())];
        assert_eq!(letter(&sameness(a, b)), letter(&sameness(b, a)), "{a:?} and {b:?}");
        letter(&sameness(a, b))
    }

    #[test]
    fn a_test_may_change_its_name_and_say_the_same() {
        let line = "assert total([1]) == 1";
        let of = |test: &str| failed("AssertionError", "assert 0 == 1", test, line);
        for (other, expected) in [
            ("tests/t.py::test_a", 'S'),
            ("other.py::test_a", 'L'),
            ("t.py::TestA::test_a", 'L'),
            ("t.T.test_a", 'L'),
            ("t.py::test_a[1]", 'L'),
            ("t.py::test_renamed", 'L'),
        ] {
            assert_eq!(grade(&of("t.py::test_a"), &of(other)), expected, "{other}");
        }
        // A sentence, as it was called there.
        let Sameness::Likely(why) = sameness(&of("t.py::test_a"), &of("t.py::test_b")) else { panic!() };
        assert_eq!(why, "the failing test was called t.py::test_b there");
    }

    #[test]
    fn another_test_that_says_something_else_is_another_failure() {
        let a = failed("AssertionError", "assert 0 == 1", "t.py::test_a", "assert total([1]) == 1");
        for (message, code) in [
            ("assert 2 == 1", "assert total([1]) == 1"),
            ("assert 0 == 1", "assert count([1]) == 1"),
            ("assert 'x' in 'y'", ""),
        ] {
            assert_eq!(grade(&a, &failed("AssertionError", message, "t.py::test_b", code)), 'O', "{message}");
        }
    }

    #[test]
    fn running_numbers_in_ids_do_not_matter_where_the_statement_is_the_same() {
        let of = |number: u8| {
            let message = format!("assert {} == {number}", number - 1);
            failed("AssertionError", &message, &format!("t.py::test_a[case{number}]"), "assert f(n) == n")
        };
        assert_eq!(grade(&of(2), &of(3)), 'L');
        let mut other = of(3);
        other.frames[0].code = Some("assert g(n) is None".to_owned());
        assert_eq!(grade(&of(2), &other), 'O');
    }

    #[test]
    fn data_in_a_message_makes_no_other_failure() {
        let line = "raise ValueError(f'wrong total for {conf}')";
        let of = |message: &str, code: &str| failed("ValueError", message, "t.py::test_a", code);
        let a = of("wrong total for {'a': 1}", line);
        assert_eq!(grade(&a, &of("wrong total for {'a': 1, 'b': [2, 3]}", line)), 'S');
        assert_eq!(grade(&a, &of("wrong total for {'b': 2, 'a': 1}", "")), 'L');
        assert_eq!(grade(&a, &of("wrong count for {'a': 1}", "")), 'O');
        // Data that is long is cut off.
        let long: Vec<String> = (0..400).map(|at| format!("'k{at}': {at}")).collect();
        assert_eq!(grade(&a, &of(&format!("wrong total for {{{}}}", long.join(", ")), line)), 'S');
        // Words without quotes, of one line.
        let (one, two) = (of("wrong total for alice", line), of("wrong total for bob", line));
        assert_eq!(grade(&one, &two), 'S');
        assert_eq!(grade(&one, &of("no such account", line)), 'O');
        // Nothing but data is no reason.
        assert_eq!(grade(&of("{'a': 1}", ""), &of("{'b': 1, 'c': 2}", "")), 'O');
    }

    #[test]
    fn values_of_a_scripts_assertion_may_tell_of_another_fault() {
        let of = |message: &str, test: &str| failed("AssertionError", message, test, "assert r == ['a'], r");
        let nothing = of("[None, None]", "");
        assert_eq!(grade(&nothing, &of("[<coroutine object f at 0x7f01>]", "")), 'S');
        assert!(says_otherwise(&nothing, &of("[<coroutine object f at 0x7f01>]", "")));
        assert!(!says_otherwise(&nothing, &of("[None, None]", "")));
        let address = |at: &str| of(&format!("[<coroutine object f at 0x{at}>]"), "");
        assert!(!says_otherwise(&address("7f01"), &address("7f02")));
        assert!(!says_otherwise(&of("[]", "t.py::test_a"), &of("[1]", "t.py::test_a")));
        assert!(!says_otherwise(&nothing, &of("", "")));
    }

    #[test]
    fn what_the_text_of_a_file_decides_is_no_chance() {
        for (kind, test, expected) in [
            ("SyntaxError", "", true),
            ("F401", "app.py::F401 os imported but unused", true),
            ("format", "app.py::format would be reformatted", true),
            ("KeyError", "app.py::test_total", false),
            ("ConnectionError", "", false),
        ] {
            assert_eq!(cannot_be_chance(&failed(kind, "words", test, "")), expected, "{kind}");
        }
    }

    #[test]
    fn closing_lines_may_hold_other_data() {
        let of = |message: &str| FailureSignature {
            message: message.to_owned(),
            shape: message_shape::shape(message),
            ..FailureSignature::bare(FailureKind::ExitCode(1))
        };
        assert_eq!(grade(&of("error: rows [1, 2] are missing"), &of("error: rows [7] are missing")), 'L');
        assert_eq!(grade(&of("error: rows [1, 2] are missing"), &of("error: no table")), 'O');
    }
}
