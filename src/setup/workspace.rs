//! The workbench: a run's folder, the shadow repository in it, and the slots.

use std::path::Path;

use super::error::Error;
use crate::executor::local::{LocalExecutor, RunFolder, Sweep, sweep};
#[cfg(feature = "remote")]
use crate::executor::remote::RemoteExecutor;
use crate::executor::slurm::SlurmExecutor;
use crate::executor::{EnvironmentExecutor, Executor, PackageSource};
use crate::git::{Link, Repository, Shadow};
use crate::process::sandbox::Sandbox;
use crate::pyenv::{Environments, Interpreter};

/// Where trials run.
pub(crate) enum TrialPlace {
    /// In slots on this machine.
    Here(LocalExecutor),
    /// There, each version in an environment of its own.
    Environments(EnvironmentExecutor<LocalExecutor>),
    /// On a cluster.
    #[cfg(feature = "remote")]
    Cluster(Box<RemoteExecutor>),
    /// As jobs of Slurm.
    Slurm(Box<SlurmExecutor>),
}

/// The workbench. Fields are dropped in this order: the folder goes last.
pub(crate) struct Workspace {
    pub(crate) shadow: Shadow,
    place: TrialPlace,
    run: RunFolder,
    _swept: Sweep,
}

impl Workspace {
    /// A bench under the cache folder; what dead runs left there is removed meanwhile.
    pub(crate) fn new(
        cache: &Path,
        repository: &Repository,
        jobs: usize,
        python: Option<&Interpreter>,
        environments: Option<Environments>,
        sandbox: Option<Sandbox>,
        (links, runs_filters): (Vec<Link>, bool),
    ) -> Result<Self, Error> {
        let parts = Parts::new(cache, repository, sandbox.as_ref(), links, runs_filters)?;
        let Parts { shadow, run, swept } = parts;
        let executor = LocalExecutor::new(&run, &shadow, jobs, sandbox).map_err(Error::internal)?;
        if let Some(python) = python {
            executor.seed(python.sys_path.clone());
        }
        let place = match environments {
            Some(environments) => {
                let objects = shadow.repository().reopen()?;
                TrialPlace::Environments(EnvironmentExecutor::new(executor, environments, objects))
            }
            None => TrialPlace::Here(executor),
        };
        Ok(Self { shadow, place, run, _swept: swept })
    }

    /// A bench whose trials run on a cluster, once that is reached.
    pub(crate) fn on_cluster(
        cache: &Path,
        repository: &Repository,
        runs_filters: bool,
        reach: impl FnOnce(&Shadow) -> Result<TrialPlace, Error>,
    ) -> Result<Self, Error> {
        let Parts { shadow, run, swept } = Parts::new(cache, repository, None, Vec::new(), runs_filters)?;
        let place = reach(&shadow)?;
        Ok(Self { shadow, place, run, _swept: swept })
    }

    /// Where trials run.
    pub(crate) fn executor(&self) -> &dyn Executor {
        match &self.place {
            TrialPlace::Here(executor) => executor,
            TrialPlace::Environments(executor) => executor,
            #[cfg(feature = "remote")]
            TrialPlace::Cluster(executor) => executor.as_ref(),
            TrialPlace::Slurm(executor) => executor.as_ref(),
        }
    }

    /// The cluster, where trials run on one.
    #[cfg(feature = "remote")]
    pub(crate) fn cluster(&self) -> Option<&RemoteExecutor> {
        match &self.place {
            TrialPlace::Cluster(executor) => Some(executor.as_ref()),
            _ => None,
        }
    }

    /// The packages that versions run with, where each has an environment of its own.
    pub(crate) fn packages(&self) -> Option<&dyn PackageSource> {
        match &self.place {
            TrialPlace::Here(_) | TrialPlace::Slurm(_) => None,
            #[cfg(feature = "remote")]
            TrialPlace::Cluster(_) => None,
            TrialPlace::Environments(executor) => Some(executor),
        }
    }

    /// The folder of this run; it goes when the bench does.
    pub(crate) fn folder(&self) -> &Path {
        self.run.path()
    }
}

/// What a bench is made of, wherever trials run.
struct Parts {
    shadow: Shadow,
    run: RunFolder,
    swept: Sweep,
}

impl Parts {
    fn new(
        cache: &Path,
        repository: &Repository,
        sandbox: Option<&Sandbox>,
        links: Vec<Link>,
        runs_filters: bool,
    ) -> Result<Self, Error> {
        let no_folder = |error| {
            Error::internal(
                anyhow::Error::new(error).context(format!("failed to prepare {}", cache.display())),
            )
            .hinted("another place for it: set PYBISECT_CACHE_DIR to a folder that can be written")
        };
        let swept = sweep(cache).map_err(no_folder)?;
        // Behind a fence, memory is where all can write; where nothing keeps files, the disk is no better.
        let is_fenced = sandbox.is_some_and(|sandbox| sandbox.keeps_files() && !sandbox.hides_all());
        let run = if is_fenced { RunFolder::create_on_disk(cache) } else { RunFolder::create(cache) };
        let run = run.map_err(no_folder)?;
        let shadow = Shadow::create(&run.path().join("shadow.git"), repository)?.with_links(links);
        let shadow = if runs_filters { shadow.with_filters(repository)? } else { shadow };
        Ok(Self { shadow, run, swept })
    }
}
