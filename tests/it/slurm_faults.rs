//! Trials on a Slurm that fails: nothing is lost, nothing is called bad that a node did, and nothing is left.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pybisect::executor::slurm::{SlurmError, SlurmExecutor, SlurmSettings};
use pybisect::executor::{Executor as _, ExecutorError, ExecutorErrorKind, run_with_retries};
use pybisect::git::{Repository, Shadow};
use pybisect::model::trial::HomeFile;
use pybisect::model::{
    CancelReason, CancelToken, CommitId, InputFile, Termination, Trial, TrialOutput, TrialSpec,
};
use serde_json::json;

use crate::support::TestRepo;
use crate::support::fake_slurm::FakeSlurm;
use crate::support::trials;

fn settings(slurm: &FakeSlurm) -> SlurmSettings {
    SlurmSettings {
        shared: slurm.shared(),
        choices: vec![("partition", "short".to_owned())],
        arguments: vec!["--mem=1G".to_owned()],
        jobs: 4,
        timeout: Duration::from_secs(60),
        patience: Duration::ZERO,
        settling: Duration::from_millis(100),
    }
}

fn environment() -> BTreeMap<OsString, OsString> {
    BTreeMap::from([("PATH".into(), std::env::var_os("PATH").unwrap())])
}

fn recipe(script: &str) -> TrialSpec {
    TrialSpec { environment: environment(), ..trials::recipe(script) }
}

/// A repository, and a Slurm that runs trials of it.
struct Scene {
    repository: Repository,
    executor: SlurmExecutor,
    _folder: tempfile::TempDir,
}

impl Scene {
    fn begun(repo: &Path, slurm: &FakeSlurm, settings: SlurmSettings) -> Result<Self, SlurmError> {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::open(repo).unwrap();
        let shadow = Shadow::create(&folder.path().join("shadow"), &repository).unwrap();
        let objects = shadow.repository().reopen().unwrap();
        let checkout = Arc::clone(shadow.borrowed().checkout());
        let find = |name: &str| {
            let path = slurm.path().join(name);
            path.exists().then_some(path).ok_or_else(|| std::io::ErrorKind::NotFound.into())
        };
        let executor = SlurmExecutor::new(settings, objects, checkout, &find)?;
        Ok(Self { repository, executor, _folder: folder })
    }

    fn new(repo: &Path, slurm: &FakeSlurm) -> Self {
        Self::begun(repo, slurm, settings(slurm)).unwrap()
    }

    fn asked(&self, commit: CommitId, recipe: &TrialSpec) -> Trial {
        trials::trial(commit, self.repository.tree_of(commit).unwrap(), recipe)
    }

    fn run_once(&self, commit: CommitId, recipe: &TrialSpec) -> Result<TrialOutput, ExecutorError> {
        self.executor.run(&self.asked(commit, recipe), &CancelToken::new())
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
fn trees_are_there_as_git_has_them_whatever_came_before() {
    let (slurm, mut repo) = (FakeSlurm::new(), TestRepo::new());
    let long = format!("{}{}.py", "deep/".repeat(30), "n".repeat(120));
    repo.write("pkg/mod.py", "x = 1\n")
        .write("data/é.txt", "é")
        .write("gone/a/b.py", "")
        .write("turns", "file");
    repo.write(".gitattributes", "*.txt text eol=crlf\n").write("txt/a.txt", "one\n").write(&long, "1");
    repo.write_as(b"run.sh", b"#!/bin/sh\necho ran\n", 0o100_755).write_as(b"link", b"pkg/mod.py", 0o120_000);
    repo.write_as(b"to-folder", b"gone", 0o120_000).write_as(b"not\xffutf8", b"raw", 0o100_644);
    let first = repo.commit("first");
    repo.write("pkg/mod.py", "x = 2\n").remove("gone/a/b.py").remove("turns").write("turns/into.py", "");
    repo.remove("to-folder").write("to-folder/x", "").write(".gitattributes", "*.txt text eol=lf\n");
    let second = repo.commit("second");
    let scene = Scene::new(repo.path(), &slurm);
    let see = "./run.sh; cat link; od -c txt/a.txt | head -1; find . ! -type d -printf '%P %y %l\\n' | LC_ALL=C sort";
    let words = |commit| {
        let text = scene.run(commit, &recipe(see)).stdout.text;
        text.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    let same = format!("data/é.txt f {long} f");
    // In full, then as a difference, then in full again.
    for _ in 0..2 {
        let text = words(first);
        assert!(text.starts_with(r"ran x = 1 0000000 o n e \r \n .gitattributes f"), "{text}");
        assert!(text.contains(&format!("{same} gone/a/b.py f")), "{text}");
        assert!(
            text.contains(
                " link l pkg/mod.py not\u{fffd}utf8 f pkg/mod.py f run.sh f to-folder l gone turns f"
            )
        );
        let text = words(second);
        assert!(text.starts_with(r"ran x = 2 0000000 o n e \n"), "{text}");
        assert!(text.contains(&format!("{same} link l")), "{text}");
        assert!(text.ends_with("run.sh f to-folder/x f turns/into.py f txt/a.txt f"), "{text}");
    }
    // An empty folder would be a package.
    assert_eq!(scene.run(second, &recipe("ls -d gone; exit 0")).stdout.text, "");
    let packed = walkdir::WalkDir::new(slurm.shared()).into_iter().map(Result::unwrap);
    let packed = packed.filter(|entry| entry.path().extension().is_some_and(|end| end == "gone")).count();
    assert_eq!(packed, 1, "each tree lies there once");
}

#[test]
fn inputs_reach_the_trial_and_what_it_writes_comes_back() {
    let (slurm, mut repo) = (FakeSlurm::new(), TestRepo::new());
    let commit = repo.write("a.py", "x = 1\n").commit("a");
    let scene = Scene::new(repo.path(), &slurm);
    let script = "cat \"$IN/shim/x\"; echo told > \"$IN/out/1\"; mkdir \"$IN/out/no\"; cat ~/.config/y; echo \" $IN\"; env >&2";
    let mut recipe = recipe(script);
    recipe.environment.insert("TOKEN".into(), "it's $SECRET".into());
    recipe.inputs = vec![InputFile { path: "shim/x".into(), content: b"given ".to_vec() }];
    recipe.input_paths.insert("IN".to_owned(), "".into());
    recipe.outputs.push("out".into());
    recipe.home.push(HomeFile { path: ".config/y".to_owned(), content: b"home".to_vec() });
    let output = scene.run(commit, &recipe);
    assert_eq!((exited(&output), output.stdout.text.as_str()), (0, "given home /i/\n"));
    let files: Vec<(&Path, &[u8])> =
        output.files.iter().map(|file| (file.path.as_path(), file.content.as_slice())).collect();
    assert_eq!(files, [(Path::new("out/1"), &b"told\n"[..])]);
    assert!(output.stderr.text.contains("TOKEN=it's $SECRET\n"), "{}", output.stderr.text);
    for other in ["SLURM", "SECRET_OF_THE_NODE", "HOME=/root"] {
        assert!(!output.stderr.text.contains(other), "{}", output.stderr.text);
    }
    // Nobody reads it in a list of processes.
    assert!(!slurm.calls().iter().flatten().any(|word| word.contains("SECRET")), "{:?}", slurm.calls());
    slurm.wait_until_tidy();
    let large = self::recipe("head -c 3000000 /dev/zero | tr '\\0' x; echo end");
    let output = scene.run(commit, &large);
    assert_eq!(output.stdout.bytes, 3_000_004);
    assert!(output.stdout.text.len() < 1_500_000 && output.stdout.text.ends_with("xend\n"), "its two ends");
}

#[test]
fn what_a_command_does_to_itself_is_its_own_doing() {
    let (slurm, mut repo) = (FakeSlurm::new(), TestRepo::new());
    let commit = repo.write("a.py", "x = 1\n").commit("a");
    let scene = Scene::new(repo.path(), &slurm);
    let ending = |recipe: &TrialSpec| scene.run(commit, recipe).ending;
    assert_eq!(ending(&recipe("exec no-such-program")), Termination::Exited { code: 127 });
    trials::assert_own_doing_is_told(ending);
}

#[test]
fn a_trial_that_takes_too_long_is_ended_with_all_that_it_began() {
    let (slurm, mut repo) = (FakeSlurm::new(), TestRepo::new());
    let commit = repo.write("a.py", "x = 1\n").commit("a");
    let scene = Scene::new(repo.path(), &slurm);
    let timeout = Some(Duration::from_secs(1));
    let hanging = TrialSpec { timeout, ..recipe("echo $$; sleep 1000 & echo $!; wait") };
    let output = scene.run(commit, &hanging);
    assert_eq!(output.ending, Termination::TimedOut { after_ms: 1000 });
    let pids: Vec<&str> = output.stdout.text.split_whitespace().collect();
    assert_eq!(pids.len(), 2, "{output:?}");
    for pid in pids {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(state.is_empty() || state.contains(") Z"), "it goes on: {state}");
    }
    let hanging = TrialSpec { timeout, setup: Some("sleep 1000".to_owned()), ..recipe("exit 0") };
    assert!(matches!(scene.run(commit, &hanging).ending, Termination::SetupFailed { .. }));
    slurm.wait_until_tidy();
}

#[test]
fn a_job_without_a_whole_result_runs_again_and_is_skipped_in_the_end() {
    let (slurm, mut repo) = (FakeSlurm::new(), TestRepo::new());
    let commit = repo.write("a.py", "x = 1\n").commit("a");
    let scene = Scene::new(repo.path(), &slurm);
    // What fails for ever would otherwise go on for ever.
    let sleeping = recipe("[ -e /nonexistent ] || sleep 1000");
    for fault in ["NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY"] {
        slurm.fail(json!({ fault: 1 }));
        let error = scene.run_once(commit, &sleeping).unwrap_err();
        assert_eq!(error.kind(), ExecutorErrorKind::Retryable);
        let told = error.in_words();
        assert!(told.contains(&format!("the job ended ({fault}), and there is no result")), "{told}");
        assert!(told.contains("slurmstepd: error:"), "{told}");
    }
    for fault in ["cut", "lost", "full", "unseen"] {
        slurm.fail(json!({ fault: 2 }));
        let before = slurm.calls_of("sbatch");
        let output = scene.run(commit, &recipe("cat a.py; exit 4"));
        assert_eq!((exited(&output), output.stdout.text.as_str()), (4, "x = 1\n"), "{fault}");
        assert_eq!(slurm.calls_of("sbatch") - before, 3, "{fault}");
        slurm.fail(json!({ fault: true }));
        let output = scene.run(commit, &recipe("cat a.py; exit 4"));
        let Termination::MachineFailed { reason } = &output.ending else { panic!("{fault}: {output:?}") };
        assert!(reason.contains("3 tries"), "{reason}");
    }
    // One that Slurm has forgotten has ended.
    slurm.fail(json!({ "lost": 1, "forgets": true }));
    let error = scene.run_once(commit, &recipe("exit 0")).unwrap_err();
    assert!(error.in_words().contains("no longer known to Slurm"), "{error}");
    assert_eq!(exited(&scene.run(commit, &recipe("exit 6"))), 6);
}

#[test]
fn what_is_cancelled_ends_there_also_before_it_began() {
    let (slurm, mut repo) = (FakeSlurm::new(), TestRepo::new());
    let commit = repo.write("a.py", "x = 1\n").commit("a");
    let scene = Scene::new(repo.path(), &slurm);
    let states = |wanted: &str| slurm.states().values().filter(|state| *state == wanted).count();
    let cancelled_when = |is_ready: &dyn Fn() -> bool| {
        let cancel = CancelToken::new();
        let trial = scene.asked(commit, &recipe("sleep 1000"));
        let output = std::thread::scope(|scope| {
            let running = scope.spawn(|| scene.executor.run(&trial, &cancel).unwrap());
            while !is_ready() {
                std::thread::yield_now();
            }
            cancel.cancel(CancelReason::Irrelevant);
            running.join().unwrap()
        });
        assert_eq!(output.ending, Termination::Cancelled);
    };
    cancelled_when(&|| states("RUNNING") == 1 && slurm.left_on_nodes() == 1);
    assert_eq!(states("CANCELLED"), 1);
    slurm.wait_until_tidy();
    slurm.fail(json!({ "pending": "Priority" }));
    cancelled_when(&|| states("PENDING") == 1);
    assert_eq!(states("CANCELLED"), 2);
    // Somebody else's scancel is no result.
    let ending = std::thread::scope(|scope| {
        let (trial, executor) = (scene.asked(commit, &recipe("exit 0")), &scene.executor);
        let running = scope.spawn(move || executor.run(&trial, &CancelToken::new()));
        while states("PENDING") == 0 {
            std::thread::yield_now();
        }
        let id = slurm.states().into_iter().find(|(_, state)| state == "PENDING").unwrap().0;
        assert!(std::process::Command::new(slurm.path().join("scancel")).arg(id).status().unwrap().success());
        running.join().unwrap()
    });
    assert!(ending.unwrap_err().in_words().contains("CANCELLED"));
    let trial = scene.asked(commit, &recipe("exit 0"));
    let interrupted = CancelToken::new();
    std::thread::scope(|scope| {
        scope.spawn(|| scene.executor.run(&trial, &interrupted).unwrap());
        while states("PENDING") == 0 {
            std::thread::yield_now();
        }
        interrupted.cancel(CancelReason::Interrupted);
    });
    drop(scene);
    assert_eq!(states("PENDING"), 0, "{:?}", slurm.states());
    assert_eq!(what_is_left(&slurm), 0);
}

/// Folders of sessions in the shared folder.
fn what_is_left(slurm: &FakeSlurm) -> usize {
    let all = walkdir::WalkDir::new(slurm.shared()).into_iter().map(Result::unwrap);
    all.filter(|entry| entry.file_name().to_string_lossy().starts_with("run-")).count()
}

#[test]
fn many_trials_at_once_are_few_submissions_and_wait_where_there_is_no_room() {
    let (slurm, mut repo) = (FakeSlurm::new(), TestRepo::new());
    let commits: Vec<CommitId> =
        (0..12).map(|at| repo.write("n.py", format!("{at}\n")).commit("n")).collect();
    let all_at_once = || {
        let scene = Scene::begun(repo.path(), &slurm, settings(&slurm)).unwrap();
        std::thread::scope(|scope| {
            let recipe = recipe("exit $(cat n.py)");
            let trials: Vec<Trial> = commits.iter().map(|&commit| scene.asked(commit, &recipe)).collect();
            let executor = &scene.executor;
            let run = move |trial: Trial| run_with_retries(executor, &trial, &CancelToken::new()).unwrap();
            let running: Vec<_> =
                trials.into_iter().map(|trial| scope.spawn(move || exited(&run(trial)))).collect();
            running.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
        })
    };
    let expected: Vec<i32> = (0..12).collect();
    assert_eq!(all_at_once(), expected);
    assert!(slurm.calls_of("sbatch") <= 12);
    for call in slurm.calls().iter().filter(|call| call[0] == "sbatch") {
        for word in ["--partition=short", "--mem=1G", "--export=NONE", "--no-requeue", "--time=11"] {
            assert!(call.contains(&word.to_owned()), "{call:?}");
        }
    }
    slurm.has_room_for(3);
    assert_eq!(all_at_once(), expected);
}

#[test]
fn what_slurm_does_not_take_ends_the_search_and_what_it_cannot_now_does_not() {
    let (slurm, mut repo) = (FakeSlurm::new(), TestRepo::new());
    let commit = repo.write("a.py", "x = 1\n").commit("a");
    let patient = SlurmSettings { patience: Duration::from_secs(60), ..settings(&slurm) };
    let scene = Scene::begun(repo.path(), &slurm, patient).unwrap();
    slurm.fail(json!({ "silent": 2 }));
    assert_eq!(exited(&scene.run(commit, &recipe("exit 3"))), 3);
    let fatal = |told: &str| {
        let error = scene.run_once(commit, &recipe("exit 0")).unwrap_err();
        assert_eq!(error.kind(), ExecutorErrorKind::Fatal, "{error}");
        assert!(error.in_words().contains(told), "{error}");
    };
    slurm.fail(json!({ "refuse": "Invalid partition name specified" }));
    fatal("the job is not taken: Invalid partition name specified");
    slurm.fail(json!({ "pending": "PartitionTimeLimit" }));
    fatal("would wait without an end: PartitionTimeLimit");
    slurm.fail(json!({}));
    let odd = TrialSpec { environment: BTreeMap::from([("a b".into(), "".into())]), ..recipe("exit 0") };
    assert_eq!(scene.run_once(commit, &odd).unwrap_err().kind(), ExecutorErrorKind::Rejected);
}

#[test]
fn nodes_are_tried_out_before_they_are_believed() {
    let repo = TestRepo::with_versions(&["x = 1\n"]).0;
    let slurm = FakeSlurm::new();
    let scene = Scene::new(repo.path(), &slurm);
    let probe = |environment: &_, program| scene.executor.probe(environment, program, &CancelToken::new());
    let facts = probe(&environment(), Some("python3")).unwrap();
    assert!(facts.python.unwrap().starts_with("3."));
    let bare = tempfile::tempdir().unwrap();
    for program in ["sh", "mkdir", "cat", "cp", "uname"] {
        symlink(which::which(program).unwrap(), bare.path().join(program)).unwrap();
    }
    let path = BTreeMap::from([("PATH".into(), bare.path().as_os_str().to_owned())]);
    let error = probe(&path, Some("python3")).unwrap_err();
    assert!(matches!(&error, SlurmError::NoProgram { program, .. } if program == "python3"), "{error}");
    slurm.fail(json!({ "lost": true }));
    assert!(matches!(probe(&environment(), None), Err(SlurmError::BadNode(_))));
    slurm.fail(json!({ "unseen": true }));
    let error = probe(&environment(), None).unwrap_err();
    assert!(matches!(&error, SlurmError::NotSeen { .. }), "{error}");
    slurm.fail(json!({ "refuse": "Invalid account or account/partition combination specified" }));
    assert!(matches!(probe(&environment(), None), Err(SlurmError::Refused(_))));
    let stopped = CancelToken::new();
    stopped.cancel(CancelReason::Interrupted);
    assert!(matches!(scene.executor.probe(&environment(), None, &stopped), Err(SlurmError::Interrupted)));
    slurm.fail(json!({ "silent": true }));
    assert!(matches!(Scene::begun(repo.path(), &slurm, settings(&slurm)), Err(SlurmError::NoAnswer(_))));
    slurm.fail(json!({}));
    let refused = |change: &dyn Fn(&mut SlurmSettings)| {
        let mut settings = settings(&slurm);
        change(&mut settings);
        Scene::begun(repo.path(), &slurm, settings).err().unwrap()
    };
    let error = refused(&|settings| settings.arguments.push("--output=x".to_owned()));
    assert!(matches!(error, SlurmError::Settings(_)), "{error}");
    let error = refused(&|settings| settings.shared = "/dev/null/x".into());
    assert!(matches!(error, SlurmError::Shared { .. }), "{error}");
    std::fs::remove_file(slurm.path().join("squeue")).unwrap();
    assert!(matches!(refused(&|_| {}), SlurmError::NoCommand { program: "squeue" }));
}

#[test]
fn what_a_dead_session_left_is_ended_and_removed_by_the_next() {
    let repo = TestRepo::with_versions(&["x = 1\n"]).0;
    let slurm = FakeSlurm::new();
    let first = Scene::new(repo.path(), &slurm);
    let alive = walkdir::WalkDir::new(slurm.shared()).into_iter().map(Result::unwrap);
    let alive = alive.map(walkdir::DirEntry::into_path).find(|path| path.ends_with("trees")).unwrap();
    let alive = alive.parent().unwrap();
    let dead = alive.with_file_name("run-dead");
    std::fs::create_dir(&dead).unwrap();
    slurm.add_job("900", "pybisect-run-dead");
    slurm.add_job("901", &format!("pybisect-{}", alive.file_name().unwrap().to_str().unwrap()));
    slurm.add_job("902", "somebody-elses");
    drop(Scene::new(repo.path(), &slurm));
    let states = slurm.states();
    assert_eq!(["900", "901", "902"].map(|id| states[id].as_str()), ["CANCELLED", "PENDING", "PENDING"]);
    assert!(!dead.exists() && alive.exists());
    drop(first);
    assert_eq!(what_is_left(&slurm), 0);
}
