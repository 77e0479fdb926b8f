//! `find --junit`: the tests that failed in a CI's report.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::last_failed::{MOST, from_here};
use super::location::Location;
use crate::report::plural;
use crate::triage::CommandFacts;
use crate::triage::junit::{JunitFailure, failures};
use crate::triage::runners::Runner;

/// Add the failing tests of these reports to a command; without one, to pytest. What to say of it.
pub(crate) fn add(
    command: &mut Vec<OsString>,
    reports: &[PathBuf],
    standing: &Location,
) -> Result<String, Error> {
    let mut failed = Vec::new();
    for report in reports {
        failed.extend(read(report)?);
    }
    if failed.is_empty() {
        let names: Vec<_> = reports.iter().map(|report| report.display().to_string()).collect();
        return Err(Error::usage(format!("no test failed in {}", names.join(", "))));
    }
    if command.is_empty() {
        command.extend(["python", "-m", "pytest", "-q"].map(OsString::from));
    }
    let facts = CommandFacts::of(command);
    let mut ids: Vec<String> = match facts.runner {
        Some(Runner::Unittest) => failed.iter().map(JunitFailure::dotted).collect(),
        _ if facts.runs_pytest => pytest_ids(&failed, standing),
        _ => {
            return Err(Error::usage(
                "--junit names tests to pytest and unittest, and the command runs neither",
            )
            .hinted("leave the command out, or: -- python -m pytest -q"));
        }
    };
    let mut seen = std::collections::BTreeSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    if ids.is_empty() {
        let JunitFailure { class, name, .. } = &failed[0];
        return Err(Error::usage(format!("the report's tests are not here: {class} {name}"))
            .hinted("stand in the folder in which the tests ran"));
    }
    let lost = failed.len().saturating_sub(ids.len());
    let left_out = lost + ids.len().saturating_sub(MOST);
    ids.truncate(MOST);
    command.extend(ids.iter().map(OsString::from));
    let more = if left_out > 0 { format!(", {left_out} left out") } else { String::new() };
    Ok(format!("{} failed in the report{more}", plural(failed.len(), "test")))
}

fn read(report: &Path) -> Result<Vec<JunitFailure>, Error> {
    let name = report.display();
    let text = std::fs::read_to_string(report)
        .map_err(|error| Error::usage(format!("failed to read {name}: {error}")))?;
    failures(&text).map_err(|error| {
        Error::usage(format!("{name}: {error}")).hinted("a report as of pytest --junit-xml=FILE is wanted")
    })
}

/// Ids begin where pytest ran: here, or further up.
fn pytest_ids(failed: &[JunitFailure], standing: &Location) -> Vec<String> {
    let top = standing.top.as_deref().unwrap_or(&standing.folder);
    let ids_from = |root: &Path| {
        let is_file = |path: &str| root.join(path).is_file();
        let ids = failed.iter().filter_map(|failure| failure.pytest_id(&is_file));
        ids.filter_map(|id| from_here(&id, root, &standing.folder)).collect::<Vec<_>>()
    };
    let roots = standing.folder.ancestors().take_while(|folder| folder.starts_with(top));
    let best = roots.map(ids_from).reduce(|best, other| if other.len() > best.len() { other } else { best });
    best.unwrap_or_default()
}
