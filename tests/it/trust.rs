//! Who may set what: what came with a repository runs in the sandbox only, and lessens nothing, until the user accepts it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use crate::support::repo_builder::{TestRepo, git_in};
use crate::support::run::{Ran, User};

/// A history of which the second commit breaks, and a user who has a key in a variable and in a file.
fn history() -> (TestRepo, User, Vec<String>) {
    let (repo, ids) = TestRepo::with_versions(&["0", "1", "2"]);
    (repo, User::new(), ids.iter().map(ToString::to_string).collect())
}

fn configure(repo: &TestRepo, text: &str) {
    fs::write(repo.path().join("pybisect.toml"), text).unwrap();
}

fn find(repo: &TestRepo, user: &User, ids: &[String], more: &[&str]) -> Ran {
    let mut arguments = vec!["find", "--no-narrow", "--jobs", "1", "--good", ids[0].as_str()];
    arguments.extend(more);
    user.command(repo.path(), &arguments).env("APP_TOKEN", "a-key").output().unwrap().into()
}

/// A command that fails from the second commit on, and says what it was given.
const TELLS: &str = "command = ['sh', '-c', 'echo token=$APP_TOKEN; [ $(cat app.py) -lt 1 ]']\n";

#[test]
fn a_repository_does_not_lessen_isolation_until_it_is_trusted() {
    let (repo, user, ids) = history();
    configure(&repo, &format!("{TELLS}isolation = 'off'\npass-env = ['APP_*']\n"));
    let outputs = |ran: &Ran| {
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        ran.stderr.contains("'isolation', 'pass-env' are ignored")
    };
    let ran = find(&repo, &user, &ids, &[]);
    assert!(outputs(&ran) && ran.stderr.contains("pybisect trust"), "{}", ran.stderr);
    assert!(ran.stderr.lines().filter(|line| line.contains("ignored")).count() == 1, "{}", ran.stderr);

    let accepted = user.run(repo.path(), &["trust"]);
    assert_eq!(accepted.code, Some(0), "{}", accepted.stderr);
    assert!(accepted.stdout.contains("isolation = \"off\"  (not without this)"), "{}", accepted.stdout);
    assert!(!outputs(&find(&repo, &user, &ids, &["--fresh"])));
    let list = user.run(repo.path(), &["trust", "--list"]);
    assert!(list.stdout.contains("pybisect.toml  accepted"), "{}", list.stdout);

    // Another content is another question.
    configure(&repo, &format!("{TELLS}isolation = 'off'\npass-env = ['*']\n"));
    assert!(outputs(&find(&repo, &user, &ids, &[])));
    let list = user.run(repo.path(), &["trust", "--list"]);
    assert!(list.stdout.contains("changed since: not accepted"), "{}", list.stdout);
    user.run(repo.path(), &["trust"]);
    assert!(!outputs(&find(&repo, &user, &ids, &[])));
    user.run(repo.path(), &["trust", "--revoke"]);
    assert!(outputs(&find(&repo, &user, &ids, &[])));

    // Nobody else looks into what is accepted.
    let folder = user.home().join(".local/share/pybisect/trust");
    assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn the_same_file_in_another_repository_is_not_trusted() {
    let (repo, user, _) = history();
    let (other, _, ids) = history();
    let text = format!("{TELLS}isolation = 'off'\n");
    configure(&repo, &text);
    configure(&other, &text);
    user.run(repo.path(), &["trust"]);
    let ran = find(&other, &user, &ids, &[]);
    assert!(ran.stderr.contains("'isolation' is ignored"), "{}", ran.stderr);
}

#[test]
fn a_repositorys_command_is_not_run_outside_of_a_sandbox() {
    let (repo, user, ids) = history();
    let mark = user.home().join("ran");
    configure(
        &repo,
        &format!("command = ['sh', '-c', 'touch {}; [ $(cat app.py) -lt 1 ]']\n", mark.display()),
    );
    let ran = find(&repo, &user, &ids, &["--isolation", "off"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("is not run with --isolation off") && !mark.exists(), "{}", ran.stderr);
    // In the sandbox it runs, and reaches nothing.
    assert_eq!(find(&repo, &user, &ids, &[]).code, Some(0));
    assert!(!mark.exists());
    user.run(repo.path(), &["trust"]);
    assert_eq!(find(&repo, &user, &ids, &["--isolation", "off"]).code, Some(0));
    assert!(mark.exists(), "it would have run");
}

#[test]
fn what_a_repositorys_command_names_is_not_shown_to_it() {
    let (repo, user, ids) = history();
    let secret = user.home().join("secret");
    fs::write(&secret, "a-key").unwrap();
    let script = format!("[ $(cat app.py) -lt 1 ] || test ! -e {}", secret.display());
    configure(&repo, &format!("command = ['sh', '-c', '{script}']\n"));
    let ran = find(&repo, &user, &ids, &[]);
    assert_eq!(ran.code, Some(4), "it sees no such file, and passes: {}{}", ran.stdout, ran.stderr);
    let ran = find(&repo, &user, &ids, &["--", "sh", "-c", &script]);
    assert_eq!(ran.code, Some(0), "what the user names is shown: {}{}", ran.stdout, ran.stderr);
}

#[test]
fn files_that_a_repository_names_lie_in_the_work_tree() {
    let (repo, user, ids) = history();
    let secret = user.home().join("secret");
    fs::write(&secret, "a-key").unwrap();
    symlink(&secret, repo.path().join("link")).unwrap();
    fs::write(repo.path().join("inside"), "").unwrap();
    let outside = secret.to_string_lossy().into_owned();
    for (file, expected) in
        [(outside.as_str(), Some(2)), ("link", Some(2)), (".git/config:x", Some(2)), ("inside", Some(0))]
    {
        configure(&repo, &format!("{TELLS}with-file = ['{file}']\n"));
        let ran = find(&repo, &user, &ids, &[]);
        assert_eq!(ran.code, expected, "{file}: {}", ran.stderr);
        assert_eq!(
            ran.stderr.contains("which is not in the work tree"),
            expected == Some(2),
            "{}",
            ran.stderr
        );
    }
    configure(&repo, &format!("{TELLS}env = 'auto'\nrequirements = '{outside}'\n"));
    assert_eq!(find(&repo, &user, &ids, &[]).code, Some(2));
    // On the command line it is the user's to say.
    configure(&repo, TELLS);
    assert_eq!(find(&repo, &user, &ids, &["--with-file", &format!("{outside}:x")]).code, Some(0));
}

#[test]
fn the_users_own_file_counts_and_flags_take_the_place_of_lists() {
    let (repo, user, ids) = history();
    let folder = user.home().join(".config/pybisect");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), "isolation = 'off'\npass-env = ['APP_*']\njobz = 3\n").unwrap();
    let test = "[ $(cat app.py) -lt 1 ] || [ -z \"$APP_TOKEN\" ]";
    let passes = |more: &[&str]| {
        let mut arguments = more.to_vec();
        arguments.extend(["--fresh", "--", "sh", "-c", test]);
        find(&repo, &user, &ids, &arguments)
    };
    let ran = passes(&[]);
    assert_eq!(ran.code, Some(0), "the token is there: {}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("unknown key 'jobz'"), "{}", ran.stderr);
    assert_eq!(passes(&["--isolation", "auto"]).code, Some(0), "passed by the list");
    assert_eq!(passes(&["--isolation", "auto", "--pass-env", "OTHER"]).code, Some(4), "the flag is the list");
    let ran = passes(&["--no-config"]);
    assert_eq!(ran.code, Some(4), "{}{}", ran.stdout, ran.stderr);
    assert!(!ran.stderr.contains("jobz"), "{}", ran.stderr);
}

#[test]
fn check_goes_by_the_configuration_of_the_base() {
    let mut repo = TestRepo::new();
    let user = User::new();
    let mark = user.home().join("ran");
    let command = |word: &str| format!("command = ['sh', '-c', 'echo {word}']\n");
    let base = repo.write("app.py", "f(1)\n").write("pybisect.toml", command("base")).commit("base");
    let evil = format!("{}isolation = 'off'\nsetup = 'touch {}'\n", command("head"), mark.display());
    let head = repo.write("app.py", "f(2)\n").write("pybisect.toml", &evil).commit("head");
    repo.check_out();
    let range = format!("{base}..{head}");
    let check = |more: &[&str]| {
        let mut arguments = vec!["check", range.as_str(), "--types", "off", "--verbose"];
        arguments.extend(more);
        user.run(repo.path(), &arguments)
    };
    let ran = check(&[]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("echo base") && !ran.stdout.contains("echo head"), "{}", ran.stdout);
    assert!(ran.stderr.contains("is not as on the base") && !mark.exists(), "{}", ran.stderr);
    user.run(repo.path(), &["trust"]);
    let ran = check(&[]);
    assert!(ran.stdout.contains("echo head") && mark.exists(), "accepted: {}{}", ran.stdout, ran.stderr);
    let ran = check(&["--no-config"]);
    assert!(!ran.stdout.contains("echo "), "{}", ran.stdout);
}

/// A program that would leave a mark.
fn program(folder: &Path, name: &str, mark: &Path) {
    fs::create_dir_all(folder).unwrap();
    let file = folder.join(name);
    fs::write(&file, format!("#!/bin/sh\necho ran >> '{}'\nexit 1\n", mark.display())).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn check_starts_nothing_that_git_tracks() {
    let user = User::new();
    let mark = user.home().join("ran");
    // A file, a link to a file, a link to a folder, a file that is the user's with a tracked one beside it.
    for case in 0..4 {
        let repo = TestRepo::with_versions(&["import json\njson.load(1)\n"]).0;
        let top = repo.path();
        git_in(top, &["reset", "-q", "--hard"]);
        match case {
            0 => program(&top.join(".venv/bin"), "python", &mark),
            1 => {
                program(&top.join("tools"), "python", &mark);
                fs::create_dir_all(top.join("venv/bin")).unwrap();
                symlink("../../tools/python", top.join("venv/bin/python")).unwrap();
            }
            2 => {
                program(&top.join("tools/bin"), "python", &mark);
                symlink("tools", top.join(".venv")).unwrap();
            }
            _ => {
                fs::create_dir_all(top.join(".venv/lib")).unwrap();
                fs::write(top.join(".venv/lib/x.pth"), "import x").unwrap();
            }
        }
        fs::write(top.join("app.py"), "import json\njson.loads(1, 2)\n").unwrap();
        git_in(top, &["add", "-f", "."]);
        git_in(top, &["commit", "-q", "-m", "change"]);
        if case == 3 {
            program(&top.join(".venv/bin"), "python", &mark);
        }
        for types in ["ty", "mypy"] {
            program(&top.join(".venv/bin"), types, &mark);
            let ran = user
                .run(top, &["check", "HEAD~1..HEAD", "--no-smoke", "--types", types, "--isolation", "off"]);
            assert!(ran.code == Some(0) || ran.code == Some(10), "{}", ran.stderr);
            assert!(!mark.exists(), "case {case}, {types}: {}{}", ran.stdout, ran.stderr);
            assert!(ran.stdout.contains("git tracks it"), "case {case}: {}{}", ran.stdout, ran.stderr);
        }
    }
    // The control: what the user made there is asked.
    let repo = TestRepo::with_versions(&["f(1)\n", "f(2)\n"]).0;
    program(&repo.path().join(".venv/bin"), "python", &mark);
    user.run(repo.path(), &["check", "HEAD~1..HEAD", "--no-smoke", "--isolation", "off"]);
    assert!(mark.exists(), "it would have run");
    fs::remove_file(&mark).unwrap();
    // And where there is a sandbox, in that.
    user.run(repo.path(), &["check", "HEAD~1..HEAD", "--no-smoke"]);
    assert!(!mark.exists());
}
