//! The parser, with limits: every input ends, and what was too much says so.

use std::cell::RefCell;
use std::ops::{ControlFlow, Range};

use tree_sitter::{ParseOptions, ParseState, Parser, Point, Tree};

use super::grammar::GRAMMAR;

/// More than this many bytes of one file are not parsed; what does not differ between two versions is not among them. A
/// tree of brackets takes 300 times what they take, and that on either side.
pub(super) const MOST_BYTES: usize = 256 << 10;

/// Steps of the parser per byte (and a few for short texts) after which it gives up. Its callback comes
/// every 100 steps; ordinary Python takes about one step per byte, broken Python up to 30.
const STEPS_PER_BYTE: usize = 60;

thread_local! {
    static PARSER: RefCell<Option<Parser>> = const { RefCell::new(None) };
}

/// Parse these ranges of a source as if the rest were not there; positions are those of the whole
/// source. None when it takes too long.
pub(super) fn parse(source: &[u8], ranges: &[Range<usize>]) -> Option<Tree> {
    PARSER.with_borrow_mut(|slot| {
        let mut parser = slot.take().or_else(new_parser)?;
        let tree = parse_with(&mut parser, source, ranges);
        *slot = Some(parser);
        tree
    })
}

fn new_parser() -> Option<Parser> {
    let mut parser = Parser::new();
    parser.set_language(&GRAMMAR.language).ok()?;
    Some(parser)
}

fn parse_with(parser: &mut Parser, source: &[u8], ranges: &[Range<usize>]) -> Option<Tree> {
    let included: Vec<tree_sitter::Range> = ranges
        .iter()
        .enumerate()
        .map(|(row, range)| tree_sitter::Range {
            start_byte: range.start,
            end_byte: range.end,
            // Only their order matters here: nobody asks the tree for lines.
            start_point: Point { row: 2 * row, column: 0 },
            end_point: Point { row: 2 * row + 1, column: 0 },
        })
        .collect();
    parser.set_included_ranges(&included).ok()?;
    let bytes: usize = ranges.iter().map(ExactSizeIterator::len).sum();
    let mut callbacks_left = 1000 + bytes * STEPS_PER_BYTE / 100;
    let mut progress = |_: &ParseState| {
        callbacks_left = callbacks_left.saturating_sub(1);
        if callbacks_left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let tree =
        parser.parse_with_options(&mut |at, _| source.get(at..).unwrap_or_default(), None, Some(options));
    if tree.is_none() {
        parser.reset();
    }
    tree
}
