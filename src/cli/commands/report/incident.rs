//! The incident that is meant.

use std::path::Path;

use crate::cli::Error;
use crate::git::Repository;
use crate::model::{DowntimeBudget, Incident};
use crate::respond::Incidents;
use crate::setup::{Location, cache_dir, config};

/// The incident whose id begins like this, or the latest of all services.
pub(super) fn incident(id: Option<&str>) -> Result<Incident, Error> {
    let services = cache_dir::state()?.join("services");
    let names = std::fs::read_dir(&services).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let mut found: Vec<(String, Incidents)> = Vec::new();
    for incidents in names.filter_map(|name| Incidents::of(&services, &name).ok()) {
        let ids = incidents.ids().into_iter().filter(|known| id.is_none_or(|id| known.starts_with(id)));
        found.extend(ids.map(|known| (known, incidents.clone())));
    }
    // An id begins with its time.
    found.sort_by(|(one, _), (other, _)| other.cmp(one));
    match (found.as_slice(), id) {
        ([(exact, incidents), ..], None) | ([(exact, incidents)], Some(_)) => Ok(incidents.read(exact)?),
        ([], None) => Err(Error::usage("there was no incident yet")
            .hinted("the report of a search: pybisect report, without --incident")),
        ([], Some(id)) => Err(Error::usage(format!("no incident is called '{id}'"))
            .hinted("the latest one: pybisect report --incident")),
        ([first, ..], Some(id)) => Err(Error::usage(format!("several incidents are called '{id}'"))
            .hinted(format!("the latest of them: pybisect report --incident {}", first.0))),
    }
}

/// The downtime that the configuration of the incident's repository allows; whoever responds there is told of slips in it.
pub(super) fn allowed(incident: &Incident) -> Option<DowntimeBudget> {
    let place = Path::new(&incident.repository);
    let repository = Repository::open(place).ok()?;
    let standing = Location::new(&repository, place);
    config::load(&standing.config(&repository, None), false).ok()?.config.respond?.sla?.parse().ok()
}
