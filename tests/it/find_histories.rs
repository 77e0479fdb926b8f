//! Whole searches on histories that fool `git bisect run`, by pybisect itself.

use pybisect::model::CommitId;

use crate::support::{TestRepo, User, culprit};

/// A history of a line of commits in which `n.txt` counts; `at` may add files.
fn numbered(len: usize, mut at: impl FnMut(usize, &mut TestRepo)) -> (TestRepo, Vec<CommitId>) {
    let mut repo = TestRepo::new();
    let ids = (0..len)
        .map(|n| {
            repo.write("n.txt", format!("{n}\n"));
            at(n, &mut repo);
            repo.commit(&format!("commit {n}"))
        })
        .collect();
    (repo, ids)
}

/// `find` between the first commit and HEAD with a shell command.
fn find(repo: &TestRepo, good: CommitId, script: &str, more: &[&str]) -> (Option<i32>, serde_json::Value) {
    let good = good.to_string();
    let mut arguments = vec!["--good", &good];
    arguments.extend_from_slice(more);
    arguments.extend_from_slice(&["--shell", script]);
    User::new().find(repo.path(), &arguments)
}

#[test]
fn a_change_of_the_same_length_in_the_same_second_is_not_missed() {
    for culprit_at in [1, 17, 37, 63] {
        let (repo, ids) = numbered(64, |n, repo| {
            repo.write("mod.py", if n < culprit_at { "X = 0\n" } else { "X = 1\n" });
        });
        let good = ids[0].to_string();
        let (code, report) = User::new()
            .find(repo.path(), &["--good", &good, "--", "python3", "-c", "import mod; assert mod.X == 0"]);
        assert_eq!(code, Some(0), "{report:#}");
        assert_eq!(culprit(&report), ids[culprit_at].to_string());
    }
}

#[test]
fn a_stretch_that_cannot_run_around_the_culprit_is_named_as_a_set() {
    let (repo, ids) = numbered(200, |_, _| {});
    let script = "read n < n.txt; if [ $n -ge 130 ] && [ $n -lt 150 ]; then exit 125; fi; [ $n -lt 137 ]";
    let (code, report) = find(&repo, ids[0], script, &[]);
    assert_eq!(code, Some(3), "{report:#}");
    assert_eq!(report["status"], "ambiguous");
    let set: Vec<&str> =
        report["culprits"].as_array().unwrap().iter().map(|one| one["commit"].as_str().unwrap()).collect();
    assert!(set.contains(&ids[137].to_string().as_str()));
    assert!(set.len() <= 21, "{}", set.len());
    assert!(report["trials"]["run"].as_u64().unwrap() < 26, "{:#}", report["trials"]);
    assert!(report["reason"].as_str().unwrap().contains("cannot be tested"));
}

#[test]
fn a_failure_behind_another_failure_is_not_blamed_on_the_other() {
    // The target breaks at 30; from 10 to 20 something else fails.
    let (repo, ids) = numbered(60, |_, _| {});
    let script =
        "read n < n.txt; if [ $n -ge 10 ] && [ $n -lt 20 ]; then exit 7; fi; [ $n -lt 30 ] || exit 3";
    let (code, report) = find(&repo, ids[0], script, &[]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[30].to_string().as_str()));
}

#[test]
fn a_culprit_hidden_behind_its_own_second_mistake_is_proven_by_a_single_edit() {
    let good = "import json\nfirst = 1\n\n\nvalue = json.loads('1')\nlast = 2\n";
    let both = good
        .replace("json.loads('1')", "json.loads(open('app.py'))")
        .replace("first = 1", "first = json.nothing");
    let one = good.replace("json.loads('1')", "json.loads(open('app.py'))");
    let (repo, ids) = numbered(12, |n, repo| {
        repo.write(
            "app.py",
            if n < 6 {
                good
            } else if n == 6 {
                &both
            } else {
                &one
            },
        );
    });
    let first = ids[0].to_string();
    let (code, report) = User::new().find(repo.path(), &["--good", &first, "--", "python3", "app.py"]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[6].to_string().as_str()), "{report:#}");
    let change = &report["breaking_changes"][0];
    assert_eq!(
        (&change["before"], &change["after"], &change["commit"]),
        (&"json.loads('1')".into(), &"json.loads(open('app.py'))".into(), &ids[6].to_string().into()),
        "{report:#}"
    );
    assert_eq!((&change["sufficient"], &change["necessary"]), (&true.into(), &true.into()), "{report:#}");
}

#[test]
fn an_edit_made_in_several_steps_blames_none_of_them() {
    // Commit 6 breaks it behind another failure, commit 7 changes the same line again.
    let text = |n: usize| match n {
        0..6 => "0",
        6 => "hidden",
        _ => "1",
    };
    let (repo, ids) = numbered(12, |n, repo| {
        repo.write("state", text(n));
    });
    let script = "case $(cat state) in 0) exit 0;; hidden) exit 7;; *) exit 3;; esac";
    let (code, report) = find(&repo, ids[0], script, &[]);
    assert_eq!(code, Some(3), "{report:#}");
    let set = report["culprits"].to_string();
    assert!(set.contains(&ids[6].to_string()) && set.contains(&ids[7].to_string()), "{set}");
    assert_eq!(report["skipped"][0]["kind"], "different-failure");
    assert!(report["hint"].as_str().unwrap().contains("--any-failure"), "{report:#}");
}

#[test]
fn broken_mended_and_broken_again_gives_the_latest_breakage_and_names_the_earlier_one() {
    let (repo, ids) = numbered(80, |n, repo| {
        let broken = (10..50).contains(&n) || n >= 70;
        repo.write(
            "app.py",
            if broken { "import json\nprint(json.loads(open('x')))\n" } else { "print(0)\n" },
        );
    });
    let good = ids[0].to_string();
    let (code, report) = User::new().find(repo.path(), &["--good", &good, "--", "python3", "app.py"]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[70].to_string().as_str()), "{report:#}");
}

#[test]
fn the_episode_is_found_also_when_the_search_ends_in_it() {
    // Halving meets only failures: the first stretch reaches far, the mended one is short. Nothing of the
    // failure is in the history, so no evidence leads straight to the answer.
    let (repo, ids) = numbered(64, |n, repo| {
        let broken = (20..60).contains(&n) || n >= 61;
        repo.write("state", if broken { "broken" } else { "well" });
    });
    let good = ids[0].to_string();
    let smoke = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(smoke.path(), "if open('state').read() != 'well': raise ValueError('x')\n").unwrap();
    let with = format!("{}:smoke.py", smoke.path().display());
    let arguments = ["--jobs", "1", "--with-file", &with, "--good", &good, "--", "python3", "smoke.py"];
    let (code, report) = User::new().find(repo.path(), &arguments);
    assert_eq!((code, culprit(&report)), (Some(0), ids[61].to_string().as_str()), "{report:#}");
    assert!(!report["episodes"].as_array().unwrap().is_empty(), "{report:#}");
}

#[test]
fn a_side_branch_that_forked_before_good_and_fails_differently_is_skipped() {
    let mut repo = TestRepo::new();
    let root = repo.write("state", "0").commit("root");
    // The side branch fails with another status.
    let side = repo.write("state", "9").commit("side");
    repo.go_to(root);
    let good = repo.write("state", "0").write("good", "").commit("good");
    let mut after = Vec::new();
    for n in 0..6 {
        after.push(repo.write("n", format!("{n}")).commit("on"));
    }
    repo.write("state", "0").merge(side, "merge the side branch");
    for n in 0..6 {
        repo.write("n", format!("later {n}")).commit("on");
    }
    let culprit_id = repo.write("state", "1").commit("break");
    repo.write("n", "end").commit("end");
    let (code, report) = find(&repo, good, "read s < state || true; exit $s", &[]);
    assert_eq!((code, culprit(&report)), (Some(0), culprit_id.to_string().as_str()), "{report:#}");
}

#[test]
fn a_merge_can_be_the_culprit() {
    let mut repo = TestRepo::new();
    let root = repo.write("a", "0").write("b", "0").commit("root");
    let left = repo.write("a", "1").commit("left");
    repo.go_to(root);
    let right = repo.write("b", "1").commit("right");
    repo.go_to(left);
    let merge = repo.write("b", "1").merge(right, "both together fail");
    repo.write("n", "x").commit("later");
    let (code, report) = find(&repo, root, "[ $(cat a)$(cat b) != 11 ]", &[]);
    assert_eq!((code, culprit(&report)), (Some(0), merge.to_string().as_str()), "{report:#}");
}

#[test]
fn criss_cross_merges_and_two_roots_are_searched() {
    let mut repo = TestRepo::new();
    let root = repo.write("s", "0").commit("root");
    let left = repo.write("l", "1").commit("left");
    repo.go_to(root);
    let right = repo.write("r", "1").commit("right");
    let cross_right = repo.write("l", "1").merge(left, "right takes left");
    repo.go_to(left);
    repo.write("r", "1").merge(right, "left takes right");
    let culprit_id = repo.write("s", "1").commit("break");
    repo.merge(cross_right, "together again");
    // A second root is merged in.
    let main = repo.write("n", "0").commit("on");
    let mut other = TestRepo::new();
    let stranger = other.write("other.txt", "hello").commit("another root");
    repo.git(&["fetch", "--quiet", other.path().to_str().unwrap(), "main:refs/heads/other"]);
    repo.go_to(main);
    repo.write("other.txt", "hello").merge(stranger, "take in another history");
    repo.write("n", "1").commit("end");
    let (code, report) = find(&repo, root, "[ \"$(cat s 2>/dev/null || echo 0)\" = 0 ]", &[]);
    assert_eq!((code, culprit(&report)), (Some(0), culprit_id.to_string().as_str()), "{report:#}");
}

#[test]
fn without_a_good_commit_one_is_looked_for() {
    let (repo, ids) = numbered(50, |_, _| {});
    repo.tag("v1.0", ids[5]);
    repo.tag("v2.0", ids[40]);
    let script = "read n < n.txt; [ $n -lt 33 ]";
    let (code, report) = User::new().find(repo.path(), &["--shell", script]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[33].to_string().as_str()), "{report:#}");
}

#[test]
fn the_commit_that_mended_it_is_found() {
    let (repo, ids) = numbered(40, |_, _| {});
    let broken = ids[0].to_string();
    let script = "read n < n.txt; [ $n -ge 23 ]";
    let (code, report) = User::new().find(repo.path(), &["--find-fix", "--bad", &broken, "--shell", script]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[23].to_string().as_str()), "{report:#}");
}

#[test]
fn when_the_good_side_mended_it_that_is_said() {
    let mut repo = TestRepo::new();
    repo.write("s", "0").commit("root");
    let base = repo.write("s", "1").commit("broken here");
    let good = repo.write("s", "0").commit("mended on the release branch");
    repo.go_to(base);
    repo.write("n", "1").commit("main goes on");
    let (code, report) = find(&repo, good, "[ $(cat s) = 0 ]", &[]);
    assert_eq!(code, Some(4), "{report:#}");
    assert!(report["reason"].as_str().unwrap().contains("merge base"), "{report:#}");
    assert!(report["hint"].as_str().unwrap().contains("--find-fix"), "{report:#}");
}

#[test]
fn first_parent_and_path_limit_the_range() {
    let mut repo = TestRepo::new();
    let root = repo.write("a/x", "0").write("b/x", "0").commit("root");
    let side = repo.write("a/x", "1").commit("break on a side branch");
    repo.go_to(root);
    repo.write("b/x", "1").commit("touch b");
    let merge = repo.write("a/x", "1").merge(side, "merge");
    repo.write("b/x", "2").commit("touch b again");
    let script = "[ $(cat a/x) = 0 ]";
    let (_, report) = find(&repo, root, script, &["--first-parent"]);
    assert_eq!(culprit(&report), merge.to_string());
    let (_, report) = find(&repo, root, script, &["--path", "a"]);
    assert_eq!(culprit(&report), side.to_string());
}

#[test]
fn odd_names_sub_folders_and_overlays_are_no_obstacle() {
    let mut repo = TestRepo::new();
    let mut ids = Vec::new();
    for n in 0..12 {
        repo.write("pärt one/n.txt", format!("{n}\n")).write_as(b"caf\xe9.txt", b"x", 0o100_644);
        ids.push(repo.commit("c"));
    }
    repo.check_out();
    let user = User::new();
    let test = user.cache().parent().unwrap().join("my test.sh");
    std::fs::write(&test, "read n < n.txt; [ $n -lt 7 ]\n").unwrap();
    let with = format!("{}:pärt one/check it.sh", test.display());
    let good = ids[0].to_string();
    let arguments = ["--good", good.as_str(), "--with-file", &with, "--", "sh", "check it.sh"];
    let (code, report) = user.find(&repo.path().join("pärt one"), &arguments);
    assert_eq!((code, culprit(&report)), (Some(0), ids[7].to_string().as_str()), "{report:#}");
}
