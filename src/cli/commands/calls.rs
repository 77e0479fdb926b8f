//! `pybisect calls`: what changes did to Python calls.

use std::path::PathBuf;

use super::masked::masked;
use super::output::OutputArgs;
use crate::call_changes::CallsRequest;
use crate::cli::{Error, ExitStatus, Format, terminal};
use crate::model::{CallReport, ChangeKind};
use crate::report::{CallRenderer as _, CallsJson, CallsMarkdown, CallsText, annotations};
use crate::setup::calls;

/// Show what changes did to Python calls
///
/// Without arguments: the work tree against HEAD. `A..B`: between two trees. A commit: against its
/// parents. Two files: against each other.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A range, a commit, or two files
    #[arg(value_name = "WHAT", num_args = 0..=2)]
    what: Vec<String>,
    /// Read a patch from a file, or from standard input with -
    #[arg(long, value_name = "FILE", conflicts_with_all = ["what", "each", "callee"])]
    patch: Option<PathBuf>,
    /// Go through the range commit by commit, the newest first
    #[arg(long)]
    each: bool,
    /// With --each: leave out merges
    #[arg(long, requires = "each")]
    no_merges: bool,
    /// With --each: at most this many commits
    #[arg(long, short = 'n', value_name = "N")]
    max_count: Option<usize>,
    /// Only files that match (can be repeated)
    #[arg(long, value_name = "GLOB")]
    path: Vec<String>,
    /// Only calls of functions that match, by qualified name, commit by commit (can be repeated)
    #[arg(long, value_name = "GLOB")]
    callee: Vec<String>,
    /// Only these kinds of change (can be repeated)
    #[arg(long, value_name = "KIND", value_parser = parse_kind, value_delimiter = ',')]
    kind: Vec<ChangeKind>,
    /// Output format
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    #[command(flatten)]
    output: OutputArgs,
    /// Look for calls that no longer fit a changed definition [default: unless commit by commit]
    #[arg(long, value_name = "WHEN", require_equals = true, num_args = 0..=1, default_missing_value = "true")]
    stale: Option<bool>,
    /// The repository
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
    /// Do not use or update the cache
    #[arg(long)]
    no_cache: bool,
}

fn parse_kind(word: &str) -> Result<ChangeKind, String> {
    ChangeKind::ALL.into_iter().find(|kind| kind.word() == word).ok_or_else(|| {
        let all: Vec<&str> = ChangeKind::ALL.iter().map(|kind| kind.word()).collect();
        format!("no such kind; there are {}", all.join(", "))
    })
}

impl Args {
    fn request(&self) -> CallsRequest {
        CallsRequest {
            what: self.what.clone(),
            patch: self.patch.clone(),
            each: self.each,
            no_merges: self.no_merges,
            max_count: self.max_count,
            path: self.path.clone(),
            callee: self.callee.clone(),
            kind: self.kind.clone(),
            stale: self.stale,
            repo: Some(self.repo.clone()),
            no_cache: self.no_cache,
        }
    }
}

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    let report = calls(&args.request())?;
    let report = CallReport { changes: masked(&report.changes), ..report };
    let mut out = Vec::new();
    render(args, &report, &mut out).map_err(Error::internal)?;
    // Other forms have no colours that a terminal might not know, and may be large.
    args.output.write(&out, args.format == Format::Text)
}

fn render(args: &Args, report: &CallReport, out: &mut Vec<u8>) -> std::io::Result<()> {
    let filtered = [&args.path, &args.callee].iter().any(|list| !list.is_empty()) || !args.kind.is_empty();
    match (args.format.annotations(), args.format) {
        (Some(renderer), _) => renderer.render(&annotations(report), out),
        (None, Format::Json) => CallsJson.render(report, out),
        (None, Format::Markdown) => CallsMarkdown.render(report, out),
        (None, _) => {
            let is_work_tree =
                args.what.is_empty() && args.patch.is_none() && !args.each && args.callee.is_empty();
            let between = is_work_tree.then_some("HEAD and your work tree");
            CallsText { style: terminal::stdout_style(), filtered, between }.render(report, out)
        }
    }
}
