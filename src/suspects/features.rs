//! What of a commit speaks for it: numbers, one for each kind of evidence.
#![expect(clippy::as_conversions, reason = "counts become numbers of a formula")]

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::change::CommitChange;
use super::definition_map::MODULE;
use super::failure_evidence::FailureEvidence;
use super::own_frame::OwnFrame;
use super::tokens::{BagOfWords, number};
use super::trace::Place;

/// How much less a function says with each call between it and the outermost frame.
const NEARER: f64 = 0.8;
/// How much less a frame says with each frame between it and the end.
const INNER: f64 = 0.8;
/// How much less a commit says of a line that a later commit brought too.
const LATER: f64 = 0.4;
/// Added to every share, as a part of an even one, so that the logarithm of none is not endless: the
/// absence of one kind of evidence speaks against a commit, but not for ever.
const LEAST: f64 = 0.2;
/// How much more likely the definition that was called is one of a class that the failing test names.
const OF_NAMED_CLASS: f64 = 50.0;
/// Shorter lines are everywhere: `else:`, `pass`, `)`.
const SHORTEST_LINE: usize = 6;

/// The evidence for one commit. The first five are logarithms of the commit's share of the evidence,
/// relative to an even share: 0 when all have the same, above when it has more.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Features {
    /// The commit's part in the definitions that the failing run executed, each divided by how many commits touch it,
    /// nearer ones counting more.
    pub ran: f64,
    /// The commit's part in the definitions that the traceback's lines lie in, inner ones counting more.
    pub frame: f64,
    /// Whether the commit brought a line of the traceback; the last commit that did counts most.
    pub line: f64,
    /// The commit's part in the definitions that the traceback's lines, the message or the failing test call.
    pub called: f64,
    /// How well the words of its changed lines match those of the failure (BM25; Robertson and Zaragoza
    /// 2009), from 0 to 1 for the best of the range.
    pub words: f64,
    /// How well the words of the commit's message match those of the failure.
    pub message: f64,
    /// 1 when it changed only tests and text, 0 otherwise.
    pub harmless: f64,
    /// 1 for a merge, 0 otherwise.
    pub merge: f64,
    /// 1 when the failing run neither read nor executed anything that it changed, 0 otherwise.
    pub unreached: f64,
}

impl Features {
    /// How many there are.
    pub const COUNT: usize = 9;
    /// The features' names, in the order of [`values`](Self::values).
    pub const NAMES: [&str; Self::COUNT] =
        ["ran", "frame", "line", "called", "words", "message", "harmless", "merge", "unreached"];

    /// The values as a list.
    #[must_use]
    pub const fn values(&self) -> [f64; Self::COUNT] {
        let Self { ran, frame, line, called, words, message, harmless, merge, unreached } = *self;
        [ran, frame, line, called, words, message, harmless, merge, unreached]
    }
}

/// A range of commits, read for one failure.
pub(super) struct FeatureExtractor<'a> {
    pub(super) changes: &'a [CommitChange],
    pub(super) failure: &'a FailureEvidence,
    /// By commit, the places that it touches, as they are called at the commit that failed.
    pub(super) places: Vec<Vec<Place>>,
    /// By commit and file, the file's path at the commit that failed.
    paths: Vec<Vec<String>>,
}

impl<'a> FeatureExtractor<'a> {
    /// Commits parents first, the failing one last.
    pub(super) fn new(changes: &'a [CommitChange], failure: &'a FailureEvidence) -> Self {
        let paths = paths_at_the_end(changes);
        let mut places = Vec::with_capacity(changes.len());
        for (change, paths) in changes.iter().zip(&paths) {
            let mut own: Vec<Place> = Vec::new();
            for (file, path) in change.files.iter().zip(paths) {
                if file.kind.can_matter() {
                    own.extend(file.definitions.iter().map(|name| (path.clone(), name.clone())));
                }
            }
            places.push(own);
        }
        Self { changes, failure, places, paths }
    }

    /// Whether the failing run is known to have had nothing to do with what a commit changed.
    pub(super) fn is_unreached(&self, commit: usize) -> bool {
        let change = &self.changes[commit];
        let reach = self.failure.reach.as_ref();
        let is_missed = (!change.merge && change.is_idle())
            || reach.is_some_and(|reach| reach.misses(change, &self.paths[commit]));
        // Whatever is taken for what does nothing: a line of the traceback was executed.
        is_missed && !self.failure.frames.iter().any(|frame| self.brings_line_of(commit, frame))
    }

    /// Whether a commit brought the line of a frame.
    fn brings_line_of(&self, commit: usize, frame: &OwnFrame) -> bool {
        let line = number(&frame.code);
        let mut files = self.changes[commit].files.iter().zip(&self.paths[commit]);
        frame.code.len() >= SHORTEST_LINE
            && files.any(|(file, path)| {
                file.kind.can_matter() && *path == frame.path && file.added.contains(&line)
            })
    }

    /// How many commits touch each place.
    pub(super) fn counts(&self) -> HashMap<&Place, u32> {
        let mut counts = HashMap::new();
        for place in self.places.iter().flatten() {
            *counts.entry(place).or_default() += 1;
        }
        counts
    }

    /// For each commit which lines of the traceback it brought: index of the frame, and how many later
    /// commits brought it too.
    pub(super) fn lines(&self) -> Vec<Vec<(usize, u32)>> {
        let mut found = vec![Vec::new(); self.changes.len()];
        for (at, frame) in self.failure.frames.iter().enumerate() {
            let mut later = 0;
            for commit in (0..self.changes.len()).rev() {
                if self.brings_line_of(commit, frame) {
                    found[commit].push((at, later));
                    later += 1;
                }
            }
        }
        found
    }
}

/// The paths of all files as they are at the end: a renamed file has one history.
fn paths_at_the_end(changes: &[CommitChange]) -> Vec<Vec<String>> {
    let mut now: HashMap<String, String> = HashMap::new();
    let mut paths = vec![Vec::new(); changes.len()];
    for (change, paths) in changes.iter().zip(&mut paths).rev() {
        let at_the_end = |path: &String| now.get(path).unwrap_or(path).clone();
        paths.extend(change.files.iter().map(|file| at_the_end(&file.path)));
        for (file, path) in change.files.iter().zip(&*paths) {
            if let Some(old) = &file.old_path {
                now.insert(old.clone(), path.clone());
            }
        }
    }
    paths
}

/// The signals of each commit.
pub(super) fn of_range(range: &FeatureExtractor<'_>) -> Vec<Features> {
    let FeatureExtractor { changes, failure, places, .. } = range;
    let counts = range.counts();
    let by_place = |weight: &dyn Fn(&Place) -> f64| -> Vec<f64> {
        let sum = |own: &Vec<Place>| own.iter().map(|place| weight(place) / f64::from(counts[place])).sum();
        lifts(places.iter().map(sum).collect())
    };
    let steps = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let ran = by_place(&|place| match &failure.ran {
        Some(ran) => ran.get(place).map_or(0.0, |&calls| NEARER.powi(steps(calls))),
        None => 0.0,
    });
    let frames = frame_weights(failure);
    let frame = by_place(&|place| frames.get(place).copied().unwrap_or_default());
    let shares = shares_of_names(failure, places.iter().flatten().collect());
    let called = by_place(&|place| shares.get(place).copied().unwrap_or_default());
    let line = range.lines().into_iter().map(|own| {
        let weight = |(frame, later): (usize, u32)| {
            INNER.powi(steps((failure.frames.len() - 1 - frame) as u32)) * LATER.powi(steps(later))
        };
        own.into_iter().map(weight).sum()
    });
    let line = lifts(line.collect());
    let words = matches(changes, failure, |change| &change.lines);
    let message = matches(changes, failure, |change| &change.message);
    (0..changes.len())
        .map(|at| Features {
            ran: ran[at],
            frame: frame[at],
            line: line[at],
            called: called[at],
            words: words[at],
            message: message[at],
            harmless: f64::from(u8::from(changes[at].cannot_matter())),
            merge: f64::from(u8::from(changes[at].merge)),
            unreached: f64::from(u8::from(range.is_unreached(at))),
        })
        .collect()
}

/// How much each definition of the traceback says: the innermost most.
fn frame_weights(failure: &FailureEvidence) -> BTreeMap<Place, f64> {
    let mut weights: BTreeMap<Place, f64> = BTreeMap::new();
    let mut weight = 1.0;
    for frame in failure.frames.iter().rev() {
        let known = weights.entry((frame.path.clone(), frame.definition.clone())).or_insert(weight);
        *known = known.max(weight);
        weight *= INNER;
    }
    weights
}

/// How much the call of a definition says.
pub(super) fn called_weight(failure: &FailureEvidence, (_, path): &Place) -> f64 {
    called_name(path).and_then(|name| failure.called.get(name)).copied().unwrap_or_default()
}

/// By which name a definition is called. Whoever calls a class calls its `__init__`.
fn called_name(path: &str) -> Option<&str> {
    let mut parts = path.rsplit('.');
    let name = match parts.next() {
        Some("__init__" | "__new__") => parts.next(),
        name => name,
    };
    name.filter(|name| *name != MODULE)
}

/// What the call of a name says of each definition of that name: it is one of them that was called, rather one of a class
/// that the failing test names than of any other.
fn shares_of_names<'p>(failure: &FailureEvidence, places: BTreeSet<&'p Place>) -> BTreeMap<&'p Place, f64> {
    let likely = |place: &Place| {
        let class = place.1.rsplit('.').nth(1);
        if class.is_some_and(|class| failure.speaks_of(class)) { OF_NAMED_CLASS } else { 1.0 }
    };
    let called = || places.iter().filter(|place| called_weight(failure, place) > 0.0);
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for place in called() {
        *sums.entry(called_name(&place.1).unwrap_or_default()).or_default() += likely(place);
    }
    let share = |place: &'p Place| {
        let sum = sums[called_name(&place.1).unwrap_or_default()];
        (place, called_weight(failure, place) * likely(place) / sum)
    };
    called().map(|place| share(place)).collect()
}

/// Logarithms of each share, relative to an even one. All 0 when there is nothing to share.
fn lifts(values: Vec<f64>) -> Vec<f64> {
    let sum: f64 = values.iter().sum();
    let count = values.len() as f64;
    let lift = |value: f64| {
        let relative = if sum > 0.0 { value / sum * count } else { 1.0 };
        ((relative + LEAST) / (1.0 + LEAST)).ln()
    };
    values.into_iter().map(lift).collect()
}

/// BM25 of the failure's words in each commit's, divided by the best one's.
fn matches(
    changes: &[CommitChange],
    failure: &FailureEvidence,
    bag: impl Fn(&CommitChange) -> &BagOfWords,
) -> Vec<f64> {
    const K1: f64 = 1.2;
    const B: f64 = 0.75;
    let rarity = rarities(changes, failure);
    let total: f64 = changes.iter().map(|change| f64::from(bag(change).total())).sum();
    let average = (total / changes.len().max(1) as f64).max(1.0);
    let mut scores: Vec<f64> = changes
        .iter()
        .map(|change| {
            let own = bag(change);
            let length = B.mul_add(f64::from(own.total()) / average, 1.0 - B);
            let score = |(word, mention): (&u64, &super::failure_evidence::Mention)| {
                let times = f64::from(own.count(*word));
                mention.weight * rarity[word] * times * (K1 + 1.0) / K1.mul_add(length, times)
            };
            // Sums of numbers depend on their order in the last digits: keep it.
            let mut parts: Vec<f64> = failure.words.iter().map(score).filter(|part| *part > 0.0).collect();
            parts.sort_by(f64::total_cmp);
            parts.iter().sum()
        })
        .collect();
    let best = scores.iter().copied().fold(0.0, f64::max);
    if best > 0.0 {
        scores.iter_mut().for_each(|score| *score /= best);
    }
    scores
}

/// How much it says that a commit has a word of the failure: the fewer have it, the more.
pub(super) fn rarities(changes: &[CommitChange], failure: &FailureEvidence) -> HashMap<u64, f64> {
    let all = changes.len() as f64;
    let rarity = |&word: &u64| {
        let having =
            changes.iter().filter(|change| change.lines.count(word) + change.message.count(word) > 0).count();
        (word, ((all + 1.0) / (having as f64 + 0.5)).ln().max(0.0))
    };
    failure.words.keys().map(rarity).collect()
}
