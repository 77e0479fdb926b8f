//! Type evidence: what a type checker says of the merge result and did not say of the base, at the calls
//! that changed.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use regex::Regex;

use super::findings::{ChangedCall, finding_on_call};
use super::rules::TYPE_ERROR;
use crate::model::{Annotation, CallSpan, Severity};

/// One thing that a type checker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, relative to the checked folder.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// Whether the checker calls it an error.
    pub is_error: bool,
    /// The checker's own name for it.
    pub rule: String,
    /// What the diagnostic says.
    pub message: String,
}

/// Read lines like `app.py:9:2: error[missing-attribute] Object of …` (ty), `app.py:9:2: error: … [attr-defined]`
/// (mypy) and `app.py:9:2 - error: … (reportAttributeAccessIssue)` (pyright); others are passed over.
#[must_use]
pub fn read_diagnostics(text: &str, folder: &Path) -> Vec<Diagnostic> {
    let Ok(line) = Regex::new(
        r"^\s*(?<path>.+?):(?<line>\d+):(?<column>\d+)(?::| -) (?<level>error|warning)(?:\[(?<ty>[\w-]+)\] |: )(?<message>.*?)(?:\s+\[(?<mypy>[\w-]+)\]|\s+\((?<pyright>report\w+)\))?$",
    ) else {
        return Vec::new();
    };
    let read = |text: &str| {
        let found = line.captures(text)?;
        let name = ["ty", "mypy", "pyright"].iter().find_map(|name| found.name(name));
        let path = Path::new(&found["path"]);
        Some(Diagnostic {
            path: path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned(),
            line: found["line"].parse().ok()?,
            column: found["column"].parse().ok()?,
            is_error: &found["level"] == "error",
            rule: name.map(|name| name.as_str().to_owned()).unwrap_or_default(),
            message: found["message"].trim().to_owned(),
        })
    };
    text.lines().filter_map(read).collect()
}

/// Findings from what is new. `old` and `new` are what the checker says of the base and of the merge result,
/// `source` gives a file of the merge result.
#[must_use]
pub fn type_findings(
    checker: &str,
    old: &[Diagnostic],
    new: &[Diagnostic],
    calls: &[ChangedCall],
    source: impl Fn(&str) -> Vec<u8>,
) -> Vec<Annotation> {
    let mut findings: Vec<Annotation> = Vec::new();
    let mut by_path: HashMap<&str, Vec<&ChangedCall>> = HashMap::new();
    for call in calls {
        by_path.entry(&call.path).or_default().push(call);
    }
    let mut paths: Vec<&str> = by_path.keys().copied().collect();
    paths.sort_unstable();
    for path in paths {
        let calls = &by_path[path];
        let old_paths: BTreeSet<&str> = calls.iter().map(|call| call.old_path.as_str()).collect();
        let before: Vec<&Diagnostic> =
            old.iter().filter(|said| old_paths.contains(said.path.as_str())).collect();
        let after: Vec<&Diagnostic> = new.iter().filter(|said| said.path == path).collect();
        if after.is_empty() {
            continue;
        }
        let text = source(path);
        let lines: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
        let known = counts(&before);
        let mut surplus = surplus(&known, &after);
        for said in after {
            let Some(call) = innermost(calls, said, &lines) else { continue };
            let key = key(said);
            // A new call like those that the file had, and lived with, is no news.
            if call.change.before.is_none() && known.contains_key(&key) {
                continue;
            }
            if let Some(count) = surplus.get_mut(&key).filter(|count| **count > 0) {
                *count -= 1;
                findings.extend(finding(checker, call, said));
            }
        }
    }
    findings
}

type Key = (String, String);

/// What is said, without the name of the method it is said in: `Self@test_week` is `Self`.
fn key(said: &Diagnostic) -> Key {
    let mut parts = said.message.split("Self@");
    let mut message = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        message.push_str("Self");
        message.push_str(part.trim_start_matches(|c: char| c == '_' || c.is_alphanumeric()));
    }
    (said.rule.clone(), message)
}

fn counts(said: &[&Diagnostic]) -> HashMap<Key, usize> {
    let mut counts = HashMap::new();
    for said in said {
        *counts.entry(key(said)).or_default() += 1;
    }
    counts
}

/// How much more often each thing is said than before. Lines move, so that they do not count: of equal
/// diagnostics those at changed calls are the new ones.
fn surplus(before: &HashMap<Key, usize>, after: &[&Diagnostic]) -> HashMap<Key, usize> {
    let more = |(key, count): (Key, usize)| {
        let known = before.get(&key).copied().unwrap_or(0);
        (key, count.saturating_sub(known))
    };
    counts(after).into_iter().map(more).collect()
}

/// The smallest changed call that a diagnostic lies in.
fn innermost<'c>(calls: &[&'c ChangedCall], said: &Diagnostic, lines: &[&[u8]]) -> Option<&'c ChangedCall> {
    let index = usize::try_from(said.line).ok()?.checked_sub(1)?;
    let column = byte_column(lines.get(index)?, said.column);
    let inside = |span: &CallSpan| {
        (span.line, span.column) <= (said.line, column)
            && (said.line, column) < (span.end_line, span.end_column)
    };
    calls
        .iter()
        .copied()
        .filter(|call| call.site().is_some_and(|site| inside(&site.span)))
        .min_by_key(|call| call.site().map_or(usize::MAX, |site| site.span.end - site.span.start))
}

/// A column in characters as one in bytes, both from 1.
fn byte_column(line: &[u8], characters: u32) -> u32 {
    let before = usize::try_from(characters.saturating_sub(1)).unwrap_or(usize::MAX);
    let bytes = match std::str::from_utf8(line) {
        Ok(text) => text.chars().take(before).map(char::len_utf8).sum(),
        Err(_) => before,
    };
    u32::try_from(bytes).unwrap_or(u32::MAX).saturating_add(1)
}

fn finding(checker: &str, call: &ChangedCall, said: &Diagnostic) -> Option<Annotation> {
    let site = call.site()?;
    let severity = if said.is_error && is_certain(said, call) { Severity::Error } else { Severity::Warning };
    let mut finding = finding_on_call(&TYPE_ERROR, severity, &call.path, site, said.message.clone());
    finding.evidence.push(format!("{checker}: {} (not on the base)", said.rule));
    finding.evidence.push(format!("{}: {}", call.change.kind.phrase(), call.in_words()));
    if let Some(stale) = &call.change.stale {
        let after = stale.after.as_deref().unwrap_or("gone");
        finding.evidence.push(format!("{}:{}: {} → {after}", stale.path, stale.line, stale.before));
    }
    Some(finding)
}

/// What is wrong with a call whatever its arguments are at run time, in the words of ty, mypy and pyright.
const HARD: [&str; 9] = [
    "missing-argument",
    "unknown-argument",
    "too-many-positional-arguments",
    "parameter-already-assigned",
    "unresolved-reference",
    "call-arg",
    "name-defined",
    "reportCallIssue",
    "reportUndefinedVariable",
];

/// Words for values of which a checker knows less than the program: a mix-in's `self`, functions that a test
/// replaced, `object`.
const VAGUE: [&str; 6] =
    ["Self@", "<super", "type `bound method ", "type `def ", "type `object`", "object.__init__"];

/// Whether what is said is an error whenever the line runs.
///
/// Not when the value has one of several types of which one does not fit, nor where checkers know little of
/// the value. A call that was there before, and of which nothing was said, is wrong because of this change; of
/// a new one only what its arguments cannot mend is sure.
fn is_certain(said: &Diagnostic, call: &ChangedCall) -> bool {
    let told = said.message.rsplit_once("found `").map_or(said.message.as_str(), |(_, found)| found);
    if told.contains(" | ") || VAGUE.iter().any(|words| said.message.contains(words)) {
        return false;
    }
    let of_module = said.message.starts_with("Module `");
    call.change.before.is_some() || of_module || HARD.contains(&said.rule.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CallChange, CallSite, ChangeKind};

    #[test]
    fn diagnostics_of_three_checkers_are_read() {
        let text = "\
app.py:9:2: error[missing-attribute] Object of type `Flask` has no attribute `routes`
a/b.py:3:7: warning[possibly-missing-import] Member `x` [of y] may be missing
app.py:9:2: error: \"Flask\" has no attribute \"routes\"  [attr-defined]
  /w/app.py:20:35 - error: Argument of type \"TextIOWrapper\" cannot be assigned (reportArgumentType)
Found 3 diagnostics
";
        let read = read_diagnostics(text, Path::new("/w"));
        let told: Vec<String> = read
            .iter()
            .map(|said| {
                let Diagnostic { path, line, column, is_error, rule, message } = said;
                format!("{path} {line} {column} {is_error} {rule} {message}")
            })
            .collect();
        assert_eq!(
            told,
            [
                "app.py 9 2 true missing-attribute Object of type `Flask` has no attribute `routes`",
                "a/b.py 3 7 false possibly-missing-import Member `x` [of y] may be missing",
                "app.py 9 2 true attr-defined \"Flask\" has no attribute \"routes\"",
                "app.py 20 35 true reportArgumentType Argument of type \"TextIOWrapper\" cannot be assigned",
            ]
        );
    }

    fn said(line: u32, column: u32, message: &str) -> Diagnostic {
        let (path, rule) = ("app.py".to_owned(), "r".to_owned());
        Diagnostic { path, line, column, is_error: true, rule, message: message.to_owned() }
    }

    fn call(line: u32, column: u32, text: &str) -> ChangedCall {
        let width = u32::try_from(text.len()).unwrap();
        let span =
            CallSpan { start: 0, end: text.len(), line, column, end_line: line, end_column: column + width };
        let function = "f".to_owned();
        let after = Some(CallSite { text: text.to_owned(), callee: None, function, span });
        let change = CallChange {
            kind: ChangeKind::CalleeChanged,
            also: Vec::new(),
            before: after.clone(),
            after,
            gone: Vec::new(),
            came: Vec::new(),
            stale: None,
        };
        ChangedCall { path: "app.py".to_owned(), old_path: "old.py".to_owned(), change }
    }

    #[test]
    fn only_what_is_new_and_at_a_changed_call_is_found() {
        let old = [Diagnostic { path: "old.py".to_owned(), ..said(1, 1, "known") }];
        let new = [said(7, 1, "known"), said(2, 5, "new"), said(3, 1, "elsewhere"), said(2, 30, "past it")];
        let calls = [call(7, 1, "g(1)"), call(2, 3, "h(i(1))"), call(2, 5, "i(1)")];
        let source = |_: &str| b"\n  h(i(1))\n\n\n\n\ng(1)\n".to_vec();
        let found = type_findings("ty", &old, &new, &calls, source);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].message.as_str(), found[0].line, found[0].column), ("new", 2, 5));
        assert_eq!(found[0].severity, Severity::Error);
    }

    #[test]
    fn columns_in_characters_are_told_from_bytes() {
        let calls = [call(1, 7, "h(1)")];
        let source = |_: &str| "üüü h(1)\n".as_bytes().to_vec();
        // In bytes the call begins at column 8, in characters at 5.
        assert_eq!(type_findings("ty", &[], &[said(1, 5, "new")], &calls, source).len(), 1);
        assert_eq!(type_findings("ty", &[], &[said(1, 3, "new")], &calls, source).len(), 0);
    }

    #[test]
    fn what_may_be_right_is_a_warning() {
        let changed = call(1, 1, "f(1)");
        let mut added = changed.clone();
        added.change.before = None;
        let certain = |message: &str| is_certain(&said(1, 1, message), &changed);
        assert!(certain("Expected `str | bytes`, found `TextIOWrapper[_WrappedBuffer]`"));
        assert!(!certain("Expected `str`, found `str | None`"));
        assert!(!certain("Attribute `x` is not defined on `None` in union `A | None`"));
        assert!(certain("Object of type `Flask` has no attribute `routes`"));
        assert!(!certain("Object of type `Self@test` has no attribute `locale`"));
        assert!(!is_certain(&said(1, 1, "Expected `str`, found `int`"), &added));
        assert!(is_certain(&said(1, 1, "Module `json` has no member `laod`"), &added));
        let missing = Diagnostic { rule: "missing-argument".to_owned(), ..said(1, 1, "No argument") };
        assert!(is_certain(&missing, &added));
    }

    #[test]
    fn a_new_call_like_those_the_file_lives_with_is_no_news() {
        let message = |test: &str| format!("Object of type `Self@{test}` has no attribute `locale`");
        let old = [Diagnostic { path: "old.py".to_owned(), ..said(9, 1, &message("test_a")) }];
        let new = [said(9, 1, &message("test_a")), said(1, 1, &message("test_b"))];
        let mut added = call(1, 1, "f(1)");
        let source = |_: &str| b"f(1)\n".to_vec();
        assert_eq!(type_findings("ty", &old, &new, &[added.clone()], source).len(), 1);
        added.change.before = None;
        assert_eq!(type_findings("ty", &old, &new, &[added], source).len(), 0);
    }
}
