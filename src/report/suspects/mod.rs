//! Ranked commits in each format, one file each.

mod annotate;
mod json;
mod markdown;
mod text;

use std::io;

use crate::model::SuspectReport;

pub use annotate::suspect_annotations;
pub use json::SuspectsJson;
pub use markdown::SuspectsMarkdown;
pub use text::SuspectsText;

/// Turns ranked commits into one format.
pub trait SuspectRenderer {
    /// Write the report.
    ///
    /// # Errors
    /// When it cannot be written.
    fn render(&self, report: &SuspectReport, out: &mut dyn io::Write) -> io::Result<()>;
}

/// `38 %`, `0.4 %`, `<0.1 %`.
fn percent(probability: f64) -> String {
    let percent = probability * 100.0;
    if percent >= 10.0 {
        format!("{percent:.0} %")
    } else if percent >= 0.1 {
        format!("{percent:.1} %")
    } else {
        "<0.1 %".to_owned()
    }
}

#[cfg(test)]
mod tests;
