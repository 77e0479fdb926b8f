//! What tasks look like on a terminal of 80 columns, from the command that is typed to its end.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::screen::{assert_screen, masked, on_terminal, seen};
use crate::support::{TestRepo, User};

const APP: &str =
    "def load(text):\n    return text.split(',')\n\n\ndef total(numbers):\n    return sum(numbers)\n";
const SMOKE: &str = "import app\n\nassert app.load('1,2') == ['1', '2']\nassert app.total([1, 2]) == 3\n";

fn broken() -> String {
    APP.replace("text.split(',')", "text.split('')")
}

/// Eight commits with two releases; the fifth breaks a call.
fn repository() -> TestRepo {
    let mut repo = TestRepo::new();
    repo.write("app.py", APP).write("smoke.py", SMOKE).commit("Begin");
    repo.tag("v1.0", repo.last());
    let later = |repo: &mut TestRepo, number: usize| {
        repo.write("notes.md", format!("{number}\n")).commit(&format!("Note {number}"));
    };
    (1..4).for_each(|number| later(&mut repo, number));
    repo.write("app.py", broken())
        .commit("Read the stored text in one go, which is told at length in this subject");
    (4..7).for_each(|number| later(&mut repo, number));
    repo.tag("v1.1", repo.last());
    repo.check_out();
    repo.git(&["config", "user.name", "Ada"]);
    repo.git(&["config", "user.email", "ada@example.org"]);
    repo
}

const FIND: [&str; 5] = ["find", "--env", "current", "-j", "1"];
const SMOKES: [&str; 3] = ["--", "python3", "smoke.py"];

fn find<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&FIND, more, &SMOKES].concat()
}

/// Asserts what a user sees of each command, one after the other.
fn told(name: &str, user: &User, repo: &TestRepo, all: &[&[&str]]) {
    let text: Vec<String> = all.iter().map(|words| seen(user, repo.path(), words)).collect();
    assert_screen(name, &text.join("\n"));
}

#[test]
fn a_search_from_the_last_release_its_fix_and_what_is_known_of_it() {
    let (user, repo) = (User::new(), repository());
    told(
        "a_search",
        &user,
        &repo,
        &[
            &find(&[]),
            // All of it is known now.
            &find(&["--good", "v1.0"]),
            &["fix"],
            &["sessions"],
            &["log"],
            &["show"],
            &["show", "--edits"],
        ],
    );
}

#[test]
fn a_range_of_one_and_a_good_version_on_another_branch() {
    let (user, mut repo) = (User::new(), repository());
    let ends = ["--good", "v1.1~4", "--bad", "v1.1~3"];
    told("a_range_of_one", &user, &repo, &[&find(&ends)]);
    let fork = repo.git(&["rev-parse", "v1.0"]).trim().parse().unwrap();
    let side = repo.go_to(fork).write("other.md", "x\n").commit("Elsewhere");
    repo.branch("stable", side);
    repo.branch("main", repo.git(&["rev-parse", "v1.1"]).trim().parse().unwrap());
    told("a_good_version_elsewhere", &user, &repo, &[&find(&["--good", "stable"])]);
}

#[test]
fn a_command_that_hangs() {
    let (user, mut repo) = (User::new(), TestRepo::new());
    repo.write("smoke.py", "import app\n");
    for (text, subject) in [("", "Begin"), ("x = 1\n", "Go on"), ("while True:\n    pass\n", "Wait for it")] {
        repo.write("app.py", text).commit(subject);
    }
    repo.check_out();
    let ends = ["--good", "HEAD~2", "--timeout", "1s", "--no-narrow"];
    told("a_hang", &user, &repo, &[&find(&ends)]);
}

#[test]
fn a_fix_that_would_undo_later_commits() {
    let (user, mut repo) = (User::new(), TestRepo::new());
    repo.write("app.py", APP).write("smoke.py", SMOKE).commit("Begin");
    repo.write("app.py", broken()).commit("Read it in one go");
    let stripped = broken().replace("text.split('')", "text.strip().split('')");
    repo.write("app.py", &stripped).commit("Strip what is read");
    repo.write("app.py", format!("{stripped}\n\ndef more():\n    return 1\n")).commit("Something new");
    repo.check_out();
    told("a_fix_that_undoes_others", &user, &repo, &[&find(&["--good", "HEAD~3"]), &["fix"]]);
}

#[test]
fn a_fix_from_a_folder_below() {
    let (user, repo) = (User::new(), repository());
    user.run(repo.path(), &find(&["--good", "v1.0"]));
    let below = repo.path().join("below");
    std::fs::create_dir(&below).unwrap();
    let text = seen(&user, &below, &["fix"]).replace("/REPO/..", "/REPO");
    assert_screen("a_fix_from_below", &masked(&text, &user, repo.path()));
}

#[test]
fn a_log_and_what_it_points_at() {
    let (user, repo) = (User::new(), repository());
    let log = "2024-01-01 10:00:00 ERROR app: failed\nTraceback (most recent call last):\n  \
               File \"/srv/app/app.py\", line 2, in load\n    return text.split('')\nValueError: empty separator\n";
    std::fs::write(repo.path().join("error.log"), log).unwrap();
    told(
        "a_log",
        &user,
        &repo,
        &[
            &["logs", "error.log"],
            &["suspects", "--log", "error.log"],
            &["suspects", "--log", "error.log", "v1.0"],
            &["suspects", "--log", "error.log", "..v1.0"],
        ],
    );
}

#[test]
fn calls_checks_and_rules() {
    let (user, repo) = (User::new(), repository());
    repo.git(&["switch", "-q", "-c", "feature"]);
    let app = broken().replace("sum(numbers)", "sum(numbers, start=numbers)");
    std::fs::write(repo.path().join("app.py"), app).unwrap();
    repo.git(&["commit", "-q", "-a", "-m", "Start with them"]);
    let check = ["check", "--types", "off", "--env", "current"];
    let smoke = ["--", "python3", "smoke.py"];
    told(
        "calls_and_checks",
        &user,
        &repo,
        &[
            &["calls"],
            &["calls", "v1.0.."],
            &[&check[..], &["v1.0..feature"], &smoke].concat(),
            // Red on both sides.
            &[&check[..], &["main..feature"], &smoke].concat(),
            &[&check[..], &["feature"]].concat(),
            &["explain", "stale-call"],
        ],
    );
}

#[test]
fn what_is_configured_and_proposed() {
    let (user, repo) = (User::new(), repository());
    std::fs::create_dir(repo.path().join("configured")).unwrap();
    let one_string_each = "command = 'python3 ../smoke.py'\ngood = 'v1.0'\nenv = 'current'\njob = 1\n";
    std::fs::write(repo.path().join("configured/pybisect.toml"), one_string_each).unwrap();
    let text = seen(&user, &repo.path().join("configured"), &["config"]);
    assert_screen("a_configuration", &text);
    let smoke = ["init", "--smoke", "python3 smoke.py"];
    // The workflow is shown as it is written.
    std::fs::create_dir_all(repo.path().join(".github/workflows")).unwrap();
    std::fs::write(repo.path().join(".github/workflows/pybisect.yml"), "").unwrap();
    told("a_proposal", &user, &repo, &[&["config"], &["init"], &smoke]);
}

#[test]
fn another_name_for_it_and_other_forms() {
    let (user, repo) = (User::new(), repository());
    let words = find(&["--good", "v1.0", "--no-narrow", "-q"]);
    let told = |name: &str| seen(&user, repo.path(), &[&[name], &words[1..]].concat());
    assert!(told("bisect").contains(" broke it\n"));
    assert_eq!(told("run").replace("pybisect run", "pybisect bisect"), told("bisect"));
    for command in ["find", "suspects", "calls", "check", "fix", "logs"] {
        let help = user.run(repo.path(), &[command, "--help"]).stdout;
        assert!(help.contains("--format <FORMAT>"), "{command}: {help}");
    }
    let completions = user.run(repo.path(), &["completions", "bash"]).stdout;
    assert!(completions.contains("complete -F _pybisect"), "{completions}");
}

/// What is left is told, and how to go on; nothing of the live view stays.
#[test]
fn a_search_that_is_stopped() {
    let (user, mut repo) = (User::new(), TestRepo::new());
    let (hold, held) = (user.home().join("hold"), user.home().join("held"));
    let smoke = "import app, os, time\nhold, held = os.environ['HOLD'], os.environ['HELD']\n\
                 while app.value < 11 and os.path.exists(hold):\n    open(held, 'w').close()\n    time.sleep(.02)\n\
                 assert app.value < 9\n";
    repo.write("smoke.py", smoke);
    for number in 0..12 {
        repo.write("app.py", format!("value = {number}\n")).commit(&format!("Version {number}"));
    }
    repo.check_out();
    std::fs::write(&hold, "").unwrap();
    let words = find(&["--good", "HEAD~11", "--isolation", "off"]);
    let mut stopped = user.command(repo.path(), &words);
    let mut is_stopped = false;
    let (code, rows) = on_terminal(stopped.env("HOLD", &hold).env("HELD", &held), |_, child| {
        if !is_stopped && held.exists() {
            is_stopped = true;
            kill(Pid::from_raw(child.try_into().unwrap()), Signal::SIGINT).unwrap();
        }
    });
    assert_eq!(code, Some(130), "{}", rows.join("\n"));
    let rows: Vec<String> = rows.iter().map(|row| masked(row, &user, repo.path())).collect();
    assert_screen("a_search_that_is_stopped", &rows.join("\n"));
    std::fs::remove_file(&hold).unwrap();
    let mut goes_on = user.command(repo.path(), &["find", "--continue"]);
    let went_on = goes_on.env("HOLD", &hold).env("HELD", &held).output().unwrap();
    let told = String::from_utf8(went_on.stdout).unwrap();
    assert!(told.contains("broke it\n  Version 9\n"), "{told}");
}
