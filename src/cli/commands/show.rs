//! `pybisect show`.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::cli::terminal::{columns, stdout_style};
use crate::cli::{Error, ExitStatus, print};
use crate::git::Repository;
use crate::model::{CommitId, Event, EventKind, KeptOutput, Report, TrialId};
use crate::report::{
    EditsText, Renderer as _, ReportHtml, ShowMarkdown, ShowSlack, ShowText, ShownSession, TextRenderer,
};
use crate::setup::cache_dir;
use crate::store::{SessionKind, SessionRow, Store};

use super::answer::diff;
use super::masked::{hidden, masked_report};
use super::report::of_session;
use super::session_arg::chosen;

/// Show what the test printed, at good beside bad
///
/// Of each trial the last 64 kB are kept for a month, with secrets masked. Side by side from 130 columns on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pybisect show                    the latest search of this repository: good, then bad
  pybisect show 66a476044          all that is kept of this commit's run
  pybisect show --full             the whole report
  pybisect show --edits            every edit that broke it, whole
  pybisect show --markdown         for an issue
  pybisect show --slack            for a channel
  pybisect show --html > bug.html  the page of `pybisect report`")]
pub(crate) struct Args {
    /// The session's id, or its beginning [default: the latest one of this repository]; or a commit of that one
    #[arg(value_name = "SESSION")]
    session: Option<String>,
    /// Only what was printed at this commit, all of it
    #[arg(value_name = "COMMIT")]
    commit: Option<String>,
    /// The edits that broke it, in full
    #[arg(long, group = "form")]
    edits: bool,
    /// The whole report: every reason, note and step
    #[arg(long, group = "form")]
    full: bool,
    /// In Markdown, for an issue
    #[arg(long, group = "form")]
    markdown: bool,
    /// In Slack's markup, for a channel
    #[arg(long, group = "form")]
    slack: bool,
    /// As a page of HTML, which is that of `pybisect report`
    #[arg(long, group = "form")]
    html: bool,
    /// With --html: open the page in your browser ($BROWSER, or what the desktop has)
    #[arg(long, requires = "html")]
    open: bool,
    /// Repository [default: the current one]
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
}

/// A session as it is kept.
struct Kept {
    row: SessionRow,
    report: Report,
    outputs: Vec<KeptOutput>,
}

impl Kept {
    fn of(store: &Store, row: &SessionRow) -> Result<Self, Error> {
        let events: Vec<Event> = store.events(&row.id)?;
        let report = masked_report(&Report::from_events(&events));
        Ok(Self { row: row.clone(), report, outputs: store.kept_outputs(&row.id)? })
    }

    /// The commit of a trial that this begins or names.
    fn commit(&self, word: &str, repository: Option<&Repository>) -> Option<CommitId> {
        let is_short = word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut known: Vec<CommitId> = self.outputs.iter().map(|output| output.commit).collect();
        known.sort_unstable();
        known.dedup();
        let word = word.to_lowercase();
        let mut begun = known.iter().filter(|commit| is_short && commit.to_string().starts_with(&word));
        if let (Some(&only), None) = (begun.next(), begun.next()) {
            return Some(only);
        }
        let named = repository?.resolve(&word).ok()?.id;
        known.contains(&named).then_some(named)
    }
}

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    let store = Store::open(&cache_dir::cache()?)?;
    let here = std::env::current_dir().map_err(Error::internal)?;
    let repository = Repository::open(args.repo.as_deref().unwrap_or(&here)).ok();
    let (kept, commit) = asked(args, &store, repository.as_ref())?;
    if kept.row.kind != SessionKind::Find {
        return runs(args, &store, &kept, commit);
    }
    let shown = ShownSession { report: &kept.report, outputs: &kept.outputs };
    let mut text = Vec::new();
    if args.html {
        ReportHtml.render(&of_session(&store, &kept.row)?, &mut text).map_err(Error::internal)?;
        return if args.open { open(&kept.row, &text) } else { print::print(&text) };
    }
    if args.slack {
        ShowSlack.render(shown, &mut text)
    } else if args.markdown {
        ShowMarkdown.render(shown, &mut text)
    } else if args.full {
        let diff = repository.as_ref().and_then(|repository| diff(repository, &kept.report));
        TextRenderer { style: stdout_style(), diff, says_next: true }.render(&kept.report, &mut text)
    } else if args.edits {
        EditsText { style: stdout_style() }.render(&kept.report, &mut text)
    } else {
        ShowText { style: stdout_style(), width: columns() }.render(shown, commit, &mut text)
    }
    .map_err(Error::internal)?;
    print::print_text(&text)
}

/// What was printed in a session of a command that does not search.
fn runs(args: &Args, store: &Store, kept: &Kept, commit: Option<CommitId>) -> Result<ExitStatus, Error> {
    let id = &kept.row.id;
    if args.edits || args.full || args.markdown || args.slack || args.html {
        let kind = kept.row.kind.word();
        return Err(Error::usage(format!("session {id} is of pybisect {kind}, and found no commit"))
            .hinted(format!("what its runs printed: pybisect show {id}")));
    }
    let events = store.events(id)?;
    let subjects: HashMap<TrialId, String> = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::TrialStarted { trial, subject, .. } => Some((*trial, hidden(subject))),
            _ => None,
        })
        .collect();
    let wanted = kept.outputs.iter().filter(|output| commit.is_none_or(|commit| output.commit == commit));
    let runs = wanted.map(|output| (subjects.get(&output.trial).map_or("", String::as_str), output));
    let mut text = Vec::new();
    ShowText { style: stdout_style(), width: columns() }.runs(runs, &mut text).map_err(Error::internal)?;
    print::print_text(&text)
}

/// Write the page to the cache folder, and have the user's browser show it.
fn open(row: &SessionRow, page: &[u8]) -> Result<ExitStatus, Error> {
    let folder = cache_dir::cache()?.join("pages");
    let file = folder.join(format!("{}.html", row.id));
    std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, page)).map_err(Error::internal)?;
    let browser = std::env::var_os("BROWSER").filter(|name| !name.is_empty());
    let browser = browser.unwrap_or_else(|| "xdg-open".into());
    let started =
        std::process::Command::new(&browser).arg(&file).stdout(std::process::Stdio::null()).status();
    if started.is_ok_and(|status| status.success()) {
        return Ok(ExitStatus::Success);
    }
    let name = browser.to_string_lossy();
    Err(Error::usage(format!("{name} did not open {}", file.display()))
        .hinted("another browser: BROWSER=firefox pybisect show --html --open"))
}

/// The session and the commit that are asked for. One word alone may be either.
fn asked(
    args: &Args,
    store: &Store,
    repository: Option<&Repository>,
) -> Result<(Kept, Option<CommitId>), Error> {
    let repo = args.repo.as_deref();
    let (row, word) = match (args.session.as_deref(), args.commit.as_deref()) {
        (None, _) => return Ok((Kept::of(store, &chosen(store, None, repo)?)?, None)),
        (Some(session), Some(commit)) => (chosen(store, Some(session), repo)?, commit),
        (Some(word), None) => {
            if let Some(row) = store.session(word)? {
                return Ok((Kept::of(store, &row)?, None));
            }
            match chosen(store, None, repo) {
                Ok(row) => (row, word),
                Err(_) => return Err(no_such(word)),
            }
        }
    };
    let kept = Kept::of(store, &row)?;
    let commit = kept.commit(word, repository).ok_or_else(|| no_such(word))?;
    Ok((kept, Some(commit)))
}

fn no_such(word: &str) -> Error {
    Error::usage(format!("'{word}' is neither a session nor a commit that ran in the latest one here"))
        .hinted("`pybisect sessions` lists sessions; `pybisect log` the commits of one")
}
