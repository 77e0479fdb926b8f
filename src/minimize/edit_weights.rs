//! How suspicious an edit is, seen from the failure. The weights only order the trials: whatever they are, what is
//! reported was tested.

use std::collections::BTreeSet;
use std::ops::Range;

use super::files::FilePair;
use crate::model::FailureSignature;

/// What an edit looks like to the eye of somebody who has read the failure.
#[derive(Debug)]
pub(super) struct EditFeatures<'a> {
    pub(super) pair: &'a FilePair,
    /// Lines of the new file that it touches, from 1.
    pub(super) lines: Range<u32>,
    /// What it takes away and what it brings.
    pub(super) old: &'a [u8],
    /// What it brings.
    pub(super) new: &'a [u8],
    /// Call changes in it.
    pub(super) calls: usize,
    /// Whether it is a call change by itself.
    pub(super) is_call: bool,
    /// Whether all of it lies in a string of several lines, as docstrings are.
    pub(super) is_in_string: bool,
    /// The function around it, when that is known.
    pub(super) function: Option<&'a str>,
}

/// How suspicious it is, on no particular scale.
pub(super) fn suspicion(look: &EditFeatures<'_>, failure: Option<&FailureSignature>) -> f64 {
    let mut weight = of_file(look.pair);
    if look.pair.is_python() && (look.is_in_string || is_idle(look.old, look.new)) {
        return weight * 0.005;
    }
    if look.is_call {
        weight *= 2.0;
    } else if look.calls > 0 {
        weight *= 1.5;
    } else if look.pair.is_python() && only_imports(look.old) && only_imports(look.new) {
        weight *= 0.3;
    }
    let Some(failure) = failure else { return weight };
    let path = look.pair.path();
    let is_here = |frame: &&crate::model::Frame| !path.is_empty() && frame.path.as_bytes().ends_with(path);
    let frames: Vec<_> = failure.frames.iter().filter(is_here).collect();
    let on_line = frames.iter().any(|frame| look.lines.contains(&frame.line));
    let in_function = frames.iter().any(|frame| match (&frame.function, look.function) {
        (Some(function), Some(own)) => own.rsplit('.').next() == function.rsplit('.').next(),
        _ => false,
    });
    weight *= match (on_line, in_function, frames.is_empty()) {
        (true, _, _) => 30.0,
        (_, true, _) => 8.0,
        (_, _, false) => 2.0,
        (_, _, true) => 1.0,
    };
    let said = format!(
        "{} {}",
        failure.message,
        failure.frames.last().and_then(|frame| frame.code.as_deref()).unwrap_or_default()
    );
    if shares_a_word(said.as_bytes(), look.old) || shares_a_word(said.as_bytes(), look.new) {
        weight *= 3.0;
    }
    weight
}

fn of_file(pair: &FilePair) -> f64 {
    let name = pair.name().to_lowercase();
    let last = name.rsplit('/').next().unwrap_or_default();
    let weight = if pair.is_python() {
        1.0
    } else if [".md", ".rst", ".txt", ".png", ".jpg", ".gif", ".svg", ".po", ".ipynb"]
        .iter()
        .any(|end| last.ends_with(end))
    {
        0.02
    } else {
        0.3
    };
    if pair.is_test() { weight * 0.1 } else { weight }
}

/// Whether only comments and blank lines differ.
fn is_idle(old: &[u8], new: &[u8]) -> bool {
    let code = |text: &[u8]| -> Vec<Vec<u8>> {
        let lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        lines.filter(|line| !line.is_empty() && !line.starts_with(b"#")).map(<[u8]>::to_vec).collect()
    };
    code(old) == code(new)
}

fn only_imports(text: &[u8]) -> bool {
    let mut lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    lines.all(|line| line.starts_with(b"import ") || line.starts_with(b"from "))
}

/// Whether two texts have a telling word in common.
fn shares_a_word(said: &[u8], text: &[u8]) -> bool {
    fn words(text: &[u8]) -> BTreeSet<&[u8]> {
        let words = text.split(|&byte| byte != b'_' && !byte.is_ascii_alphanumeric());
        words.filter(|word| word.len() > 4 && !word[0].is_ascii_digit()).collect()
    }
    const EVERYWHERE: [&[u8]; 8] =
        [b"assert", b"return", b"object", b"raise", b"Error", b"False", b"class", b"AssertionError"];
    words(said).intersection(&words(text)).any(|word| !EVERYWHERE.contains(word))
}
