//! A bench whose trials run on a cluster: what of the user's words holds there.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::cluster::{self, ClusterRequest, ClusterSession};
use super::error::Error;
use super::location::Location;
use super::python_path::own_paths;
use super::request::Request;
use super::resolved_options::ResolvedOptions;
use super::slurm;
use super::venvs::outer_path;
use super::workspace::Workspace;
use crate::git::Repository;
use crate::model::TrialSpec;
use crate::model::trial::HomeFile;

/// Where trials run, and what is known of that.
pub(super) struct ClusterPlace {
    pub(super) bench: Workspace,
    pub(super) facts: Vec<(String, String)>,
    pub(super) key: String,
}

/// A recipe in which nothing of this machine is left.
pub(super) fn cluster_recipe(
    merged: &ResolvedOptions,
    standing: &Location,
    home: &[HomeFile],
    cluster: &ClusterRequest,
    passed: &[String],
) -> Result<TrialSpec, Error> {
    if let Some(top) = &standing.top {
        let words = merged.command.iter().map(|word| word.to_string_lossy());
        let words =
            words.chain(merged.setup.iter().flat_map(|script| script.split_whitespace().map(Into::into)));
        for word in words {
            if outer_path(&word, &standing.folder, top).is_some() {
                let text = format!("'{word}' lies on this machine, and trials run on {}", cluster.endpoint);
                return Err(Error::usage(text).hinted(format!(
                    "lay it over each tree: --with-file {word}:NAME, and name NAME in the command"
                )));
            }
        }
    }
    let name = OsStr::new("PYTHONPATH");
    let mut environment = cluster.variables(passed);
    if let Some(own) = std::env::var_os(name).filter(|_| !environment.contains_key(name)) {
        environment.insert(name.to_owned(), own);
    }
    let mut recipe = TrialSpec {
        command: merged.command.clone(),
        subdir: standing.subdir.clone(),
        setup: merged.setup.clone(),
        timeout: Some(cluster.timeout),
        home: home.to_vec(),
        hash_seed: Some(TrialSpec::FIRST_HASH_SEED),
        ..TrialSpec::default()
    };
    if let Some(top) = &standing.top {
        let own = own_paths(&mut environment, standing, top, None);
        // What does not lead into the tree leads nowhere there.
        let own: Vec<PathBuf> = own.into_iter().filter(|path| path.is_relative()).collect();
        if !own.is_empty() {
            recipe.tree_paths.insert("PYTHONPATH".to_owned(), own);
        }
    }
    let is_configured = cluster.executor.environment.contains_key("PYTHONPATH");
    if let Some(left) = environment.get(name).filter(|_| !is_configured) {
        let relative = std::env::split_paths(left).filter(|path| path.is_relative());
        let relative: Vec<PathBuf> = relative.map(|path| standing.subdir.join(path)).collect();
        environment.remove(name);
        if !relative.is_empty() {
            recipe.tree_paths.insert("PYTHONPATH".to_owned(), relative);
        }
    }
    recipe.environment = environment;
    Ok(recipe)
}

/// Environments are made on this machine, and workers have their own.
pub(super) fn refuse_own_environment(request: &Request) -> Result<(), Error> {
    if let Some(option) = request.environment.asked_by() {
        return Err(Error::usage(format!(
            "{option} makes environments on this machine, and trials run on a cluster"
        ))
        .hinted(
            "have the workers bring the packages: an image by executor.properties.container-image, an environment on a \
             shared file system by executor.environment.PATH, or --setup 'pip install …'",
        ));
    }
    if !request.keep.is_empty() {
        return Err(Error::usage("--keep keeps files between trials, which a cluster does not")
            .hinted("leave it out: each trial there begins in a tree of its own"));
    }
    Ok(())
}

/// Reach the cluster and see whether its workers do what they are told.
pub(super) fn on_cluster(
    request: &ClusterRequest,
    (cache, repository, runs_filters): (&Path, &Repository, bool),
    recipe: &TrialSpec,
) -> Result<ClusterPlace, Error> {
    let (mut facts, mut key) = (Vec::new(), String::new());
    let bench = Workspace::on_cluster(cache, repository, runs_filters, |shadow| {
        let session = ClusterSession { repository, shadow, cache, recipe };
        let connect = if request.is_slurm() { slurm::connect } else { cluster::connect };
        let reached = connect(request, session)?;
        (facts, key) = (reached.facts, reached.key);
        Ok(reached.place)
    })?;
    Ok(ClusterPlace { bench, facts, key })
}
