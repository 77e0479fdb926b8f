//! What a tree lacks, or has otherwise than git would write it, and what that means for a trial.

use std::collections::{BTreeMap, BTreeSet};

use crate::git::{Checkout, CheckoutGap};
use crate::model::Termination;

/// What is not as in git, by its path from the top.
pub(super) type Gaps = BTreeMap<Vec<u8>, CheckoutGap>;

/// Examples that a note names.
const MOST_EXAMPLES: usize = 3;

/// Files that decide what Python does: a tree without them is not worth running.
const VITAL_SUFFIXES: [&[u8]; 4] = [b".py", b".pyi", b".pyx", b".pxd"];
const VITAL_NAMES: [&[u8]; 4] = [b"pyproject.toml", b"setup.cfg", b"setup.py", b"pytest.ini"];

/// Whether Python may read a file.
pub(super) fn is_vital(path: &[u8]) -> bool {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    VITAL_NAMES.contains(&name) || VITAL_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

/// A file that Python needs and that is missing.
pub(super) fn vital_gap(gaps: &Gaps) -> Option<&[u8]> {
    let missing = |(path, gap): &(&Vec<u8>, &CheckoutGap)| **gap == CheckoutGap::Missing && is_vital(path);
    gaps.iter().find(missing).map(|(path, _)| path.as_slice())
}

/// What is not as in git, one line for each kind.
pub(super) fn notes(gaps: &Gaps) -> Vec<String> {
    let kinds: BTreeSet<CheckoutGap> = gaps.values().copied().collect();
    let note = |kind: CheckoutGap| {
        let (what, remedy) = kind.text();
        let remedy = remedy.map(|remedy| format!(" ({remedy})")).unwrap_or_default();
        let paths = gaps.iter().filter(|&(_, &gap)| gap == kind).map(|(path, _)| path);
        format!("{what}: {}{remedy}", listed(paths))
    };
    kinds.into_iter().map(note).collect()
}

/// Some of these paths.
pub(super) fn listed<'p>(paths: impl Iterator<Item = &'p Vec<u8>>) -> String {
    let paths: Vec<_> = paths.map(|path| String::from_utf8_lossy(path)).collect();
    let shown = paths.iter().take(MOST_EXAMPLES).map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
    match paths.len().saturating_sub(MOST_EXAMPLES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// How a trial ended, unless it failed in a tree that lacks something which others of the history have, and no trial
/// passed without that.
pub(super) fn unless_of_a_gap(checkout: &Checkout, gaps: &Gaps, ending: Termination) -> Termination {
    let partial = || gaps.iter().filter(|(_, gap)| gap.is_partial());
    match ending {
        Termination::Exited { code: 0 } => checkout.are_harmless(partial().map(|(path, _)| path)),
        Termination::Exited { .. } | Termination::Signalled { .. } | Termination::TimedOut { .. } => {
            if let Some((path, gap)) = partial().find(|(path, _)| !checkout.is_harmless(path)) {
                let (what, remedy) = gap.text();
                let (path, remedy) = (String::from_utf8_lossy(path), remedy.unwrap_or_default());
                return Termination::NoTree { reason: format!("it fails, and {path} is {what}: {remedy}") };
            }
        }
        _ => {}
    }
    ending
}
