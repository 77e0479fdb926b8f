//! Responses that a server begins, without anybody at hand.

use std::path::{Path, PathBuf};

use super::args::Args;
use super::settings::{Settings, absolute};
use crate::cli::Error;
use crate::git::Repository;
use crate::model::DowntimeBudget;
use crate::setup::{Location, config, named_or_current};

/// What a server has to know of responses in a repository.
pub(in crate::cli::commands) struct Watched {
    pub(in crate::cli::commands) service: String,
    pub(in crate::cli::commands) place: PathBuf,
    pub(in crate::cli::commands) config: config::Config,
    /// Downtime that is allowed.
    pub(in crate::cli::commands) sla: Option<DowntimeBudget>,
    pub(in crate::cli::commands) warnings: Vec<String>,
}

/// Whether responses can begin in a repository without anybody at hand; all that is configured for them is looked at.
pub(in crate::cli::commands) fn watched(repo: Option<&Path>) -> Result<Watched, Error> {
    let args = Args { repo: repo.map(Path::to_owned), ..Args::default() };
    let place = named_or_current(args.repo.as_deref())?;
    let repository = Repository::open(&place)?;
    let settings = Settings::new(&args, &repository)?;
    if settings.auto.is_none() {
        return Err(Error::usage("it is not said what may happen without a person")
            .hinted("under [tool.pybisect.respond]: auto = ['rollback'], or auto = [] where all of it waits for leave"));
    }
    let location = Location::new(&repository, &place);
    let config = config::load(&location.config(&repository, None), false)?.config;
    let (service, place) = (settings.service().to_owned(), absolute(&place));
    Ok(Watched { service, place, config, sla: settings.sla, warnings: settings.warnings })
}
