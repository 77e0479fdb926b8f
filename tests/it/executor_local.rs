//! Trials in local slots: what is checked out, what a command sees, and what is undone after it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use pybisect::executor::Executor as _;
use pybisect::executor::local::{RunFolder, sweep};
use pybisect::model::{CancelReason, CancelToken, Termination, Trial, TrialSpec};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::support::repo_builder::{EXECUTABLE, FILE, SYMLINK, git_in, snapshot};
use crate::support::trials::{recipe, trial};
use crate::support::{Bench, TestRepo};

const GOOD: Termination = Termination::Exited { code: 0 };

/// Path → kind, permission to execute, content; `.git` left out.
fn content(folder: &Path) -> BTreeMap<PathBuf, String> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .filter_entry(|entry| entry.file_name() != ".git")
        .map(Result::unwrap)
        .filter(|entry| entry.depth() > 0)
        .map(|entry| {
            let facts = entry.path().symlink_metadata().unwrap();
            let what = if facts.is_symlink() {
                format!("link to {:?}", fs::read_link(entry.path()).unwrap())
            } else if facts.is_dir() {
                "folder".to_owned()
            } else {
                let executable = facts.permissions().mode() & 0o100 != 0;
                format!("{executable} {:?}", String::from_utf8_lossy(&fs::read(entry.path()).unwrap()))
            };
            (entry.path().strip_prefix(folder).unwrap().to_owned(), what)
        })
        .collect()
}

#[test]
fn a_tree_is_checked_out_with_odd_names_modes_and_links() {
    let mut repo = TestRepo::new();
    repo.write("a file.txt", "a").write("d/e/f.py", "x = 1\n").submodule("vendor/lib");
    repo.write_as(b"run", b"#!/bin/sh\necho ran\n", EXECUTABLE).write_as(
        b"d/link",
        b"../a file.txt",
        SYMLINK,
    );
    repo.write_as(b"odd-\xff", b"\x00\xff", FILE);
    let commit = repo.commit("all kinds");
    let bench = Bench::new(repo.path(), 1);
    let output = bench.shell(commit, "./run && cat d/link && git status --porcelain");
    assert_eq!(output.ending, GOOD, "{}", output.stderr.text);
    assert_eq!(output.stdout.text, "ran\na");
    assert_eq!(
        output.notes,
        ["not filled, a submodule: vendor/lib (git submodule update --init --recursive brings it)"]
    );
    let clone = tempfile::tempdir().unwrap();
    git_in(clone.path(), &["clone", "--quiet", &repo.path().display().to_string(), "."]);
    assert_eq!(content(&bench.tree(0)), content(clone.path()));
}

#[test]
fn moving_over_a_random_history_is_as_good_as_a_fresh_checkout() {
    const SEED: u64 = 20_240_611;
    println!("seed {SEED}");
    let mut random = StdRng::seed_from_u64(SEED);
    let names = ["a", "a/b", "a/b/c.py", "d.py", "e/f", "e/f/g", "e/h.py", "i", "a.b", "a-b/c"];
    let mut repo = TestRepo::new();
    let mut present: Vec<&str> = Vec::new();
    let mut commits = Vec::new();
    for _ in 0..50 {
        for _ in 0..random.random_range(1..4) {
            let name = names[random.random_range(0..names.len())];
            // A name cannot be a file and a folder at a time.
            let (clashing, rest): (Vec<&str>, Vec<&str>) = present.iter().partition(|other| {
                **other == name
                    || other.starts_with(&format!("{name}/"))
                    || name.starts_with(&format!("{other}/"))
            });
            for other in clashing {
                repo.remove(other);
            }
            present = rest;
            if random.random_bool(0.8) {
                let mode = [FILE, EXECUTABLE, SYMLINK][random.random_range(0..3)];
                let text = format!("v{}", random.random_range(0..4));
                repo.write_as(name.as_bytes(), text.as_bytes(), mode);
                present.push(name);
            }
        }
        commits.push(repo.commit("step"));
    }
    let bench = Bench::new(repo.path(), 1);
    let fresh = tempfile::tempdir().unwrap();
    git_in(fresh.path(), &["clone", "--quiet", &repo.path().display().to_string(), "."]);
    for _ in 0..50 {
        let commit = commits[random.random_range(0..commits.len())];
        // Every trial also leaves a mess.
        let mess = "git status --porcelain; git describe --always --dirty --exclude='*'; \
                    rm -rf a; echo x >> d.py; mkdir -p e new/deep; echo y > e/z; chmod 000 new; chmod +x i; true";
        let output = bench.shell(commit, mess);
        assert_eq!(
            output.stdout.text.trim(),
            &commit.to_string()[..7],
            "the repository is clean before the mess"
        );
        assert_eq!(bench.shell(commit, "true").ending, GOOD);
        git_in(fresh.path(), &["checkout", "--quiet", "--force", &commit.to_string()]);
        git_in(fresh.path(), &["clean", "-qfdx"]);
        assert_eq!(content(&bench.tree(0)), content(fresh.path()), "at {commit}");
    }
}

#[test]
fn files_that_did_not_change_are_not_written_again() {
    let mut repo = TestRepo::new();
    let first =
        repo.write("same.txt", "same").write("lib/same.py", "same = 1\n").write("other", "1").commit("1");
    let second = repo.write("other", "2").commit("2");
    let bench = Bench::new(repo.path(), 1);
    let inode = |name: &str| bench.tree(0).join(name).metadata().unwrap().ino();
    bench.shell(first, "true");
    let before = [inode("same.txt"), inode("lib/same.py")];
    bench.shell(second, "true");
    assert_eq!([inode("same.txt"), inode("lib/same.py")], before);
    assert_eq!(fs::read_to_string(bench.tree(0).join("other")).unwrap(), "2");
}

#[test]
fn the_users_repository_is_as_before() {
    let (repo, ids) = TestRepo::with_versions(&["print(1)\n", "print(2)\n"]);
    repo.check_out();
    fs::write(repo.path().join("untracked"), "mine").unwrap();
    let before = snapshot(repo.path());
    let bench = Bench::new(repo.path(), 2);
    let script = "python3 app.py && echo broken > app.py && git commit -qam mine && git tag v9 && \
                  git branch -f main && git gc -q && git update-ref refs/heads/other HEAD";
    for &id in &ids {
        assert_eq!(bench.shell(id, script).ending, GOOD);
    }
    drop(bench);
    assert_eq!(snapshot(repo.path()), before);
}

#[test]
fn the_repository_in_the_slot_answers_as_the_users_and_forgets_what_a_trial_did() {
    let (repo, ids) = TestRepo::with_versions(&["1", "2", "3"]);
    repo.annotated_tag("v1.0", ids[0]);
    let bench = Bench::new(repo.path(), 1);
    let describe = "git describe --dirty --tags; git log --format=%s | wc -l; git status --porcelain";
    let expected = |id: usize| format!("v1.0-{id}-g{}\n{}\n", &ids[id].to_string()[..7], id + 1);
    for round in 0..2 {
        let output = bench.shell(ids[2], describe);
        assert_eq!(output.stdout.text, expected(2), "round {round}: {}", output.stderr.text);
        let output = bench.shell(ids[1], describe);
        assert_eq!(output.stdout.text, expected(1), "round {round}");
        let ruin = [
            "rm -rf .git; ln -s /tmp .git",
            "echo x > app.py; git commit -qam x; git tag v2; git gc -q; touch .git/index.lock",
            "rm .git/HEAD .git/index; echo junk > .git/packed-refs; chmod 000 .git/refs",
        ];
        for script in ruin {
            bench.shell(ids[2], script);
            assert_eq!(bench.shell(ids[2], describe).stdout.text, expected(2), "{script}");
        }
    }
}

#[test]
fn a_tree_with_an_overlay_is_dirty_and_its_overlay_is_there() {
    let (repo, ids) = TestRepo::with_versions(&["1"]);
    let bench = Bench::new(repo.path(), 1);
    let overlay = [("tests/smoke.sh".to_owned(), b"echo smoke\n".to_vec(), true)];
    let tree = bench.shadow.with_overlay(bench.user.tree_of(ids[0]).unwrap(), &overlay).unwrap();
    let output = bench.trial_of_tree(ids[0], tree, &recipe("tests/smoke.sh; git status --porcelain"));
    assert_eq!(output.stdout.text, "smoke\nA  tests/smoke.sh\n");
}

#[test]
fn what_a_trial_leaves_is_gone_before_the_next() {
    let mut repo = TestRepo::new();
    repo.write(".gitignore", "ignored\n")
        .write("pkg/__init__.py", "")
        .write("pkg/a.py", "1\n")
        .write("top.py", "0\n");
    let first = repo.commit("first");
    let second = repo.remove("pkg/a.py").remove("pkg/__init__.py").write("b.py", "2\n").commit("second");
    let bench = Bench::new(repo.path(), 1);
    let mess = "touch ignored untracked \"$HOME/x\" \"$TMPDIR/y\"; mkdir -p n/e/s/t locked/in; touch n/e/s/t/z locked/in/x; \
                chmod 000 locked/in locked; mkdir -p pkg/__pycache__ pkg/sub; touch pkg/__pycache__/a.cpython-311.pyc \
                pkg/__pycache__/gone.cpython-311.pyc pkg/sub/x.pyc; ln pkg/__init__.py hard; touch pkg/__pycache__/__init__.cpython-311.pyc; echo changed >> top.py";
    bench.shell(first, mess);
    let listed = "find . -path ./.git -prune -o -type f -print | sort; find \"$HOME\" \"$TMPDIR\" -mindepth 1; cat top.py";
    let output = bench.shell(first, listed);
    let stays =
        "./.gitignore\n./pkg/__init__.py\n./pkg/__pycache__/a.cpython-311.pyc\n./pkg/a.py\n./top.py\n0\n";
    assert_eq!(output.stdout.text, stays, "only bytecode of a tracked, untouched source may stay");
    // A folder with nothing but bytecode would still be importable, as a namespace package.
    assert_eq!(
        bench.shell(second, "find . -path ./.git -prune -o -print | sort").stdout.text,
        ".\n./.gitignore\n./b.py\n./top.py\n"
    );
}

#[test]
fn what_the_recipe_keeps_stays() {
    let (repo, ids) = TestRepo::with_versions(&["1", "2"]);
    let bench = Bench::new(repo.path(), 1);
    let keep = vec!["build/".to_owned(), "**/*.so".to_owned()];
    let keeping = |script: &str| TrialSpec { keep: keep.clone(), ..recipe(script) };
    bench.trial(
        ids[0],
        &keeping("mkdir -p build/deep other/in; touch build/deep/a other/in/b.so other/in/c d.so e"),
    );
    let listed = "find . -path ./.git -prune -o -type f -print | sort";
    let output = bench.trial(ids[1], &keeping(listed));
    assert_eq!(output.stdout.text, "./app.py\n./build/deep/a\n./d.so\n./other/in/b.so\n");
    assert_eq!(bench.shell(ids[1], listed).stdout.text, "./app.py\n");
}

/// An object that was made of another header would be linked into this version.
#[test]
fn what_is_kept_goes_when_what_it_was_made_from_changes() {
    let mut repo = TestRepo::new();
    let first = repo.write("value.h", "1").write("app.py", "1").commit("1");
    let second = repo.write("app.py", "2").write("README.md", "text").commit("2");
    let third = repo.write("value.h", "2").commit("3");
    let bench = Bench::new(repo.path(), 1);
    let script =
        "mkdir -p build; test -e build/made || cp value.h build/made; cat build/made; echo x >> build/runs";
    let keeping = TrialSpec { keep: vec!["build".to_owned()], ..recipe(script) };
    for (commit, expected) in [(first, "1"), (second, "1"), (third, "2"), (first, "1")] {
        assert_eq!(bench.trial(commit, &keeping).stdout.text, expected);
    }
    let runs = TrialSpec { command: recipe("wc -l < build/runs").command, ..keeping.clone() };
    assert_eq!(
        bench.trial(second, &runs).stdout.text.trim(),
        "1",
        "it stays where nothing that counts changes"
    );
}

#[test]
fn links_that_a_trial_plants_lead_nobody_out_of_the_slot() {
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(outside.path().join("pkg")).unwrap();
    fs::write(outside.path().join("pkg/precious.py"), "mine").unwrap();
    let mut repo = TestRepo::new();
    let first = repo.write("pkg/precious.py", "1").write("top", "1").commit("1");
    let second = repo.write("pkg/precious.py", "2").write("pkg/more.py", "2").commit("2");
    let bench = Bench::new(repo.path(), 1);
    let before = snapshot(outside.path());
    let place = outside.path().display();
    let plant = format!(
        "rm -rf pkg \"$HOME\" \"$TMPDIR\" top; ln -s {place}/pkg pkg; ln -s {place} \"$HOME\"; ln -s {place} \"$TMPDIR\"; \
         ln -s {place} loose; ln -s {place}/pkg/precious.py top; mkdir d; ln -s {place} d/x; chmod 500 d"
    );
    for commit in [first, second, first] {
        assert_eq!(bench.shell(commit, &plant).ending, GOOD);
    }
    assert_eq!(bench.shell(second, "cat pkg/precious.py pkg/more.py; test ! -L pkg").stdout.text, "22");
    drop(bench);
    assert_eq!(snapshot(outside.path()), before);
}

#[test]
fn endings_are_data() {
    let (repo, ids) = TestRepo::with_versions(&["1"]);
    let bench = Bench::new(repo.path(), 1);
    let with_setup = |setup: &str| TrialSpec { setup: Some(setup.to_owned()), ..recipe("cat made") };
    assert_eq!(bench.trial(ids[0], &with_setup("echo yes > made")).stdout.text, "yes\n");
    let failed = bench.trial(ids[0], &with_setup("echo no wheel >&2; exit 3"));
    assert_eq!(failed.ending, Termination::SetupFailed { reason: "exit status 3".to_owned() });
    assert_eq!(failed.stderr.text, "no wheel\n");
    let elsewhere = bench.trial(ids[0], &TrialSpec { subdir: "services/web".into(), ..recipe("true") });
    assert!(matches!(elsewhere.ending, Termination::NotStarted { error } if error.contains("services/web")));
    let nothing = bench.trial(ids[0], &TrialSpec { command: vec!["./no-such".into()], ..recipe("") });
    assert!(matches!(nothing.ending, Termination::NotStarted { .. }));
    let cancel = CancelToken::new();
    cancel.cancel(CancelReason::Irrelevant);
    let tree = bench.user.tree_of(ids[0]).unwrap();
    let cancelled = bench.executor.run(&trial(ids[0], tree, &recipe("true")), &cancel).unwrap();
    assert_eq!(cancelled.ending, Termination::Cancelled);
}

#[test]
fn slots_run_side_by_side_and_do_not_meet() {
    let versions: Vec<String> = (0..6).map(|number| format!("{number}\n")).collect();
    let (repo, ids) = TestRepo::with_versions(&versions.iter().map(String::as_str).collect::<Vec<_>>());
    let bench = Bench::new(repo.path(), 2);
    let executor = &bench.executor;
    let meet = tempfile::tempdir().unwrap();
    // Each waits until the other is there, so they do run at the same time.
    let script = |own: &str, other: &str| {
        let place = meet.path().display();
        format!(
            "touch {place}/{own}; until test -e {place}/{other}; do sleep 0.01; done; cat app.py; pwd; echo \"$HOME\""
        )
    };
    let ready =
        |at: usize, script: &str| trial(ids[at], bench.user.tree_of(ids[at]).unwrap(), &recipe(script));
    let text = |trial: &Trial| executor.run(trial, &CancelToken::new()).unwrap().stdout.text;
    let (one, two) = (ready(0, &script("one", "two")), ready(5, &script("two", "one")));
    std::thread::scope(|scope| {
        let (one, two) = (scope.spawn(|| text(&one)), scope.spawn(|| text(&two)));
        let (one, two) = (one.join().unwrap(), two.join().unwrap());
        assert!(one.starts_with("0\n") && two.starts_with("5\n"), "{one}{two}");
        assert!(one.lines().all(|line| two.lines().all(|other| other != line)), "{one}{two}");
    });
    // More trials than slots wait their turn.
    let trials: Vec<Trial> = (0..ids.len()).map(|at| ready(at, "cat app.py")).collect();
    std::thread::scope(|scope| {
        for (number, trial) in trials.iter().enumerate() {
            scope.spawn(move || assert_eq!(text(trial), format!("{number}\n")));
        }
    });
}

#[test]
fn folders_of_dead_runs_are_swept_and_those_of_live_ones_are_not() {
    let cache = tempfile::tempdir().unwrap();
    let alive = RunFolder::create(cache.path()).unwrap();
    let dead = cache.path().join("runs/run-dead");
    fs::create_dir_all(dead.join("slots/0/tree/locked")).unwrap();
    fs::set_permissions(dead.join("slots/0/tree/locked"), fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(sweep(cache.path()).unwrap().count(), 1);
    assert!(!dead.exists() && alive.path().exists());
    let path = alive.path().to_owned();
    drop(alive);
    assert!(!path.exists());
    assert_eq!(sweep(cache.path()).unwrap().count(), 0);
}

#[test]
fn a_tree_that_cannot_be_written_is_an_ending_and_the_next_one_is_whole() {
    let mut repo = TestRepo::new();
    let first = repo.write("a", "1").write("z", "1").commit("1");
    let long = "n".repeat(300);
    let second =
        repo.write("a", "2").write(&long, "too long a name for any disk").write("z", "2").commit("2");
    let third = repo.remove(&long).write("z", "3").commit("3");
    let bench = Bench::new(repo.path(), 1);
    for _ in 0..2 {
        assert_eq!(bench.shell(first, "cat a z").stdout.text, "11");
        let Termination::NoTree { reason } = bench.shell(second, "cat a z").ending else {
            panic!("it was written")
        };
        assert!(reason.starts_with("failed to write nnn"), "{reason}");
        assert_eq!(bench.shell(third, "cat a z; git status --porcelain").stdout.text, "23");
    }
}

#[test]
fn what_a_command_leaves_running_is_ended_and_counted() {
    let (repo, ids) = TestRepo::with_versions(&["1"]);
    let bench = Bench::new(repo.path(), 1);
    let output = bench
        .shell(ids[0], "setsid sh -c 'while :; do date > alive; sleep 0.01; done' >/dev/null 2>&1 & echo $!");
    assert_eq!((output.ending, output.stderr.text.as_str()), (GOOD, ""));
    assert!(output.leftovers >= 1, "{}", output.leftovers);
    assert_eq!(bench.shell(ids[0], "ls").stdout.text, "app.py\n");
}
