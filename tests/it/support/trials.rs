//! A local executor over a built repository, and trials for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pybisect::executor::Executor as _;
use pybisect::executor::local::{LocalExecutor, RunFolder};
use pybisect::git::{Repository, Shadow};
use pybisect::model::{
    CancelToken, CommitId, PackageSelection, Termination, TreeId, Trial, TrialActivity, TrialId, TrialKind,
    TrialOutput, TrialSpec,
};
use pybisect::process::sandbox::Sandbox;
use tempfile::TempDir;

use super::repo_builder::hermetic_environment;

/// Everything that trials need, in a temporary cache folder.
pub(crate) struct Bench {
    pub(crate) executor: LocalExecutor,
    pub(crate) user: Repository,
    pub(crate) shadow: Shadow,
    pub(crate) run: RunFolder,
    _cache: TempDir,
}

impl Bench {
    pub(crate) fn new(repository: &Path, jobs: usize) -> Self {
        Self::with_sandbox(repository, jobs, None)
    }

    pub(crate) fn with_sandbox(repository: &Path, jobs: usize, sandbox: Option<Sandbox>) -> Self {
        let cache = tempfile::tempdir().unwrap();
        let run = RunFolder::create(cache.path()).unwrap();
        let user = Repository::open(repository).unwrap();
        let shadow = Shadow::create(&run.path().join("shadow"), &user).unwrap();
        let executor = LocalExecutor::new(&run, &shadow, jobs, sandbox).unwrap();
        Self { executor, user, shadow, run, _cache: cache }
    }

    /// Run a shell script on a commit.
    pub(crate) fn shell(&self, commit: CommitId, script: &str) -> TrialOutput {
        self.trial(commit, &recipe(script))
    }

    pub(crate) fn trial(&self, commit: CommitId, recipe: &TrialSpec) -> TrialOutput {
        self.trial_of_tree(commit, self.user.tree_of(commit).unwrap(), recipe)
    }

    pub(crate) fn trial_of_tree(&self, commit: CommitId, tree: TreeId, recipe: &TrialSpec) -> TrialOutput {
        self.executor.run(&trial(commit, tree, recipe), &CancelToken::new()).unwrap()
    }

    /// The work tree of a slot.
    pub(crate) fn tree(&self, slot: usize) -> PathBuf {
        self.run.path().join("slots").join(slot.to_string()).join("tree")
    }
}

pub(crate) fn trial(commit: CommitId, tree: TreeId, recipe: &TrialSpec) -> Trial {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = TrialId(NEXT.fetch_add(1, Ordering::Relaxed));
    let (purpose, recipe) = (TrialKind::Search, Arc::new(recipe.clone()));
    let (environment, activity) = (None, TrialActivity::default());
    Trial { id, commit, tree, purpose, recipe, environment, repeat: 0, attempt: 0, activity }
}

/// A shell script in the hermetic environment, a minute at most.
pub(crate) fn recipe(script: &str) -> TrialSpec {
    TrialSpec {
        hash_seed: None,
        command: vec!["sh".into(), "-c".into(), script.into()],
        subdir: PathBuf::new(),
        setup: None,
        timeout: Some(Duration::from_secs(60)),
        keep: Vec::new(),
        environment: hermetic_environment()
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        tree_paths: BTreeMap::new(),
        packages: PackageSelection::Own,
        visible: Vec::new(),
        writable: Vec::new(),
        home: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        input_paths: BTreeMap::new(),
    }
}

/// What a command does to itself is told as its own doing, wherever its trials run.
pub(crate) fn assert_own_doing_is_told(ending: impl Fn(&TrialSpec) -> Termination) {
    assert_eq!(ending(&recipe("kill -SEGV $$")), Termination::Signalled { signal: 11 });
    let failing = TrialSpec { setup: Some("exit 9".to_owned()), ..recipe("exit 0") };
    assert_eq!(ending(&failing), Termination::SetupFailed { reason: "exit status 9".to_owned() });
    let nowhere = TrialSpec { subdir: "no/such".into(), ..recipe("exit 0") };
    assert!(matches!(ending(&nowhere), Termination::NotStarted { .. }));
    // It ends the script that would write its end down, as a machine does that runs out of memory.
    assert!(matches!(ending(&recipe("kill -KILL $PPID; exit 1")), Termination::MachineFailed { .. }));
}
