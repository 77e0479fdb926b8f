//! The workbench: a run's folder, the shadow repository in it, and the slots.

use std::path::Path;

use super::error::Error;
use crate::executor::local::{LocalExecutor, RunFolder, Sweep, sweep};
use crate::executor::{EnvironmentExecutor, Executor};
use crate::git::{Link, Repository, Shadow};
use crate::process::sandbox::Sandbox;
use crate::pyenv::{Environments, Interpreter};

/// Where trials run. Fields are dropped in this order: the folder goes last.
pub(crate) struct Workspace {
    pub(crate) shadow: Shadow,
    pub(crate) executor: Box<dyn Executor>,
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
        let no_folder = |error| {
            Error::internal(
                anyhow::Error::new(error).context(format!("failed to prepare {}", cache.display())),
            )
            .hinted("another place for it: set PYBISECT_CACHE_DIR to a folder that can be written")
        };
        let swept = sweep(cache).map_err(no_folder)?;
        // Behind a fence, memory is where all can write; where nothing keeps files, the disk is no better.
        let is_fenced = sandbox.as_ref().is_some_and(|sandbox| sandbox.keeps_files() && !sandbox.hides_all());
        let run = if is_fenced { RunFolder::create_on_disk(cache) } else { RunFolder::create(cache) };
        let run = run.map_err(no_folder)?;
        let shadow = Shadow::create(&run.path().join("shadow.git"), repository)?.with_links(links);
        let shadow = if runs_filters { shadow.with_filters(repository)? } else { shadow };
        let executor = LocalExecutor::new(&run, &shadow, jobs, sandbox).map_err(Error::internal)?;
        if let Some(python) = python {
            executor.seed(python.sys_path.clone());
        }
        let executor: Box<dyn Executor> = match environments {
            Some(environments) => {
                Box::new(EnvironmentExecutor::new(executor, environments, shadow.repository().reopen()?))
            }
            None => Box::new(executor),
        };
        Ok(Self { shadow, executor, run, _swept: swept })
    }

    /// The folder of this run; it goes when the bench does.
    pub(crate) fn folder(&self) -> &Path {
        self.run.path()
    }
}
