//! Live reporters and renderers: the only rooms that make text for people are this one and `cli`.
//!
//! A [`Reporter`] hears every event, in order, from one thread. A [`Renderer`] turns a finished report
//! into one format; there is one file for each.

mod annotations;
mod answer;
mod breaking;
mod calls;
mod check;
mod columns;
mod diff;
mod escape;
mod fix;
mod fix_rows;
mod html;
mod incident;
mod json;
mod json_read;
mod live_plain;
mod live_pulse;
mod live_state;
mod live_terminal;
mod live_trial;
mod logs;
mod next_steps;
mod phrases;
mod postmortem;
mod proof;
mod rollback;
mod show;
mod style;
mod suspects;
mod targets;
mod text;
mod unanswered;

use std::io;

use crate::model::{Event, Report};

pub use annotations::{AnnotationRenderer, Github, Gitlab, Rdjson, Sarif};
pub use answer::{Answer, Next, Revert};
pub use calls::{CallRenderer, CallsJson, CallsMarkdown, CallsText, annotations};
pub use check::{CheckJson, CheckJunit, CheckMarkdown, CheckRenderer, CheckText};
pub use columns::{cut, wrapped};
pub use escape::{cleaned, lines, one_line, printable};
pub use fix::FixText;
pub use fix_rows::FixRows;
pub use html::{IncidentList, Live, ReportHtml, TokenForm};
pub use incident::IncidentText;
pub use json::Json;
pub use json_read::read_json;
pub use live_plain::PlainReporter;
pub use live_pulse::{Pulse, PulseView, PulsingReporter};
pub use live_terminal::Progress;
pub use live_trial::LiveScreen;
pub use logs::{LogJson, LogText};
pub use phrases::{date, duration, plural, size};
pub use postmortem::{Postmortem, Presence, ReportMarkdown, TestFile, ends};
pub use rollback::RollbackText;
pub use show::{EditsText, ShowMarkdown, ShowSlack, ShowText, ShownSession};
pub use style::Style;
pub use suspects::{SuspectRenderer, SuspectsJson, SuspectsMarkdown, SuspectsText, suspect_annotations};
pub use text::TextRenderer;
pub use unanswered::Unanswered;

/// Hears every event, in order, from one thread.
pub trait Reporter {
    /// An event happened.
    fn on_event(&mut self, event: &Event);
}

/// Turns a finished report into one format.
pub trait Renderer {
    /// Write the report.
    ///
    /// # Errors
    /// When it cannot be written.
    fn render(&self, report: &Report, out: &mut dyn io::Write) -> io::Result<()>;
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Reporter for Quiet {
    fn on_event(&mut self, _: &Event) {}
}
