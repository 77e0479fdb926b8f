//! An answer names only commits that ran, and that were seen to do what is said of them: over random histories, with
//! runs of every kind, and with each option that changes what is looked at.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Mutex;

use pybisect::executor::{Executor, ExecutorError, PackageSource, Provided};
use pybisect::git::{Repository, Shadow};
use pybisect::model::event::Isolation;
use pybisect::model::{
    CancelToken, Captured, CommitId, CommitInfo, EnvironmentFacts, Evidence, PackageOrigin, Report, Shown,
    Status, Termination, Timing, TreeId, Trial, TrialKind, TrialOutput, TrialSpec,
};
use pybisect::search::simulate::Random;
use pybisect::session::{Matching, Plan, SessionContext, find};
use pybisect::store::Store;

use crate::support::repo_builder::TestRepo;
use crate::support::trials::recipe;

/// What a commit's command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Pass,
    Fail,
    FailOtherwise,
    RunNothing,
    NotCollect,
    AskToBeSkipped,
    NotStart,
    /// What another kind does, but in three of ten runs it fails otherwise.
    Flake(bool),
}

fn output(does: Does) -> TrialOutput {
    let (code, text) = match does {
        Does::Pass => (0, "1 passed in 0.01s"),
        Does::Fail | Does::Flake(_) => (
            1,
            "Traceback (most recent call last):\n  File \"t.py\", line 1, in t\n    load(p)\nTypeError: load() takes one argument\n",
        ),
        Does::FailOtherwise => (
            1,
            "Traceback (most recent call last):\n  File \"t.py\", line 9, in t\n    get(p)\nTimeoutError: upstream\n",
        ),
        Does::RunNothing => (5, "no tests ran in 0.01s"),
        Does::NotCollect => {
            (2, "E   ModuleNotFoundError: No module named 'app'\nERROR test_a.py\n1 error in 0.02s")
        }
        Does::AskToBeSkipped => (125, ""),
        Does::NotStart => (127, "sh: 1: smoke: not found"),
    };
    let captured = |text: &str| Captured { text: text.to_owned(), bytes: 0 };
    let (stdout, stderr) = if text.starts_with("Traceback") { ("", text) } else { (text, "") };
    TrialOutput {
        ending: Termination::Exited { code },
        stdout: captured(stdout),
        stderr: captured(stderr),
        timing: Timing::default(),
        leftovers: 0,
        notes: Vec::new(),
        files: Vec::new(),
    }
}

/// Runs what a script says, and keeps a record that the session has no hand in.
struct Scripted {
    script: HashMap<CommitId, Does>,
    trees: HashMap<CommitId, TreeId>,
    has_environments: bool,
    ran: Mutex<Record>,
}

struct Record {
    random: Random,
    passed: HashSet<CommitId>,
    failed: HashSet<CommitId>,
}

impl Executor for Scripted {
    fn capacity(&self) -> usize {
        2
    }

    fn run(&self, trial: &Trial, _: &CancelToken) -> Result<TrialOutput, ExecutorError> {
        // Those that have the tree: what runs of it is known of all of them.
        let alike = self.trees.iter().filter(|(_, tree)| **tree == trial.tree).map(|(commit, _)| *commit);
        let alike: Vec<CommitId> = alike.collect();
        if trial.purpose == TrialKind::Narrowing && alike.is_empty() {
            // Bad without an older change: that is not what broke it.
            return Ok(output(Does::Fail));
        }
        let is_own = trial.purpose == TrialKind::Narrowing || alike.contains(&trial.commit);
        assert!(is_own, "the tree of another commit");
        let mut record = self.ran.lock().unwrap();
        let does = match self.script[&alike[0]] {
            Does::Flake(_) if record.random.below(10) < 3 => Does::FailOtherwise,
            Does::Flake(true) => Does::Fail,
            Does::Flake(false) => Does::Pass,
            steady => steady,
        };
        match does {
            Does::Pass => record.passed.extend(alike),
            Does::Fail => record.failed.extend(alike),
            _ => {}
        }
        Ok(output(does))
    }
}

/// Versions have environments of their own, of which nothing more can be had.
impl PackageSource for Scripted {
    fn environment_key(&self, session: &str, commit: CommitId, _: TreeId, _: &TrialSpec) -> String {
        format!("{session} {commit}")
    }

    fn environment_of(&self, _: CommitId, _: TreeId) -> Option<EnvironmentFacts> {
        None
    }

    fn interpreter_of(&self, _: CommitId, _: TreeId, _: &CancelToken) -> Option<PathBuf> {
        None
    }

    fn packages_of(&self, _: PackageOrigin, _: &CancelToken) -> Option<Vec<String>> {
        None
    }

    fn packages_under(&self, _: PackageOrigin, _: &[String], _: &CancelToken) -> Option<Vec<String>> {
        None
    }

    fn requirers_of(&self, _: PackageOrigin, _: &str, _: &CancelToken) -> Vec<(String, Option<String>)> {
        Vec::new()
    }

    fn has_module(&self, _: PackageOrigin, _: &str, _: &CancelToken) -> Option<bool> {
        None
    }

    fn provider_of(&self, _: PackageOrigin, _: &str, _: &CancelToken) -> Option<Provided> {
        None
    }

    fn serves(&self, _: PackageOrigin, _: PackageOrigin, _: &CancelToken) -> bool {
        false
    }

    fn add_packages(&self, _: &[String]) {}

    fn package_cutoff(&self, _: PackageOrigin) -> Option<i64> {
        None
    }

    fn resolve_with_pins(
        &self,
        _: PackageOrigin,
        _: &[String],
        _: &[String],
        _: &CancelToken,
    ) -> Option<Vec<String>> {
        None
    }

    fn versions_between(&self, _: PackageOrigin, _: &str, _: (&str, &str), _: &CancelToken) -> Vec<String> {
        Vec::new()
    }
}

/// A history with side branches, merges, empty commits, and a folder that few commits touch.
fn history(random: &mut Random) -> (TestRepo, Vec<CommitInfo>) {
    let mut repo = TestRepo::new();
    let mut ids: Vec<CommitId> = Vec::new();
    let len = 6 + random.below(20);
    for at in 0..len {
        if at > 2 && random.below(5) == 0 {
            repo.go_to(ids[at - 1 - random.below(at.min(4))]);
        }
        if random.below(8) > 0 {
            repo.write("app.py", format!("version = {at}\n"));
        }
        if random.below(4) == 0 {
            repo.write("docs/index.md", format!("{at}\n"));
        }
        let id = if at > 3 && random.below(4) == 0 {
            repo.write("app.py", format!("version = {at}\n"));
            repo.merge(ids[at - 1 - random.below(3)], "merge")
        } else {
            repo.commit(&format!("commit {at}"))
        };
        ids.push(id);
    }
    let repository = Repository::open(repo.path()).unwrap();
    let infos = ids.iter().map(|&id| repository.info(id).unwrap()).collect();
    (repo, infos)
}

/// Commits that contain one, with that one.
fn containing(infos: &[CommitInfo], first: CommitId) -> HashSet<CommitId> {
    let mut set = HashSet::from([first]);
    for info in infos {
        if info.parents.iter().any(|parent| set.contains(parent)) {
            set.insert(info.id);
        }
    }
    set
}

fn plan(infos: &[CommitInfo], good: CommitId, random: &mut Random) -> Plan {
    let matching = match random.below(4) {
        0 => Matching::AnyFailure,
        1 => Matching::Pattern(regex::Regex::new("load").unwrap()),
        _ => Matching::Signature,
    };
    Plan {
        good: if random.below(5) == 0 { Vec::new() } else { vec![good] },
        bad: infos.last().unwrap().id,
        recipe: recipe("smoke"),
        overlay: Vec::new(),
        matching,
        target: None,
        only_failing: pybisect::session::OnlyFailing::Auto,
        find_fix: false,
        narrow: false,
        watch: false,
        first_parent: random.below(4) == 0,
        pathspecs: if random.below(2) == 0 { vec!["docs".to_owned()] } else { Vec::new() },
        confidence: 0.99,
        fresh: random.below(3) == 0,
        environment_key: String::new(),
        environment: Vec::new(),
        isolation: Isolation::default(),
        command_text: "smoke".to_owned(),
        repository: "r".to_owned(),
        notes: Vec::new(),
    }
}

/// Each commit that an answer names ran, and did what is said of it.
fn assert_proven(report: &Report, record: &Record, what: &str) {
    let (bad, good) =
        if report.find_fix { (&record.passed, &record.failed) } else { (&record.failed, &record.passed) };
    for culprit in &report.culprits {
        let first = report.history.as_ref().filter(|history| history.since == culprit.commit.id);
        if let (Some(history), Status::Ambiguous) = (first, report.status) {
            // The first commit that fails, though otherwise: no more is said of it than that.
            assert_eq!(history.shown, Shown::Unsettled, "{what}");
            let passed = culprit.commit.parents.iter().all(|parent| good.contains(parent));
            assert!(culprit.proof.is_none() || passed || report.first_parent, "{what}");
            assert!(!good.contains(&culprit.commit.id), "{what}");
            continue;
        }
        assert_eq!(culprit.proof.is_some(), report.status == Status::Found, "{what}");
        let Some(proof) = &culprit.proof else { continue };
        let (own, parents, not_followed) = match proof.evidence() {
            Evidence::Commits { culprit, parents, not_followed } => (culprit, parents, not_followed),
            // Bad without its change passes.
            Evidence::Undone { culprit, .. } => {
                assert!(bad.contains(culprit), "{what}: {culprit} did not fail");
                continue;
            }
            // It fails otherwise, and bad without its change passes, or without that of another one as well.
            Evidence::History { culprit, .. } => {
                assert!(!good.contains(culprit), "{what}: {culprit} passed");
                continue;
            }
            Evidence::OtherFault { culprit, .. } => {
                assert!(bad.contains(&culprit.commit), "{what}: {} did not fail", culprit.commit);
                continue;
            }
            Evidence::Edits { .. } => panic!("{what}: nothing was narrowed"),
        };
        assert_eq!(own.commit, culprit.commit.id, "{what}");
        assert!(bad.contains(&own.commit), "{what}: {} did not fail", own.commit);
        let named: Vec<CommitId> =
            parents.iter().map(|parent| parent.commit).chain(not_followed.clone()).collect();
        assert_eq!(named, culprit.commit.parents, "{what}: its own parents, and no others");
        for parent in parents {
            assert!(good.contains(&parent.commit), "{what}: {} did not pass", parent.commit);
        }
    }
}

#[test]
fn no_answer_names_a_commit_that_did_not_run_whatever_the_options_and_the_runs_are() {
    /// Each takes half a second; thousands were run once.
    const SEEDS: u64 = 36;
    let mut answers = BTreeSet::new();
    let (mut found, mut by_path) = (0, 0);
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let (repo, infos) = history(&mut random);
        let head = infos.last().unwrap().id;
        let repository = Repository::open(repo.path()).unwrap();
        let reachable: Vec<CommitId> = infos
            .iter()
            .map(|info| info.id)
            .filter(|&id| repository.is_ancestor(id, head).unwrap() && id != infos[0].id)
            .collect();
        // An empty commit breaks nothing.
        let is_first = |id: CommitId| {
            let at = infos.iter().position(|info| info.id == id).unwrap();
            infos[..at].iter().all(|other| other.tree != infos[at].tree)
        };
        let reachable: Vec<CommitId> = reachable.into_iter().filter(|&id| is_first(id)).collect();
        let truth = reachable[random.below(reachable.len())];
        let broken = containing(&infos, truth);
        let mut plan = plan(&infos, infos[0].id, &mut random);
        plan.find_fix = !plan.good.is_empty() && random.below(4) == 0;
        let read_at = if plan.find_fix { infos[0].id } else { head };
        let noise = random.below(4);
        let flakes = random.below(3) == 0;
        let mut script = HashMap::new();
        let mut by_tree: HashMap<TreeId, Does> = HashMap::new();
        for info in &infos {
            let is_end = info.id == head || info.id == infos[0].id;
            let fails = broken.contains(&info.id) != plan.find_fix;
            let kinds = [
                Does::FailOtherwise,
                Does::NotCollect,
                Does::RunNothing,
                Does::AskToBeSkipped,
                Does::NotStart,
            ];
            // Where every failure counts, another one is the failure as well, and so is what cannot be collected.
            let counts = matches!(plan.matching, Matching::AnyFailure);
            let kinds = &kinds[if counts { 2 } else { 0 }..];
            let does = match fails {
                _ if !is_end && random.below(10) < noise => kinds[random.below(kinds.len())],
                // One run decides what is looked for.
                fails if flakes && info.id != read_at && !counts => Does::Flake(fails),
                true => Does::Fail,
                false => Does::Pass,
            };
            script.insert(info.id, *by_tree.entry(info.tree).or_insert(does));
        }
        let cache = tempfile::tempdir().unwrap();
        let shadow = Shadow::create(&cache.path().join("shadow"), &repository).unwrap();
        let store = Store::open(cache.path()).unwrap();
        let cancel = CancelToken::new();
        let executor = Scripted {
            script,
            trees: infos.iter().map(|info| (info.id, info.tree)).collect(),
            has_environments: random.below(4) == 0,
            ran: Mutex::new(Record {
                random: random.clone(),
                passed: HashSet::new(),
                failed: HashSet::new(),
            }),
        };
        let workshop = SessionContext {
            repository: &repository,
            shadow: &shadow,
            executor: &executor,
            packages: if executor.has_environments { Some(&executor) } else { None },
            store: &store,
            cancel: &cancel,
        };
        // The second time, most is known.
        for time in 1..=2 {
            let report = find(&plan, &workshop, &mut |_| {}).unwrap();
            let what = format!("seed {seed}, time {time}, {plan:?}: {report:#?}");
            assert_proven(&report, &executor.ran.lock().unwrap(), &what);
            // Of first parents alone, it is the merge that brought it.
            if report.status == Status::Found && !flakes && !plan.first_parent {
                assert_eq!(report.culprits[0].commit.id, truth, "{what}");
            }
            let leaves_out = !plan.pathspecs.is_empty() && !report.can_go_on;
            if report.status == Status::Ambiguous && leaves_out {
                assert!(report.reason.as_ref().unwrap().contains("do not touch docs"), "{what}");
            } else if report.status == Status::Ambiguous && !flakes && !plan.first_parent {
                assert!(report.culprits.iter().any(|culprit| culprit.commit.id == truth), "{what}");
            }
            found += u32::from(report.status == Status::Found);
            by_path += u32::from(report.status == Status::Found && !plan.pathspecs.is_empty());
            answers.insert(report.status);
        }
    }
    assert!(found > 20 && by_path > 3, "{found} found, {by_path} of them by path: too few to show anything");
    assert!(answers.contains(&Status::Ambiguous), "{answers:?}");
}
