//! Whether two failed assertions of one test are the same statement.
//!
//! Values say nothing: `assert 3 == 6` and `assert 2 == 6` are one assertion. Another form says that another statement
//! failed: another comparison, calls of other names, a source line that has no name in common. A statement that was
//! edited keeps some of that; what cannot be told is taken for the same.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::model::FailureSignature;

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a valid pattern")
}

/// Whether these are two statements.
pub(super) fn is_another_statement(a: &FailureSignature, b: &FailureSignature) -> bool {
    let code = |one: &FailureSignature| one.frames.last().and_then(|frame| frame.code.as_deref()).map(tidy);
    let (told_a, told_b) = (Told::by_message(&a.shape), Told::by_message(&b.shape));
    if let (Some(code_a), Some(code_b)) = (code(a), code(b)) {
        if code_a == code_b {
            return false;
        }
        if let (Some(a), Some(b)) = (Told::by_code(&code_a), Told::by_code(&code_b)) {
            return a.is_other(&b) || told_a.calls_others(&told_b);
        }
    }
    told_a.is_other(&told_b)
}

/// What is told of a statement; what is not known is empty.
#[derive(Debug, Default)]
struct Told {
    /// How it compares: an operator, a method of unittest, unittest's words.
    comparison: Option<String>,
    /// Names of what it calls and reads.
    names: BTreeSet<String>,
}

impl Told {
    /// Of a source line; `None` where it is no assertion.
    fn by_code(code: &str) -> Option<Self> {
        static METHOD: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:await )?\w+\.(assert\w+)\("));
        if let Some(expression) = code.strip_prefix("assert ") {
            let names = names(expression);
            return Some(Self { comparison: comparison(expression), names });
        }
        let method = METHOD.captures(code)?;
        // `assertEquals` is the old name of `assertEqual`.
        let comparison = Some(method[1].trim_end_matches('s').to_owned());
        Some(Self { comparison, names: names(&code[method[0].len()..]) })
    }

    /// Of a message without its values: pytest shows the expression, and below it what its parts come from
    /// (`+  where 3 = total([1, 2])`); unittest has its own words.
    fn by_message(shape: &str) -> Self {
        static WHERE: LazyLock<Regex> =
            LazyLock::new(|| pattern(r"^\s*\+\s+(?:where|and) .*? = (?:.*[.> ])?([A-Za-z_]\w*)(?:\(.*)?$"));
        let Some(expression) = shape.lines().find_map(|line| line.strip_prefix("assert ")) else {
            return Self { comparison: words(shape), names: BTreeSet::new() };
        };
        let parts = shape.lines().filter_map(|line| WHERE.captures(line));
        Self { comparison: comparison(expression), names: parts.map(|part| part[1].to_owned()).collect() }
    }

    fn is_other(&self, other: &Self) -> bool {
        let compares = |one: &Self| one.comparison.clone();
        let differs = compares(self).zip(compares(other)).is_some_and(|(a, b)| {
            // A test that went from unittest's methods to plain assertions compares in other words.
            a != b && a.starts_with("assert") == b.starts_with("assert")
        });
        differs || self.calls_others(other)
    }

    fn calls_others(&self, other: &Self) -> bool {
        !self.names.is_empty() && !other.names.is_empty() && self.names.is_disjoint(&other.names)
    }
}

/// The line without what a formatter changes.
fn tidy(code: &str) -> String {
    let spaced: Vec<&str> = code.split_whitespace().collect();
    spaced.join(" ")
}

/// The expression without what stands in quotes and brackets, and without the message behind it.
fn outermost(expression: &str) -> String {
    let mut out = String::new();
    let mut depth = 0_u32;
    let mut quote = None;
    for letter in expression.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => break,
            (None, _) if depth == 0 => out.push(letter),
            (None, _) => {}
        }
    }
    out
}

/// The comparison of an expression; of one that goes on in the next line, or is cut off, nothing is known.
fn comparison(expression: &str) -> Option<String> {
    static OPERATOR: LazyLock<Regex> =
        LazyLock::new(|| pattern(r" (==|!=|<=|>=|<|>|not in|in|is not|is)(?: |$)|^(not) "));
    if expression.ends_with(['(', '[', '{', '\\', '…']) || expression.ends_with("...") {
        return None;
    }
    let outermost = outermost(expression);
    let found = OPERATOR.captures(&outermost);
    let operator =
        found.and_then(|found| found.iter().skip(1).flatten().next().map(|part| part.as_str().to_owned()));
    Some(operator.unwrap_or_else(|| "is true".to_owned()))
}

/// unittest's words.
fn words(shape: &str) -> Option<String> {
    /// In this order: those that stand in others come last. Of one method there may be several.
    const WORDS: [(&str, &str); 19] = [
        (" is not true", "true"),
        (" is not false", "false"),
        (" is not None", "None"),
        ("unexpectedly None", "not None"),
        (" not found in ", "in"),
        (" unexpectedly found in ", "not in"),
        ("unexpectedly identical", "is not"),
        (" is not an instance of ", "instance"),
        (" is an instance of ", "no instance"),
        (" not less than or equal to ", "<="),
        (" not greater than or equal to ", ">="),
        (" not less than ", "<"),
        (" not greater than ", ">"),
        (" not raised", "raises"),
        ("Regex didn't match", "matches"),
        (" differ: ", "=="),
        (" != ", "=="),
        (" == ", "!="),
        (" is not ", "is"),
    ];
    let first = shape.lines().next().unwrap_or_default();
    WORDS.iter().find(|(words, _)| first.contains(words)).map(|(_, meaning)| (*meaning).to_owned())
}

/// Names of functions and attributes that an expression calls and reads: of `app.total(xs)` `total` and `xs`.
fn names(expression: &str) -> BTreeSet<String> {
    static NAME: LazyLock<Regex> = LazyLock::new(|| pattern(r"([A-Za-z_]\w*)(\s*[.'\x22])?"));
    static TEXT: LazyLock<Regex> = LazyLock::new(|| pattern(r#"'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*""#));
    /// Of the language, and what every test uses.
    const COMMON: [&str; 28] = [
        "and",
        "await",
        "bool",
        "dict",
        "else",
        "False",
        "float",
        "for",
        "if",
        "in",
        "int",
        "is",
        "isinstance",
        "lambda",
        "len",
        "list",
        "None",
        "not",
        "or",
        "repr",
        "self",
        "set",
        "sorted",
        "str",
        "sum",
        "True",
        "tuple",
        "type",
    ];
    let bare = TEXT.replace_all(expression, "''");
    let leaves =
        NAME.captures_iter(&bare).filter(|found| found.get(2).is_none()).map(|found| found[1].to_owned());
    leaves.filter(|name| !COMMON.contains(&name.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FailureKind, Frame};
    use crate::triage::message_shape;

    fn failed(code: &str, message: &str) -> FailureSignature {
        let code = Some(code.to_owned()).filter(|code| !code.is_empty());
        let frame =
            Frame { path: "test_app.py".to_owned(), line: 3, function: Some("test_app".to_owned()), code };
        FailureSignature {
            shape: message_shape::shape(message),
            frames: vec![frame],
            ..FailureSignature::bare(FailureKind::Exception("AssertionError".to_owned()))
        }
    }

    fn check(a: (&str, &str), b: (&str, &str), expected: bool) {
        let (one, other) = (failed(a.0, a.1), failed(b.0, b.1));
        assert_eq!(is_another_statement(&one, &other), expected, "{a:?} and {b:?}");
        assert_eq!(is_another_statement(&other, &one), expected, "{b:?} and {a:?}");
    }

    #[test]
    fn values_make_no_other_statement() {
        for (a, b) in [
            ("assert 3 == 6", "assert 2 == 6"),
            ("assert None == 6", "assert '<p>x == y</p>' == 6"),
            ("assert [1, 2] == []\n  At index 0 diff", "assert [] == []\n  Left contains 2 more"),
            ("assert 3 == 6\n +  where 3 = total([1, 2])", "assert 2 == 6\n +  where 2 = total([1])"),
            (
                "assert 500 == 200\n +  where 500 = <Response [500]>.status",
                "assert 404 == 200\n +  where 404 = <Response [404]>.status",
            ),
            ("assert 'a' in 'what is it'", "assert 'a' in {'b': 2}"),
            ("5 != 6", "None != 6"),
            ("Lists differ: [1] != [2]\n\nFirst differing element 0:\n1\n2", "None != [2]"),
            ("False is not true : no", "None is not true"),
            ("the total of 3 is wrong", "the total is missing"),
        ] {
            check(("", a), ("", b), false);
        }
    }

    #[test]
    fn another_form_is_another_statement() {
        for (a, b) in [
            ("assert 500 == 200", "assert 'a' in 'the body'"),
            ("assert 3 == 6", "assert False\n +  where False = ready()"),
            ("assert 3 == 6\n +  where 3 = total([1])", "assert 2 == 6\n +  where 2 = count([1])"),
            ("assert 500 == 200\n +  where 500 = <R>.status", "assert 'x' == 'y'\n +  where 'x' = <R>.text"),
            ("404 != 200 : no page", "False is not true : no such text"),
            ("'a' not found in 'b'", "5 != 6"),
        ] {
            check(("", a), ("", b), true);
        }
    }

    #[test]
    fn the_source_line_decides_where_it_is_known() {
        // The same line, whatever its message.
        check(("assert load(x), why", "no file"), ("assert load(x),  why", "assert None == 3"), false);
        // An edited line.
        check(("assert total([1]) == 1", ""), ("assert app.total([1]) == 2, 'sum'", ""), false);
        check(
            ("self.assertEquals(total(x), 3)", "2 != 3"),
            ("self.assertEqual(app.total(x), 3)", "4 != 3"),
            false,
        );
        check(("self.assertEqual(total(x), 3)", "2 != 3"), ("assert total(x) == 3", "assert 2 == 3"), false);
        check(("assert (", "assert 2 == 3"), ("assert total(x) == 3", "assert 2 == 3"), false);
        // Another line.
        check(("assert status == 200", "assert 500 == 200"), ("assert total == 6", "assert 5 == 6"), true);
        check(("assert total(xs) == 6", ""), ("assert 'a' in total(xs)", ""), true);
        check(
            ("self.assertEqual(page.status, 200)", "404 != 200"),
            ("self.assertIn('a', page.text)", "'a' not found in 'b'"),
            true,
        );
        // What raises is a helper's line.
        check(
            ("raise AssertionError(text)", "5 is not 6"),
            ("raise AssertionError(message)", "7 is not 6"),
            false,
        );
    }

    #[test]
    fn a_message_that_is_cut_off_tells_nothing() {
        check(("", "assert '<p>a</p><p>b</..."), ("", "assert 'a' in 'b'"), false);
    }
}
