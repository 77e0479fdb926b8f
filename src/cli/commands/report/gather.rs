//! What a report is made of, with its secrets masked.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cli::Error;
use crate::cli::commands::answer::diff;
use crate::cli::commands::masked::masked_text;
use crate::cli::commands::session_arg::chosen_search;
use crate::git::{RangeOptions, Repository};
use crate::model::{CommitInfo, DowntimeBudget, Incident, Report};
use crate::report::{Postmortem, Presence, TestFile, ends, read_json};
use crate::respond::Incidents;
use crate::session::OverlayFile;
use crate::setup::StoredRequest;
use crate::setup::cache_dir;
use crate::store::{SessionRow, SessionState, Store};

/// What is asked for: a session, or a file.
pub(super) fn gathered(what: Option<&str>, repo: Option<&Path>) -> Result<Postmortem, Error> {
    let is_file = |what: &&str| what.ends_with(".json") || what.contains('/') || Path::new(what).is_file();
    if let Some(file) = what.filter(is_file) {
        return of_file(Path::new(file), repo);
    }
    let store = Store::open(&cache_dir::cache()?)?;
    let row = chosen_search(&store, what.filter(|what| *what != "latest"), repo)
        .map_err(|error| error.hinted("a JSON report is named by its file: pybisect report FILE.json"))?;
    of_session(&store, &row)
}

/// A session as it is kept.
pub(in crate::cli::commands) fn of_session(store: &Store, row: &SessionRow) -> Result<Postmortem, Error> {
    Ok(masked(&kept(store, row)?))
}

/// An incident, with all that is kept of its search.
pub(in crate::cli::commands) fn of_incident(
    incident: Incident,
    budget: Option<DowntimeBudget>,
) -> Result<Postmortem, Error> {
    let store = Store::open(&cache_dir::cache()?)?;
    let found = incident.found().cloned();
    let row = found.as_ref().map(|found| store.session(&found.session)).transpose()?.flatten();
    let of_search = match (row, found) {
        (Some(row), _) => kept(&store, &row)?,
        (None, Some(mut report)) => {
            report.prove();
            of_repository(report, Repository::open(Path::new(&incident.repository)).ok().as_ref(), &[])
        }
        (None, None) => Postmortem::default(),
    };
    let fix = incident.fixes().cloned().or_else(|| of_search.fix.clone());
    let down_before = budget.map(|budget| down_before(&incident, budget)).transpose()?.unwrap_or_default();
    let written = Some(Timestamp::now());
    Ok(masked(&Postmortem { fix, incident: Some(incident), budget, written, down_before, ..of_search }))
}

/// What an incident took of the downtime that is allowed, where that is known.
pub(in crate::cli::commands) fn spent(
    incident: &Incident,
    budget: DowntimeBudget,
) -> Result<Option<String>, Error> {
    let down_before = down_before(incident, budget)?;
    let told = Postmortem {
        incident: Some(incident.clone()),
        budget: Some(budget),
        written: Some(Timestamp::now()),
        down_before,
        ..Postmortem::default()
    };
    Ok(told.spent().map(|(text, _)| text))
}

/// Seconds that the service was down before this incident, in the stretch of time of the budget that ends with it.
fn down_before(incident: &Incident, budget: DowntimeBudget) -> Result<f64, Error> {
    let Some(until) = incident.recovered.or(incident.opened) else { return Ok(0.0) };
    let incidents = Incidents::of(&cache_dir::state()?.join("services"), &incident.service)?;
    let ids = incidents.ids().into_iter().filter(|id| *id < incident.id);
    let others = ids.filter_map(|id| incidents.read(&id).ok());
    let is_within = |other: &Incident| {
        other.recovered.is_some_and(|at| until.duration_since(at).as_secs_f64() < budget.period.seconds())
    };
    Ok(others.filter(is_within).filter_map(|other| other.downtime_seconds()).sum())
}

fn kept(store: &Store, row: &SessionRow) -> Result<Postmortem, Error> {
    let report = Report::from_events(&store.events(&row.id)?);
    let repository = Repository::open(Path::new(&row.repository)).ok();
    let request = StoredRequest::of(store, row.id.as_str());
    let overlay = request.as_ref().map(|request| request.overlay.as_slice()).unwrap_or_default();
    Ok(Postmortem {
        outputs: store.kept_outputs(&row.id)?,
        fix: store.fixes(row.id.as_str())?,
        again: request.as_ref().and_then(|request| request.retyped(&ends(&report))),
        is_unfinished: row.state != SessionState::Finished,
        began: Some(whole(row.started)),
        ..of_repository(report, repository.as_ref(), overlay)
    })
}

/// A JSON report, with what the repository knows of it.
fn of_file(file: &Path, repo: Option<&Path>) -> Result<Postmortem, Error> {
    let failed = |why: String| {
        Error::usage(format!("failed to read {}: {why}", file.display()))
            .hinted("a report is written by: pybisect find --json FILE …, or pybisect report -o FILE.json")
    };
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    let report = read_json(&text).map_err(failed)?;
    let repository = match repo {
        Some(place) => Some(Repository::open(place)?),
        None => std::env::current_dir().ok().and_then(|here| Repository::open(&here).ok()),
    };
    // Another repository than that of the report knows nothing of it.
    let repository =
        repository.filter(|repository| report.bad.is_some_and(|bad| repository.tree_of(bad).is_ok()));
    Ok(masked(&of_repository(report, repository.as_ref(), &[])))
}

fn of_repository(report: Report, repository: Option<&Repository>, overlay: &[OverlayFile]) -> Postmortem {
    let Some(repository) = repository else { return Postmortem { report, ..Postmortem::default() } };
    Postmortem {
        history: history(repository, &report).unwrap_or_default(),
        diff: diff(repository, &report),
        tests: tests(repository, &report, overlay),
        repository: name(repository),
        report,
        ..Postmortem::default()
    }
}

/// The folder that people know the repository by.
fn name(repository: &Repository) -> String {
    let folder = repository.workdir().unwrap_or_else(|| repository.folder());
    folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The commits of the range and its good ends, parents first. Nothing where the range is not known, or not there any more.
fn history(repository: &Repository, report: &Report) -> Option<Vec<CommitInfo>> {
    let paths = report.paths.iter().map(PathBuf::from).collect();
    let options = RangeOptions { first_parent: report.first_parent, paths };
    let range = repository.range(report.bad?, &report.good, &options).ok()?;
    let is_shown = |node| range.candidates.contains(node) || range.goods.contains(&node);
    let told = range.graph.nodes().filter(|node| is_shown(*node)).map(|node| {
        let parents = range.graph.parents(node).iter().map(|parent| range.ids[parent.index()]).collect();
        let info = repository.info(range.ids[node.index()]).ok()?;
        Some(CommitInfo { parents, ..info })
    });
    told.collect()
}

/// The files of the failing tests, and those that the command names: which of them the culprit had.
fn tests(repository: &Repository, report: &Report, overlay: &[OverlayFile]) -> Vec<TestFile> {
    let [culprit] = report.culprits.as_slice() else { return Vec::new() };
    let of_failure = report.failure.iter().flat_map(|failure| &failure.tests);
    let of_targets = report.targets.iter().map(|target| &target.test);
    let words = shell_words::split(&report.command).unwrap_or_default();
    let named: BTreeSet<String> = of_failure
        .chain(of_targets)
        .chain(&words)
        .map(|word| word.split("::").next().unwrap_or_default().trim_start_matches("./").to_owned())
        .filter(|word| word.ends_with(".py") && !word.starts_with('/'))
        .collect();
    let at = |commit| move |path: &str| repository.file_at(commit, Path::new(path)).ok().flatten();
    let (at_culprit, at_bad) = (at(culprit.commit.id), at(report.bad.unwrap_or(culprit.commit.id)));
    named
        .into_iter()
        .filter_map(|path| {
            let laid = overlay.iter().find(|file| file.path == path).map(|file| file.content.clone());
            let is_laid = laid.is_some();
            let ran = laid.or_else(|| at_bad(&path))?;
            let at_culprit = match at_culprit(&path) {
                // What ran at the culprit is its own, unless another was laid over it.
                Some(content) if !is_laid || content == ran => Presence::Same,
                Some(_) => Presence::Other,
                None => Presence::Absent,
            };
            Some(TestFile { path, at_culprit })
        })
        .collect()
}

/// The same with its secrets masked: what looks like one, and values of variables that trials do not get.
fn masked(told: &Postmortem) -> Postmortem {
    told.with_texts(masked_text)
}

/// Whole seconds.
#[expect(clippy::as_conversions, reason = "a float has no other way to an integer; it saturates")]
const fn whole(time: f64) -> i64 {
    time as i64
}
