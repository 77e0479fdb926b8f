//! Which parts of two versions have to be looked at.
//!
//! Statements with the same text on both sides are set aside, at the top of the file and again among the
//! members of a class that is on both sides. Compound statements are parsed all the same, since they may
//! explain names; imports, definitions and simple assignments do so without being parsed.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::statements::{Form, Statement, is_name_byte, lines, members, top_level};

/// Why a part of a file is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Its calls are compared.
    Wanted,
    /// The header of a class of which some member is wanted.
    Header,
    /// It explains names, or keeps the syntax whole.
    Context,
}

/// The parts of one version that are parsed, in order.
#[derive(Debug, Default)]
pub(super) struct Plan {
    parts: Vec<(Range<usize>, Role)>,
}

impl Plan {
    /// What the part with this byte is parsed for.
    pub(super) fn role(&self, byte: usize) -> Role {
        let next = self.parts.partition_point(|(range, _)| range.end <= byte);
        self.parts.get(next).filter(|(range, _)| range.start <= byte).map_or(Role::Context, |&(_, role)| role)
    }

    pub(super) fn ranges(&self) -> Vec<Range<usize>> {
        self.parts.iter().map(|(range, _)| range.clone()).collect()
    }

    pub(super) fn bytes(&self) -> usize {
        self.parts.iter().map(|(range, _)| range.len()).sum()
    }

    /// Keep only the first parts, up to a size; the last of them ends where a line ends.
    pub(super) fn cut_to(&mut self, source: &[u8], most_bytes: usize) {
        let mut left = most_bytes;
        self.parts.retain_mut(|(range, _)| {
            if range.len() > left {
                let kept = &source[range.start..range.start + left];
                range.end =
                    range.start + kept.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
                left = 0;
            } else {
                left -= range.len();
            }
            range.start < range.end
        });
    }

    fn push(&mut self, range: Range<usize>, role: Role) {
        match self.parts.last_mut() {
            Some((last, known)) if *known == role && last.end == range.start => last.end = range.end,
            _ => self.parts.push((range, role)),
        }
    }
}

/// A statement with what is known of it.
#[derive(Debug)]
struct Part {
    statement: Statement,
    changed: bool,
    /// The members of a class that is on both sides with different texts.
    members: Option<Vec<Self>>,
}

/// One version, cut into statements.
#[derive(Debug)]
pub(super) struct VersionSide<'a> {
    source: &'a [u8],
    parts: Vec<Part>,
}

impl<'a> VersionSide<'a> {
    fn new(source: &'a [u8], statements: Vec<Statement>) -> Self {
        let part = |statement| Part { statement, changed: true, members: None };
        Self { source, parts: statements.into_iter().map(part).collect() }
    }

    /// A version of which nothing changed.
    pub(super) fn unchanged(source: &'a [u8]) -> Self {
        let mut side = Self::new(source, top_level(source));
        side.parts.iter_mut().for_each(|part| part.changed = false);
        side
    }

    /// The statements at the top of the file.
    pub(super) fn statements(&self) -> Vec<Statement> {
        self.parts.iter().map(|part| part.statement.clone()).collect()
    }

    /// Whether a statement changed that may bind names for the whole file.
    pub(super) fn changes_names(&self) -> bool {
        self.parts.iter().any(|part| part.changed && part.statement.form != Form::Simple)
    }

    /// What to parse. Statements that mention one of these names are compared though they did not change.
    pub(super) fn plan(&self, names: &HashSet<String>) -> Plan {
        let mut plan = Plan::default();
        for part in &self.parts {
            // Imports hold no calls, and are read from their text.
            if part.statement.form == Form::Import {
                continue;
            }
            if !self.add(part, names, &mut plan) && part.statement.form == Form::Compound {
                plan.push(part.statement.range.clone(), Role::Context);
            }
        }
        plan
    }

    fn add(&self, part: &Part, names: &HashSet<String>, plan: &mut Plan) -> bool {
        let range = part.statement.range.clone();
        let Some(members) = &part.members else {
            let wanted = part.changed || mentions(&self.source[range.clone()], names);
            if wanted {
                plan.push(range, Role::Wanted);
            }
            return wanted;
        };
        let header = range.start..part.statement.header_end;
        let role = if part.changed || mentions(&self.source[header.clone()], names) {
            Role::Wanted
        } else {
            Role::Header
        };
        let before = plan.parts.len();
        plan.parts.push((header, role));
        let mut any = false;
        for member in members {
            any |= self.add(member, names, plan);
        }
        if any {
            return true;
        }
        if role == Role::Header {
            plan.parts.truncate(before);
            return false;
        }
        // A class needs a body.
        if let Some(shortest) = members.iter().min_by_key(|member| member.statement.range.len()) {
            plan.push(shortest.statement.range.clone(), Role::Context);
        }
        true
    }
}

/// Both versions, with what is equal set aside.
pub(super) fn compare<'a>(old: &'a [u8], new: &'a [u8]) -> (VersionSide<'a>, VersionSide<'a>) {
    let mut sides = (VersionSide::new(old, top_level(old)), VersionSide::new(new, top_level(new)));
    set_aside_equal((old, &mut sides.0.parts), (new, &mut sides.1.parts));
    sides
}

/// The same by lines, for files that are too large.
pub(super) fn compare_lines<'a>(old: &'a [u8], new: &'a [u8]) -> (VersionSide<'a>, VersionSide<'a>) {
    let mut sides = (VersionSide::new(old, lines(old)), VersionSide::new(new, lines(new)));
    set_aside_equal((old, &mut sides.0.parts), (new, &mut sides.1.parts));
    sides
}

fn set_aside_equal((old, olds): (&[u8], &mut [Part]), (new, news): (&[u8], &mut [Part])) {
    let same = |a: &Part, b: &Part| a.statement.text(old) == b.statement.text(new);
    let head = olds.iter().zip(news.iter()).take_while(|(a, b)| same(a, b)).count();
    let (olds_left, news_left) = (&mut olds[head..], &mut news[head..]);
    let tail = olds_left.iter().rev().zip(news_left.iter().rev()).take_while(|(a, b)| same(a, b)).count();
    let unchanged = |parts: &mut [Part]| parts.iter_mut().for_each(|part| part.changed = false);
    let (olds_middle, news_middle) = (olds_left.len() - tail, news_left.len() - tail);
    unchanged(&mut olds_left[olds_middle..]);
    unchanged(&mut news_left[news_middle..]);
    let (olds_left, news_left) = (&mut olds_left[..olds_middle], &mut news_left[..news_middle]);
    let mut by_text: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (index, part) in olds_left.iter().enumerate().rev() {
        by_text.entry(part.statement.text(old)).or_default().push(index);
    }
    for part in news_left.iter_mut() {
        if let Some(index) = by_text.get_mut(part.statement.text(new)).and_then(Vec::pop) {
            olds_left[index].changed = false;
            part.changed = false;
        }
    }
    unchanged(&mut olds[..head]);
    unchanged(&mut news[..head]);
    split_classes((old, olds), (new, news));
}

/// Changed classes of the same name fall into members, the first with the first.
fn split_classes((old, olds): (&[u8], &mut [Part]), (new, news): (&[u8], &mut [Part])) {
    let mut by_name: HashMap<&[u8], Vec<usize>> = HashMap::new();
    let is_open = |part: &Part| part.changed && part.statement.form == Form::Class;
    for (index, part) in olds.iter().enumerate().rev().filter(|(_, part)| is_open(part)) {
        by_name.entry(part.statement.name(old)).or_default().push(index);
    }
    for part in news.iter_mut().filter(|part| is_open(part)) {
        let Some(index) = by_name.get_mut(part.statement.name(new)).and_then(Vec::pop) else { continue };
        let other = &mut olds[index];
        let (Some(theirs), Some(ours)) = (members(old, &other.statement), members(new, &part.statement))
        else {
            continue;
        };
        let mut theirs = VersionSide::new(old, theirs).parts;
        let mut ours = VersionSide::new(new, ours).parts;
        set_aside_equal((old, &mut theirs), (new, &mut ours));
        let header = |source: &[u8], statement: &Statement| {
            source[statement.range.start..statement.header_end].to_vec()
        };
        let changed = header(old, &other.statement) != header(new, &part.statement);
        (other.changed, part.changed) = (changed, changed);
        (other.members, part.members) = (Some(theirs), Some(ours));
    }
}

/// Whether a text has one of these names as a whole word.
fn mentions(text: &[u8], names: &HashSet<String>) -> bool {
    if names.is_empty() {
        return false;
    }
    text.split(|&byte| !is_name_byte(byte))
        .any(|word| std::str::from_utf8(word).is_ok_and(|word| names.contains(word)))
}
