//! Call changes, one file a format.

mod annotate;
mod json;
mod markdown;
mod text;

use std::io;

use crate::model::CallReport;

pub use annotate::annotations;
pub use json::CallsJson;
pub use markdown::CallsMarkdown;
pub use text::CallsText;

/// Turns call changes into one format.
pub trait CallRenderer {
    /// Write the changes.
    ///
    /// # Errors
    /// When they cannot be written.
    fn render(&self, report: &CallReport, out: &mut dyn io::Write) -> io::Result<()>;
}

/// A call on one line: line ends and the blanks around them become one blank. Long calls are cut.
fn one_line(text: &str, most: usize) -> String {
    let joined = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    match joined.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &joined[..end]),
        None => joined,
    }
}

#[cfg(test)]
mod tests;
