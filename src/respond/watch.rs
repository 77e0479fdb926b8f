//! When answers are enough to call a service healthy, or not.
//!
//! A server that reloads answers with old and new code for a while: two granian workers take 7 s to change places, and a
//! uWSGI that could not load the new code goes on with the old. So one good answer is nothing: the wanted version has to
//! answer, and no other, several times in a row and for some time.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::{AnswerCount, DeployedVersion, HealthReport};

/// What a service answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It says that it is this version.
    Tells(String),
    /// It answers well, and does not say which version it is.
    Answers,
    /// It does not answer, or not well.
    Fails {
        /// In a few words.
        why: String,
        /// The version that it tells all the same: an answer of 500 can have a header, too.
        version: Option<String>,
    },
}

impl Answer {
    /// One that fails, and tells nothing of its version.
    pub(super) fn failed(why: impl Into<String>) -> Self {
        Self::Fails { why: why.into(), version: None }
    }

    /// For people.
    pub(super) fn phrase(&self) -> String {
        match self {
            Self::Tells(version) => version.clone(),
            Self::Answers => "answers, version unknown".to_owned(),
            Self::Fails { why, version: None } => why.clone(),
            Self::Fails { why, version: Some(version) } => format!("{why} from {version}"),
        }
    }

    /// The version that answers, well or not.
    pub(super) fn version(&self) -> Option<&str> {
        match self {
            Self::Tells(version) => Some(version),
            Self::Answers => None,
            Self::Fails { version, .. } => version.as_deref(),
        }
    }
}

/// How long it takes to believe something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Answers in a row that it takes.
    pub count: u32,
    /// The time that these have to span.
    pub window: Duration,
    /// The time until it has to be well; a row that has begun by then may go on.
    pub limit: Duration,
}

/// What follows from the answers so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Ask again.
    Open,
    /// The wanted version answers, and no other.
    Healthy,
    /// All this time another version answered, and only that, or it failed as it did before, and not otherwise.
    Unchanged,
    /// It did not become well in time.
    Unhealthy,
}

/// The answers of a service since a version was deployed.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    terms: &'a Terms,
    wanted: &'a DeployedVersion,
    /// What answered before.
    before: &'a [AnswerCount],
    /// Since when, and how many in a row, are as wanted.
    row: Option<(Duration, Duration, u32)>,
    /// The first that was as wanted.
    pub(super) first: Option<Duration>,
    counts: Vec<AnswerCount>,
    others: BTreeSet<String>,
    /// How it fails, where that is as before.
    as_before: BTreeSet<String>,
    has_failed: bool,
    tells_version: bool,
}

impl<'a> Watch<'a> {
    pub(super) const fn new(
        terms: &'a Terms,
        wanted: &'a DeployedVersion,
        before: &'a [AnswerCount],
    ) -> Self {
        Self {
            terms,
            wanted,
            before,
            row: None,
            first: None,
            counts: Vec::new(),
            others: BTreeSet::new(),
            as_before: BTreeSet::new(),
            has_failed: false,
            tells_version: false,
        }
    }

    /// An answer came, `at` this time after the beginning.
    pub(super) fn see(&mut self, at: Duration, answer: &Answer) -> Standing {
        count(&mut self.counts, answer);
        let told = answer.version();
        self.tells_version |= told.is_some();
        let other = told.filter(|told| !self.wanted.is_told_as(told));
        self.others.extend(other.map(str::to_owned));
        if let (Answer::Fails { .. }, None) = (answer, other) {
            let phrase = answer.phrase();
            if told.is_none() && self.before.iter().any(|before| before.answer == phrase) {
                self.as_before.insert(phrase);
            } else {
                self.has_failed = true;
            }
        }
        let is_right = other.is_none() && !matches!(answer, Answer::Fails { .. });
        if is_right {
            self.first.get_or_insert(at);
            let (since, _, count) = self.row.unwrap_or((at, at, 0));
            self.row = Some((since, at, count + 1));
        } else {
            self.row = None;
        }
        self.standing(at)
    }

    fn standing(&self, at: Duration) -> Standing {
        let Terms { count, window, limit } = *self.terms;
        match self.row {
            Some((since, last, seen)) if seen >= count && last - since >= window => Standing::Healthy,
            // What began late is waited for as long as it holds.
            Some((since, ..)) if since <= limit => Standing::Open,
            _ if at >= limit => Standing::Unhealthy,
            // Longer than any reload takes, the old one alone answered.
            None if at >= window && self.is_unchanged() => Standing::Unchanged,
            _ => Standing::Open,
        }
    }

    fn is_unchanged(&self) -> bool {
        let is_one = match self.others.len() {
            0 => !self.as_before.is_empty(),
            count => count == 1,
        };
        is_one && self.first.is_none() && !self.has_failed
    }

    /// What came of it.
    pub(super) fn report(&self, at: Duration, standing: Standing) -> HealthReport {
        let (window, in_a_row) =
            self.row.map_or((Duration::ZERO, 0), |(since, last, count)| (last - since, count));
        let others = self.others.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let why = match standing {
            Standing::Healthy | Standing::Open => None,
            Standing::Unchanged if self.others.is_empty() => {
                let as_before = self.as_before.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                Some(format!("{as_before}, as before: the new code was not taken"))
            }
            Standing::Unchanged => Some(format!("{others} goes on answering: the new code was not taken")),
            Standing::Unhealthy if self.first.is_none() && self.others.is_empty() => {
                let last = self.counts.last().map_or("nothing", |last| last.answer.as_str());
                Some(format!("it never answered well: {last}"))
            }
            Standing::Unhealthy if self.first.is_none() => {
                Some(format!("{others} answers, {} never did", self.wanted.name()))
            }
            Standing::Unhealthy => {
                let lacking = self.counts.iter().filter(|count| !self.is_wanted(&count.answer));
                let lacking: Vec<&str> = lacking.map(|count| count.answer.as_str()).collect();
                Some(format!("it answered now so, now otherwise: {}", lacking.join(", ")))
            }
        };
        HealthReport {
            healthy: standing == Standing::Healthy,
            tells_version: self.tells_version,
            in_a_row,
            window_seconds: window.as_secs_f64(),
            seconds: at.as_secs_f64(),
            answers: self.counts.clone(),
            why,
        }
    }

    fn is_wanted(&self, answer: &str) -> bool {
        answer == Answer::Answers.phrase() || self.wanted.is_told_as(answer)
    }
}

/// Count an answer.
pub(super) fn count(counts: &mut Vec<AnswerCount>, answer: &Answer) {
    /// More kinds than this are not told apart.
    const MOST_KINDS: usize = 20;
    let phrase = answer.phrase();
    if let Some(known) = counts.iter_mut().find(|known| known.answer == phrase) {
        known.count += 1;
    } else if counts.len() < MOST_KINDS {
        counts.push(AnswerCount { answer: phrase, count: 1 });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TERMS: Terms = Terms { count: 5, window: Duration::from_secs(5), limit: Duration::from_secs(30) };

    fn wanted() -> DeployedVersion {
        DeployedVersion {
            commit: "aa".repeat(20).parse().unwrap(),
            tag: Some("v1".to_owned()),
            subject: String::new(),
            as_commit: None,
        }
    }

    /// The standing after the last of these answers, one a second, and after how many it was decided.
    fn after(answers: impl IntoIterator<Item = Answer>) -> (Standing, usize) {
        after_others(&[], answers)
    }

    /// The same where these answered before.
    fn after_others(before: &[&str], answers: impl IntoIterator<Item = Answer>) -> (Standing, usize) {
        let wanted = wanted();
        let before: Vec<AnswerCount> =
            before.iter().map(|&answer| AnswerCount { answer: answer.to_owned(), count: 3 }).collect();
        let mut watch = Watch::new(&TERMS, &wanted, &before);
        let mut seen = 0;
        for (second, answer) in (0..).zip(answers) {
            seen += 1;
            let standing = watch.see(Duration::from_secs(second), &answer);
            if standing != Standing::Open {
                return (standing, seen);
            }
        }
        (Standing::Open, seen)
    }

    fn tells(version: &str) -> Answer {
        Answer::Tells(version.to_owned())
    }

    fn fails() -> Answer {
        Answer::failed("502")
    }

    #[test]
    fn the_wanted_version_alone_for_long_enough_is_healthy() {
        assert_eq!(after(vec![tells("1"); 40]), (Standing::Healthy, 6));
        assert_eq!(after(vec![Answer::Answers; 40]), (Standing::Healthy, 6));
        // While a server changes places, both answer.
        let changing = [tells("2"), tells("1"), tells("2"), tells("1")];
        assert_eq!(after(changing.into_iter().chain(vec![tells("v1"); 40])), (Standing::Healthy, 9));
        // A failure late in the row counts.
        let late = [tells("1"), tells("1"), tells("1"), tells("1"), fails()];
        assert_eq!(after(late.into_iter().chain(vec![tells("1"); 40])), (Standing::Healthy, 11));
    }

    #[test]
    fn what_does_not_change_is_told_from_what_fails() {
        assert_eq!(after(vec![tells("2"); 40]), (Standing::Unchanged, 6));
        assert_eq!(after(vec![fails(); 40]), (Standing::Unhealthy, 31));
        let mixed = (0..40).map(|at| if at % 2 == 0 { tells("1") } else { tells("2") });
        assert_eq!(after(mixed).0, Standing::Unhealthy);
        // It may come up late, and is not given up in the middle of a row.
        let late = std::iter::repeat_n(fails(), 29).chain(vec![tells("1"); 40]);
        assert_eq!(after(late), (Standing::Healthy, 35));
    }

    /// In an outage the old code is known by its failures.
    #[test]
    fn what_fails_as_before_is_the_old_code_still() {
        let of = |version: &str| Answer::Fails { why: "500".to_owned(), version: Some(version.to_owned()) };
        assert_eq!(after_others(&["502"], vec![fails(); 40]), (Standing::Unchanged, 6));
        assert_eq!(after_others(&["500"], vec![fails(); 40]).0, Standing::Unhealthy, "it fails otherwise");
        assert_eq!(after(vec![of("2"); 40]), (Standing::Unchanged, 6), "the old one tells itself");
        assert_eq!(after_others(&["500 from 2"], vec![of("v1"); 40]).0, Standing::Unhealthy, "it was taken");
        // A reload that takes its time is no other version, nor the end.
        let late = std::iter::repeat_n(fails(), 4).chain(vec![tells("1"); 40]);
        assert_eq!(after_others(&["502"], late), (Standing::Healthy, 10));
        let mixed = (0..40).map(|at| if at % 2 == 0 { fails() } else { tells("2") });
        assert_eq!(after_others(&["502", "2"], mixed), (Standing::Unchanged, 6));
    }

    #[test]
    fn the_report_says_why() {
        let wanted = wanted();
        let mut watch = Watch::new(&TERMS, &wanted, &[]);
        let standing =
            (0..40).map(|at| watch.see(Duration::from_secs(at), &tells("2"))).find(|&s| s != Standing::Open);
        let report = watch.report(Duration::from_secs(6), standing.unwrap());
        assert_eq!(report.why.as_deref(), Some("2 goes on answering: the new code was not taken"));
        assert_eq!(report.answers, [AnswerCount { answer: "2".to_owned(), count: 6 }]);
    }

    proptest! {
        /// Healthy means that the last answers, as many and for as long as asked, were all the wanted version's.
        #[test]
        fn healthy_is_never_said_early(kinds in prop::collection::vec(0_u8..8, 1..80)) {
            let answers: Vec<Answer> = kinds
                .iter()
                .map(|kind| match kind { 0 => fails(), 1 => tells("2"), _ => tells("1") })
                .collect();
            let (standing, seen) = after(answers.clone());
            if standing == Standing::Healthy {
                prop_assert!(seen >= 6);
                prop_assert!(answers[seen - 6..seen].iter().all(|answer| *answer == tells("1")));
            }
            // Nor is it missed.
            if let Some(end) = answers.windows(6).position(|row| row.iter().all(|answer| *answer == tells("1"))) {
                let is_decided_before = standing != Standing::Healthy && seen < end + 6;
                prop_assert!(standing == Standing::Healthy || is_decided_before || end > 30);
            }
        }
    }
}
