//! Isolation never changes an answer silently: what a trial fails for want of is said, with the option that gives it.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::{TestRepo, User, culprit, report_of, sandbox};

/// A history of eight versions of `app.py`.
fn history(version: impl Fn(usize) -> String) -> (TestRepo, Vec<String>) {
    let mut repo = TestRepo::new();
    let ids = (0..8).map(|n| repo.write("app.py", version(n)).commit("edit").to_string()).collect();
    (repo, ids)
}

fn find(user: &User, repo: &TestRepo, options: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, Value) {
    let mut all = vec!["find", "--json", "-"];
    all.extend_from_slice(options);
    all.extend_from_slice(&["--", "python", "app.py"]);
    let mut command = user.command(repo.path(), &all);
    command.envs(variables.iter().copied());
    report_of(&mut command)
}

/// The failure in the user's own environment comes with version 6; version 3 brings the need for a variable.
#[test]
fn a_withheld_variable_is_no_culprit() {
    let (repo, ids) = history(|n| {
        let need = if n >= 3 { "import os\nmode = os.environ['APP_MODE']\n" } else { "" };
        let failure = if n >= 6 { "raise ValueError('broken')\n" } else { "" };
        format!("{need}{failure}n = {n}\n")
    });
    let user = User::new();
    let variables = [("APP_MODE", "fast")];
    let (code, report) = find(&user, &repo, &["--good", &ids[0]], &variables);
    assert_eq!(code, Some(4), "{report:#}");
    assert!(report["reason"].as_str().unwrap().contains("variable APP_MODE"), "{report:#}");
    assert!(report["hint"].as_str().unwrap().contains("--pass-env APP_MODE"), "{report:#}");
    for options in [&["--pass-env", "APP_*"], &["--isolation", "off"]] {
        let options = [&["--good", ids[0].as_str()], &options[..]].concat();
        let (code, report) = find(&user, &repo, &options, &variables);
        assert_eq!((code, culprit(&report)), (Some(0), ids[6].as_str()), "{report:#}");
    }
}

#[test]
fn a_test_that_wants_the_internet_says_nothing_of_a_commit() {
    if sandbox::parts().is_none() {
        return;
    }
    // An address that no network has (RFC 5737).
    let (repo, ids) = history(|n| match n {
        0..3 => "n = 0\n".to_owned(),
        _ => "import socket\nsocket.create_connection(('192.0.2.1', 80), 5)\n".to_owned(),
    });
    let user = User::new();
    let (code, report) = find(&user, &repo, &["--good", &ids[0]], &[]);
    assert_eq!(code, Some(4), "{report:#}");
    assert!(report["hint"].as_str().unwrap().contains("--network host"), "{report:#}");
    assert_eq!(report["isolation"]["network"], "loopback");
    // Where only some versions want it, they are skipped: any failure would count.
    let (repo, ids) = history(|n| match n {
        0..2 => "n = 0\n".to_owned(),
        2 | 3 => "import socket\nsocket.create_connection(('192.0.2.1', 80), 5)\n".to_owned(),
        _ => "raise ValueError('broken')\n".to_owned(),
    });
    let (code, report) = find(&user, &repo, &["--any-failure", "--no-narrow", "--good", &ids[0]], &[]);
    assert_eq!(code, Some(3), "{report:#}");
    let blamed: Vec<&str> = report["culprits"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|culprit| culprit["commit"].as_str())
        .collect();
    assert!(blamed.contains(&ids[4].as_str()), "{report:#}");
    let skipped = report["skipped"].as_array().unwrap();
    assert!(skipped.iter().any(|skipped| skipped["kind"] == "isolation"), "{report:#}");
}

/// A failure for want of processes is no evidence, and at the bad commit it ends the search.
#[test]
fn more_processes_than_a_trial_may_have_say_nothing_of_a_commit() {
    if sandbox::parts().is_none() {
        return;
    }
    const CROWD: &str =
        "import os, time\nfor _ in range(60):\n    if os.fork() == 0:\n        time.sleep(1000)\n";
    let (repo, ids) = history(|n| match n {
        0..2 => "n = 0\n".to_owned(),
        2 | 3 => CROWD.to_owned(),
        _ => "raise ValueError('broken')\n".to_owned(),
    });
    let user = User::new();
    let options = ["--max-processes", "40", "--any-failure", "--no-narrow", "--good", &ids[0]];
    let (_, report) = find(&user, &repo, &options, &[]);
    let skipped = report["skipped"].as_array().unwrap();
    let reason =
        skipped.iter().find(|skipped| skipped["kind"] == "isolation").map(|skipped| &skipped["reason"]);
    assert!(reason.is_some_and(|reason| reason.to_string().contains("--max-processes")), "{report:#}");
    assert_eq!(report["isolation"]["limits"]["processes"], 40);
    let (repo, ids) = history(|n| if n < 3 { "n = 0\n".to_owned() } else { CROWD.to_owned() });
    let options = ["--max-processes", "40", "--good", &ids[0]];
    let (code, report) = find(&user, &repo, &options, &[]);
    assert_eq!(code, Some(4), "{report:#}");
    assert!(report["reason"].as_str().unwrap().contains("reached --max-processes"), "{report:#}");
    let options = ["--max-processes", "none", "--good", &ids[0]];
    let (code, report) = find(&user, &repo, &options, &[]);
    assert_eq!(code, Some(4), "{report:#}");
    assert_eq!(
        report["reason"].as_str().map(|reason| reason.contains("processes")),
        Some(false),
        "{report:#}"
    );
}

/// The repository is hidden, but not the environment in it.
#[test]
fn a_virtual_environment_in_the_repository_works() {
    if sandbox::parts().is_none() {
        return;
    }
    let (repo, ids) = history(|n| {
        let failure = if n >= 5 { "raise ValueError(helper.n)" } else { "" };
        format!("import helper\n{failure}\n")
    });
    fs::write(repo.path().join("notes.txt"), "mine").unwrap();
    let made =
        Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(repo.path().join(".venv")).status();
    assert!(made.unwrap().success());
    let library = walkdir::WalkDir::new(repo.path().join(".venv"))
        .into_iter()
        .flatten()
        .find(|entry| entry.file_name() == "site-packages")
        .unwrap();
    fs::write(library.path().join("helper.py"), "n = 1\n").unwrap();
    let programs = repo.path().join(".venv/bin");
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let user = User::new();
    let options = ["--isolation", "strict", "--good", &ids[0]];
    let (code, report) = find(&user, &repo, &options, &[("PATH", &path)]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[5].as_str()), "{report:#}");
}
