//! `pybisect logs --follow`: each kind of error once, whatever happens to the file.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::Value;

use crate::support::User;

/// How long a test waits for a line that never comes.
const PATIENCE: Duration = Duration::from_secs(120);

fn error(words: &str) -> String {
    format!("2026-11-28 10:00:01 ERROR {words}\n2026-11-28 10:00:02 INFO well\n")
}

fn traceback(kind: &str) -> String {
    format!(
        "Traceback (most recent call last):\n  File \"/srv/kiosk/kiosk/ledger.py\", line 8, in parse_rate\n    \
         raise {kind}(text)\n{kind}: not a rate: four\n"
    )
}

/// A run that goes on until it is dropped.
struct Following {
    child: Child,
    groups: Receiver<Value>,
    seen: Vec<String>,
    _user: User,
}

impl Following {
    fn new(folder: &Path, arguments: &[&str]) -> Self {
        let user = User::new();
        let all: Vec<&str> = ["logs", "--follow", "--json", "-"].iter().chain(arguments).copied().collect();
        let mut child = user.command(folder, &all).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (send, groups) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if send.send(serde_json::from_str(&line).unwrap()).is_err() {
                    break;
                }
            }
        });
        Self { child, groups, seen: Vec::new(), _user: user }
    }

    /// Waits for the group with this title; all before it are remembered.
    fn until(&mut self, title: &str) -> Value {
        loop {
            let group = self.groups.recv_timeout(PATIENCE);
            let mut line =
                group.unwrap_or_else(|error| panic!("no '{title}' after {:?}: {error}", self.seen));
            let group = line["group"].take();
            self.seen.push(group["title"].as_str().unwrap().to_owned());
            if self.seen.last().is_some_and(|last| last == title) {
                return group;
            }
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

struct Log(PathBuf);

impl Log {
    fn append(&self, text: &str) {
        let mut file = OpenOptions::new().append(true).create(true).open(&self.0).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
}

#[test]
fn each_new_group_is_told_once_through_rotation_and_truncation() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log(folder.path().join("app.log"));
    log.append(&error("till: cannot open"));
    let mut following = Following::new(folder.path(), &["app.log"]);
    following.until("till: cannot open");

    // A traceback that comes in pieces is one group, whole.
    let whole = traceback("ValueError");
    let (first, second) = whole.split_at(whole.len() / 2);
    log.append(first);
    log.append(second);
    log.append(&error("till: cannot open"));
    let group = following.until("ValueError: not a rate: four");
    assert_eq!(group["frames"][0]["function"], "parse_rate");

    // Rotated: what is written to the old file until the new one is there counts too.
    fs::rename(&log.0, folder.path().join("app.log.1")).unwrap();
    let old = Log(folder.path().join("app.log.1"));
    old.append(&error("drawer: stuck"));
    following.until("drawer: stuck");
    log.append(&error("till: cannot open"));
    log.append(&traceback("ValueError"));
    log.append(&error("printer: no paper"));
    following.until("printer: no paper");

    // Truncated in place.
    fs::write(&log.0, error("scale: off")).unwrap();
    following.until("scale: off");
    // Gone, and there again.
    fs::remove_file(&log.0).unwrap();
    log.append(&error("lamp: dark"));
    following.until("lamp: dark");
    assert_eq!(
        following.seen,
        [
            "till: cannot open",
            "ValueError: not a rate: four",
            "drawer: stuck",
            "printer: no paper",
            "scale: off",
            "lamp: dark",
        ]
    );
}

#[test]
fn an_answer_that_its_failure_explains_is_no_group_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log(folder.path().join("app.log"));
    let access = |path: &str| format!("::1 - - [28/Nov/2026:10:00:01 +0000] \"GET {path} HTTP/1.1\" 500 2\n");
    // Some servers write the answer first, some last; one is answered without a word of why.
    log.append(&format!("{}{}", traceback("ValueError"), access("/rate")));
    let mut following = Following::new(folder.path(), &["app.log"]);
    following.until("ValueError: not a rate: four");
    log.append(&format!("{}{}", access("/sold"), traceback("TypeError")));
    following.until("TypeError: not a rate: four");
    log.append(&access("/alone"));
    following.until("500 GET /alone");
    assert_eq!(
        following.seen,
        ["ValueError: not a rate: four", "TypeError: not a rate: four", "500 GET /alone"]
    );
}

#[test]
fn a_command_is_followed_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.log"), error("till: cannot open").repeat(3)).unwrap();
    let ran = User::new().run(folder.path(), &["logs", "--follow", "--command", "cat a.log; cat a.log"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.stdout.matches("till: cannot open").count(), 1, "{}", ran.stdout);
    let failed = User::new().run(folder.path(), &["logs", "--follow", "--command", "cat a.log; exit 3"]);
    assert_eq!(failed.code, Some(2));
    assert!(failed.stdout.contains("till: cannot open") && failed.stderr.contains("exit status: 3"));
}
