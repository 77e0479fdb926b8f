//! Mistakes that are told before anything runs: what, where, and what to type instead.

use crate::support::run::{Ran, culprit};
use crate::support::{TestRepo, User};

/// Four commits of which the last two fail, with a test.
fn repository() -> (TestRepo, Vec<String>) {
    let mut repo = TestRepo::new();
    repo.write("tests/test_app.py", "import app\ndef test_value():\n    assert app.value < 2\n");
    repo.write("run.sh", "exit 1\n").write("run.py", "");
    let ids =
        (0..4).map(|n| repo.write("app.py", format!("value = {n}\n")).commit(&format!("c{n}")).to_string());
    let ids = ids.collect();
    repo.check_out();
    (repo, ids)
}

fn told(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, Some(code), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    for word in words {
        assert!(ran.stderr.contains(word), "no '{word}' in\n{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("skip ") && !ran.stderr.contains("evidence"), "nothing ran: {}", ran.stderr);
}

#[test]
fn ends_that_are_the_same_or_exchanged() {
    let (repo, ids) = repository();
    let user = User::new();
    let find = |arguments: &[&str]| user.run(repo.path(), &[&["find"], arguments].concat());
    let same = find(&["--good", "HEAD", "--", "false"]);
    told(&same, 2, &["are the same commit", "pybisect find -- false", "pybisect find --good REV -- false"]);
    let turned = find(&["--good", "HEAD", "--bad", &ids[1], "--", "python3", "-c", "import app"]);
    let right = format!("exchanged? pybisect find --good {} --bad HEAD -- python3 -c 'import app'", ids[1]);
    told(&turned, 2, &["is older than the good one, HEAD", &right, "--find-fix"]);
    let fix = find(&["--find-fix", "--bad", "HEAD", "--good", &ids[0], "--", "false"]);
    told(&fix, 2, &[&format!("pybisect find --find-fix --good HEAD --bad {} -- false", ids[0])]);
    let range = find(&[&format!("HEAD..{}", ids[0]), "--", "false"]);
    told(&range, 2, &[&format!("pybisect find --good {} --bad HEAD -- false", ids[0])]);
}

#[test]
fn a_repository_without_commits_and_a_file_that_is_laid_elsewhere() {
    let user = User::new();
    let empty = tempfile::tempdir().unwrap();
    crate::support::repo_builder::git_in(empty.path(), &["init", "-q"]);
    told(&user.run(empty.path(), &["find", "--", "true"]), 2, &["this repository has no commits yet"]);
    let (repo, ids) = repository();
    std::fs::write(user.home().join("test_new.py"), "").unwrap();
    let source = user.home().join("test_new.py").display().to_string();
    let words = ["find", "--good", &ids[0], "--with-file", &source, "--", "python3", "tests/test_new.py"];
    let right = format!("--with-file {source}:tests/test_new.py -- python3 tests/test_new.py");
    told(&user.run(repo.path(), &words), 2, &["the file is laid over as test_new.py", &right]);
}

#[test]
fn something_else_lies_where_runs_are_kept() {
    let (repo, ids) = repository();
    let user = User::new();
    let find = || user.run(repo.path(), &["find", "--good", &ids[0], "--", "python3", "-c", "import app"]);
    let runs = user.cache().join("runs");
    std::fs::create_dir_all(user.cache()).unwrap();
    std::os::unix::fs::symlink(user.cache().join("gone"), &runs).unwrap();
    told(&find(), 2, &["runs is a link to what is no folder", &format!("rm {}", runs.display())]);
    assert!(!user.cache().join("gone").exists(), "the link is followed");
    std::fs::remove_file(&runs).unwrap();
    std::fs::write(&runs, "mine").unwrap();
    told(&find(), 2, &["runs is not a folder", "PYBISECT_CACHE_DIR"]);
    assert_eq!(std::fs::read_to_string(&runs).unwrap(), "mine");
}

#[test]
fn a_range_is_taken_as_git_has_it() {
    let (repo, ids) = repository();
    let user = User::new();
    let command = ["--no-narrow", "--", "python3", "-c", "import app; assert app.value < 2"];
    for range in [format!("{}..", ids[0]), format!("{}..HEAD", ids[0])] {
        let (code, report) = user.find(repo.path(), &[&[range.as_str()][..], &command].concat());
        assert_eq!((code, culprit(&report)), (Some(0), ids[2].as_str()), "{report:#}");
    }
    told(
        &user.run(repo.path(), &["find", &ids[0], "--", "true"]),
        2,
        &[&format!("--good {} -- true", ids[0])],
    );
}

#[test]
fn a_command_in_quotes_or_without_its_separator() {
    let (repo, ids) = repository();
    let user = User::new();
    let find =
        |arguments: &[&str]| user.run(repo.path(), &[&["find", "--good", &ids[0]], arguments].concat());
    let good = &ids[0];
    told(
        &find(&["--", "python3 -m unittest -q"]),
        2,
        &[
            &format!("pybisect find --good {good} -- python3 -m unittest -q"),
            "--shell 'python3 -m unittest -q'",
        ],
    );
    told(&find(&["--", "cd tests && sh x"]), 2, &["--shell 'cd tests && sh x'"]);
    let ran = find(&["python3", "-m", "unittest"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr.contains(&format!("pybisect find --good {good} -- python3 -m unittest")),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_program_that_is_not_there() {
    let (repo, ids) = repository();
    let user = User::new();
    let find =
        |arguments: &[&str]| user.run(repo.path(), &[&["find", "--good", &ids[0], "--"], arguments].concat());
    told(&find(&["pyhton3", "-V"]), 2, &["`pyhton3` on PATH", "did you mean `python3`?", "-- python3 -V"]);
    told(&find(&["./rnu.sh"]), 2, &["there is no ./rnu.sh, neither here nor in", "-- ./run.sh"]);
    told(&find(&["./run.sh"]), 2, &["run.sh may not be executed", "-- sh ./run.sh"]);
    std::fs::write(repo.path().join("large.sh"), "exit 1\n").unwrap();
    let ran = user.run(repo.path(), &["find", "--good", &ids[0], "--no-with-file", "--", "./large.sh"]);
    told(&ran, 2, &["large.sh is in your work tree and not in", "--with-file large.sh -- ./large.sh"]);
}

#[test]
fn a_test_that_is_not_there() {
    let (repo, ids) = repository();
    let user = User::new();
    let find = |arguments: &[&str]| {
        user.run(repo.path(), &[&["find", "--good", &ids[0], "--", "python3"], arguments].concat())
    };
    told(&find(&["tests/test_ap.py"]), 2, &["there is no tests/test_ap.py", "-- python3 tests/test_app.py"]);
    // What a script is given may be what it makes.
    let made = user.run(repo.path(), &["find", "--good", &ids[0], "--", "python3", "run.py", "made.py"]);
    assert_eq!(made.code, Some(4), "{}", made.stderr);
    told(
        &find(&["run.py", "-q", "tests/test_app.py::test_valeu[1]"]),
        2,
        &["no test is called test_valeu in tests/test_app.py", "tests/test_app.py::test_value[1]"],
    );
}

#[test]
fn a_runner_that_the_environment_lacks() {
    let (repo, ids) = repository();
    let user = User::new();
    let made = user.home().join("v");
    let venv =
        std::process::Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(&made).status();
    assert!(venv.unwrap().success());
    let python = made.join("bin/python").display().to_string();
    let ran = user.run(repo.path(), &["find", "--good", &ids[0], "--", &python, "-m", "pytest", "-q"]);
    told(
        &ran,
        5,
        &[
            "pytest is not installed where the command runs",
            "-m pip install pytest",
            "--env auto --with pytest --",
        ],
    );
}

#[test]
fn during_a_bisection_of_git_bad_is_what_git_knows_as_bad() {
    let (repo, ids) = repository();
    let user = User::new();
    repo.git(&["bisect", "start", &ids[3], &ids[0]]);
    let command =
        ["--no-narrow", "--good", &ids[0], "--", "python3", "-c", "import app; assert app.value < 2"];
    let (code, report) = user.find(repo.path(), &command);
    assert_eq!((code, culprit(&report)), (Some(0), ids[2].as_str()), "{report:#}");
    assert_eq!(report["bad"], ids[3].as_str());
    assert!(report["notes"].to_string().contains("a git bisect is under way"), "{report:#}");
    repo.git(&["bisect", "reset"]);
    repo.git(&["bisect", "start"]);
    let ran = user.run(repo.path(), &[&["find"], &command[..]].concat());
    told(&ran, 2, &["a git bisect is under way", "git bisect reset", "--bad REV"]);
}
