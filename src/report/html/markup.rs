//! Markup in which a foreign text is never markup.
//!
//! What is ours is known when the program is built, and is written as it is; all else is escaped. There is no third way.

use std::fmt::Write as _;

use crate::report::escape::{lines, one_line};
use crate::report::postmortem::{Piece, Prose};

/// A part of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Html(String);

impl Html {
    /// Markup of ours.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// A foreign text, on one line; also in the value of an attribute.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        escape(&mut self.0, &one_line(text));
        self
    }

    /// A foreign text, whose lines stay lines.
    pub(super) fn block(&mut self, text: &str) -> &mut Self {
        escape(&mut self.0, &lines(text));
        self
    }

    /// A whole number.
    pub(super) fn count(&mut self, number: usize) -> &mut Self {
        let _ = write!(self.0, "{number}");
        self
    }

    /// A length, to a tenth.
    pub(super) fn length(&mut self, number: f64) -> &mut Self {
        let number = if number.is_finite() { number } else { 0.0 };
        let tenths = (number * 10.0).round() / 10.0;
        let _ = write!(self.0, "{tenths}");
        self
    }

    /// What was made before.
    pub(super) fn add(&mut self, other: &Self) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    /// A sentence.
    pub(super) fn prose(&mut self, prose: &Prose) -> &mut Self {
        for piece in prose.pieces() {
            match piece {
                Piece::Text(text) => self.text(text),
                Piece::Code(code) => self.raw("<code>").text(code).raw("</code>"),
            };
        }
        self
    }

    /// A name as code.
    pub(super) fn code(&mut self, text: &str) -> &mut Self {
        self.raw("<code>").text(text).raw("</code>")
    }

    /// A command to copy.
    pub(super) fn command(&mut self, command: &str) -> &mut Self {
        self.raw("<div class=\"command\"><pre tabindex=\"0\"><code>")
            .text(command)
            .raw("</code></pre></div>\n")
    }

    /// The value as JSON in a block of data, which no text in it ends.
    pub(super) fn data(&mut self, value: &serde_json::Value) -> &mut Self {
        for c in value.to_string().chars() {
            match c {
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    let _ = write!(self.0, "\\u{:04x}", u32::from(c));
                }
                other => self.0.push(other),
            }
        }
        self
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of it.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

fn escape(safe: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
}
