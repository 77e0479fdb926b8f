//! Colours, gathered in one place, with a plain form, so that no other code asks for a terminal.

use std::fmt::Display;

use anstyle::{AnsiColor, Style as Ansi};

/// How text is set off.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    coloured: bool,
}

impl Style {
    /// With or without colours.
    #[must_use]
    pub const fn new(coloured: bool) -> Self {
        Self { coloured }
    }

    fn paint(self, style: Ansi, text: impl Display) -> String {
        if self.coloured { format!("{style}{text}{style:#}") } else { text.to_string() }
    }

    /// A heading, or the one thing to see.
    #[must_use]
    pub fn bold(self, text: impl Display) -> String {
        self.paint(Ansi::new().bold(), text)
    }

    /// Something of less weight.
    #[must_use]
    pub fn dim(self, text: impl Display) -> String {
        self.paint(Ansi::new().dimmed(), text)
    }

    /// A good verdict, an added line.
    #[must_use]
    pub fn good(self, text: impl Display) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    /// A bad verdict, a removed line.
    #[must_use]
    pub fn bad(self, text: impl Display) -> String {
        self.paint(AnsiColor::Red.on_default(), text)
    }

    /// A skip, a warning.
    #[must_use]
    pub fn warn(self, text: impl Display) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }

    /// A name: a commit, a place in a file.
    #[must_use]
    pub fn name(self, text: impl Display) -> String {
        self.paint(AnsiColor::Cyan.on_default(), text)
    }

    /// The part of a line that went.
    #[must_use]
    pub fn removed(self, text: impl Display) -> String {
        self.paint(AnsiColor::Red.on_default().bold().underline(), text)
    }

    /// The part of a line that came.
    #[must_use]
    pub fn added(self, text: impl Display) -> String {
        self.paint(AnsiColor::Green.on_default().bold().underline(), text)
    }
}
