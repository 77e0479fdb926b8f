//! Without a live view, a row tells now and then what still runs, whatever it is that takes long.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::support::{TestRepo, User};

/// Four versions of which the last two fail, each after a file is gone.
fn repository(user: &User) -> (TestRepo, PathBuf) {
    let hold = user.home().join("hold");
    let smoke = format!(
        "import os, time\nprint('waits', flush=True)\nwhile os.path.exists('{}'): time.sleep(.02)\n\
         import app\nassert app.value < 2\n",
        hold.display()
    );
    let mut repo = TestRepo::new();
    repo.write("smoke.py", smoke);
    for number in 0..3 {
        repo.write("notes.md", number.to_string());
        repo.write("app.py", format!("value = {number}\n")).commit(&format!("Version {number}"));
    }
    // Nobody has tried yet what a fix makes of this.
    repo.write("notes.md", "and more").commit("Note more");
    repo.check_out();
    (repo, hold)
}

/// Run it with the file there until a row says this; what it said in all.
fn held(user: &User, folder: &Path, hold: &Path, words: &[&str], wanted: &str) -> String {
    std::fs::write(hold, "").unwrap();
    let mut command = user.command(folder, words);
    let mut child =
        command.env("PYBISECT_PULSE", "0.1").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains(wanted) && hold.exists() {
            std::fs::remove_file(hold).unwrap();
        }
        said = format!("{said}{line}\n");
    }
    child.wait().unwrap();
    assert!(said.contains(wanted), "no '{wanted}' in\n{said}");
    said
}

#[test]
fn a_search_a_check_and_fixes_tell_which_commands_run() {
    let user = User::new();
    let (repo, hold) = repository(&user);
    let run = ["--env", "current", "--isolation", "off", "--", "python3", "smoke.py"];
    let find = [&["find", "--good", "HEAD~3"], &run[..]].concat();
    let check = [&["check", "--types", "off", "HEAD~2.."], &run[..]].concat();
    let head = repo.last().short();
    for (words, what) in [(find, "Note more"), (vec!["fix"], "without a fix"), (check, "HEAD~2")] {
        // What the oldest of them printed last.
        let said = held(&user, repo.path(), &hold, &words, "               waits");
        let is_of_it = |row: &str| row.starts_with("still ") && row.contains("  running ");
        let told = said.lines().find(|row| is_of_it(row)).unwrap_or_else(|| panic!("{words:?}: {said}"));
        assert!(words[0] == "fix" || told.contains(what) || told.contains(&head), "{words:?}: {told}");
    }
}

#[test]
fn a_response_tells_which_steps_go_on() {
    let user = User::new();
    let (repo, hold) = repository(&user);
    let config = user.home().join(".config/pybisect");
    std::fs::create_dir_all(&config).unwrap();
    let text = format!(
        "command = ['true']\nenv = 'current'\nlogs-command = 'while [ -e {} ]; do sleep .02; done'\n[respond]\nauto = []\n",
        hold.display()
    );
    std::fs::write(config.join("config.toml"), text).unwrap();
    held(&user, repo.path(), &hold, &["respond", "--alarm", "500 on /old"], "still logs for ");
}
