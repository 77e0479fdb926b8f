//! Trials run commits. What the work tree or the home has and no commit has is laid over, or named.

use serde_json::Value;

use crate::support::run::culprit;
use crate::support::{TestRepo, User};

/// Two commits whose smoke.py does this, and a .gitignore; a checkout of the last.
fn repository(smoke: &str) -> (TestRepo, String) {
    let mut repo = TestRepo::new();
    repo.write("smoke.py", smoke).write(".gitignore", "settings_local.py\n.env\nvar/\n");
    let first = repo.write("app.py", "value = 1\n").commit("first").to_string();
    repo.write("app.py", "value = 2\n").commit("second");
    repo.write("app.py", "value = 3\n").commit("third");
    repo.check_out();
    (repo, first)
}

fn ends_for_want_of(smoke: &str, path: &str, content: &str) -> (Value, String) {
    let (repo, first) = repository(smoke);
    let file = repo.path().join(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, content).unwrap();
    let user = User::new();
    let (code, report) = user.find(repo.path(), &["--good", &first, "--", "python3", "smoke.py"]);
    assert_eq!(code, Some(4), "{report:#}");
    let reason = report["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains(path) && reason.contains("(tried)"), "{reason}");
    assert_eq!(report["hint"], format!("--with-file {path}"), "{report:#}");
    // And with the option, there is nothing of it any more.
    let with = ["--good", &first, "--with-file", path, "--", "python3", "smoke.py"];
    let (_, after) = user.find(repo.path(), &with);
    assert!(after["reason"].as_str().unwrap().contains("the command passes"), "{after:#}");
    (report, reason)
}

#[test]
fn an_ignored_module_that_cannot_be_imported_is_named() {
    let (report, reason) = ends_for_want_of("import settings_local\n", "settings_local.py", "DEBUG = 1\n");
    assert!(reason.contains("ignored by git"), "{reason}");
    let printed = report["outputs"][0]["lines"].to_string();
    assert!(printed.contains("No module named 'settings_local'"), "{printed}");
}

#[test]
fn an_ignored_file_that_is_opened_is_named() {
    ends_for_want_of("open('var/rows.csv')\n", "var/rows.csv", "1\n");
}

#[test]
fn an_untracked_file_that_only_the_code_line_names_is_named() {
    let smoke = "import sqlite3\nsqlite3.connect('file:rows.db?mode=ro', uri=True); name = 'rows.db'\n";
    ends_for_want_of(smoke, "rows.db", "");
}

#[test]
fn a_setting_that_an_ignored_file_has_is_named_by_that_file() {
    let smoke = "import os\nlines = open('.env').read().split() if os.path.exists('.env') else []\n\
                 dict(line.split('=') for line in lines)['DB_URL']\n";
    ends_for_want_of(smoke, ".env", "DB_URL=sqlite:///x\n");
}

#[test]
fn a_file_of_the_home_is_named_and_can_be_given() {
    let (repo, first) = repository("import os\nopen(os.path.expanduser('~/.apprc'))\n");
    let user = User::new();
    std::fs::write(user.home().join(".apprc"), "x").unwrap();
    let command = ["--", "python3", "smoke.py"];
    let (code, report) = user.find(repo.path(), &[&["--good", &first][..], &command].concat());
    assert_eq!(code, Some(4), "{report:#}");
    assert!(report["reason"].as_str().unwrap().contains("~/.apprc (in your home)"), "{report:#}");
    let given = format!("{}:~/.apprc", user.home().join(".apprc").display());
    let (_, after) =
        user.find(repo.path(), &[&["--good", &first, "--with-file", &given][..], &command].concat());
    assert!(after["reason"].as_str().unwrap().contains("the command passes"), "{after:#}");
}

#[test]
fn a_file_that_makes_no_difference_is_not_blamed() {
    let (repo, first) = repository("open('var/rows.csv') if 0 else None\nraise ValueError('var/rows.csv')\n");
    std::fs::create_dir(repo.path().join("var")).unwrap();
    std::fs::write(repo.path().join("var/rows.csv"), "1").unwrap();
    let (code, report) = User::new().find(repo.path(), &["--good", &first, "--", "python3", "smoke.py"]);
    assert_eq!(code, Some(4), "{report:#}");
    assert!(report["reason"].as_str().unwrap().contains("it fails too"), "{report:#}");
    assert!(!report["hint"].as_str().unwrap().contains("rows.csv"), "{report:#}");
}

const TEST: &str = "import app, unittest\nclass Test(unittest.TestCase):\n    def test_value(self):\n        \
                    self.assertLess(app.value, 3)\n";

fn new_test(words: &[&str], options: &[&str]) -> (Option<i32>, Value) {
    let (repo, first) = repository("");
    std::fs::write(repo.path().join("test_new.py"), TEST).unwrap();
    let all = [&["--no-narrow", "--good", &first][..], options, &["--"], words].concat();
    User::new().find(repo.path(), &all)
}

#[test]
fn a_new_test_that_the_command_names_is_laid_over_and_that_is_said() {
    for words in [
        &["python3", "test_new.py", "-v"][..],
        &["python3", "-m", "unittest", "test_new"],
        &["python3", "-m", "unittest", "test_new.Test.test_value"],
        &["sh", "-c", "python3 -m unittest test_new.py"],
    ] {
        // A file with a test case in it is run by itself as a module.
        let words =
            if words.contains(&"-v") { &["python3", "-m", "unittest", "./test_new.py"][..] } else { words };
        let (code, report) = new_test(words, &[]);
        assert_eq!(code, Some(0), "{words:?} {report:#}");
        culprit(&report);
        assert!(report["notes"].to_string().contains("test_new.py (new)"), "{report:#}");
    }
    let (code, report) = new_test(&["python3", "-m", "unittest", "test_new"], &["--no-with-file"]);
    assert_ne!(code, Some(0), "{report:#}");
}

#[test]
fn the_code_under_test_is_never_laid_over_though_the_command_names_it() {
    let (repo, first) = repository("");
    std::fs::write(repo.path().join("app.py"), "value = 1\n").unwrap();
    let script = ["--", "sh", "-c", "python3 app.py && python3 -c 'import app; assert app.value < 3'"];
    let (code, report) =
        User::new().find(repo.path(), &[&["--no-narrow", "--good", &first][..], &script].concat());
    assert_eq!(code, Some(0), "{report:#}");
    let notes = report["notes"].to_string();
    assert!(
        notes.contains("app.py is changed in your work tree") && !notes.contains("laid over every"),
        "{notes}"
    );
}
