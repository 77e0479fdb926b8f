//! What trials on a cluster cost beside the same on this machine: sending trees, running them, having them answered.
//!
//!     cargo run --release --features internals,remote --example cluster_trials -- grpc://localhost:8980 REPOSITORY [COMMITS]

#![expect(clippy::print_stdout, reason = "it is a program for the terminal")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use pybisect::executor::Executor;
use pybisect::executor::local::{LocalExecutor, RunFolder};
use pybisect::executor::remote::{RemoteExecutor, RemoteSettings, TlsSettings};
use pybisect::git::{Repository, Shadow};
use pybisect::model::{
    CancelToken, CommitId, Termination, TreeId, Trial, TrialActivity, TrialId, TrialKind, TrialSpec,
};
use pybisect::store::DigestCache;

const JOBS: usize = 2;

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, repository, rest @ ..] = words.as_slice() else {
        anyhow::bail!("ENDPOINT REPOSITORY [COMMITS]")
    };
    let most: usize = rest.first().map_or(Ok(50), |word| word.parse())?;
    let user = Repository::open(Path::new(repository))?;
    let head = user.resolve("HEAD")?.id;
    let commits = user.first_parent_chain(head, most)?;
    let trees = commits.iter().map(|&id| Ok((id, user.tree_of(id)?)));
    let trees = trees.collect::<anyhow::Result<Vec<(CommitId, TreeId)>>>()?;
    let cache = tempfile::tempdir()?;
    let run = RunFolder::create(cache.path())?;
    let shadow = Shadow::create(&run.path().join("shadow.git"), &user)?;
    let recipe = TrialSpec {
        command: ["sh", "-c", "exit 0"].map(Into::into).to_vec(),
        environment: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
        timeout: Some(Duration::from_secs(60)),
        ..TrialSpec::default()
    };

    let first = reach(endpoint, &shadow, cache.path())?;
    timed("one tree is made and sent", || first.send(&[trees[0].1], &CancelToken::new()))?;
    println!("    {:?}, {} blobs hashed", first.counts().sent, first.hashed());
    let all: Vec<TreeId> = trees.iter().map(|(_, tree)| *tree).collect();
    timed(&format!("all {} are", all.len()), || first.send(&all, &CancelToken::new()))?;
    println!("    {:?}, {} blobs hashed", first.counts().sent, first.hashed());
    trials("trials on the cluster", &first, &trees, &recipe)?;
    println!("    {:?}", first.counts());

    let second = reach(endpoint, &shadow, cache.path())?;
    trials("the same for a second client", &second, &trees, &recipe)?;
    println!("    {:?}, {} blobs hashed", second.counts(), second.hashed());

    let local = LocalExecutor::new(&run, &shadow, JOBS, None)?;
    trials("the same on this machine", &local, &trees, &recipe)?;
    Ok(())
}

fn reach(endpoint: &str, shadow: &Shadow, cache: &Path) -> anyhow::Result<RemoteExecutor> {
    let settings = RemoteSettings {
        endpoint: endpoint.to_owned(),
        instance: String::new(),
        properties: BTreeMap::new(),
        headers: BTreeMap::new(),
        tls: TlsSettings::default(),
        jobs: JOBS,
        timeout: Duration::from_secs(60),
        patience: Duration::from_secs(10),
        fresh: false,
    };
    let checkout = Arc::clone(shadow.borrowed().checkout());
    let cancel = CancelToken::new();
    let objects = shadow.repository().reopen()?;
    let began = Instant::now();
    let cluster =
        RemoteExecutor::connect(settings, objects, checkout, Some(DigestCache::open(cache)?), &cancel)?;
    let variables = BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]);
    let worker = cluster.probe(&variables, Some("python3"), &cancel)?;
    println!("{:8.1} ms  reached and tried out: {worker:?}", milliseconds(began));
    Ok(cluster)
}

fn timed<E: std::error::Error + Send + Sync + 'static>(
    what: &str,
    work: impl FnOnce() -> Result<(), E>,
) -> anyhow::Result<()> {
    let began = Instant::now();
    work()?;
    println!("{:8.1} ms  {what}", milliseconds(began));
    Ok(())
}

/// Run a trial of each, as many at the same time as there may be.
fn trials(
    what: &str,
    executor: &dyn Executor,
    versions: &[(CommitId, TreeId)],
    recipe: &TrialSpec,
) -> anyhow::Result<()> {
    let (next, recipe) = (AtomicUsize::new(0), Arc::new(recipe.clone()));
    let began = Instant::now();
    let run = || -> anyhow::Result<()> {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(&(commit, tree)) = versions.get(at) else { return Ok(()) };
            let (id, purpose) = (TrialId(u64::try_from(at)?), TrialKind::Search);
            let recipe = Arc::clone(&recipe);
            let activity = TrialActivity::default();
            let environment = None;
            let trial =
                Trial { id, commit, tree, purpose, recipe, environment, repeat: 0, attempt: 0, activity };
            let output = executor.run(&trial, &CancelToken::new())?;
            anyhow::ensure!(output.ending == Termination::Exited { code: 0 }, "{output:?}");
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..JOBS).map(|_| scope.spawn(run)).collect();
        let ends = threads.into_iter().map(|thread| thread.join().ok().context("a panic")?);
        ends.collect::<anyhow::Result<()>>()
    })?;
    let each = milliseconds(began) / f64::from(u32::try_from(versions.len())?);
    println!("{:8.1} ms  {what}: {each:.1} ms each, {JOBS} at a time", milliseconds(began));
    Ok(())
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
