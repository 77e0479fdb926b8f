//! Histories, environments and overlays.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use etcetera::BaseStrategy;

use super::case::{Case, Overlay};

/// Where clones and environments are kept.
pub(crate) struct Workplace {
    cache: PathBuf,
    histories: Option<PathBuf>,
}

/// A case ready to run.
pub(crate) struct Prepared {
    /// The history; bare.
    pub(crate) history: PathBuf,
    /// The environment's folder of programs.
    pub(crate) programs: PathBuf,
    /// Overlay files: where they lie, where they go.
    pub(crate) overlay: Vec<(PathBuf, String)>,
    /// uv's cache, which both sides share and keep: downloads are not what is compared.
    pub(crate) downloads: PathBuf,
    /// A folder for this case's own use; gone afterwards.
    pub(crate) scratch: tempfile::TempDir,
}

/// Run a command to its end; its output is an error's text.
pub(crate) fn checked(command: &mut Command) -> Result<Vec<u8>> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("failed to start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}

impl Workplace {
    /// A workplace in a cache folder, with histories from another, where given.
    pub(crate) fn new(cache: Option<&Path>, histories: Option<&Path>) -> Result<Self> {
        let cache = match cache {
            Some(folder) => folder.to_owned(),
            None => etcetera::choose_base_strategy()?.cache_dir().join("pybisect-real-cases"),
        };
        std::fs::create_dir_all(&cache)?;
        let histories =
            histories.map(Path::canonicalize).transpose().context("no such folder of histories")?;
        Ok(Self { cache: cache.canonicalize()?, histories })
    }

    /// Get everything that a case needs; with `bare`, an interpreter without the case's requirements.
    pub(crate) fn prepare(&self, case: &Case, bare: bool) -> Result<Prepared> {
        let history = self.history(&case.repo)?;
        let programs = self.environment(if bare { &[] } else { &case.requirements })?;
        let scratch = tempfile::Builder::new().prefix("real-cases-").tempdir()?;
        let mut overlay = Vec::new();
        for (number, file) in case.overlay.iter().enumerate() {
            let path = scratch.path().join(format!("overlay-{number}"));
            std::fs::write(&path, content(case, file, &history)?)?;
            overlay.push((path, file.to.clone()));
        }
        for (number, file) in case.overlay_text.iter().enumerate() {
            let path = scratch.path().join(format!("overlay-text-{number}"));
            std::fs::write(&path, &file.text)?;
            overlay.push((path, file.to.clone()));
        }
        let downloads = self.cache.join("downloads");
        std::fs::create_dir_all(&downloads)?;
        Ok(Prepared { history, programs, overlay, downloads, scratch })
    }

    fn history(&self, repo: &str) -> Result<PathBuf> {
        let name = repo.replace('/', "+");
        if let Some(given) = self.histories.as_ref().map(|folder| folder.join(&name).join("repo"))
            && given.is_dir()
        {
            return Ok(given);
        }
        let own = self.cache.join("histories").join(&name).join("repo");
        if !own.is_dir() {
            let url = format!("https://github.com/{repo}.git");
            checked(Command::new("git").args(["clone", "--quiet", "--bare", &url]).arg(&own))?;
        }
        Ok(own)
    }

    /// The folder of programs of an environment with these requirements.
    fn environment(&self, requirements: &[String]) -> Result<PathBuf> {
        let key = blake3::hash(requirements.join("\n").as_bytes()).to_hex();
        let folder = self.cache.join("environments").join(&key.as_str()[..16]);
        let done = folder.join("complete");
        if !done.exists() {
            if folder.exists() {
                std::fs::remove_dir_all(&folder)?;
            }
            checked(Command::new("uv").args(["venv", "--quiet", "--python", "3.11"]).arg(&folder))?;
            if !requirements.is_empty() {
                checked(
                    Command::new("uv")
                        .args(["pip", "install", "--quiet", "--compile-bytecode", "--python"])
                        .arg(folder.join("bin/python"))
                        .args(requirements),
                )?;
            }
            std::fs::write(&done, "")?;
        }
        Ok(folder.join("bin"))
    }
}

fn content(case: &Case, file: &Overlay, history: &Path) -> Result<Vec<u8>> {
    match (&file.commit, &file.from, &file.local) {
        (Some(commit), Some(from), None) => {
            checked(Command::new("git").arg("-C").arg(history).args(["show", &format!("{commit}:{from}")]))
        }
        (None, None, Some(local)) => Ok(std::fs::read(case.folder.join(local))?),
        _ => bail!("an overlay is either commit and from, or local"),
    }
}

impl Prepared {
    /// Let pybisect's own uv cache be the shared one.
    pub(crate) fn share_downloads(&self) -> Result<()> {
        let cache = self.scratch.path().join("cache");
        std::fs::create_dir_all(&cache)?;
        std::os::unix::fs::symlink(&self.downloads, cache.join("uv")).context("failed to share downloads")
    }

    /// The environment variables of both sides. Bytecode is written, as users have it.
    pub(crate) fn dress(&self, command: &mut Command, case: &Case) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.programs.clone()).chain(std::env::split_paths(&path));
        let path = std::env::join_paths(folders).unwrap_or_else(|_| OsString::from(&self.programs));
        command
            .env("PATH", path)
            .env("PYTHONPATH", &case.pythonpath)
            .env_remove("PYTHONDONTWRITEBYTECODE")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1");
    }

    /// A work tree of the case's history at a commit, sharing its objects.
    pub(crate) fn work_tree(&self, name: &str, commit: &str) -> Result<PathBuf> {
        let tree = self.scratch.path().join(name);
        checked(
            Command::new("git")
                .args(["clone", "--quiet", "--shared", "--no-checkout"])
                .arg(&self.history)
                .arg(&tree),
        )?;
        // A copy of a history may lack a large file that no test needs.
        let checkout = Command::new("git")
            .arg("-C")
            .arg(&tree)
            .args(["-c", "advice.detachedHead=false", "checkout", "--quiet", "--force", commit])
            .stderr(Stdio::null())
            .status()?;
        if !checkout.success() {
            checked(Command::new("git").arg("-C").arg(&tree).args([
                "update-ref",
                "--no-deref",
                "HEAD",
                commit,
            ]))?;
        }
        Ok(tree)
    }

    /// Run the command once at bad, so that neither side pays for cold caches.
    pub(crate) fn warm_up(&self, case: &Case) -> Result<()> {
        let tree = self.work_tree("warm-up", &case.bad)?;
        for (from, to) in &self.overlay {
            let to = tree.join(to);
            if let Some(folder) = to.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::copy(from, to)?;
        }
        let mut command = Command::new(&case.command[0]);
        command.args(&case.command[1..]).current_dir(&tree);
        self.dress(&mut command, case);
        // It fails, as it should.
        command.stdin(Stdio::null()).output().context("failed to run the command")?;
        std::fs::remove_dir_all(&tree)?;
        Ok(())
    }
}
