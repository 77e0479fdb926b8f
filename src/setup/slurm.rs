//! Slurm as the place where trials run: what is asked of it, and trying its nodes out.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::cluster::{Cluster, ClusterRequest, ClusterSession, PATIENCE, in_home};
use super::error::Error;
use super::workspace::TrialPlace;
use crate::executor::WorkerFacts;
use crate::executor::slurm::{SlurmError, SlurmExecutor, SlurmSettings};
use crate::model::{CancelToken, TrialSpec};
use crate::process::program;
use crate::session::SignalListener;

/// How long it may take until what a node wrote is seen here: file systems that are shared remember what was there.
const SETTLING: Duration = Duration::from_secs(30);

/// Find it and have a node try out what trials need.
pub(super) fn connect(request: &ClusterRequest, session: ClusterSession<'_>) -> Result<Cluster, Error> {
    let ClusterSession { repository, shadow, cache, recipe } = session;
    let settings = settings(request, cache)?;
    let objects = shadow.repository().reopen()?;
    let checkout = Arc::clone(shadow.borrowed().checkout());
    // Jobs do not end with this program.
    let cancel = CancelToken::new();
    let listener = SignalListener::new(&cancel).map_err(Error::internal)?;
    let find = |name: &str| program(name, &|program| repository.brings(program));
    let executor = SlurmExecutor::new(settings, objects, checkout, &find).map_err(refused)?;
    let worker = executor.probe(&recipe.environment, session.program(), &cancel).map_err(refused)?;
    drop(listener);
    let (key, mut facts) = (key(request, recipe, &worker), request.facts(&worker));
    facts.extend(request.executor.partition.iter().map(|name| ("partition".to_owned(), name.clone())));
    Ok(Cluster { place: TrialPlace::Slurm(Box::new(executor)), facts, key })
}

fn settings(request: &ClusterRequest, cache: &Path) -> Result<SlurmSettings, Error> {
    let executor = &request.executor;
    let shared = match &executor.shared {
        Some(folder) => in_home(folder),
        // Homes are where clusters see the same files, most often.
        None => cache.join("slurm"),
    };
    if !shared.is_absolute() {
        return Err(Error::usage(format!("executor.shared: {} is not absolute", shared.display()))
            .hinted("name it as the nodes see it: shared = \"/shared/pybisect\""));
    }
    let choices = [
        ("partition", &executor.partition),
        ("account", &executor.account),
        ("qos", &executor.qos),
        ("constraint", &executor.constraint),
    ];
    let choices = choices.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
    Ok(SlurmSettings {
        shared,
        choices: choices.collect(),
        arguments: executor.sbatch.clone(),
        jobs: request.jobs,
        timeout: request.timeout,
        patience: PATIENCE,
        settling: SETTLING,
    })
}

fn key(request: &ClusterRequest, recipe: &TrialSpec, worker: &WorkerFacts) -> String {
    let executor = &request.executor;
    let nodes = (&executor.partition, &executor.constraint, &executor.qos, &executor.sbatch);
    let TrialSpec { environment, tree_paths, .. } = recipe;
    format!("slurm/1 {nodes:?} {worker:?} {environment:?} {tree_paths:?}")
}

/// What can be done about it.
fn refused(error: SlurmError) -> Error {
    const OTHER_FOLDER: &str = "name a folder that the nodes see under the same name: \
                                [tool.pybisect.executor] shared = \"/shared/pybisect\"";
    let hint = match &error {
        SlurmError::NoCommand { .. } => "run it where jobs are submitted, or trials here: --executor local",
        SlurmError::Settings(_) => {
            "like this: [tool.pybisect.executor] partition = \"short\", sbatch = [\"--mem=4G\"]"
        }
        SlurmError::Shared { .. } | SlurmError::NotSeen { .. } => OTHER_FOLDER,
        SlurmError::NotOwn { .. } => "take it away, or name another one with executor.shared",
        SlurmError::NoAnswer(_) => "see what is wrong: scontrol ping; --executor local runs trials here",
        SlurmError::Refused(_) => {
            "executor.partition, account, qos, constraint and sbatch say which nodes are meant, and --timeout how long a \
             trial may take (a job asks for ten minutes more); see: sinfo"
        }
        SlurmError::BadNode(_) => {
            "nothing that they say of your tests would mean anything: choose others with executor.partition or constraint"
        }
        SlurmError::NoProgram { .. } => {
            "name a program that they have, or the folder that it is in with executor.environment.PATH"
        }
        _ => return Error::interrupted(error),
    };
    Error::usage_of(error).hinted(hint)
}
