//! What a trial printed: whole when short, otherwise its beginning and its end, as much as on this machine.

use crate::model::Captured;

/// Bytes of its beginning.
pub(in crate::executor) const HEAD: u64 = 256 * 1024;
/// Bytes of its end.
pub(in crate::executor) const TAIL: u64 = 1024 * 1024;

/// A text as it was written.
pub(in crate::executor) fn captured(bytes: &[u8]) -> Captured {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    Captured { text: String::from_utf8_lossy(bytes).into_owned(), bytes: size }
}

/// A text of which the beginning and the end are known.
pub(in crate::executor) fn shortened(head: &[u8], tail: &[u8], size: u64) -> Captured {
    let (head, tail) = (String::from_utf8_lossy(head), String::from_utf8_lossy(tail));
    Captured { text: format!("{head}\n[{} bytes left out]\n{tail}", size - HEAD - TAIL), bytes: size }
}

/// A text in which the tree lies where it lies on every worker: what fails alike is to read alike.
pub(in crate::executor) fn without_place(text: &mut Captured, place: Option<&str>) {
    if let Some(place) = place {
        text.text = text.text.replace(&format!("{place}/"), "/");
    }
}

/// The last line with something on it, cut.
pub(in crate::executor) fn last_line(text: &str) -> String {
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    last.chars().take(200).collect()
}
