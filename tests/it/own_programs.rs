//! Programs that pybisect starts by name, outside of the sandbox, are never those of the checkout.

use std::fs;

use crate::support::registry::Registry;
use crate::support::{TestRepo, User};

/// What is looked for on `PATH`, beside what the user's command itself is.
const NAMES: [&str; 6] = ["bwrap", "git", "mypy", "pyright", "ty", "uv"];

#[test]
fn programs_that_git_tracks_are_not_started_by_name() {
    let mut registry = Registry::new();
    registry.release("plain", "1.0", "2015-01-01T00:00:00Z", "", "");
    let registry = registry.serve();
    let (mut repo, user) = (TestRepo::new(), User::new());
    let marks = tempfile::tempdir().unwrap();
    for name in NAMES {
        let script = format!("#!/bin/sh\ntouch {}/{name}\nexit 1\n", marks.path().display());
        repo.write_as(format!("bin/{name}").as_bytes(), script.as_bytes(), 0o100_755);
    }
    repo.write("requirements.txt", "plain\n");
    let good = repo.write("app.py", "import plain\n").commit("good").to_string();
    repo.write("app.py", "import plain, gone\n").commit("bad");
    repo.check_out();
    let started = || -> Vec<String> {
        let marks = fs::read_dir(marks.path()).unwrap();
        marks.map(|mark| mark.unwrap().file_name().into_string().unwrap()).collect()
    };
    let real = std::env::var("PATH").unwrap();
    for folder in ["bin".to_owned(), repo.path().join("bin").display().to_string()] {
        for by in ["namespaces", "bubblewrap", "process-groups"] {
            let find = ["find", "--env", "auto", "--good", &good, "--", "python", "app.py"];
            let check = ["check", "--types", "mypy", &good];
            for words in [&find[..], &check[..]] {
                let mut command = user.command(repo.path(), words);
                command.envs(registry.variables()).env("PATH", format!("{folder}:{real}"));
                let ran = command.env("PYBISECT_ISOLATION_BY", by).output().unwrap();
                assert!(ran.status.code().is_some_and(|code| code < 100), "{ran:?}");
                assert_eq!(started(), Vec::<String>::new(), "{folder} {by} {words:?}: {ran:?}");
            }
        }
    }
    // They would have told.
    std::process::Command::new(repo.path().join("bin/uv")).status().unwrap();
    assert_eq!(started(), ["uv"]);
}
