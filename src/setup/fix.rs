//! What a search found, as candidate fixes, each tested.

use std::ffi::OsString;
use std::path::PathBuf;

use super::cache_dir;
use super::error::Error;
use super::location::named_or_current;
use super::options::IsolationOptions;
use super::prepare::Prepared;
use super::stored_request::StoredRequest;
use crate::git::Repository;
use crate::model::{CancelToken, CandidateFix, CommitId, Event, FixReport, Report, TreeId};
use crate::session::{self, FixTask, Fixes};
use crate::store::{SessionRow, SessionState, Store};

/// Which search is to be fixed, and on top of what.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FixRequest {
    /// The session that found the cause, by the beginning of its id; the last one of the repository that can be fixed by
    /// default.
    pub session: Option<String>,
    /// Folder of the repository; the current one by default.
    pub repo: Option<PathBuf>,
    /// The commit to put the fix on top of; `HEAD` by default.
    pub onto: Option<String>,
    /// A wider command, for the shell, that the fix has to pass too, such as the whole test suite.
    pub verify: Option<String>,
    /// Trials at the same time, 1 to 512; as in the search by default.
    pub jobs: Option<u16>,
    /// The isolation of trials, where it is to be another than in the search.
    pub isolation: IsolationOptions,
    /// Whether no configuration is read, neither the repository's nor the user's.
    pub no_config: bool,
}

/// Test ways to fix what a search found: the breaking edit undone, the same correction elsewhere, the commit reverted, the
/// file restored.
///
/// All are made in memory on top of a commit, and tested at the same time in private work trees, as further trials of the
/// search. What happens is told as [`Event`]s, as in [`find`](crate::find). `None` when `cancel` ended it; what ran is
/// kept, and answered from the record the next time.
///
/// ```no_run
/// let mut request = pybisect::FixRequest::default();
/// request.repo = Some("/srv/shop".into());
/// request.verify = Some("python -m pytest -q".to_owned());
/// let report = pybisect::fix(&request, &pybisect::CancelToken::new(), &mut |_event| {})?;
/// if let Some(fix) = report.iter().flat_map(|report| &report.fixes).find(|fix| fix.passed) {
///     println!("{}", fix.patch);
/// }
/// # Ok::<(), pybisect::Error>(())
/// ```
///
/// # Errors
/// When no search of the repository found something to fix, or it cannot be run again.
pub fn fix(
    request: &FixRequest,
    cancel: &CancelToken,
    on_event: &mut dyn FnMut(&Event),
) -> Result<Option<FixReport>, Error> {
    let tested = FoundCause::of(request)?.test(request, cancel, on_event)?;
    Ok(tested.map(|tested| tested.fixes.report))
}

/// What a search found, and where a fix of it is to stand.
pub(crate) struct FoundCause {
    pub(crate) repository: Repository,
    store: Store,
    row: SessionRow,
    /// The report of the search.
    pub(crate) report: Report,
    onto: CommitId,
}

/// Candidates that were tested, and what it takes to make a commit of one.
pub(crate) struct TestedFixes {
    pub(crate) prepared: Prepared,
    /// The report of the search.
    pub(crate) found: Report,
    pub(crate) fixes: Fixes,
}

impl FoundCause {
    /// That of the session which is asked for.
    pub(crate) fn of(request: &FixRequest) -> Result<Self, Error> {
        let place = named_or_current(request.repo.as_deref())?;
        let repository = Repository::open(&place)?;
        let store = Store::open(&cache_dir::cache()?)?;
        let (row, report) = last_session(request.session.as_deref(), &repository, &store)?;
        let onto = repository.resolve(request.onto.as_deref().unwrap_or("HEAD"))?.id;
        Ok(Self { repository, store, row, report, onto })
    }

    /// Test the candidates. What ran before is answered from the record. `None` when the user stopped it.
    pub(crate) fn test(
        self,
        request: &FixRequest,
        cancel: &CancelToken,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Option<TestedFixes>, Error> {
        let session = self.row.id.as_str();
        let (_, prepared) = StoredRequest::of_session(&self.store, session)?.prepare(|asked| {
            asked.jobs = request.jobs.or(asked.jobs);
            asked.isolation = request.isolation.or(&asked.isolation);
            asked.no_config |= request.no_config;
        })?;
        let verify = request.verify.as_ref().map(|script| ["sh", "-c", script].map(OsString::from).to_vec());
        let task = FixTask { session: self.row.id.clone(), report: self.report, onto: self.onto, verify };
        let fixes = session::fix(&prepared.plan, &prepared.workshop(cancel), &task, on_event)?;
        if let Some(fixes) = &fixes {
            prepared.store.keep_fixes(session, &fixes.report)?;
        }
        Ok(fixes.map(|fixes| TestedFixes { prepared, found: task.report, fixes }))
    }
}

impl TestedFixes {
    /// The best candidate, when one passes and is needed; what takes back other commits' work as well is one only when
    /// that is allowed.
    pub(crate) fn best(&self, allows_restore: bool) -> Option<(&CandidateFix, TreeId)> {
        if self.fixes.report.mended_already {
            return None;
        }
        let mut all = self.fixes.report.fixes.iter().zip(&self.fixes.made);
        let is_wanted = |fix: &CandidateFix| fix.is_clean() || fix.passed && allows_restore;
        all.find(|(fix, _)| is_wanted(fix)).map(|(fix, (tree, _))| (fix, *tree))
    }
}

/// The session to mend, with its report.
fn last_session(
    session: Option<&str>,
    repository: &Repository,
    store: &Store,
) -> Result<(SessionRow, Report), Error> {
    let none = |what: String| Error::usage(what).hinted("first: pybisect find --good REV -- COMMAND");
    let row = match session {
        Some(prefix) => store.session(prefix)?.ok_or_else(|| {
            Error::usage(format!("no single session begins with '{prefix}'")).hinted("pybisect sessions")
        })?,
        None => {
            let folder = repository.folder().to_string_lossy().into_owned();
            let rows = store.searches(Some(&folder))?;
            // A look at a branch searches as well, but not for something to mend here: it leaves no request.
            let mut found = None;
            for row in rows.into_iter().filter(|row| row.state == SessionState::Finished) {
                if store.request(row.id.as_str())?.is_some() {
                    found = Some(row);
                    break;
                }
            }
            found.ok_or_else(|| none("no search has finished in this repository".to_owned()))?
        }
    };
    let report = Report::from_events(&store.events(&row.id)?);
    let has_cause =
        report.culprits.len() == 1 || !report.breaking_changes.is_empty() || !report.packages.is_empty();
    if report.find_fix || !has_cause {
        return Err(none(format!("session {} did not find what to fix", row.id)));
    }
    Ok((row, report))
}
