//! Trials on a cluster that fails: nothing is lost, and nothing is called bad that a machine did.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pybisect::executor::remote::{RemoteError, RemoteExecutor, RemoteSettings, Secret, TlsSettings};
use pybisect::executor::{Executor as _, ExecutorError, ExecutorErrorKind, run_with_retries};
use pybisect::git::{Repository, Shadow};
use pybisect::model::{
    CancelReason, CancelToken, CommitId, InputFile, Termination, Trial, TrialOutput, TrialSpec,
};

use crate::support::TestRepo;
use crate::support::fake_cluster::{FakeCluster, Faults};
use crate::support::trials;

fn settings(cluster: &FakeCluster) -> RemoteSettings {
    RemoteSettings {
        endpoint: cluster.endpoint(),
        instance: "main".to_owned(),
        properties: BTreeMap::new(),
        headers: BTreeMap::new(),
        tls: TlsSettings::default(),
        jobs: 4,
        timeout: Duration::from_secs(60),
        patience: Duration::from_secs(20),
        fresh: false,
    }
}

/// A repository, and a cluster that is spoken to.
struct Scene {
    repository: Repository,
    executor: RemoteExecutor,
    _folder: tempfile::TempDir,
}

fn environment() -> BTreeMap<OsString, OsString> {
    BTreeMap::from([("PATH".into(), std::env::var_os("PATH").unwrap())])
}

fn recipe(script: &str) -> TrialSpec {
    let environment = environment();
    TrialSpec { environment, keep: Vec::new(), timeout: None, ..trials::recipe(script) }
}

impl Scene {
    fn connected(repo: &Path, settings: RemoteSettings) -> Result<Self, RemoteError> {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::open(repo).unwrap();
        let shadow = Shadow::create(&folder.path().join("shadow"), &repository).unwrap();
        let objects = shadow.repository().reopen().unwrap();
        let checkout = Arc::clone(shadow.borrowed().checkout());
        let executor = RemoteExecutor::connect(settings, objects, checkout, None, &CancelToken::new())?;
        Ok(Self { repository, executor, _folder: folder })
    }

    fn new(repo: &Path, cluster: &FakeCluster) -> Self {
        Self::connected(repo, settings(cluster)).unwrap()
    }

    fn asked(&self, commit: CommitId, recipe: &TrialSpec) -> Trial {
        trials::trial(commit, self.repository.tree_of(commit).unwrap(), recipe)
    }

    fn run(&self, commit: CommitId, recipe: &TrialSpec) -> TrialOutput {
        run_with_retries(&self.executor, &self.asked(commit, recipe), &CancelToken::new()).unwrap()
    }
}

fn exited(output: &TrialOutput) -> i32 {
    match output.ending {
        Termination::Exited { code } => code,
        _ => panic!("{output:?}"),
    }
}

#[test]
fn a_tree_is_there_as_git_has_it_and_is_sent_once() {
    let (cluster, mut repo) = (FakeCluster::new(Faults::default()), TestRepo::new());
    repo.write("pkg/mod.py", "x = 1\n").write("data/é.txt", "é");
    repo.write(".gitattributes", "*.txt text eol=crlf\n").write("txt/a.txt", "one\n");
    repo.write_as(b"run.sh", b"#!/bin/sh\necho ran\n", 0o100_755).write_as(b"link", b"pkg/mod.py", 0o120_000);
    let large = "0123456789abcdef".repeat(400_000);
    repo.write("large.bin", &large);
    let first = repo.commit("first");
    repo.write("pkg/mod.py", "x = 2\n");
    let second = repo.commit("second");
    let scene = Scene::new(repo.path(), &cluster);
    let recipe =
        recipe("./run.sh; cat link data/é.txt; od -c txt/a.txt | head -1; wc -c < large.bin; ls -a; exit 3");
    let output = scene.run(first, &recipe);
    assert_eq!(exited(&output), 3);
    let text = output.stdout.text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.starts_with(r"ran x = 1 é0000000 o n e \r \n 6400000 . .. "), "{text}");
    assert!(!text.contains("crlf") && text.contains("run.sh"));
    assert!(cluster.largest_batch() < 4 << 20, "{}", cluster.largest_batch());
    let sent = scene.executor.counts().sent;
    let hashed = scene.executor.hashed();
    assert!(scene.run(second, &recipe).stdout.text.contains("x = 2"));
    let more = scene.executor.counts().sent;
    // A file, its folder, the top of the tree, the top of all, the action.
    assert_eq!(more.blobs - sent.blobs, 5);
    assert_eq!(scene.executor.hashed() - hashed, 1);
    assert_eq!(cluster.runs(), 2);
}

#[test]
fn trees_of_many_commits_are_asked_for_at_once() {
    let (cluster, mut repo) = (FakeCluster::new(Faults::default()), TestRepo::new());
    for at in 0..30 {
        repo.write(&format!("pkg{at}/mod.py"), format!("x = {at}\n"));
    }
    let trees: Vec<CommitId> = (0..20).map(|at| repo.write("n.py", format!("{at}\n")).commit("n")).collect();
    let scene = Scene::new(repo.path(), &cluster);
    let trees: Vec<_> = trees.iter().map(|&commit| scene.repository.tree_of(commit).unwrap()).collect();
    scene.executor.send(&trees, &CancelToken::new()).unwrap();
    assert_eq!(cluster.questions(), 1);
    // 31 files and 30 folders of the first; of each other its file and its top.
    assert_eq!(scene.executor.counts().sent.blobs, 31 + 30 + 1 + 2 * 19);
    scene.executor.send(&trees, &CancelToken::new()).unwrap();
    assert_eq!(cluster.questions(), 1, "what is there is not asked for again");
}

#[test]
fn what_somebody_ran_is_not_run_again_but_repeats_are() {
    let (cluster, mut repo) = (FakeCluster::new(Faults::default()), TestRepo::new());
    let commit = repo.write("a.py", "x = 1\n").commit("a");
    let recipe = recipe("echo out; echo err >&2; exit 5");
    let first = Scene::new(repo.path(), &cluster).run(commit, &recipe);
    let scene = Scene::new(repo.path(), &cluster);
    let again = scene.run(commit, &recipe);
    assert_eq!((exited(&again), &again.stdout, &again.stderr), (5, &first.stdout, &first.stderr));
    assert_eq!((cluster.runs(), scene.executor.counts().known), (1, 1));
    assert_eq!(scene.executor.counts().sent.questions, 0, "nothing is sent for what is known");
    let repeat = Trial { repeat: 1, ..scene.asked(commit, &recipe) };
    assert_eq!(exited(&scene.executor.run(&repeat, &CancelToken::new()).unwrap()), 5);
    assert_eq!(cluster.runs(), 2);
    let fresh = RemoteSettings { fresh: true, ..settings(&cluster) };
    Scene::connected(repo.path(), fresh).unwrap().run(commit, &recipe);
    assert_eq!(cluster.runs(), 3);
}

#[test]
fn inputs_reach_the_trial_and_what_it_writes_comes_back() {
    let (cluster, mut repo) = (FakeCluster::new(Faults::default()), TestRepo::new());
    let commit = repo.write("a.py", "x = 1\n").commit("a");
    let scene = Scene::new(repo.path(), &cluster);
    let mut recipe = recipe("cat \"$IN/shim/x\"; echo told > \"$IN/out/1\"; cat ~/.config/y");
    recipe.inputs = vec![InputFile { path: "shim/x".into(), content: b"given ".to_vec() }];
    recipe.input_paths.insert("IN".to_owned(), "".into());
    recipe.outputs.push("out".into());
    let home = pybisect::model::trial::HomeFile { path: ".config/y".to_owned(), content: b"home".to_vec() };
    recipe.home.push(home);
    let output = scene.run(commit, &recipe);
    assert_eq!((exited(&output), output.stdout.text.as_str()), (0, "given home"));
    let files: Vec<(&Path, &[u8])> =
        output.files.iter().map(|file| (file.path.as_path(), file.content.as_slice())).collect();
    assert_eq!(files, [(Path::new("out/1"), &b"told\n"[..])]);
}

#[test]
fn a_stream_that_breaks_and_a_content_that_is_lost_change_nothing() {
    let mut repo = TestRepo::new();
    let commit = repo.write("a.py", "x = 1\n").commit("a");
    for faults in [
        Faults { broken_streams: 3, ..Faults::default() },
        Faults { evictions: 2, ..Faults::default() },
        Faults { busy_every: 3, ..Faults::default() },
        Faults { broken_streams: 1, evictions: 1, busy_every: 4, ..Faults::default() },
    ] {
        let cluster = FakeCluster::new(faults.clone());
        let scene = Scene::new(repo.path(), &cluster);
        let trial = scene.asked(commit, &recipe("cat a.py; exit 4"));
        let output = scene.executor.run(&trial, &CancelToken::new()).unwrap();
        assert_eq!((exited(&output), output.stdout.text.as_str()), (4, "x = 1\n"), "{faults:?}");
        assert_eq!(cluster.runs(), 1, "{faults:?}: it runs once");
    }
}

#[test]
fn what_a_worker_did_is_neither_good_nor_bad_also_when_it_is_remembered() {
    let mut repo = TestRepo::new();
    let commit = repo.write("a.py", "x = 1\n").commit("a");
    // It looks like a command that ended with status 1, and is kept as that.
    let cluster = FakeCluster::new(Faults { false_ends: 1, ..Faults::default() });
    let scene = Scene::new(repo.path(), &cluster);
    let trial = scene.asked(commit, &recipe("exit 0"));
    let error = scene.executor.run(&trial, &CancelToken::new()).unwrap_err();
    assert_eq!(error.kind(), ExecutorErrorKind::Retryable);
    assert!(error.in_words().contains("did not come to the command"), "{error}");
    assert_eq!(exited(&scene.run(commit, &recipe("exit 0"))), 0, "what is remembered is not believed");
    // Each time: then it is skipped.
    for faults in [
        Faults { all_fail: true, ..Faults::default() },
        Faults { deadlines: 9, ..Faults::default() },
        Faults { evictions: 99, ..Faults::default() },
    ] {
        cluster.fail(faults.clone());
        let output = scene.run(commit, &recipe("exit 7"));
        assert!(matches!(output.ending, Termination::MachineFailed { .. }), "{faults:?}: {output:?}");
    }
}

#[test]
fn what_a_command_does_to_itself_is_its_own_doing() {
    let (cluster, mut repo) = (FakeCluster::new(Faults::default()), TestRepo::new());
    let commit = repo.write("a.py", "x = 1\n").commit("a");
    let scene = Scene::new(repo.path(), &cluster);
    let ending = |recipe: &TrialSpec| scene.run(commit, recipe).ending;
    assert_eq!(ending(&recipe("no-such-program")), Termination::Exited { code: 127 });
    trials::assert_own_doing_is_told(ending);
}

#[test]
fn a_trial_that_nobody_waits_for_is_cancelled_on_the_cluster() {
    let (cluster, mut repo) =
        (FakeCluster::new(Faults { hangs: true, ..Faults::default() }), TestRepo::new());
    let commit = repo.write("a.py", "x = 1\n").commit("a");
    let scene = Scene::new(repo.path(), &cluster);
    let trial = scene.asked(commit, &recipe("exit 0"));
    // What is not needed any more before the cluster gave it a name cannot be ended there.
    for tries in 1..=50 {
        let cancel = CancelToken::new();
        let ending = std::thread::scope(|scope| {
            let running = scope.spawn(|| scene.executor.run(&trial, &cancel).unwrap().ending);
            while cluster.operations() < tries {
                std::thread::yield_now();
            }
            cancel.cancel(CancelReason::Irrelevant);
            running.join().unwrap()
        });
        assert_eq!(ending, Termination::Cancelled);
        if cluster.cancelled() > 0 {
            return;
        }
    }
    panic!("the cluster was never told");
}

#[test]
fn workers_are_tried_out_before_they_are_believed() {
    let repo = TestRepo::with_versions(&["x = 1\n"]).0;
    let cluster = FakeCluster::new(Faults::default());
    let scene = Scene::new(repo.path(), &cluster);
    let cancel = CancelToken::new();
    let facts = scene.executor.probe(&environment(), Some("python3"), &cancel).unwrap();
    assert!(facts.python.unwrap().starts_with("3."));
    // Programs that a worker has, without Python among them.
    let bare = tempfile::tempdir().unwrap();
    for program in ["sh", "mkdir", "cat", "cp", "uname"] {
        let found = which::which(program).unwrap();
        std::os::unix::fs::symlink(found, bare.path().join(program)).unwrap();
    }
    let path = BTreeMap::from([("PATH".into(), bare.path().as_os_str().to_owned())]);
    let error = scene.executor.probe(&path, Some("python3"), &cancel).unwrap_err();
    assert!(matches!(&error, RemoteError::NoProgram { program, .. } if program == "python3"), "{error}");
    cluster.fail(Faults { all_fail: true, ..Faults::default() });
    let error = scene.executor.probe(&environment(), None, &cancel).unwrap_err();
    assert!(matches!(error, RemoteError::BadWorker { .. }), "{error}");
}

#[test]
fn only_who_says_the_word_is_let_in_and_the_word_is_told_nowhere() {
    let word = "Bearer swordfish";
    let cluster = FakeCluster::new(Faults { token: Some(word.to_owned()), ..Faults::default() });
    let repo = TestRepo::with_versions(&["x = 1\n"]).0;
    let with = |word: &str| {
        let headers = BTreeMap::from([("Authorization".to_owned(), Secret::new(word.to_owned()))]);
        RemoteSettings { headers, ..settings(&cluster) }
    };
    assert!(!format!("{:?}", with(word)).contains("swordfish"));
    let scene = Scene::connected(repo.path(), with(word)).unwrap();
    scene.executor.probe(&environment(), None, &CancelToken::new()).unwrap();
    for wrong in [with("Bearer guess-word"), settings(&cluster)] {
        let Err(error) = Scene::connected(repo.path(), wrong) else { panic!("let in") };
        assert!(matches!(error, RemoteError::Denied { .. }), "{error}");
        assert!(!error.to_string().contains("guess-word"), "{error}");
    }
    // Who is let in no more ends the session: no trial can run.
    cluster.fail(Faults { token: Some("Bearer another".to_owned()), ..Faults::default() });
    let commit = repo.last();
    let trial = scene.asked(commit, &recipe("exit 0"));
    let error = run_with_retries(&scene.executor, &trial, &CancelToken::new()).unwrap_err();
    assert!(matches!(&error, ExecutorError::Remote { kind: ExecutorErrorKind::Fatal, .. }), "{error:?}");
}

#[test]
fn a_server_that_is_not_there_or_shows_another_certificate_is_told_of() {
    let repo = TestRepo::with_versions(&["x = 1\n"]).0;
    let cluster = FakeCluster::new(Faults::default());
    let gone = RemoteSettings {
        endpoint: "grpc://127.0.0.1:1".to_owned(),
        patience: Duration::from_millis(1),
        ..settings(&cluster)
    };
    let Err(error) = Scene::connected(repo.path(), gone) else { panic!("reached") };
    assert!(matches!(error, RemoteError::NoAnswer { .. }), "{error}");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let identity = tonic::transport::Identity::from_pem(made.cert.pem(), made.signing_key.serialize_pem());
    let cluster = FakeCluster::with_tls(Faults::default(), identity);
    let trusting = |pem: String| RemoteSettings {
        endpoint: format!("grpcs://localhost:{}", cluster.address.port()),
        tls: TlsSettings { authorities: Some(pem.into_bytes()), identity: None },
        patience: Duration::from_secs(2),
        ..settings(&cluster)
    };
    Scene::connected(repo.path(), trusting(made.cert.pem())).unwrap();
    let Err(error) = Scene::connected(repo.path(), trusting(other.cert.pem())) else { panic!("reached") };
    assert!(matches!(error, RemoteError::Certificate { .. }), "{error}");
}
