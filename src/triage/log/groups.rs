//! Events with the same signature, counted.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use foldhash::fast::RandomState;

use super::path_mapping::RepositoryFiles;
use super::window::masked;
use super::{explain, quick};
use crate::model::{Frame, LogEventKind, LogFrame, LogGroup, LogTimestamp};
use crate::triage::message_shape;
use crate::triage::traceback::layouts::variants;
use crate::triage::traceback::parsed::ParsedTraceback;

/// Different kinds of errors that are told apart; the rest is counted together.
const MOST_GROUPS: usize = 2_000;
/// Frames of one traceback that are kept, from the outside and from the inside.
const MOST_FRAMES: usize = 100;
/// Characters of a message that are kept.
const MOST_MESSAGE: usize = 4_000;
/// Exact texts that are remembered, to know a repeated event without reading it.
const MOST_KNOWN: usize = 50_000;

/// An event's own words.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) kind: LogEventKind,
    pub(super) title: String,
    pub(super) message: String,
    pub(super) traceback: Option<ParsedTraceback>,
}

impl Draft {
    /// A line that is an event by itself.
    pub(super) fn line(kind: LogEventKind, message: &[u8]) -> Self {
        let message = String::from_utf8_lossy(message);
        let message = message.trim_end();
        let end = match message.len() > MOST_MESSAGE {
            true => message.char_indices().nth(MOST_MESSAGE).map_or(message.len(), |(end, _)| end),
            false => message.len(),
        };
        let message = masked(message[..end].to_owned());
        Self { kind, title: message.clone(), message, traceback: None }
    }

    /// An answer with a status from 500 on.
    pub(super) fn status(status: &[u8], request: &[u8]) -> Self {
        let (status, request) = (String::from_utf8_lossy(status), String::from_utf8_lossy(request));
        let path: Vec<&str> =
            request.split('/').map(|part| if is_id(part) { "<id>" } else { part }).collect();
        let title = masked(format!("{status} {}", path.join("/")));
        Self { kind: LogEventKind::Status, message: title.clone(), title, traceback: None }
    }

    /// A traceback.
    pub(super) fn traceback(read: ParsedTraceback) -> Self {
        let mut read = sole(read);
        mask(&mut read);
        let kind = read.kind.clone().unwrap_or_else(|| "cut-off traceback".to_owned());
        let title = match read.headline() {
            "" => kind,
            headline => format!("{kind}: {headline}"),
        };
        let message: String = read.message.chars().take(MOST_MESSAGE).collect();
        if read.frames.len() > 2 * MOST_FRAMES {
            let inner = read.frames.split_off(read.frames.len() - MOST_FRAMES);
            read.frames.truncate(MOST_FRAMES);
            read.frames.extend(inner);
        }
        Self { kind: LogEventKind::Traceback, title, message, traceback: Some(read) }
    }
}

/// The group with the secrets in its frames' source lines masked, for showing.
#[must_use]
pub fn masked_code(mut group: LogGroup) -> LogGroup {
    for frame in &mut group.frames {
        frame.frame.code = frame.frame.code.take().map(masked);
    }
    group
}

/// A group of one exception is that exception: what failed is told by it.
fn sole(mut read: ParsedTraceback) -> ParsedTraceback {
    while read.children.len() == 1 && !read.truncated {
        let Some(member) = read.children.pop() else { break };
        let (test, at, lines) = (read.test.take(), read.at, read.lines);
        read = ParsedTraceback { test, at, lines, ..member };
    }
    read
}

/// Masks the secrets in the messages of a chain and of a group's members.
fn mask(read: &mut ParsedTraceback) {
    read.message = masked(std::mem::take(&mut read.message));
    read.notes = std::mem::take(&mut read.notes).into_iter().map(masked).collect();
    read.children.iter_mut().for_each(mask);
    if let Some(cause) = &mut read.cause {
        mask(&mut cause.1);
    }
}

/// Numbers, hashes and other parts of a path that name one thing of many.
fn is_id(part: &str) -> bool {
    part.len() > 32 || part.chars().any(|c| c.is_ascii_digit()) && !part.starts_with('v')
}

/// A frame, its file in the repository, and whether it is the application's own.
type Placed<'r> = (&'r Frame, Option<&'r str>, bool);

/// Where and when an event happened.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) source: usize,
    pub(super) line: u64,
    pub(super) time: Option<LogTimestamp>,
    pub(super) lead: Option<String>,
}

/// All groups so far.
#[derive(Debug, Default)]
pub(super) struct Groups {
    files: RepositoryFiles,
    groups: Vec<LogGroup>,
    /// Index of the group's source, until names are filled in.
    sources: Vec<usize>,
    by_signature: HashMap<u64, usize, RandomState>,
    /// Of each group, its signature's part that is not the message.
    bases: Vec<u64>,
    known: HashMap<u64, usize, RandomState>,
    /// Events of the first group that stood beside one of the second.
    beside: BTreeMap<(usize, usize), u64>,
    /// Groups that [`fresh`](Self::fresh) has looked at.
    shown: usize,
    /// Those among them that it holds back: answers that a failure explains, or may yet explain.
    held: Vec<usize>,
    /// How often an event of the first group stood right above one of the second, which was raised from it.
    retold: BTreeMap<(usize, usize), u64>,
    /// Events of kinds beyond [`MOST_GROUPS`].
    pub(super) beyond: u64,
    /// All events.
    pub(super) events: u64,
}

/// The same for texts that differ in their digits only.
pub(super) fn fingerprint(kind: LogEventKind, text: &[u8]) -> u64 {
    let mut hasher = quick::hasher();
    kind.hash(&mut hasher);
    let mut block = [0_u8; 64];
    for chunk in text.chunks(block.len()) {
        for (to, from) in block.iter_mut().zip(chunk) {
            *to = if from.is_ascii_digit() { b'0' } else { *from };
        }
        hasher.write(&block[..chunk.len()]);
    }
    hasher.finish()
}

impl Groups {
    pub(super) fn new(files: RepositoryFiles) -> Self {
        Self { files, ..Self::default() }
    }

    /// Whether an event with this text was counted.
    pub(super) fn knows(&self, fingerprint: u64) -> bool {
        self.known.contains_key(&fingerprint)
    }

    /// Counts an event whose very text is known.
    pub(super) fn repeat(&mut self, fingerprint: u64, time: Option<&LogTimestamp>) -> Option<usize> {
        let group = *self.known.get(&fingerprint)?;
        self.count(group, time);
        Some(group)
    }

    /// Counts an event. Gives its group, and whether it is the first of it.
    pub(super) fn add(&mut self, fingerprint: u64, draft: Draft, place: Place) -> Option<(usize, bool)> {
        let shape = match draft.kind {
            LogEventKind::Status => draft.message.clone(), // its path is what tells
            _ => message_shape::shape(&draft.message),
        };
        let frames = self.placed(draft.traceback.as_ref());
        let base = base(&draft, &frames);
        let headline = draft.traceback.as_ref().map(ParsedTraceback::headline);
        let signature = match headline {
            // Behind the first line may stand what other code printed.
            Some(headline) if headline != draft.message => {
                with_message(base, &message_shape::shape(headline))
            }
            _ => with_message(base, &shape),
        };
        if let Some(&group) = self.by_signature.get(&signature) {
            self.remember(fingerprint, group);
            self.count(group, place.time.as_ref());
            shorten(&mut self.groups[group].message, &draft.message);
            return Some((group, false));
        }
        if self.groups.len() >= MOST_GROUPS {
            self.beyond += 1;
            self.events += 1;
            return None;
        }
        let group = self.groups.len();
        let frames: Vec<LogFrame> = frames
            .into_iter()
            .map(|(frame, file, own)| LogFrame { frame: frame.clone(), file: file.map(str::to_owned), own })
            .collect();
        self.by_signature.insert(signature, group);
        self.bases.push(base);
        self.remember(fingerprint, group);
        self.sources.push(place.source);
        let read = draft.traceback;
        self.groups.push(LogGroup {
            kind: draft.kind,
            title: draft.title,
            message: draft.message,
            shape,
            exception: read.as_ref().and_then(|read| read.kind.clone()),
            frames,
            related: read.as_ref().map(related).unwrap_or_default(),
            test: read.and_then(|read| read.test),
            count: 0,
            first: None,
            last: None,
            source: String::new(),
            line: place.line,
            lead: place.lead,
            new: None,
            meaning: String::new(),
        });
        self.count(group, place.time.as_ref());
        Some((group, true))
    }

    /// An event of the one group stood right beside one of the other.
    pub(super) fn stand_beside(&mut self, group: usize, other: usize) {
        *self.beside.entry((group, other)).or_default() += 1;
        *self.beside.entry((other, group)).or_default() += 1;
    }

    /// An event of the one group ends right above one of the other: they are one failure, told twice, where the one is
    /// what the other was raised from.
    pub(super) fn stand_above(&mut self, group: usize, other: usize) {
        let (above, below) = (&self.groups[group], &self.groups[other]);
        let Some(kind) = above.exception.as_deref().filter(|_| group != other) else { return };
        let headline = above.message.lines().next().unwrap_or_default();
        let told = format!("after {kind}: {headline}");
        let places = [above, below].map(|one| one.place().map(|frame| (&frame.file, frame.frame.line)));
        if below.related.contains(&told) && places[0].is_some() && places[0] == places[1] {
            *self.retold.entry((group, other)).or_default() += 1;
        }
    }

    /// Whether all of its events are answers to failures that are listed, or told again by them.
    fn explained(&self, group: usize) -> bool {
        let beside: u64 = self.beside.range((group, 0)..=(group, usize::MAX)).map(|(_, count)| count).sum();
        let retold: u64 = self.retold.range((group, 0)..=(group, usize::MAX)).map(|(_, count)| count).sum();
        let count = self.groups[group].count;
        self.groups[group].kind == LogEventKind::Status && beside >= count || retold >= count
    }

    /// The groups that were added since this was asked before, but for answers that are explained by a failure;
    /// `waiting` is the answer whose failure may come next. What is held back comes when that is no longer so.
    pub(super) fn fresh(&mut self, names: &[String], waiting: Option<usize>) -> Vec<LogGroup> {
        let from = std::mem::replace(&mut self.shown, self.groups.len());
        let asked = std::mem::take(&mut self.held).into_iter().chain(from..self.groups.len());
        let (held, told): (Vec<usize>, Vec<usize>) =
            asked.partition(|&group| waiting == Some(group) || self.explained(group));
        self.held = held;
        let show = |index: usize| {
            let mut group = self.groups[index].clone();
            group.source = names.get(self.sources[index]).cloned().unwrap_or_default();
            group.meaning = explain::of(&group, None);
            name_type(&mut group);
            group
        };
        told.into_iter().map(show).collect()
    }

    fn remember(&mut self, fingerprint: u64, group: usize) {
        if self.known.len() < MOST_KNOWN {
            self.known.insert(fingerprint, group);
        }
    }

    fn count(&mut self, group: usize, time: Option<&LogTimestamp>) {
        self.events += 1;
        let group = &mut self.groups[group];
        group.count += 1;
        let Some(time) = time else { return };
        if group.first.as_ref().is_none_or(|first| time.micros < first.micros) {
            group.first = Some(time.clone());
        }
        if group.last.as_ref().is_none_or(|last| time.micros >= last.micros) {
            group.last = Some(time.clone());
        }
    }

    /// Each frame, with its file in the repository and whether it is the application's own.
    fn placed<'r>(&'r self, read: Option<&'r ParsedTraceback>) -> Vec<Placed<'r>> {
        let frames = read.map_or(&[][..], |read| &read.frames);
        let place = |frame: &'r Frame| {
            let file = self.files.find(&frame.path);
            (frame, file, file.is_some() || self.files.is_empty() && self.files.own(&frame.path))
        };
        frames.iter().map(place).collect()
    }

    /// The part of a known event's signature that is not the message.
    pub(super) fn base_of(&self, fingerprint: u64) -> Option<u64> {
        self.known.get(&fingerprint).map(|group| self.bases[*group])
    }

    /// The group of an exception that is told from a known one by its message only.
    pub(super) fn varied(&self, base: u64, message: &str) -> Option<usize> {
        self.by_signature.get(&with_message(base, &message_shape::shape(message))).copied()
    }

    /// Counts an event of this group.
    pub(super) fn count_in(&mut self, group: usize, message: &str, time: Option<&LogTimestamp>) {
        self.count(group, time);
        shorten(&mut self.groups[group].message, message);
    }

    /// The groups, most telling first, and where each went: nowhere, when it only answers what others failed. `new_since` is the time after which a group
    /// counts as new, and `began` the log's own first time, without which nothing can be called new.
    pub(super) fn finish(
        mut self,
        names: &[String],
        new_since: Option<i64>,
        began: Option<i64>,
    ) -> (Vec<LogGroup>, Vec<Option<usize>>) {
        let judged = new_since.filter(|since| began.is_some_and(|began| began <= *since));
        for (group, source) in self.groups.iter_mut().zip(&self.sources) {
            group.source = names.get(*source).cloned().unwrap_or_default();
            group.new = judged.zip(group.first.as_ref()).map(|(since, first)| first.micros > since);
        }
        let beside: Vec<Option<usize>> = (0..self.groups.len()).map(|group| self.companion(group)).collect();
        let meanings: Vec<String> = self
            .groups
            .iter()
            .zip(&beside)
            .map(|(group, other)| explain::of(group, other.map(|other| self.groups[other].title.as_str())))
            .collect();
        for (group, meaning) in self.groups.iter_mut().zip(meanings) {
            group.meaning = meaning;
            name_type(group);
        }
        let told = |group: &usize| !self.explained(*group);
        let mut order: Vec<usize> = (0..self.groups.len()).filter(told).collect();
        order.sort_by_key(|&index| {
            let group = &self.groups[index];
            (
                rank(group, beside[index].is_some()),
                group.new != Some(true),
                std::cmp::Reverse(group.count),
                index,
            )
        });
        let mut went = vec![None; self.groups.len()];
        for (to, &from) in order.iter().enumerate() {
            went[from] = Some(to);
        }
        let mut slots: Vec<Option<LogGroup>> = self.groups.into_iter().map(Some).collect();
        (order.into_iter().filter_map(|index| slots[index].take()).collect(), went)
    }

    /// The group that stands beside most of this one's events.
    fn companion(&self, group: usize) -> Option<usize> {
        let others = self.beside.range((group, 0)..=(group, usize::MAX));
        let (&(_, other), &count) = others.max_by_key(|(_, count)| **count)?;
        (count * 10 >= self.groups[group].count * 6).then_some(other)
    }
}

/// A line that is an exception's own, `Type: message`, names its type: tracebacks that are cut down to it.
fn name_type(group: &mut LogGroup) {
    let is_line = group.exception.is_none() && matches!(group.kind, LogEventKind::Word | LogEventKind::Error);
    let Some((kind, message)) = variants::raised(&group.message).filter(|_| is_line) else { return };
    let name = kind.rsplit('.').next().unwrap_or(kind);
    let is_named = ["Error", "Exception"].iter().any(|end| name.ends_with(end) && name.len() > end.len());
    if is_named && !message.is_empty() {
        (group.exception, group.message) = (Some(kind.to_owned()), message.to_owned());
    }
}

/// What follows the same exception differently each time is no part of its message.
fn shorten(message: &mut String, other: &str) {
    if message.len() == message.lines().next().unwrap_or_default().len() {
        return;
    }
    let same = message.lines().skip(1).zip(other.lines().skip(1)).take_while(|(a, b)| a == b).count();
    let kept: Vec<&str> = message.lines().take(1 + same).collect();
    *message = kept.join("\n");
}

/// How much a group tells; the least first.
fn rank(group: &LogGroup, explained: bool) -> u8 {
    match group.kind {
        LogEventKind::Traceback if group.exception.is_none() => 3,
        LogEventKind::Traceback if group.place().is_some() => 0,
        LogEventKind::Traceback => 1,
        LogEventKind::Matched => 2,
        LogEventKind::Status if explained => 5,
        LogEventKind::Error | LogEventKind::Status => 4,
        LogEventKind::Word => 6,
    }
}

/// Exception type and own frames; where no frame is the application's own, all frames. Line numbers are left out:
/// they change with every edit above.
fn base(draft: &Draft, frames: &[Placed<'_>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    draft.kind.hash(&mut hasher);
    let Some(read) = &draft.traceback else { return hasher.finish() };
    read.short_kind().hash(&mut hasher);
    let any_own = frames.iter().any(|(.., own)| *own);
    let mut last = None;
    for (frame, file, _) in frames.iter().filter(|(.., own)| *own || !any_own) {
        let path = file.unwrap_or(&frame.path);
        let place = (path, frame.function.as_deref());
        // A recursion's depth is no difference.
        if last != Some(place) {
            place.hash(&mut hasher);
        }
        last = Some(place);
    }
    hasher.finish()
}

/// The signature of an event whose message has this shape.
fn with_message(base: u64, shape: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    base.hash(&mut hasher);
    shape.hash(&mut hasher);
    hasher.finish()
}

/// The other exceptions of a chain or group, in one line each.
fn related(read: &ParsedTraceback) -> Vec<String> {
    let line = |one: &ParsedTraceback| match (one.kind.as_deref().unwrap_or("cut off"), one.headline()) {
        (kind, "") => kind.to_owned(),
        (kind, headline) => format!("{kind}: {headline}"),
    };
    let causes = read.chain().skip(1).map(|one| format!("after {}", line(one)));
    let members = members(read).into_iter().map(|one| format!("with {}", line(one)));
    causes.chain(members).take(20).collect()
}

/// The members of a group and of the groups in it.
fn members(read: &ParsedTraceback) -> Vec<&ParsedTraceback> {
    let of = |one| match members(one) {
        none if none.is_empty() => vec![one],
        inner => inner,
    };
    read.children.iter().flat_map(of).collect()
}
