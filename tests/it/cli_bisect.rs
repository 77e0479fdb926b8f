//! Beside `git bisect`: going on from one, and judging for one.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::support::repo_builder::hermetic;
use super::support::{TestRepo, User, culprit};
use pybisect::model::CommitId;

/// Twelve commits: the value is wrong from the eighth on, and from the third to the fifth nothing can be imported.
fn history() -> (TestRepo, Vec<CommitId>) {
    let mut repo = TestRepo::new();
    repo.write("smoke.py", "import app\nassert app.value() == 1, app.value()\n");
    let text = |n: usize| match n {
        2..=4 => "import no_such_module_here\ndef value(): return 1\n".to_owned(),
        0..=6 => format!("# {n}\ndef value(): return 1\n"),
        _ => format!("# {n}\ndef value(): return 2\n"),
    };
    let ids = (0..12).map(|n| repo.write("app.py", text(n)).commit(&format!("c{n}"))).collect();
    repo.check_out();
    (repo, ids)
}

/// git with the pybisect under test on `PATH`.
fn git(user: &User, folder: &Path, arguments: &[&str]) -> Output {
    let program = assert_cmd::cargo::cargo_bin!("pybisect");
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut command = hermetic("git", folder);
    command.env("PATH", path).env("HOME", user.home()).env("PYBISECT_CACHE_DIR", user.cache());
    command.args(arguments).output().unwrap()
}

#[test]
fn a_git_bisect_is_gone_on_from_and_stays_as_it_is() {
    let (user, (repo, ids)) = (User::new(), history());
    let none = user.run(repo.path(), &["find", "--from-bisect", "--", "python3", "smoke.py"]);
    assert_eq!(none.code, Some(2));
    assert!(none.stderr.contains("no git bisect is under way"), "{}", none.stderr);
    repo.git(&["bisect", "start", "--term-new", "broken", "--term-old", "fine"]);
    repo.git(&["bisect", "broken", &ids[11].to_string()]);
    repo.git(&["bisect", "fine", &ids[0].to_string()]);
    repo.git(&["bisect", "fine", &ids[5].to_string()]);
    let log = repo.git(&["bisect", "log"]);
    let (code, report) = user.find(repo.path(), &["--from-bisect", "--", "python3", "smoke.py"]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[7].to_string().as_str()));
    let good: Vec<&str> = report["good"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(good.len(), 2, "{report:#}");
    assert_eq!(repo.git(&["bisect", "log"]), log);
}

#[test]
fn git_bisect_run_gets_the_judgement_of_failures() {
    let (user, (repo, ids)) = (User::new(), history());
    repo.git(&["bisect", "start", &ids[11].to_string(), &ids[0].to_string()]);
    let ran = git(&user, repo.path(), &["bisect", "run", "pybisect", "judge", "--", "python3", "smoke.py"]);
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(
        said.contains(&format!("{} is the first bad commit", ids[7])),
        "{said}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

#[test]
fn a_commit_is_good_bad_or_skipped_by_the_failure() {
    let (user, (repo, ids)) = (User::new(), history());
    let judge = |commit: CommitId, more: &[&str]| {
        repo.git(&["checkout", "--quiet", &commit.to_string()]);
        let mut arguments = vec!["judge"];
        arguments.extend_from_slice(more);
        arguments.extend(["--", "python3", "smoke.py"]);
        user.run(repo.path(), &arguments)
    };
    let bad = ids[11].to_string();
    assert_eq!(judge(ids[1], &["--bad", &bad]).code, Some(0));
    assert_eq!(judge(ids[8], &["--bad", &bad]).code, Some(1));
    let skipped = judge(ids[3], &["--bad", &bad]);
    assert_eq!(skipped.code, Some(125), "{}", skipped.stderr);
    assert!(skipped.stderr.contains("no_such_module_here"), "{}", skipped.stderr);
    assert_eq!(judge(ids[3], &["--bad", &bad, "--any-failure"]).code, Some(1));
    // By what a log says.
    let log = user.home().join("error.log");
    std::fs::write(
        &log,
        "Traceback (most recent call last):\n  File \"smoke.py\", line 2, in <module>\n    \
                          assert app.value() == 1, app.value()\nAssertionError: 2\n",
    )
    .unwrap();
    let by_log = ["--bad", &bad, "--failure", log.to_str().unwrap()];
    assert_eq!([ids[1], ids[8], ids[3]].map(|id| judge(id, &by_log).code), [Some(0), Some(1), Some(125)]);
}

#[test]
fn what_cannot_be_judged_stops_git() {
    let (user, (repo, ids)) = (User::new(), history());
    let code = |arguments: &[&str]| user.run(repo.path(), arguments).code;
    assert_eq!(code(&["judge", "--", "python3", "smoke.py"]), Some(255), "no bad commit");
    assert_eq!(code(&["judge", "--no-such-option"]), Some(255));
    assert_eq!(
        code(&["judge", "--bad", &ids[1].to_string(), "--", "python3", "smoke.py"]),
        Some(255),
        "it passes"
    );
}
