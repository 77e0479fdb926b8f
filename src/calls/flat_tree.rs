//! The syntax tree in a flat form, with a hash for each subtree that is blind to formatting.
//!
//! Items stand in preorder, so a subtree is a range. Brackets, commas, comments and redundant
//! parentheses are not there at all; quotes, string prefixes and the case of numbers do not count. The
//! hash of an item is over the *shape*: `(a + b) * c` and `a + b * c` differ though their tokens do not.

use std::borrow::Cow;
use std::ops::Range;

use tree_sitter::{Node, Tree, TreeCursor};

use super::grammar::{Field, GRAMMAR, Kind};
use super::{literals, work};

/// Index of an item.
pub(super) type ItemId = usize;

#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) field: Field,
    named: bool,
    symbol: u16,
    pub(super) start: usize,
    pub(super) end: usize,
    /// The item after the subtree.
    pub(super) after: ItemId,
    pub(super) parent: ItemId,
    /// Of the whole subtree.
    pub(super) deep: u64,
    /// The same with every call inside replaced by one and the same mark.
    pub(super) shallow: u64,
}

/// One version of a file, or of the parts that matter.
#[derive(Debug)]
pub(super) struct Syntax<'a> {
    pub(super) source: &'a [u8],
    pub(super) items: Vec<Item>,
    /// Where the first piece begins that is no Python.
    pub(super) error_at: Option<usize>,
}

const CALL_MARK: u64 = 0x0ca1_10ca_1100;

impl<'a> Syntax<'a> {
    /// `ranges` are the statements that are wanted of the trees, in order. The trees are of pieces of the
    /// source, in order as well.
    pub(super) fn new(source: &'a [u8], trees: &[Tree], ranges: &[Range<usize>]) -> Self {
        let mut syntax = Self::empty(source);
        for tree in trees {
            let has_error = tree.root_node().has_error();
            Builder { ranges, has_error, syntax: &mut syntax }.build(tree);
        }
        syntax.items[0].after = syntax.items.len();
        syntax.items[0].end = source.len();
        let all = 0..syntax.items.len();
        syntax.hash(all, |_| None);
        syntax
    }

    pub(super) fn text(&self, item: ItemId) -> Cow<'a, str> {
        String::from_utf8_lossy(self.bytes(item))
    }

    pub(super) fn bytes(&self, item: ItemId) -> &'a [u8] {
        let item = &self.items[item];
        &self.source[item.start..item.end]
    }

    pub(super) fn kind(&self, item: ItemId) -> Kind {
        self.items[item].kind
    }

    /// The subtree with its root.
    pub(super) fn subtree(&self, item: ItemId) -> Range<ItemId> {
        item..self.items[item].after
    }

    pub(super) fn children(&self, item: ItemId) -> impl Iterator<Item = ItemId> + '_ {
        let end = self.items[item].after;
        let first = (item + 1 < end).then_some(item + 1);
        std::iter::successors(first, move |&child| {
            work::count(1);
            let next = self.items[child].after;
            (next < end).then_some(next)
        })
    }

    pub(super) fn named_children(&self, item: ItemId) -> impl Iterator<Item = ItemId> + '_ {
        self.children(item).filter(|&child| self.items[child].named)
    }

    pub(super) fn child(&self, item: ItemId, field: Field) -> Option<ItemId> {
        self.children(item).find(|&child| self.items[child].field == field)
    }

    /// Compute the hashes of whole subtrees; `instead` may give some items another hash.
    pub(super) fn hash(&mut self, range: Range<ItemId>, instead: impl Fn(ItemId) -> Option<u64>) {
        for item in range.rev() {
            let (deep, shallow) = match instead(item) {
                Some(hash) => (hash, hash),
                None => self.hashes(item),
            };
            self.items[item].deep = deep;
            self.items[item].shallow = shallow;
        }
    }

    /// The deep hashes of a range of whole subtrees, with some items' given instead.
    pub(super) fn hashes_with(
        &self,
        range: Range<ItemId>,
        instead: impl Fn(ItemId) -> Option<u64>,
    ) -> Vec<u64> {
        let mut hashes = vec![0; range.len()];
        for item in range.clone().rev() {
            hashes[item - range.start] =
                instead(item).unwrap_or_else(|| self.combine(item, |child| hashes[child - range.start]));
        }
        hashes
    }

    pub(super) fn symbol(&self, item: ItemId) -> u64 {
        u64::from(self.items[item].symbol)
    }

    /// What an item looks like to its parent when calls are only marks.
    pub(super) fn shape(&self, item: ItemId) -> u64 {
        match self.items[item].kind {
            Kind::Call => CALL_MARK,
            _ => self.items[item].shallow,
        }
    }

    /// A source that is not looked at.
    pub(super) fn empty(source: &'a [u8]) -> Self {
        let module = Item {
            kind: Kind::Module,
            field: Field::Other,
            named: true,
            symbol: 0,
            start: 0,
            end: 0,
            after: 1,
            parent: 0,
            deep: 0,
            shallow: 0,
        };
        Self { source, items: vec![module], error_at: None }
    }

    /// The deep hash that a subtree would have if one item in it had another.
    pub(super) fn hash_with(&self, root: ItemId, replaced: ItemId, by: u64) -> u64 {
        let mut hash = by;
        let mut at = replaced;
        while at != root {
            let parent = self.items[at].parent;
            hash = self.combine(parent, |child| if child == at { hash } else { self.items[child].deep });
            at = parent;
        }
        hash
    }

    fn hashes(&self, item: ItemId) -> (u64, u64) {
        let deep = self.combine(item, |child| self.items[child].deep);
        let shallow = self.combine(item, |child| self.shape(child));
        (deep, shallow)
    }

    fn combine(&self, item: ItemId, of_child: impl Fn(ItemId) -> u64) -> u64 {
        let this = &self.items[item];
        let mut hash = Hash::new(u64::from(this.symbol));
        match this.kind {
            Kind::String => self.add_string(item, &mut hash, of_child),
            Kind::Number => hash.add_bytes(&literals::number(self.bytes(item))),
            Kind::FormatSpecifier => hash.add_bytes(self.bytes(item)),
            _ if item + 1 == this.after => {
                if this.named {
                    hash.add_bytes(self.bytes(item));
                }
            }
            _ => self.children(item).for_each(|child| hash.add(of_child(child))),
        }
        hash.finish()
    }

    fn add_string(&self, item: ItemId, hash: &mut Hash, of_child: impl Fn(ItemId) -> u64) {
        let this = &self.items[item];
        let text = self.bytes(item);
        let prefix = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let letters = literals::prefix(&text[..prefix]);
        hash.add_bytes(&letters);
        let quotes = literals::quote_length(&text[prefix..]);
        let mut at = this.start + prefix + quotes;
        let end = this.end.saturating_sub(quotes).max(at);
        for child in self.children(item) {
            let inner = &self.items[child];
            hash.add_bytes(&literals::content(
                self.source.get(at..inner.start).unwrap_or_default(),
                &letters,
            ));
            hash.add(of_child(child));
            at = inner.end;
        }
        hash.add_bytes(&literals::content(self.source.get(at..end).unwrap_or_default(), &letters));
    }
}

/// A fast hash of 64 bits, the same on every machine and in every version. Each word is mixed in by the
/// finaliser of splitmix64 (Steele, Lea and Flood, 2014).
#[derive(Debug, Clone, Copy)]
pub(super) struct Hash(u64);

impl Hash {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub(super) const fn add(&mut self, word: u64) {
        let mut z = self.0.rotate_left(23) ^ word;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.0 = z ^ (z >> 31);
    }

    pub(super) fn add_bytes(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.add(chunk.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)));
        }
        let rest = chunks.remainder().iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
        // The length tells `ab` + `c` from `a` + `bc`.
        self.add(rest ^ u64::try_from(bytes.len()).unwrap_or(u64::MAX) << 56);
    }

    pub(super) const fn finish(self) -> u64 {
        self.0
    }
}

/// The hash of a text.
pub(super) fn hash_text(text: &str) -> u64 {
    let mut hash = Hash::new(1);
    hash.add_bytes(text.as_bytes());
    hash.finish()
}

struct Builder<'r, 's, 'a> {
    ranges: &'r [Range<usize>],
    has_error: bool,
    syntax: &'s mut Syntax<'a>,
}

impl Builder<'_, '_, '_> {
    fn build(&mut self, tree: &Tree) {
        let mut cursor = tree.walk();
        // The item of each open node, and the field that a transparent one hands down.
        let mut open: Vec<Open> = Vec::new();
        loop {
            let entered = self.enter(&cursor, open.last().copied());
            if let Some(entered) = entered
                && cursor.goto_first_child()
            {
                open.push(entered);
                continue;
            }
            if let Some(Open { item: Some(item), .. }) = entered {
                self.syntax.items[item].after = self.syntax.items.len();
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
                if let Some(Open { item: Some(item), .. }) = open.pop() {
                    self.syntax.items[item].after = self.syntax.items.len();
                }
            }
        }
    }

    /// None when the node and what is in it do not count.
    fn enter(&mut self, cursor: &TreeCursor, around: Option<Open>) -> Option<Open> {
        let node = cursor.node();
        let symbol = node.kind_id();
        if self.has_error {
            self.note_error(&node);
        }
        if GRAMMAR.is_dropped(symbol) {
            return None;
        }
        let kind = GRAMMAR.kind(symbol);
        let own_field = cursor.field_id().map_or(Field::Other, |id| GRAMMAR.field(id.get()));
        let field = match around {
            Some(Open { item: None, field, .. }) if own_field == Field::Other => field,
            _ => own_field,
        };
        let parent = around.map_or(0, |around| around.inside);
        let skipped = match kind {
            Kind::StringStart | Kind::StringContent => true,
            _ => around.is_some_and(|around| around.holds_statements) && !self.is_wanted(&node),
        };
        if skipped {
            return None;
        }
        if kind == Kind::Parenthesized {
            return Some(Open { item: None, field, inside: parent, holds_statements: false });
        }
        // All trees share the one module.
        if around.is_none() {
            return Some(Open { item: None, field: Field::Other, inside: 0, holds_statements: true });
        }
        let item = self.syntax.items.len();
        self.syntax.items.push(Item {
            kind,
            field,
            named: node.is_named(),
            symbol: canonical(kind, symbol),
            start: node.start_byte(),
            end: node.end_byte(),
            after: item + 1,
            parent,
            deep: 0,
            shallow: 0,
        });
        let holds_statements = kind == Kind::Block;
        Some(Open { item: Some(item), field: Field::Other, inside: item, holds_statements })
    }

    fn note_error(&mut self, node: &Node) {
        let wrong = node.is_error() || node.is_missing();
        if wrong && self.syntax.error_at.is_none() && self.is_wanted(node) {
            self.syntax.error_at = Some(node.start_byte());
        }
    }

    fn is_wanted(&self, node: &Node) -> bool {
        let start = node.start_byte();
        let next = self.ranges.partition_point(|range| range.end <= start);
        self.ranges.get(next).is_some_and(|range| range.start < node.end_byte().max(start + 1))
    }
}

#[derive(Clone, Copy)]
struct Open {
    /// None for a transparent node.
    item: Option<ItemId>,
    field: Field,
    /// The innermost item.
    inside: ItemId,
    holds_statements: bool,
}

/// Kinds that mean the same get the same symbol.
fn canonical(kind: Kind, symbol: u16) -> u16 {
    match kind {
        Kind::Tuple => u16::MAX,
        Kind::Splat => u16::MAX - 1,
        _ => symbol,
    }
}
