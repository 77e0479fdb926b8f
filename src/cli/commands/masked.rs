//! What is shown and written of a result, with its secrets masked. What is applied, a patch or a branch, is not made of
//! this.

use std::sync::LazyLock;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::texts::with_texts;
use crate::model::{Event, Report};
use crate::report::Reporter;
use crate::session::Secrets;

/// Characters of a commit's id.
const ID: usize = 40;

/// A text without what looks like a secret, and without values of variables that trials do not get; `None` where there
/// is none of it.
pub(super) fn masked_text(text: &str) -> Option<String> {
    static SECRETS: LazyLock<Secrets> = LazyLock::new(Secrets::of_user);
    // Of a commit: no secret, though a variable may hold it.
    let is_id = text.len() == ID && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id {
        return None;
    }
    Some(SECRETS.hidden(text)).filter(|hidden| hidden != text)
}

/// The text with all of that masked.
pub(super) fn hidden(text: &str) -> String {
    masked_text(text).unwrap_or_else(|| text.to_owned())
}

/// The same with its texts masked.
pub(super) fn masked<T: Serialize + DeserializeOwned + Clone>(told: &T) -> T {
    with_texts(told, &mut masked_text).unwrap_or_else(|| told.clone())
}

/// The same with its texts masked, and its proofs.
pub(super) fn masked_report(report: &Report) -> Report {
    let mut other = masked(report);
    other.keep_proofs(report);
    other
}

/// Hears events with their texts masked.
pub(super) struct MaskedReporter<R>(pub(super) R);

impl<R: Reporter> Reporter for MaskedReporter<R> {
    fn on_event(&mut self, event: &Event) {
        let mut told = masked(event);
        told.kind.watch_trial_of(&event.kind);
        self.0.on_event(&told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FixReport;

    #[test]
    fn texts_are_masked_and_ids_are_not() {
        let subject = "rotate token=s3cr3t-4711 of the gateway";
        let fix = FixReport { session: "1a2b3c4d".to_owned(), ..FixReport::default() };
        assert_eq!(masked(&fix), fix);
        let report = Report { notes: vec![subject.to_owned()], ..Report::default() };
        assert_eq!(masked_report(&report).notes, ["rotate token=[redacted] of the gateway"]);
        assert_eq!(masked_text(&"4b".repeat(20)), None);
        assert_eq!(masked_text("plain words"), None);
    }
}
