//! Colour and terminals.

use std::io::IsTerminal;
use std::os::fd::AsFd;

use clap::ValueEnum;

use crate::report::{Style, wrapped};

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl ColorChoice {
    /// Make it the choice of the whole process.
    pub(super) fn apply(self) {
        match self {
            Self::Auto => {}
            Self::Always => anstream::ColorChoice::Always.write_global(),
            Self::Never => anstream::ColorChoice::Never.write_global(),
        }
    }
}

/// The style of standard output.
pub(super) fn stdout_style() -> Style {
    Style::new(anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never)
}

/// The style of standard error.
pub(super) fn stderr_style() -> Style {
    Style::new(anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never)
}

/// Columns of standard output's terminal, between what still reads well; 80 where it is none.
pub(super) fn columns() -> usize {
    columns_of(std::io::stdout()).clamp(40, 240)
}

/// Columns of standard error's terminal.
pub(super) fn stderr_columns() -> usize {
    columns_of(std::io::stderr())
}

fn columns_of(stream: impl AsFd) -> usize {
    let size = terminal_size::terminal_size_of(stream);
    size.map_or(80, |(terminal_size::Width(columns), _)| usize::from(columns))
}

/// Columns of standard output, where it is a terminal: text that is written elsewhere is broken by whoever reads it.
pub(super) fn columns_to_fill() -> Option<usize> {
    std::io::stdout().is_terminal().then(columns)
}

/// A text in rows of standard error's terminal, those after the first indented; as it is where that is none.
pub(super) fn stderr_rows(text: &str) -> Vec<String> {
    if !std::io::stderr().is_terminal() {
        return text.lines().map(str::to_owned).collect();
    }
    let rows = wrapped(text, stderr_columns().clamp(40, 100) - 2).into_iter().enumerate();
    rows.map(|(at, row)| if at == 0 { row } else { format!("  {}", row.trim_start()) }).collect()
}

/// Whether a view that moves can be shown: standard error is a terminal, and this is no CI.
pub(super) fn can_animate() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("CI").is_none()
}
