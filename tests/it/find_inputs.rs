//! What users get wrong, and what repositories lack: each gives a clear error or a stated skip.

use std::path::Path;

use crate::support::repo_builder::{git_in, hermetic, snapshot};
use crate::support::run::Ran;
use crate::support::{TestRepo, User, culprit};

fn find(folder: &Path, arguments: &[&str]) -> Ran {
    let mut all = vec!["find", "--color", "never"];
    all.extend_from_slice(arguments);
    User::new().run(folder, &all)
}

/// A usage error that says all of these.
#[track_caller]
fn assert_usage(ran: &Ran, texts: &[&str]) {
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    for text in texts {
        assert!(ran.stderr.contains(text), "no '{text}' in: {}", ran.stderr);
    }
    assert!(!ran.stderr.contains("panicked") && ran.stdout.is_empty());
}

#[test]
fn mistakes_in_words_are_named_with_what_to_do() {
    let (repo, ids) = TestRepo::with_versions(&["0", "1", "2"]);
    repo.tag("v1.0", ids[0]);
    let good = ids[0].to_string();
    assert_usage(
        &find(repo.path(), &["--good", "v1.9", "--", "true"]),
        &["no commit is called 'v1.9'", "v1.0"],
    );
    assert_usage(&find(repo.path(), &["--good", "HEAD", "--", "true"]), &["same commit", "--good REV"]);
    assert_usage(&find(repo.path(), &["--good", &good]), &["no command", "-- "]);
    assert_usage(
        &find(repo.path(), &["--match", "(", "--good", &good, "--", "true"]),
        &["regular expression"],
    );
    assert_usage(
        &find(repo.path(), &["--timeout", "soon", "--good", &good, "--", "true"]),
        &["duration", "90s"],
    );
    let with = find(repo.path(), &["--with-file", "nothing.py", "--good", &good, "--", "true"]);
    assert_usage(&with, &["nothing.py", "SRC[:DEST]"]);
    let file = repo.path().join("x.py");
    std::fs::write(&file, "").unwrap();
    let outside = find(repo.path(), &["--with-file", "x.py:../x.py", "--good", &good, "--", "true"]);
    assert_usage(&outside, &["not a path inside the tree"]);
    let nowhere = tempfile::tempdir().unwrap();
    assert_usage(&find(nowhere.path(), &["--", "true"]), &["no git repository", "--repo"]);
}

#[test]
fn endpoints_that_do_not_reproduce_end_with_four_those_that_did_not_run_with_five() {
    let (repo, ids) = TestRepo::with_versions(&["0", "1", "2"]);
    let good = ids[0].to_string();
    for (command, code, seen) in [
        (vec!["true"], 4, "the command passes"),
        (vec!["false"], 4, "it fails too"),
        (vec!["sh", "-c", "no-such-program-here"], 5, "no-such-program-here"),
        (vec!["sh", "-c", "exit 125"], 5, "exit status 125"),
    ] {
        let mut arguments = vec!["--good", &good, "--"];
        arguments.extend(command);
        let ran = find(repo.path(), &arguments);
        assert_eq!(ran.code, Some(code), "{}", ran.stderr);
        assert!(ran.stdout.is_empty() && ran.stderr.contains(seen), "no '{seen}' in: {}", ran.stderr);
        assert!(ran.stderr.contains("output: pybisect show "), "{}", ran.stderr);
    }
    let ran = find(repo.path(), &["--good", &good, "--setup", "echo no compiler; exit 3", "--", "true"]);
    assert_eq!(ran.code, Some(5));
    assert!(ran.stderr.contains("setup failed: exit status 3: no compiler"), "{}", ran.stderr);
}

#[test]
fn a_shallow_clone_says_how_to_deepen_it() {
    let (repo, _) = TestRepo::with_versions(&["0", "1", "2", "3"]);
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", repo.path().display());
    let clone = folder.path().join("clone");
    let done =
        hermetic("git", folder.path()).args(["clone", "-q", "--depth", "2", &url]).arg(&clone).status();
    assert!(done.unwrap().success());
    let ran = find(&clone, &["--", "sh", "-c", "[ $(cat app.py) -lt 1 ]"]);
    assert_ne!(ran.code, Some(0));
    assert!(
        format!("{}{}", ran.stdout, ran.stderr).contains("git fetch --unshallow"),
        "{} {}",
        ran.stdout,
        ran.stderr
    );
}

#[test]
fn a_partial_clone_is_filled_in_the_shadow_and_stays_as_it_is() {
    let (repo, ids) = TestRepo::with_versions(&["0", "1", "2", "3", "4"]);
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    repo.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", repo.path().display());
    let clone = folder.path().join("clone");
    let mut git = hermetic("git", folder.path());
    assert!(git.args(["clone", "-q", "--filter=blob:none", &url]).arg(&clone).status().unwrap().success());
    let before = snapshot(&clone);
    let good = ids[0].to_string();
    let (code, report) = User::new().find(&clone, &["--good", &good, "--shell", "[ $(cat app.py) -lt 3 ]"]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[3].to_string().as_str()), "{report:#}");
    assert!(snapshot(&clone) == before, "the clone changed");
}

#[test]
fn a_bare_repository_and_a_dirty_work_tree_are_fine() {
    let (repo, ids) = TestRepo::with_versions(&["0", "1", "2", "3", "4"]);
    repo.check_out();
    std::fs::write(repo.path().join("app.py"), "edited by the user").unwrap();
    std::fs::write(repo.path().join("new.txt"), "untracked").unwrap();
    let good = ids[0].to_string();
    let arguments = ["--good", good.as_str(), "--shell", "[ $(cat app.py) -lt 3 ] && [ ! -e new.txt ]"];
    let (code, report) = User::new().find(repo.path(), &arguments);
    assert_eq!((code, culprit(&report)), (Some(0), ids[3].to_string().as_str()), "{report:#}");
    assert_eq!(std::fs::read_to_string(repo.path().join("app.py")).unwrap(), "edited by the user");

    let folder = tempfile::tempdir().unwrap();
    let bare = folder.path().join("bare.git");
    git_in(folder.path(), &["clone", "-q", "--bare", repo.path().to_str().unwrap(), bare.to_str().unwrap()]);
    let (code, report) = User::new().find(&bare, &arguments);
    assert_eq!((code, culprit(&report)), (Some(0), ids[3].to_string().as_str()), "{report:#}");
}

#[test]
fn what_a_tree_lacks_is_said() {
    let mut repo = TestRepo::new();
    repo.write("picture.png", "pixels").submodule("vendored");
    let ids: Vec<String> = (0..6).map(|n| repo.write("n", format!("{n}")).commit("c").to_string()).collect();
    let picture = repo.git(&["rev-parse", "main:picture.png"]);
    let (folder, name) = picture.trim().split_at(2);
    std::fs::remove_file(repo.path().join(".git/objects").join(folder).join(name)).unwrap();
    let (code, report) = User::new().find(repo.path(), &["--good", &ids[0], "--shell", "[ $(cat n) -lt 4 ]"]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[4].as_str()), "{report:#}");
    let notes = report["notes"].to_string();
    assert!(notes.contains("picture.png") && notes.contains("vendored"), "{notes}");
}

#[test]
fn floods_forks_and_deaf_commands_end_in_time() {
    let (repo, ids) = TestRepo::with_versions(&["0", "1", "2", "3"]);
    let good = ids[0].to_string();
    // At commit 1 the command ignores SIGTERM and never ends; everywhere it floods and leaves a child.
    let script = "n=$(cat app.py); yes | head -c 3000000; sleep 300 & \
                  if [ $n = 1 ]; then trap '' TERM; while :; do sleep 0.1; done; fi; [ $n -lt 3 ]";
    let (code, report) =
        User::new().find(repo.path(), &["--good", &good, "--timeout", "5s", "--shell", script]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[3].to_string().as_str()), "{report:#}");
    assert!(report["notes"].to_string().contains("leaves processes running"), "{report:#}");
}

#[test]
fn a_hang_can_be_what_is_searched_for() {
    let (repo, ids) = TestRepo::with_versions(&["0", "1", "2", "3", "4"]);
    let good = ids[0].to_string();
    let script = "[ $(cat app.py) -lt 2 ] || sleep 60";
    let (code, report) =
        User::new().find(repo.path(), &["--good", &good, "--timeout", "3s", "--shell", script]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[2].to_string().as_str()), "{report:#}");
    assert_eq!(report["failure"]["kind"], "timeout");
}

#[test]
fn a_hang_at_bad_ends_without_a_limit_and_is_not_waited_for_again() {
    let (repo, ids) = TestRepo::with_versions(&["0", "1"]);
    let user = User::new();
    let script = "[ $(cat app.py) -lt 1 ] || sleep 300";
    let find = || user.find(repo.path(), &["--good", &ids[0].to_string(), "--shell", script]);
    let (code, report) = find();
    assert_eq!((code, culprit(&report)), (Some(0), ids[1].to_string().as_str()), "{report:#}");
    let (code, report) = find();
    assert_eq!((code, culprit(&report)), (Some(0), ids[1].to_string().as_str()), "{report:#}");
    assert_eq!(report["trials"]["run"], 0, "{report:#}");
}

#[test]
fn with_more_time_a_trial_that_ran_out_of_it_runs_again() {
    let (repo, ids) = TestRepo::with_versions(&["0", "1", "2", "3"]);
    let good = ids[0].to_string();
    let user = User::new();
    // Commit 1, the culprit, needs more time than the first limit gives.
    let script = "n=$(cat app.py); if [ $n = 1 ]; then sleep 8; fi; [ $n -lt 1 ]";
    let find =
        |limit: &str| user.find(repo.path(), &["--good", &good, "--timeout", limit, "--shell", script]);
    let (code, report) = find("4s");
    assert_eq!(code, Some(3), "{report:#}");
    let (code, report) = find("60s");
    assert_eq!((code, culprit(&report)), (Some(0), ids[1].to_string().as_str()), "{report:#}");
}

#[test]
fn the_configuration_mirrors_the_flags() {
    let (repo, ids) = TestRepo::with_versions(&["0", "1", "2", "3", "4"]);
    let config = format!(
        "[tool.pybisect]\ncommand = ['sh', '-c', '[ $(cat app.py) -lt 2 ]']\ngood = ['{}']\njob = 1\n",
        ids[0]
    );
    std::fs::write(repo.path().join("pyproject.toml"), config).unwrap();
    let ran = find(repo.path(), &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains(&ids[2].to_string()));
    assert!(ran.stderr.contains("unknown key 'job'; did you mean 'jobs'?"), "{}", ran.stderr);
}
