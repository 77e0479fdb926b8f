//! Filter drivers: programs that the user's configuration names, and a tree's attributes choose.
//!
//! They run only when the user asks for it, as git runs them: with a shell, in the user's own work tree, so that a
//! relative path in the configuration leads to what is checked out there and not to what a commit brings.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::git::{GitError, OTHER_REPOSITORY, Repository};

use crate::process::program;

/// A filter that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(2);

/// What a driver made of a file.
#[derive(Debug)]
pub(super) enum Smudged {
    /// There is no such driver, or it has nothing to do when files are written.
    Nothing,
    /// Its content.
    Made(Vec<u8>),
    /// It would have run.
    NotRun,
    /// It did not do its work.
    Failed,
}

/// The drivers of a configuration.
#[derive(Debug, Default)]
pub(super) struct Drivers {
    commands: BTreeMap<String, Driver>,
    folder: PathBuf,
    git: PathBuf,
    is_running: bool,
}

#[derive(Debug, Default)]
struct Driver {
    smudge: Option<String>,
    /// It speaks git's protocol of long-running filters.
    process: Option<String>,
}

impl Drivers {
    pub(super) fn of(user: &Repository, config: &git2::Config) -> Result<Self, GitError> {
        let mut commands: BTreeMap<String, Driver> = BTreeMap::new();
        config.entries(Some(r"^filter\..*\.(smudge|process)$"))?.for_each(|entry| {
            let (Ok(key), Ok(value)) = (entry.name(), entry.value()) else { return };
            let Some((name, part)) = key.strip_prefix("filter.").and_then(|key| key.rsplit_once('.')) else {
                return;
            };
            let driver = commands.entry(name.to_owned()).or_default();
            let value = Some(value.to_owned()).filter(|value| !value.is_empty());
            match part {
                "smudge" => driver.smudge = value,
                _ => driver.process = value,
            }
        })?;
        let (folder, git) = (top_of(user).to_owned(), user.folder().to_owned());
        Ok(Self { commands, folder, git, is_running: false })
    }

    pub(super) const fn run(&mut self) {
        self.is_running = true;
    }

    /// Whether a driver is there, and runs.
    pub(super) fn is_running(&self, name: &str) -> bool {
        self.is_running && self.commands.get(name).is_some_and(|driver| driver.smudge.is_some())
    }

    /// What can change what they make.
    pub(super) fn key(&self) -> String {
        if self.is_running { format!("{:?}", self.commands) } else { String::new() }
    }

    /// Give a file to a driver.
    pub(super) fn smudge(&self, name: &str, path: &[u8], content: &[u8]) -> Smudged {
        let Some(driver) = self.commands.get(name) else { return Smudged::Nothing };
        match &driver.smudge {
            None if driver.process.is_none() => Smudged::Nothing,
            // A pointer that is none, as the attribute of Git LFS is.
            Some(_) | None if name == "lfs" && !self.is_running => Smudged::Nothing,
            Some(_) | None if !self.is_running => Smudged::NotRun,
            None => Smudged::Failed,
            Some(command) => self.filtered(command, path, content).map_or(Smudged::Failed, Smudged::Made),
        }
    }

    /// What a command makes of a content; `None` when it fails or takes too long.
    fn filtered(&self, command: &str, path: &[u8], content: &[u8]) -> Option<Vec<u8>> {
        // In files: a filter may write before it has read everything.
        let (mut input, mut output) = (tempfile::tempfile().ok()?, tempfile::tempfile().ok()?);
        input.write_all(content).ok()?;
        input.seek(SeekFrom::Start(0)).ok()?;
        let mut run = Command::new(program("sh", &|_| false).ok()?);
        for variable in OTHER_REPOSITORY {
            run.env_remove(variable);
        }
        let mut child = run
            .arg("-c")
            .arg(with_path(command, path))
            .current_dir(&self.folder)
            .env("GIT_DIR", &self.git)
            .stdin(Stdio::from(input))
            .stdout(Stdio::from(output.try_clone().ok()?))
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .ok()?;
        let started = Instant::now();
        let status = loop {
            match child.try_wait().ok()? {
                Some(status) => break status,
                None if started.elapsed() > PATIENCE => {
                    drop(child.kill());
                    drop(child.wait());
                    return None;
                }
                None => std::thread::sleep(PAUSE),
            }
        };
        let mut made = Vec::new();
        output.seek(SeekFrom::Start(0)).ok()?;
        output.read_to_end(&mut made).ok()?;
        status.success().then_some(made)
    }
}

/// A command with `%f` as the path, quoted for the shell: it is the commit's to choose.
fn with_path(command: &str, path: &[u8]) -> OsString {
    let quoted = shell_words::quote(&String::from_utf8_lossy(path)).into_owned();
    let quoted = if std::str::from_utf8(path).is_ok() { quoted } else { "''".to_owned() };
    let quoted = if quoted.starts_with('-') { format!("./{quoted}") } else { quoted };
    let mut made = String::new();
    let mut letters = command.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('%', Some('f')) => {
                letters.next();
                made.push_str(&quoted);
            }
            ('%', Some('%')) => {
                letters.next();
                made.push('%');
            }
            _ => made.push(letter),
        }
    }
    std::ffi::OsStr::from_bytes(made.as_bytes()).to_owned()
}

/// A folder of the user's that a program can start in.
pub(super) fn top_of(user: &Repository) -> &Path {
    user.workdir().unwrap_or_else(|| user.folder())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_file_is_one_word_of_the_command() {
        let made = |path: &str| with_path("up %f %% %x", path.as_bytes()).into_string().unwrap();
        assert_eq!(made("a/b.txt"), "up a/b.txt % %x");
        assert_eq!(made("a; rm x"), "up 'a; rm x' % %x");
        assert_eq!(made("a'b"), format!("up {} % %x", shell_words::quote("a'b")));
        assert_eq!(made("-rf"), "up ./-rf % %x");
    }
}
