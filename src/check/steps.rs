//! The check of a branch, step by step.

use std::path::Path;

use super::coverage::{Coverage, untested};
use super::findings::sort_findings;
use super::merge_check::MergeCheck;
use super::merge_sides::{MergeSides, SidesError, TARGET_VARIABLES};
use super::request::{CheckRequest, Weight};
use super::reverted_before::find_repeated_changes;
use super::unguarded::unguarded;
use crate::git::{Repository, disable_hash_verification};
use crate::model::trial_line::OutcomeSource;
use crate::model::{CancelToken, CheckReport, Event};
use crate::session::{JournalOf, with_tree_runs};
use crate::setup::{self, EnvironmentKind, EnvironmentOptions, Error, Request, Runs, named_or_current};
use crate::store::SessionKind;

impl From<SidesError> for Error {
    fn from(error: SidesError) -> Self {
        let (message, hint) = match error {
            SidesError::Git(error) => return error.into(),
            SidesError::NoDefaultBranch => (error.to_string(), "name it: pybisect check BASE.."),
            SidesError::Unrelated { .. } => {
                (error.to_string(), "name a base that shares history with it: pybisect check BASE..")
            }
            SidesError::Shallow { .. } => (
                error.to_string(),
                "git fetch --unshallow, and in a workflow `fetch-depth: 0` (GitHub) or `GIT_DEPTH: 0` (GitLab)",
            ),
        };
        Self::usage(message).hinted(hint)
    }
}

/// Look at a branch before its merge: which of the calls that it changed are wrong, and whether a command that passes on
/// its base fails on the merge of both.
///
/// The sides are merged in memory; the repository and its work tree stay as they are. What there is to warn of is told to
/// `warned` before anything runs. `None` when the repository has no commit yet. Once `cancel` is set, what is returned
/// is what was found until then.
///
/// ```no_run
/// let mut request = pybisect::CheckRequest::default();
/// request.what = Some("origin/main..feature".to_owned());
/// let report = pybisect::check(&request, &pybisect::CancelToken::new(), &mut |warning| eprintln!("{warning}"))?;
/// for finding in report.iter().flat_map(|report| &report.findings) {
///     println!("{}:{}: {}", finding.path, finding.line, finding.message);
/// }
/// # Ok::<(), pybisect::Error>(())
/// ```
///
/// # Errors
/// When the request cannot be carried out: what is wrong and what to do about it. Findings are no error.
pub fn check(
    request: &CheckRequest,
    cancel: &CancelToken,
    warned: &mut dyn FnMut(&str),
) -> Result<Option<CheckReport>, Error> {
    watched_check(request, cancel, warned, &mut |_| {})
}

/// [`check`], with what happens told as a search tells it.
pub(crate) fn watched_check(
    request: &CheckRequest,
    cancel: &CancelToken,
    warned: &mut dyn FnMut(&str),
    on_event: &mut dyn FnMut(&Event),
) -> Result<Option<CheckReport>, Error> {
    disable_hash_verification();
    let coverage = request.coverage.as_deref().map(read_coverage).transpose()?;
    let repository = Repository::open(&named_or_current(request.run.repo.as_deref())?)?;
    // The first commit has to pass the hook that runs before it.
    if matches!(request.what.as_deref(), None | Some("HEAD")) && repository.has_no_commit() {
        return Ok(None);
    }
    let target =
        TARGET_VARIABLES.iter().find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
    let sides = MergeSides::resolve(&repository, request.what.as_deref(), target.as_deref())?;
    let prepared = setup::prepare(&run_of(request, &sides))?;
    for warning in &prepared.warnings {
        warned(warning);
    }
    let (context, journal) = (prepared.workshop(cancel), JournalOf::Own(SessionKind::Check));
    let mut report = with_tree_runs(&prepared.plan, &context, &journal, on_event, |runs| {
        let look = MergeCheck::new(&prepared, &sides, runs)?;
        report(look, request, &sides, coverage.as_ref(), cancel)
    })?;
    sort_findings(&mut report.findings);
    Ok(Some(report))
}

fn report(
    mut look: MergeCheck<'_, '_>,
    request: &CheckRequest,
    sides: &MergeSides,
    coverage: Option<&Coverage>,
    cancel: &CancelToken,
) -> Result<CheckReport, Error> {
    let prepared = look.prepared;
    if look.is_empty() {
        return Ok(look.report);
    }
    look.compare()?;
    look.types(request, cancel)?;
    let by_default = coverage.map(|_| Weight::Warn);
    let weight = request.require_tested.or(by_default).and_then(Weight::severity);
    let watch = weight.is_some() && coverage.is_none();
    let runs = !request.no_smoke && !prepared.plan.recipe.command.is_empty();
    if watch && !runs {
        return Err(Error::usage("--require-tested: there is no command to watch, and no coverage data")
            .hinted("a command after `--`, as in -- python -m pytest -q, or --coverage coverage.json"));
    }
    let watched = if runs { look.smoke(sides, watch, cancel)? } else { None };
    let past = find_repeated_changes(&prepared.repository, sides.ancestor, &look.calls)?;
    look.add(past);
    if let (Some(coverage), Some(severity)) = (coverage.or(watched.as_ref()), weight) {
        look.add(untested(coverage, severity, &look.calls));
    }
    if let Some(severity) = request.require_guarded.and_then(Weight::severity) {
        let found = unguarded(severity, &look.calls, |path| look.source(path))?;
        look.add(found);
    }
    look.ignore()?;
    look.report.session = look.runs.session().map(ToString::to_string);
    look.report.trial_log = look.runs.log().to_vec();
    let known = look.report.trial_log.iter().filter(|line| line.source != OutcomeSource::Ran).count();
    if known > 0 {
        let all = look.report.trial_log.len();
        look.report.notes.push(format!("runs known from before: {known} of {all} (--fresh runs them again)"));
    }
    Ok(look.report)
}

/// How the command runs: as a search of the branch would run it, which may come of it.
fn run_of(request: &CheckRequest, sides: &MergeSides) -> Request {
    let head = request.what.as_deref().and_then(|what| what.rsplit_once("..")).map(|(_, head)| head);
    let mut run = Request {
        range: None,
        good: Vec::new(),
        bad: head.filter(|head| !head.is_empty()).map(str::to_owned),
        // What is uncommitted belongs to one side only.
        no_with_file: true,
        // The calls are narrowed on the merge result, which may be no commit at all.
        no_narrow: true,
        runs: Runs::IfConfigured,
        // What is looked at does not decide how: the configuration is the base's.
        config_of: Some(sides.base.commit),
        ..request.run.clone()
    };
    if request.no_smoke {
        run.runs = Runs::Nothing;
        // Where nothing runs, no environment has to be made.
        run.environment =
            EnvironmentOptions { env: Some(EnvironmentKind::Current), ..EnvironmentOptions::default() };
    }
    run
}

fn read_coverage(file: &Path) -> Result<Coverage, Error> {
    let wrong = |reason: String| Error::usage(format!("cannot use {}: {reason}", file.display()));
    let text = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    Coverage::read(&String::from_utf8_lossy(&text)).map_err(|error| {
        wrong(error.to_string()).hinted("coverage json, coverage xml or coverage lcov writes one")
    })
}
