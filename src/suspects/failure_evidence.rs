//! The failure, as far as it can speak of a commit.

use std::collections::BTreeMap;

use super::definition_map::MODULE;
use super::own_frame::OwnFrame;
use super::reachability::Reach;
use super::source_reader::{Reader, RepositoryView, called};
use super::tokens::{Word, each_word, is_plain, number};
use super::trace::{Place, Trace};
use crate::model::{FailureSignature, Frame, LogReport};
use crate::triage::redact::redact;
use crate::triage::traceback::parsed::ParsedTraceback;
use crate::triage::{is_of, traceback};

/// What is known of the failure.
#[derive(Debug, Clone, Default)]
pub struct FailureEvidence {
    /// Lines of tracebacks in files of the repository, in the order of the text: the last one is the
    /// innermost of the last traceback.
    pub frames: Vec<OwnFrame>,
    /// Words of the failure, each with how much it says.
    pub(super) words: BTreeMap<Word, Mention>,
    /// Names of functions that the failing lines call, each with how much it says.
    pub(super) called: BTreeMap<String, f64>,
    /// What the failing run executed beneath the outermost frame, with the calls in between.
    pub(super) ran: Option<BTreeMap<Place, u32>>,
    /// What can have had a part in the failing run, when all of it was watched.
    pub(super) reach: Option<Reach>,
}

/// A word of the failure.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mention {
    pub(super) text: String,
    pub(super) weight: f64,
}

/// How much a word says that stands in the source of the failing test; in the name of a failing function;
/// in the message or in a line of the traceback.
const IN_TEST: f64 = 1.0;
const IN_NAME: f64 = 1.5;
const IN_FAILURE: f64 = 2.0;
/// How much a function says that only the failing test calls, beside one that a line of the traceback calls.
const CALLED_BY_TEST: f64 = 0.3;
/// How much more a definition is to be suspected when a line of the traceback calls it.
const CALLED: f64 = 4.0;
/// And how much when the failing run did not execute it.
const NOT_RUN: f64 = 0.1;

impl FailureEvidence {
    /// Read the output of the failing run, or a log of it; and, when it was watched, what each of its
    /// processes wrote of what it did.
    #[must_use]
    pub fn read(text: &str, sources: &dyn RepositoryView, watched: &[String]) -> Self {
        Self::read_one(text, None, sources, watched)
    }

    /// Read the evidence of one failing test alone, where its tracebacks can be told from those of others.
    #[must_use]
    pub fn read_one(
        text: &str,
        target: Option<&FailureSignature>,
        sources: &dyn RepositoryView,
        watched: &[String],
    ) -> Self {
        let mut parsed = traceback::parse(text);
        if let Some(target) = target {
            let is_own = |one: &ParsedTraceback| one.test.as_ref().is_some_and(|test| is_of(target, test));
            if parsed.iter().any(is_own) {
                parsed.retain(is_own);
            }
        }
        let mut failure = Self::default();
        let mut reader = Reader::new(sources);
        for one in &parsed {
            failure.add(one, &mut reader);
        }
        if parsed.is_empty() {
            // Without a traceback, whatever was printed has to do.
            failure.mention(text, IN_TEST);
        }
        if let Some(outermost) = failure.frames.first().cloned() {
            failure.add_test(&outermost, &mut reader);
        }
        failure.forget_the_project();
        let trace = Trace::new(watched, &mut reader);
        if !trace.is_empty() {
            failure.ran = Some(failure.beneath(&trace));
            let defined = |path: &str| {
                let source = reader.source(path);
                source.into_iter().flat_map(|source| source.definitions.names()).cloned().collect()
            };
            failure.reach = Reach::new(&trace, &failure.frames, sources.paths(), defined);
        }
        failure
    }

    /// The project's own name says nothing of one of its commits: that of the package that its files lie in.
    fn forget_the_project(&mut self) {
        for frame in &self.frames {
            let folders = frame.path.split('/').rev().skip(1);
            let outside = ["src", "lib", "test", "tests", "examples"];
            if let Some(package) = folders.filter(|folder| !outside.contains(folder)).last() {
                self.words.remove(&number(&package.to_lowercase()));
            }
        }
    }

    /// Whether there is nothing to go by.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.words.is_empty() && self.ran.is_none()
    }

    /// Whether a piece of source stands in a line of the traceback.
    #[must_use]
    pub fn shows(&self, source: &str) -> bool {
        self.frames.iter().any(|frame| frame.code.contains(source))
    }

    /// Whether a line of the traceback, or the message, calls a function of this name.
    #[must_use]
    pub fn names(&self, function: &str) -> bool {
        self.called.get(function).is_some_and(|weight| *weight >= 1.0)
    }

    /// Whether the failure, or the source of the failing test, has this word.
    pub(super) fn speaks_of(&self, name: &str) -> bool {
        self.words.contains_key(&number(&name.to_lowercase()))
    }

    /// How much more (or less) than another the definition of a file, by its path in it, is to be suspected, going by
    /// what is called and what ran.
    #[must_use]
    pub fn relevance_of(&self, file: &str, definition: &str) -> f64 {
        let name = definition.rsplit('.').next().unwrap_or(definition);
        let called = self.called.get(name).map_or(1.0, |weight| 1.0 + CALLED * weight);
        let ran = self.ran.as_ref().map_or(1.0, |ran| {
            let distance = ran.get(&(file.to_owned(), definition.to_owned()));
            distance.map_or(NOT_RUN, |&distance| 1.0 + 1.0 / (1.0 + f64::from(distance)))
        });
        called * ran
    }

    /// Whether there are words to go by.
    #[must_use]
    pub fn has_words(&self) -> bool {
        !self.words.is_empty()
    }

    /// Whether the functions that the failing run executed are known.
    #[must_use]
    pub const fn was_watched(&self) -> bool {
        self.ran.is_some()
    }

    /// Read what a log says: its first group of events, which is the most telling one.
    #[must_use]
    pub fn of_log(report: &LogReport, sources: &dyn RepositoryView) -> Self {
        let mut failure = Self::default();
        let mut reader = Reader::new(sources);
        let Some(group) = report.groups.first() else { return failure };
        for frame in group.frames.iter().filter_map(|one| Some((one.file.clone()?, &one.frame))) {
            let (path, Frame { line, function, code, .. }) = frame;
            let code = code.as_deref().unwrap_or_default().trim().to_owned();
            let own = reader.frame(path, *line, function.as_deref(), code);
            failure.add_frame(own);
        }
        failure.mention(&group.message, IN_FAILURE);
        failure.call(&group.message, 1.0);
        failure.mention(&group.title, IN_FAILURE);
        // The words of a logger or a framework count only where nothing better is known.
        let lead = group.lead.iter().filter(|_| failure.frames.is_empty());
        let others: Vec<&String> = group.related.iter().chain(lead).chain(&group.test).collect();
        others.into_iter().for_each(|text| failure.mention(text, IN_TEST));
        if let Some(outermost) = failure.frames.first().cloned() {
            failure.add_test(&outermost, &mut reader);
        }
        failure
    }

    /// Whether a frame is of a module that imports that of the next one.
    pub(super) fn imports_next(&self, at: usize) -> bool {
        let pair = self.frames.get(at..at + 2);
        pair.is_some_and(|pair| pair.iter().all(|frame| frame.definition == MODULE))
    }

    fn add_frame(&mut self, own: OwnFrame) {
        self.mention(&own.code, IN_FAILURE);
        self.call(&own.code, 1.0);
        if own.definition != MODULE {
            self.mention(&own.definition, IN_NAME);
        }
        self.frames.push(own);
    }

    fn add_test(&mut self, outermost: &OwnFrame, reader: &mut Reader<'_>) {
        // Where one module cannot import another, what it would have done with it was not reached.
        if self.imports_next(0) {
            return;
        }
        let source = reader.definition(outermost);
        self.mention(&source, IN_TEST);
        self.call(&source, CALLED_BY_TEST);
    }

    fn add(&mut self, one: &ParsedTraceback, reader: &mut Reader<'_>) {
        if let Some(cause) = &one.cause {
            self.add(&cause.1, reader);
        }
        for frame in &one.frames {
            let Some(path) = reader.sources.own_path(&frame.path) else { continue };
            let code = frame.code.as_deref().unwrap_or_default().trim().to_owned();
            let own = reader.frame(path, frame.line, frame.function.as_deref(), code);
            self.add_frame(own);
        }
        one.children.iter().for_each(|child| self.add(child, reader));
        self.mention(&one.message, IN_FAILURE);
        self.call(&one.message, 1.0);
        for text in one.kind.iter().chain(&one.test) {
            self.mention(text, IN_FAILURE);
        }
    }

    fn mention(&mut self, text: &str, weight: f64) {
        // A secret is no word, nor is a part of one: what is told of common words is told to everybody.
        each_word(&redact(text), |word| {
            if !is_plain(word) {
                let known = self.words.entry(number(word));
                let mention = known.or_insert_with(|| Mention { text: word.to_owned(), weight });
                mention.weight = mention.weight.max(weight);
            }
        });
    }

    fn call(&mut self, text: &str, weight: f64) {
        for name in called(text).filter(|name| !is_plain(&name.to_lowercase())) {
            let known = self.called.entry(name.to_owned()).or_insert(weight);
            *known = known.max(weight);
        }
    }

    fn beneath(&self, trace: &Trace) -> BTreeMap<Place, u32> {
        let ran = match self.frames.first() {
            Some(outermost) => trace.beneath(&outermost.path, &outermost.definition),
            None => trace.all(),
        };
        let ran = if ran.is_empty() { trace.all() } else { ran };
        ran.into_iter().map(|(place, calls)| (place.clone(), calls)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    struct One;

    const APP: &str =
        "import json\n\ndef your_url(code):\n    with open('urls') as f:\n        return json.loads(f)\n";

    impl RepositoryView for One {
        fn own_path(&self, path: &str) -> Option<String> {
            path.ends_with("application.py").then(|| "application.py".to_owned())
        }
        fn content(&self, path: &str) -> Option<Vec<u8>> {
            (path == "application.py").then(|| APP.as_bytes().to_vec())
        }
        fn paths(&self) -> BTreeSet<String> {
            BTreeSet::from(["application.py".to_owned()])
        }
    }

    #[test]
    fn a_traceback_of_another_version_finds_its_line() {
        let log = "Traceback (most recent call last):\n  File \"/var/app/current/application.py\", line 20, in your_url\n    return json.loads(f)\n  File \"/usr/lib/python3.11/json/__init__.py\", line 339, in loads\n    raise TypeError(f'x')\nTypeError: the JSON object must be str, bytes or bytearray, not TextIOWrapper\n";
        let failure = FailureEvidence::read(log, &One, &[]);
        let frame = OwnFrame {
            path: "application.py".into(),
            line: 5,
            definition: "your_url".into(),
            code: "return json.loads(f)".into(),
        };
        assert_eq!(failure.frames, [frame]);
        assert_eq!(failure.called.get("loads"), Some(&1.0));
        assert!(failure.words.contains_key(&number("textiowrapper")));
        assert!(failure.ran.is_none() && !failure.is_empty());
    }

    /// A package.
    struct Shop;

    impl RepositoryView for Shop {
        fn own_path(&self, path: &str) -> Option<String> {
            path.find("src/shop/").map(|at| path[at..].to_owned())
        }
        fn content(&self, _: &str) -> Option<Vec<u8>> {
            None
        }
        fn paths(&self) -> BTreeSet<String> {
            BTreeSet::new()
        }
    }

    #[test]
    fn the_name_of_the_project_and_words_of_every_failure_say_nothing() {
        let log = "Traceback (most recent call last):\n  File \"/app/src/shop/cart.py\", line 2, in total\n    return \
                   shop.rate(3)\nTypeError: shop.rate() takes 0 positional arguments but 1 was given\n";
        let failure = FailureEvidence::read(log, &Shop, &[]);
        let has = |word: &str| failure.words.contains_key(&number(word));
        assert!(has("rate") && !has("shop") && !has("arguments") && !has("takes"), "{:?}", failure.words);
    }

    #[test]
    fn names_before_brackets_are_called() {
        let found: Vec<&str> = called("a.b(c(1), (2), 'é'(x)) if é (y)").collect();
        assert_eq!(found, ["b", "c", "é"]);
    }
}
