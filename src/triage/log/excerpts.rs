//! The lines around the first event of each group, merged where they overlap.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::raw::Raw;
use super::window::masked;
use crate::model::{Excerpt, ExcerptLine};

/// Lines that are kept in all.
const MOST_KEPT: usize = 20_000;
/// Lines of one event that are kept: its beginning and its end.
const MOST_OF_EVENT: usize = 60;

/// Characters of one line.
const MOST_OF_LINE: usize = 400;

/// Lines of other processes between two lines of one event.
const MOST_BETWEEN: u64 = 50;

/// Kept lines by source and number: in their order, each once, whoever asked for them.
#[derive(Debug, Default)]
pub(super) struct Excerpts {
    kept: BTreeMap<(usize, u64), (String, Option<usize>)>,
    /// The source whose next lines are wanted as context, and the last one's number.
    wanted: Option<(usize, u64)>,
}

impl Excerpts {
    /// Keeps an event's own lines and the ones before it, and asks for `after` more.
    pub(super) fn keep(&mut self, source: usize, group: usize, before: &[Raw], lines: &[Raw], after: u64) {
        if self.kept.len() >= MOST_KEPT {
            return;
        }
        for line in before {
            self.kept
                .entry((source, line.number))
                .or_insert_with(|| (masked(line.text().into_owned()), None));
        }
        let lines: Vec<&Raw> = lines.iter().filter(|line| !line.hidden).collect();
        let cut = lines.len().saturating_sub(MOST_OF_EVENT);
        let shown = lines
            .iter()
            .enumerate()
            .filter(|(at, _)| cut == 0 || *at < MOST_OF_EVENT / 2 || *at >= cut + MOST_OF_EVENT / 2);
        for (_, line) in shown {
            match self.kept.entry((source, line.number)) {
                // Pieces of one line.
                Entry::Occupied(mut kept) if kept.get().1 == Some(group) => {
                    let (text, _) = kept.get_mut();
                    if text.len() < MOST_OF_LINE && *text != line.text() {
                        text.push(' ');
                        text.push_str(&masked(line.text().into_owned()));
                    }
                }
                Entry::Occupied(mut kept) => {
                    *kept.get_mut() = (masked(line.text().into_owned()), Some(group));
                }
                Entry::Vacant(kept) => {
                    kept.insert((masked(line.text().into_owned()), Some(group)));
                }
            }
        }
        let last = lines.last().map_or(0, |line| line.number);
        self.wanted = (after > 0).then_some((source, last + after));
    }

    /// Whether the next line may be wanted as context.
    pub(super) const fn wants(&self) -> bool {
        self.wanted.is_some()
    }

    /// A line that was looked at: context, when it stands close behind an event.
    pub(super) fn context(&mut self, source: usize, number: u64, raw: impl FnOnce() -> Raw) {
        let Some((of, until)) = self.wanted else { return };
        if of == source && number <= until {
            self.kept.entry((source, number)).or_insert_with(|| (masked(raw().text().into_owned()), None));
        }
        if of != source || number >= until {
            self.wanted = None;
        }
    }

    /// As runs of lines. `went` says where each group went.
    pub(super) fn finish(self, names: &[String], went: &[Option<usize>]) -> Vec<Excerpt> {
        let mut excerpts: Vec<Excerpt> = Vec::new();
        let mut previous: Option<(usize, u64, Option<usize>)> = None;
        for ((source, number), (text, group)) in self.kept {
            let goes_on = previous.is_some_and(|(of, last, in_group)| {
                let one_event = group.is_some() && in_group == group && number - last <= MOST_BETWEEN;
                of == source && (number == last + 1 || one_event)
            });
            if !goes_on {
                let source = names.get(source).cloned().unwrap_or_default();
                excerpts.push(Excerpt { source, lines: Vec::new() });
            }
            previous = Some((source, number, group));
            let group = group.and_then(|group| went.get(group).copied().flatten());
            if let Some(excerpt) = excerpts.last_mut() {
                excerpt.lines.push(ExcerptLine { number, text, group });
            }
        }
        excerpts
    }
}
