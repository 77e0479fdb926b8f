//! Secrets in what trials print: masked before anything is kept of it.
//!
//! Two kinds. Values of variables that isolation would have withheld, had the user not passed them (or turned it off),
//! are masked as soon as an output arrives: nothing reads them. What only looks like a secret (`password=…`, a token, the
//! password of an address) is masked where it is kept; what is read from an output as a failure is masked alike, so that
//! an outcome that is known from an earlier run shows the same failure.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;

use regex::Regex;

use super::finished_trial::FinishedTrial;
use crate::model::kept_output::{MOST_KEPT, ends};
use crate::model::{Captured, KeptOutput, TrialOutput, Verdict};
use crate::process::sandbox::filter_environment;
use crate::triage::ansi::strip;
use crate::triage::message_shape::within_tree;
use crate::triage::redact::redact;

/// What stands where a secret stood.
const MASK: &str = "[redacted]";
/// A shorter value may stand anywhere without being the secret.
const SHORTEST: usize = 8;
/// A variable whose name has one of these in it holds a secret.
const NAMES: [&str; 11] = [
    "TOKEN",
    "SECRET",
    "PASSW",
    "PASSPHRASE",
    "CREDENTIAL",
    "KEY",
    "AUTH",
    "PWD",
    "DSN",
    "COOKIE",
    "PRIVATE",
];

/// Values that are masked wherever they stand.
#[derive(Debug)]
pub struct Secrets(Option<Regex>);

impl Secrets {
    /// The secrets of the environment of this process.
    #[must_use]
    pub fn of_user() -> Self {
        Self::of(&std::env::vars_os().collect())
    }

    /// A text without these values, and without what else looks like a secret.
    #[must_use]
    pub fn hidden(&self, text: &str) -> String {
        let text = self.0.as_ref().map_or(Cow::Borrowed(text), |pattern| pattern.replace_all(text, MASK));
        redact(&text).into_owned()
    }

    /// Those of an environment: of the variables that are withheld unless the user passes them.
    pub(super) fn of(environment: &BTreeMap<OsString, OsString>) -> Self {
        let withheld = filter_environment(environment.clone(), &[], false).withheld;
        let mut values: Vec<String> = withheld
            .iter()
            .filter_map(|name| {
                let value = environment.get(&OsString::from(name))?.to_str()?;
                secret_of(name, value)
            })
            .collect();
        // The longer first, so that one which begins like another is masked whole.
        values.sort_by_key(|value| (std::cmp::Reverse(value.len()), value.clone()));
        values.dedup();
        let pattern = values.iter().map(|value| regex::escape(value)).collect::<Vec<_>>().join("|");
        // Too many variables for a pattern: none of them was meant for a test.
        Self(Regex::new(&pattern).ok().filter(|_| !values.is_empty()))
    }

    /// The output without these values.
    pub(super) fn hide(&self, mut output: TrialOutput) -> TrialOutput {
        if let Some(pattern) = &self.0 {
            for stream in [&mut output.stdout, &mut output.stderr] {
                if pattern.is_match(&stream.text) {
                    stream.text = pattern.replace_all(&stream.text, MASK).into_owned();
                }
            }
        }
        output
    }
}

/// What of a variable's value is secret: all, or the password of an address.
fn secret_of(name: &str, value: &str) -> Option<String> {
    let name = name.to_uppercase();
    if let Some((_, rest)) = value.split_once("://") {
        let (login, _) = rest.split_once('@')?;
        let (_, password) = login.split_once(':')?;
        return Some(password.to_owned()).filter(|password| password.len() >= SHORTEST);
    }
    let is_named = NAMES.iter().any(|part| name.contains(part));
    let is_path = value.starts_with('/');
    // A word alone may be any word: `production`, `testing`.
    let is_word = value.len() < 2 * SHORTEST && value.bytes().all(|byte| byte.is_ascii_lowercase());
    (is_named && !is_path && !is_word && value.len() >= SHORTEST).then(|| value.to_owned())
}

/// An output as it is kept to be read again: with nothing in it that looks like a secret.
pub(super) fn masked(output: &TrialOutput) -> TrialOutput {
    let of = |stream: &Captured| Captured { text: redact(&stream.text).into_owned(), bytes: stream.bytes };
    TrialOutput { stdout: of(&output.stdout), stderr: of(&output.stderr), ..output.clone() }
}

/// What is kept of a trial's output to be shown.
pub(super) fn kept(done: &FinishedTrial, verdict: &Verdict) -> KeptOutput {
    let output = &done.output;
    // A margin, so that what is masked at the cut is masked whole.
    let (stdout, stderr) = ends(&output.stdout.text, &output.stderr.text, MOST_KEPT + (4 << 10));
    let (stdout, stderr) = (strip(stdout), strip(stderr));
    let (stdout, stderr) = (within_tree(&redact(&stdout)), within_tree(&redact(&stderr)));
    let (shorter_stdout, shorter_stderr) = ends(&stdout, &stderr, MOST_KEPT);
    KeptOutput {
        trial: done.id,
        commit: done.commit,
        purpose: done.purpose,
        verdict: verdict.kind(),
        ending: output.ending.clone(),
        stdout: Captured { text: shorter_stdout.to_owned(), bytes: output.stdout.bytes },
        stderr: Captured { text: shorter_stderr.to_owned(), bytes: output.stderr.bytes },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Termination, Timing};

    fn output(text: &str) -> TrialOutput {
        TrialOutput {
            ending: Termination::Exited { code: 1 },
            stdout: Captured { text: text.to_owned(), bytes: 0 },
            stderr: Captured::default(),
            timing: Timing::default(),
            leftovers: 0,
            notes: Vec::new(),
            files: Vec::new(),
        }
    }

    #[test]
    fn values_of_passed_variables_are_masked_and_words_are_not() {
        let environment = [
            ("STRIPE_KEY", "live-4eC39Hq"),
            ("STRIPE_KEY_OLD", "live-4eC39HqLyj"),
            ("DATABASE_URL", "postgres://app:pa55word-x@db/shop"),
            ("API_TOKEN", "testing"),
            ("APP_MODE", "production"),
            ("PATH", "/usr/bin-12345678"),
            ("SSH_AUTH_SOCK", "/run/agent-1234"),
        ];
        let environment = environment.map(|(name, value)| (name.into(), value.into())).into();
        let secrets = Secrets::of(&environment);
        let said = "KeyError: live-4eC39Hq, live-4eC39HqLyj pa55word-x testing production /usr/bin-12345678 /run/agent-1234";
        assert_eq!(
            secrets.hide(output(said)).stdout.text,
            "KeyError: [redacted], [redacted] [redacted] testing production /usr/bin-12345678 /run/agent-1234"
        );
        assert_eq!(Secrets::of(&BTreeMap::new()).hide(output("")).stdout.text, "");
    }

    #[test]
    fn what_is_kept_is_masked_and_reads_as_the_same_failure() {
        let said = "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    f()\n\
                    ValueError: no rate for token='s3cr3t' at https://ada:s3cr3t@rates.example/x\n";
        let plain = output(said);
        let kept = masked(&plain);
        assert!(!kept.stdout.text.contains("s3cr3t"), "{}", kept.stdout.text);
        let command = crate::triage::CommandFacts::of(&["python3".into(), "a.py".into()]);
        let (plain, kept) = (crate::triage::read(&plain, &command), crate::triage::read(&kept, &command));
        assert_eq!(plain.failures, kept.failures);
        assert_eq!(plain.closing, kept.closing);
        assert!(!plain.failures[0].message.contains("s3cr3t"), "{:?}", plain.failures);
    }
}
