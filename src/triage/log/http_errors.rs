//! Answers with a 5xx status, and the failures that they answer: one story, told in two streams.

use std::ops::RangeInclusive;

use super::groups::Groups;
use crate::model::LogEventKind;

/// How many lines apart the two may stand in one source.
const WITHIN: u64 = 30;
/// How far apart in time, in microseconds, in two sources.
const SECONDS: i64 = 1_500_000;
/// Events that are remembered for the comparison by time.
const MOST: usize = 20_000;

/// What is still to be matched.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Group and last line of the traceback before, when no answer came yet.
    failure: Option<(usize, u64)>,
    /// Group and line of the answer before, when no traceback stood above it; its index in `answers`.
    answer: Option<(usize, u64, Option<usize>)>,
    failures: Vec<(i64, usize, usize)>,
    /// Time, group, source; `None` once matched.
    answers: Vec<Option<(i64, usize, usize)>>,
}

impl Answers {
    /// An event was counted.
    pub(super) fn event(
        &mut self,
        kind: LogEventKind,
        group: usize,
        source: usize,
        lines: RangeInclusive<u64>,
        time: Option<i64>,
        groups: &mut Groups,
    ) {
        let (first, last) = lines.into_inner();
        match kind {
            LogEventKind::Traceback => {
                let answer =
                    self.answer.take().filter(|(_, line, _)| first >= *line && first - line <= WITHIN);
                if let Some((answer, _, index)) = answer {
                    groups.stand_beside(answer, group);
                    if let Some(one) = index.and_then(|index| self.answers.get_mut(index)) {
                        *one = None;
                    }
                    self.failure = None;
                } else {
                    self.failure = Some((group, last));
                    if let Some(time) = time.filter(|_| self.failures.len() < MOST) {
                        self.failures.push((time, group, source));
                    }
                }
            }
            LogEventKind::Status => {
                // One answer for one failure.
                let failure =
                    self.failure.take().filter(|(_, line)| first >= *line && first - line <= WITHIN);
                if let Some((failure, _)) = failure {
                    groups.stand_beside(group, failure);
                    return;
                }
                let index = time.filter(|_| self.answers.len() < MOST).map(|time| {
                    self.answers.push(Some((time, group, source)));
                    self.answers.len() - 1
                });
                self.answer = Some((group, first, index));
            }
            _ => {}
        }
    }

    /// The answer whose failure may still come at this line.
    pub(super) fn waiting(&self, line: u64) -> Option<usize> {
        self.answer.filter(|(_, at, _)| line <= at + WITHIN).map(|(group, ..)| group)
    }

    pub(super) const fn end_of_source(&mut self) {
        self.failure = None;
        self.answer = None;
    }

    /// Matches the rest by time, across sources.
    pub(super) fn finish(&mut self, groups: &mut Groups) {
        let mut failures = std::mem::take(&mut self.failures);
        failures.sort_unstable();
        let mut answers: Vec<_> = std::mem::take(&mut self.answers).into_iter().flatten().collect();
        answers.sort_unstable();
        let mut at = 0;
        for (time, group, source) in answers {
            while failures.get(at).is_some_and(|(failed, ..)| *failed < time - SECONDS) {
                at += 1;
            }
            let failure =
                failures.get(at).filter(|(failed, _, other)| *failed <= time + SECONDS && *other != source);
            if let Some((_, failure, _)) = failure {
                groups.stand_beside(group, *failure);
                at += 1;
            }
        }
    }
}
