//! The pytest plugin, with pytest and pytest-xdist in the versions of `tests/runners/requirements/ci.txt`.
//!
//! They need those packages, as [`real_runners`](super::real_runners) does.

use std::path::Path;
use std::process::Command;

use super::real_runners::programs;
use super::support::repo_builder::hermetic_environment;
use super::support::run::Ran;
use super::support::{TestRepo, User};
use pybisect::model::CommitId;

const TESTS: &str = "import app, pytest\n\n\ndef test_load(tmp_path):\n    file = tmp_path / 'a'\n    file.write_text('[1]')\n    \
                     assert app.load(file) == [1]\n\n\n@pytest.mark.parametrize('n', [1, 2])\ndef test_total(n):\n    \
                     assert app.total([n, 2]) == n + 2\n\n\ndef test_old():\n    assert app.old() == 'new'\n";

fn app(load: &str, total: &str) -> String {
    format!(
        "import json\n\n\ndef load(path):\n    with open(path) as file:\n        return json.{load}(file)\n\n\n\
         def total(numbers):\n    return {total}\n\n\ndef old():\n    return 'old'\n"
    )
}

/// Eight commits: the fourth breaks loading, the sixth sums. One test fails everywhere.
fn history() -> (TestRepo, Vec<CommitId>) {
    let mut repo = TestRepo::new();
    repo.write("tests/test_app.py", TESTS).write(".gitignore", "__pycache__/\n.pytest_cache/\n");
    repo.write("pytest.ini", "[pytest]\npythonpath = .\n");
    let ids = (0..8)
        .map(|n| {
            let load = if n < 3 { "load" } else { "loads" };
            let total = if n < 5 { "sum(numbers)" } else { "sum(numbers, start=1)" };
            repo.write("app.py", app(load, total))
                .write("notes", n.to_string())
                .commit(&format!("commit {n}"))
        })
        .collect();
    repo.check_out();
    (repo, ids)
}

fn pytest_with(user: &User, folder: &Path, path: &[&Path], arguments: &[&str]) -> Ran {
    let mut command = Command::new(programs().join("python"));
    let own = path.iter().map(|folder| folder.to_path_buf());
    let inherited = std::env::var_os("PATH").unwrap();
    let paths = own.chain(std::env::split_paths(&inherited));
    command
        .env_clear()
        .envs(hermetic_environment())
        .env("HOME", user.home())
        .env("PYBISECT_CACHE_DIR", user.cache())
        .env("PATH", std::env::join_paths(paths).unwrap())
        .env("PYTHONPATH", Path::new(env!("CARGO_MANIFEST_DIR")).join("python"))
        .args(["-m", "pytest", "-q", "-p", "pybisect_pytest", "-p", "no:cacheprovider"])
        .args(arguments)
        .current_dir(folder);
    command.output().unwrap().into()
}

fn pytest(user: &User, folder: &Path, arguments: &[&str]) -> Ran {
    let program = assert_cmd::cargo::cargo_bin!("pybisect");
    pytest_with(user, folder, &[program.parent().unwrap()], arguments)
}

/// What is told of a test: the lines below its name, or below those of others of the same commit.
fn told(ran: &Ran, test: &str) -> String {
    let (_, rest) = ran.stdout.split_once(&format!("\n{test}\n")).unwrap_or_else(|| panic!("{}", ran.stdout));
    let others = |line: &&str| line.starts_with("tests/");
    rest.lines().skip_while(others).take_while(|line| line.starts_with("  ")).collect()
}

#[test]
#[ignore = "needs the packages of ci.txt"]
fn each_newly_failing_test_is_told_its_commit() {
    let (user, (repo, ids)) = (User::new(), history());
    let good = ids[0].to_string();
    for more in [&[][..], &["-n2"]] {
        let mut arguments = vec!["--bisect", "--bisect-good", &good];
        arguments.extend_from_slice(more);
        let ran = pytest(&user, repo.path(), &arguments);
        assert_eq!(ran.code, Some(1), "the run is as red as without: {}{}", ran.stdout, ran.stderr);
        let load = told(&ran, "tests/test_app.py::test_load");
        assert!(load.contains(&format!("broken by {} Ada", &ids[3].to_string()[..7])), "{load}");
        assert!(load.contains("commit 3"), "{load}");
        let total = told(&ran, "tests/test_app.py::test_total[1]");
        assert!(total.contains(&format!("broken by {} Ada", &ids[5].to_string()[..7])), "{total}");
        assert!(
            !ran.stdout.contains("\ntests/test_app.py::test_old\n"),
            "it is red at good, too: {}",
            ran.stdout
        );
    }
}

#[test]
#[ignore = "needs the packages of ci.txt"]
fn suspects_are_ranked_without_a_run() {
    let (user, (repo, ids)) = (User::new(), history());
    repo.tag("v1.0", ids[0]);
    let ran = pytest(&user, repo.path(), &["--bisect-suspects", "--tb=no"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let load = told(&ran, "tests/test_app.py::test_load");
    let first = load.trim_start();
    assert!(first.contains(&ids[3].to_string()[..7]), "{load}");
    assert!(!user.cache().join("runs").exists(), "nothing ran");
}

#[test]
#[ignore = "needs the packages of ci.txt"]
fn a_run_is_what_it_was_whatever_becomes_of_the_search() {
    let (user, (repo, ids)) = (User::new(), history());
    let wrong = pytest(&user, repo.path(), &["--bisect", "--bisect-good", "v9"]);
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.stdout.contains("pybisect: error: no commit is called 'v9'"), "{}", wrong.stdout);
    let late = pytest(&user, repo.path(), &["--bisect", "--bisect-timeout", "0.001"]);
    assert_eq!(late.code, Some(1));
    assert!(late.stdout.contains("no answer after 0.001 s"), "{}", late.stdout);
    // Nothing to say of a green run, nothing at all when it is not asked for.
    repo.git(&["checkout", "--quiet", &ids[0].to_string()]);
    let green = pytest(&user, repo.path(), &["--bisect", "--deselect", "tests/test_app.py::test_old"]);
    assert_eq!(green.code, Some(0), "{}", green.stdout);
    let off = pytest(&user, repo.path(), &[]);
    assert!(!green.stdout.contains("broke it") && !off.stdout.contains("bisect"), "{}", off.stdout);
}

#[test]
#[ignore = "needs the packages of ci.txt"]
fn without_the_program_it_says_so() {
    let (user, (repo, _)) = (User::new(), history());
    let ran = pytest_with(&user, repo.path(), &[], &["--bisect"]);
    assert_eq!(ran.code, Some(1));
    // A machine of a developer may have one on PATH.
    let has_one = which::which("pybisect").is_ok();
    assert!(has_one || ran.stdout.contains("pip install pybisect"), "{}", ran.stdout);
}
