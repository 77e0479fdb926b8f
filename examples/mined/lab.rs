//! Runs of a command at a commit with files laid over it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::history::History;

/// Seconds that a run may take.
const LIMIT: &str = "60";

/// A repository and a work tree of it.
pub(crate) struct Lab {
    pub(crate) repository: PathBuf,
    programs: PathBuf,
    pythonpath: String,
    pub(crate) scratch: tempfile::TempDir,
    known: RefCell<HashMap<String, Seen>>,
}

/// What a run showed.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Exit status.
    pub(crate) code: i32,
    /// What it printed.
    pub(crate) output: String,
}

impl Seen {
    pub(crate) const fn passes(&self) -> bool {
        self.code == 0
    }
}

impl Lab {
    pub(crate) fn new(repository: &Path, programs: &Path, pythonpath: &str) -> Result<Self> {
        let lab = Self {
            repository: repository.canonicalize().context("no such repository")?,
            programs: std::path::absolute(programs)?,
            pythonpath: pythonpath.to_owned(),
            scratch: tempfile::Builder::new().prefix("mined-").tempdir()?,
            known: RefCell::default(),
        };
        lab.work_tree("lab")?;
        Ok(lab)
    }

    /// `owner+name` or the folder's name.
    pub(crate) fn name(&self) -> String {
        let mut parts = self.repository.iter().rev().map(|part| part.to_string_lossy());
        let names = parts.by_ref().find(|part| !matches!(part.as_ref(), "repo" | ".git"));
        names.unwrap_or_default().into_owned()
    }

    /// git on the repository.
    pub(crate) fn git(&self, args: &[&str]) -> Result<String> {
        let output = Command::new("git").arg("-C").arg(&self.repository).args(args).output()?;
        if !output.status.success() {
            bail!("git {args:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A work tree of its own that shares the repository's objects, with nothing checked out.
    pub(crate) fn work_tree(&self, name: &str) -> Result<PathBuf> {
        let tree = self.scratch.path().join(name);
        let output = Command::new("git")
            .args(["clone", "--quiet", "--shared", "--no-checkout"])
            .arg(&self.repository)
            .arg(&tree)
            .output()?;
        if !output.status.success() {
            bail!("git clone failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(tree)
    }

    /// The environment of all runs. No bytecode is written: it could be that of another commit.
    pub(crate) fn dress<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.programs.clone()).chain(std::env::split_paths(&path));
        let path = std::env::join_paths(folders).unwrap_or_else(|_| OsString::from(&self.programs));
        command
            .env("PATH", path)
            .env("PYTHONPATH", &self.pythonpath)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("COLUMNS", "300")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdin(Stdio::null())
    }

    /// The files of a history, outside of every tree.
    pub(crate) fn overlay(&self, tests_of: &str, files: &[String]) -> Result<Vec<(PathBuf, String)>> {
        let folder = self.scratch.path().join(format!("overlay-{tests_of}"));
        let mut laid = Vec::new();
        for file in files {
            let to = folder.join(file);
            if !to.exists() {
                std::fs::create_dir_all(to.parent().context("a file is in a folder")?)?;
                let output = Command::new("git")
                    .arg("-C")
                    .arg(&self.repository)
                    .args(["show", &format!("{tests_of}:{file}")])
                    .output()?;
                if !output.status.success() {
                    bail!("{tests_of} has no {file}");
                }
                std::fs::write(&to, output.stdout)?;
            }
            laid.push((to, file.clone()));
        }
        Ok(laid)
    }

    /// Run a command at a commit, with files as they are at another.
    pub(crate) fn run(
        &self,
        commit: &str,
        tests_of: &str,
        files: &[String],
        command: &[String],
    ) -> Result<Seen> {
        let key = format!("{commit} {tests_of} {files:?} {command:?}");
        if let Some(seen) = self.known.borrow().get(&key) {
            return Ok(seen.clone());
        }
        let tree = self.scratch.path().join("lab");
        let git = |args: &[&str]| Command::new("git").arg("-C").arg(&tree).args(args).output();
        let checkout =
            git(&["-c", "advice.detachedHead=false", "checkout", "--quiet", "--force", "--detach", commit])?;
        // A copy of a history may lack a large file that no test needs.
        let lacks = String::from_utf8_lossy(&checkout.stderr).contains("unable to read");
        if !checkout.status.success() && !lacks {
            bail!("git checkout failed: {}", String::from_utf8_lossy(&checkout.stderr).trim());
        }
        git(&["clean", "--quiet", "-ffdx"])?;
        for (from, to) in self.overlay(tests_of, files)? {
            let to = tree.join(to);
            std::fs::create_dir_all(to.parent().context("a file is in a folder")?)?;
            std::fs::copy(from, to)?;
        }
        let mut run = Command::new("timeout");
        run.args(["--kill-after=5", LIMIT]).args(command).current_dir(&tree);
        let output = self.dress(&mut run).output()?;
        let text = [output.stdout, output.stderr].concat();
        let seen = Seen {
            code: output.status.code().unwrap_or(-1),
            output: String::from_utf8_lossy(&text).into_owned(),
        };
        self.known.borrow_mut().insert(key, seen.clone());
        Ok(seen)
    }

    /// Run a history's command at a commit.
    pub(crate) fn run_at(&self, commit: &str, history: &History) -> Result<Seen> {
        self.run(commit, &history.tests_of, &history.overlay, &history.command)
    }
}
