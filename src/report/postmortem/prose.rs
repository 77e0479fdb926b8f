//! Sentences of ours with foreign words in them.

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::report) enum Piece {
    /// Words.
    Text(String),
    /// A name, a commit, a line of code: shown as code.
    Code(String),
}

/// A sentence. Each form escapes all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::report) struct Prose(Vec<Piece>);

impl Prose {
    /// One that begins with these words.
    pub(in crate::report) fn of(text: impl Into<String>) -> Self {
        Self::default().text(text)
    }

    /// One that begins with code.
    pub(in crate::report) fn of_code(text: impl Into<String>) -> Self {
        Self::default().code(text)
    }

    /// With these words after it.
    pub(in crate::report) fn text(mut self, text: impl Into<String>) -> Self {
        self.0.push(Piece::Text(text.into()));
        self
    }

    /// With code after it.
    pub(in crate::report) fn code(mut self, text: impl Into<String>) -> Self {
        self.0.push(Piece::Code(text.into()));
        self
    }

    /// Its parts.
    pub(in crate::report) fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// As plain text.
    pub(in crate::report) fn plain(&self) -> String {
        let text = |piece: &Piece| match piece {
            Piece::Text(text) | Piece::Code(text) => text.clone(),
        };
        self.0.iter().map(text).collect()
    }
}
