//! The evidence in words.

use std::collections::HashMap;

use super::change::FileKind;
use super::definition_map::MODULE;
use super::features::{FeatureExtractor, called_weight, rarities};
use super::trace::Place;

/// Names that one reason lists.
const MOST_NAMES: usize = 3;
/// A word that more than this part of the commits have says nothing worth a reason.
const COMMON: f64 = 1.5;

/// Says why a commit of a range is suspected.
pub(super) struct Reasons<'a> {
    range: &'a FeatureExtractor<'a>,
    counts: HashMap<&'a Place, u32>,
    lines: Vec<Vec<(usize, u32)>>,
    rarities: HashMap<u64, f64>,
}

impl<'a> Reasons<'a> {
    pub(super) fn new(range: &'a FeatureExtractor<'a>) -> Self {
        Self {
            range,
            counts: range.counts(),
            lines: range.lines(),
            rarities: rarities(range.changes, range.failure),
        }
    }

    pub(super) fn of(&self, commit: usize) -> Vec<String> {
        let mut reasons = Vec::new();
        reasons.extend(self.line(commit));
        reasons.extend(self.frames(commit));
        reasons.extend(self.called(commit));
        reasons.extend(self.ran(commit));
        reasons.extend(self.dependencies(commit));
        reasons.extend(self.words(commit));
        let change = &self.range.changes[commit];
        let idle = if change.merge && change.cannot_matter() {
            Some("a merge that changes nothing itself")
        } else if change.is_idle() {
            Some("only text, comments, annotations or layout")
        } else if self.range.is_unreached(commit) {
            Some("the failing run neither read nor executed what it changed")
        } else {
            change.cannot_matter().then_some("only tests and text")
        };
        reasons.extend(idle.map(str::to_owned));
        reasons
    }

    /// The innermost line of the traceback that it brought.
    fn line(&self, commit: usize) -> Option<String> {
        let &(at, later) = self.lines[commit].iter().max_by_key(|(at, _)| *at)?;
        let frame = &self.range.failure.frames[at];
        let innermost = self.range.failure.frames.iter().rposition(|other| other.path == frame.path);
        let what = if innermost == Some(at) { "the line that raised" } else { "a line of the traceback" };
        let did = if later == 0 { "changed" } else { "once brought" };
        Some(format!("{did} {what}: {}:{}, `{}`", frame.path, frame.line, shortened(&frame.code)))
    }

    /// Definitions of the traceback that it touched.
    fn frames(&self, commit: usize) -> Option<String> {
        let failure = self.range.failure;
        let is_frame = |place: &Place| {
            failure.frames.iter().any(|frame| (&frame.path, &frame.definition) == (&place.0, &place.1))
        };
        let own = self.range.places[commit].iter().filter(|place| place.1 != MODULE && is_frame(place));
        let own: Vec<&Place> = own.collect();
        let last = own
            .iter()
            .all(|place| !self.range.places[commit + 1..].iter().any(|later| later.contains(place)));
        let did = if last { "last touched" } else { "touched" };
        (!own.is_empty()).then(|| format!("{did} the failing {}", listed(&own)))
    }

    fn called(&self, commit: usize) -> Option<String> {
        const BY_FAILURE: f64 = 1.0;
        let weight = |place: &Place| called_weight(self.range.failure, place);
        let own = self.range.places[commit].iter();
        let mut own: Vec<&Place> = own.filter(|place| weight(place) > 0.0).collect();
        own.sort_by(|a, b| weight(b).total_cmp(&weight(a)).then(self.counts[*a].cmp(&self.counts[*b])));
        let first = own.first()?;
        let who = if weight(first) >= BY_FAILURE { "the failure names" } else { "the failing test calls" };
        Some(format!("changed {}, which {who}", listed(&own)))
    }

    fn ran(&self, commit: usize) -> Option<String> {
        let ran = self.range.failure.ran.as_ref()?;
        let mut own: Vec<&Place> = self.range.places[commit]
            .iter()
            .filter(|place| place.1 != MODULE && ran.contains_key(*place))
            .collect();
        own.sort_by_key(|place| (self.counts[*place], ran[*place]));
        (!own.is_empty()).then(|| format!("changed what the failing run executed: {}", listed(&own)))
    }

    fn dependencies(&self, commit: usize) -> Option<String> {
        let files = self.range.changes[commit].files.iter();
        let mut files = files.filter(|file| file.kind == FileKind::Dependencies);
        files.next().map(|file| format!("changed what is installed: {}", file.path))
    }

    /// The rarest words that it has in common with the failure.
    fn words(&self, commit: usize) -> Option<String> {
        let change = &self.range.changes[commit];
        let mut common: Vec<(f64, &str, bool)> = Vec::new();
        for (word, mention) in &self.range.failure.words {
            let in_message = change.message.count(*word) > 0;
            let rarity = self.rarities[word];
            if (in_message || change.lines.count(*word) > 0) && rarity > COMMON {
                common.push((rarity * mention.weight, &mention.text, in_message));
            }
        }
        common.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        common.truncate(MOST_NAMES);
        let names: Vec<String> = common.iter().map(|(_, text, _)| format!("`{text}`")).collect();
        let where_ =
            if common.iter().any(|(_, _, in_message)| *in_message) { "its message" } else { "its lines" };
        (!names.is_empty()).then(|| format!("{where_} and the failure both speak of {}", names.join(", ")))
    }
}

/// `application.py: your_url, index and 3 more`.
fn listed(places: &[&Place]) -> String {
    let Some(first) = places.first() else { return String::new() };
    let names = places.iter().take(MOST_NAMES).map(|place| match place.1.as_str() {
        MODULE => "its top level".to_owned(),
        name => format!("`{name}`"),
    });
    let names: Vec<String> = names.collect();
    let more = places.len() - names.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let elsewhere = if places.iter().all(|place| place.0 == first.0) { "" } else { " and others" };
    format!("{}{more} in {}{elsewhere}", names.join(", "), first.0)
}

pub(super) fn shortened(code: &str) -> String {
    const MOST: usize = 80;
    match code.char_indices().nth(MOST) {
        Some((cut, _)) => format!("{}…", &code[..cut]),
        None => code.to_owned(),
    }
}
