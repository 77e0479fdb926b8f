//! One version of a file with everything known of its call sites.

use super::bindings::Bindings;
use super::extract::{Extracted, Given, Scope, Site, SiteId, type_call_end};
use super::flat_tree::{Hash, ItemId, hash_text};
use super::grammar::{Field, Kind};
use super::module_name::ModuleName;
use super::resolve::{Meaning, Resolver};
use super::work;
use crate::model::{CallSite, CallSpan};

/// Hashes that tell when two sites are the same call.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// What it calls, with what.
    pub(super) deep: u64,
    /// The same by its text alone, without what names mean.
    pub(super) text: u64,
    /// With the calls inside of it replaced by marks.
    pub(super) shallow: u64,
    /// The callee alone.
    pub(super) callee: u64,
    pub(super) meaning: Meaning,
}

/// One version of a file, read.
#[derive(Debug)]
pub(super) struct FileVersion<'a> {
    pub(super) extracted: Extracted<'a>,
    pub(super) bindings: Bindings,
    pub(super) module: ModuleName,
    /// One for each site; empty until [`FileVersion::compute_keys`].
    pub(super) keys: Vec<Key>,
    /// Where lines end.
    line_ends: Vec<usize>,
}

impl<'a> FileVersion<'a> {
    pub(super) fn new(extracted: Extracted<'a>, bindings: Bindings, module: ModuleName) -> Self {
        Self { extracted, bindings, module, keys: Vec::new(), line_ends: Vec::new() }
    }

    /// Once the hashes of the syntax are final.
    pub(super) fn compute_keys(&mut self) {
        let resolver = self.resolver();
        self.keys = self.extracted.sites.iter().map(|site| self.key(site, resolver.meaning(site))).collect();
    }

    /// Needed before places are asked for.
    pub(super) fn index_lines(&mut self) {
        self.line_ends = memchr::memchr_iter(b'\n', self.extracted.syntax.source).collect();
    }

    pub(super) fn resolver(&self) -> Resolver<'_, 'a> {
        Resolver { extracted: &self.extracted, module_bindings: &self.bindings, module: &self.module }
    }

    fn key(&self, site: &Site, meaning: Meaning) -> Key {
        let syntax = &self.extracted.syntax;
        let written =
            site.callee.map_or_else(|| hash_text(&meaning.name), |callee| syntax.items[callee].deep);
        let callee = meaning.identity().unwrap_or(written);
        let shallow_callee = meaning
            .identity()
            .unwrap_or_else(|| site.callee.map_or(written, |callee| syntax.items[callee].shallow));
        let deep = |item: ItemId| syntax.items[item].deep;
        Key {
            deep: self.whole(site, callee, deep),
            text: self.whole(site, written, deep),
            shallow: self.whole(site, shallow_callee, |item| syntax.shape(item)),
            callee,
            meaning,
        }
    }

    /// The hash of a call; the order of keywords does not count.
    fn whole(&self, site: &Site, callee: u64, of_item: impl Fn(ItemId) -> u64) -> u64 {
        let syntax = &self.extracted.syntax;
        let mut hash = Hash::new(callee);
        hash.add(u64::from(site.awaited) | u64::from(site.decorator) << 1 | u64::from(site.plain) << 2);
        let mut keywords = Vec::new();
        for argument in &site.arguments {
            match argument.given {
                Given::Keyword(name) => keywords.push((syntax.items[name].deep, of_item(argument.item))),
                Given::Position => hash.add(of_item(argument.item)),
                Given::Star => {
                    hash.add(1);
                    hash.add(of_item(argument.item));
                }
                Given::DoubleStar => {
                    hash.add(2);
                    hash.add(of_item(argument.item));
                }
            }
        }
        keywords.sort_unstable();
        hash.add(3);
        for (name, value) in keywords {
            hash.add(name);
            hash.add(value);
        }
        hash.finish()
    }

    /// The last name of a callee: `load` of `json.load`.
    pub(super) fn last_name(&self, site: SiteId) -> Option<ItemId> {
        let callee = self.extracted.sites[site].callee?;
        match self.extracted.syntax.kind(callee) {
            Kind::Attribute => self.extracted.syntax.child(callee, Field::Attribute),
            Kind::Identifier => Some(callee),
            _ => None,
        }
    }

    /// What a method is called on.
    pub(super) fn receiver(&self, site: SiteId) -> Option<ItemId> {
        let callee = self.extracted.sites[site].callee?;
        let syntax = &self.extracted.syntax;
        (syntax.kind(callee) == Kind::Attribute).then(|| syntax.child(callee, Field::Object))?
    }

    /// Whether a class has bases of which it may inherit.
    pub(super) fn has_bases(&self, class: &Scope) -> bool {
        let syntax = &self.extracted.syntax;
        let bases = syntax.child(class.definition, Field::Superclasses);
        bases.is_some_and(|bases| syntax.named_children(bases).any(|base| syntax.bytes(base) != b"object"))
    }

    pub(super) fn line_of(&self, byte: usize) -> u32 {
        let line = self.line_ends.partition_point(|&end| end < byte) + 1;
        u32::try_from(line).unwrap_or(u32::MAX)
    }

    fn column_of(&self, byte: usize) -> u32 {
        let line = self.line_ends.partition_point(|&end| end < byte);
        let start =
            line.checked_sub(1).and_then(|before| self.line_ends.get(before)).map_or(0, |end| end + 1);
        u32::try_from(byte - start + 1).unwrap_or(u32::MAX)
    }

    fn span(&self, start: usize, end: usize) -> CallSpan {
        CallSpan {
            start,
            end,
            line: self.line_of(start),
            column: self.column_of(start),
            end_line: self.line_of(end),
            end_column: self.column_of(end),
        }
    }

    /// A site for the model.
    pub(super) fn site(&self, site: SiteId) -> CallSite {
        let this = &self.extracted.sites[site];
        let syntax = &self.extracted.syntax;
        let parent = syntax.items[this.item].parent;
        let shown = match syntax.kind(parent) {
            Kind::Decorator if this.decorator => parent,
            Kind::Await => parent,
            _ => this.item,
        };
        // A decorator's node goes on to the end of its line.
        let last = match syntax.kind(shown) {
            Kind::Decorator => syntax.named_children(shown).next().unwrap_or(shown),
            _ => shown,
        };
        CallSite { callee: Some(self.callee(site)), ..self.expression_to(shown, last) }
    }

    /// An expression, told without a callee.
    pub(super) fn expression(&self, item: ItemId) -> CallSite {
        self.expression_to(item, item)
    }

    fn expression_to(&self, item: ItemId, last: ItemId) -> CallSite {
        let scopes = &self.extracted.scopes;
        let syntax = &self.extracted.syntax;
        // Scopes stand in the order of their items, each before those inside of it.
        let mut at = scopes.partition_point(|scope| scope.item <= item).saturating_sub(1);
        while at != 0 && !syntax.subtree(scopes[at].item).contains(&item) {
            work::count(1);
            at = scopes[at].parent;
        }
        let path = if at == 0 { "<module>" } else { &scopes[at].path };
        let start = syntax.items[item].start;
        let end = type_call_end(syntax, last).unwrap_or(syntax.items[last].end);
        CallSite {
            text: String::from_utf8_lossy(&syntax.source[start..end]).into_owned(),
            callee: None,
            function: path.to_owned(),
            span: self.span(start, end),
        }
    }

    /// The qualified callee of a site.
    pub(super) fn callee(&self, site: SiteId) -> String {
        self.resolver().display(&self.extracted.sites[site])
    }
}
