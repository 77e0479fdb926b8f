//! The folder that the nodes see: what they need of a session lies there, and what they write.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tar::{Builder, EntryType};

use super::error::SlurmError;
use super::trees::{BASE, PackedTree, header};
use crate::executor::local::{RunFolder, Sweep, sweep_with};
use crate::executor::worker::output::{HEAD, TAIL};
use crate::executor::worker::script::{HOME, INPUTS, OWN, SCRIPT, quoted, script};
use crate::model::TrialSpec;

/// What Slurm is given, and what that runs on the node.
const JOB: &str = include_str!("job.sh");
const TRIAL: &str = include_str!("trial.sh");

/// The part of the shared folder that is a session's. Only the user can read it. It goes with this; that of a session that
/// was killed goes with the next one.
pub(super) struct SharedFolder {
    run: RunFolder,
    _swept: Sweep,
    trials: AtomicU64,
    /// Recipes that lie there.
    recipes: Vec<(Arc<TrialSpec>, PathBuf)>,
}

impl SharedFolder {
    /// Make it. `end` ends the jobs of a dead session, by its name.
    pub(super) fn create(shared: &Path, end: impl Fn(&str)) -> Result<Self, SlurmError> {
        let failed = |source| SlurmError::Shared { folder: shared.to_owned(), source };
        let user = rustix::process::getuid().as_raw();
        let own = shared.join(format!("user-{user}"));
        DirBuilder::new().recursive(true).mode(0o700).create(&own).map_err(failed)?;
        let facts = fs::symlink_metadata(&own).map_err(failed)?;
        if !facts.is_dir() || facts.uid() != user || facts.mode() & 0o022 != 0 {
            return Err(SlurmError::NotOwn { folder: own });
        }
        // A lock may be one of this machine alone, so that each one looks after its own sessions.
        let host = rustix::system::uname().nodename().to_string_lossy().replace('/', "_");
        let own = own.join(format!("from-{host}"));
        DirBuilder::new().recursive(true).mode(0o700).create(&own).map_err(failed)?;
        let swept = sweep_with(&own, end).map_err(failed)?;
        let run = RunFolder::create_on_disk(&own).map_err(failed)?;
        fs::set_permissions(run.path(), fs::Permissions::from_mode(0o700)).map_err(failed)?;
        let folder = Self { run, _swept: swept, trials: AtomicU64::default(), recipes: Vec::new() };
        let trial = TRIAL.replace("HEAD", &HEAD.to_string()).replace("TAIL", &TAIL.to_string());
        let lay = || -> io::Result<()> {
            for name in ["trees", "recipes", "trials", "batches"] {
                private_folder(&folder.path().join(name))?;
            }
            private_file(&folder.path().join("job"), JOB.as_bytes())?;
            private_file(&folder.path().join("trial"), trial.as_bytes())
        };
        lay().map_err(failed)?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        self.run.path()
    }

    /// What all jobs of the session are called.
    pub(super) fn name(&self) -> String {
        job_name(self.run.name())
    }

    /// A folder for what comes of a trial, with its orders: without a tree it runs in an empty folder.
    pub(super) fn order(
        &mut self,
        recipe: &Arc<TrialSpec>,
        tree: Option<&PackedTree>,
        limit: Duration,
    ) -> io::Result<PathBuf> {
        let recipe_folder = self.recipe(recipe)?;
        let number = self.trials.fetch_add(1, Ordering::Relaxed);
        let folder = self.path().join("trials").join(number.to_string());
        private_folder(&folder)?;
        let base = tree.map(|_| self.path().join("trees").join(BASE)).unwrap_or_default();
        let difference = tree.and_then(|tree| tree.difference.clone()).unwrap_or_default();
        let outputs: Vec<Vec<u8>> = recipe.outputs.iter().map(|path| quoted(path.as_os_str())).collect();
        let outputs = outputs.join(&b' ');
        let limit = (limit.as_secs() + u64::from(limit.subsec_nanos() > 0)).to_string();
        let mut orders = Vec::new();
        let words = [
            ("recipe", recipe_folder.as_os_str()),
            ("base", base.as_os_str()),
            ("tree", difference.as_os_str()),
            ("outputs", OsStr::from_bytes(&outputs)),
            ("limit", OsStr::new(&limit)),
        ];
        for (name, value) in words {
            orders.extend([name.as_bytes(), b"=", &quoted(value), b"\n"].concat());
        }
        private_file(&folder.join("order"), &orders)?;
        Ok(folder)
    }

    /// The folder of a recipe: its variables, its script and its files.
    fn recipe(&mut self, recipe: &Arc<TrialSpec>) -> io::Result<PathBuf> {
        if let Some((_, folder)) = self.recipes.iter().find(|(known, _)| known == recipe) {
            return Ok(folder.clone());
        }
        let folder = self.path().join("recipes").join(self.recipes.len().to_string());
        private_folder(&folder)?;
        private_file(&folder.join("variables"), &exported(&recipe.variables())?)?;
        let archive = BufWriter::new(private(&folder.join("files.tar"))?);
        let mut archive = Builder::new(archive);
        let mut add = |path: &Path, content: &[u8]| {
            let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
            archive.append_data(&mut header(EntryType::Regular, 0o644, size), path, content)
        };
        let own = Path::new(OWN);
        add(&own.join(SCRIPT), &script(recipe))?;
        recipe.home.iter().try_for_each(|file| add(&own.join(HOME).join(&file.path), &file.content))?;
        recipe.inputs.iter().try_for_each(|file| add(&Path::new(INPUTS).join(&file.path), &file.content))?;
        archive.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        self.recipes.push((Arc::clone(recipe), folder.clone()));
        Ok(folder)
    }
}

/// What the jobs of a session are called, by the name of its folder.
pub(super) fn job_name(run: &str) -> String {
    format!("pybisect-{run}")
}

fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn private_file(path: &Path, content: &[u8]) -> io::Result<()> {
    private(path)?.write_all(content)
}

/// Variables as a script that sets them: in no list of processes.
fn exported(variables: &BTreeMap<OsString, OsString>) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for (name, value) in variables {
        let bytes = name.as_bytes();
        let is_name = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            && !bytes.first().is_none_or(u8::is_ascii_digit);
        if !is_name {
            let message = format!("the variable '{}' cannot be set by a shell", name.to_string_lossy());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        text.extend([b"export ", bytes, b"=", &quoted(value), b"\n"].concat());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_user_can_read_what_lies_there_and_it_goes() {
        let shared = tempfile::tempdir().unwrap();
        let mut folder = SharedFolder::create(shared.path(), |_| {}).unwrap();
        let recipe = TrialSpec {
            environment: BTreeMap::from([("TOKEN".into(), "it's $secret".into())]),
            ..TrialSpec::default()
        };
        let order = folder.order(&Arc::new(recipe.clone()), None, Duration::from_millis(1500)).unwrap();
        let text = fs::read_to_string(order.join("order")).unwrap();
        assert!(text.contains("base=''\ntree=''\noutputs=''\nlimit='2'\n"), "{text}");
        // The same recipe lies there once.
        folder.order(&Arc::new(recipe), None, Duration::from_secs(1)).unwrap();
        assert_eq!(fs::read_dir(folder.path().join("recipes")).unwrap().count(), 1);
        let variables = fs::read_to_string(folder.path().join("recipes/0/variables")).unwrap();
        assert_eq!(variables, "export TOKEN='it'\\''s $secret'\n");
        for entry in walkdir::WalkDir::new(shared.path()).min_depth(1) {
            let entry = entry.unwrap();
            let open = entry.metadata().unwrap().mode() & 0o077;
            // The list of runs has nothing but their names, behind a folder that is closed.
            let is_behind_it = entry.path().starts_with(folder.path()) || entry.file_name() == "runs";
            assert!(open == 0 || is_behind_it && entry.path() != folder.path(), "{entry:?}");
        }
        let path = folder.path().to_owned();
        drop(folder);
        assert!(!path.exists());
        let foreign = shared.path().join(format!("user-{}", rustix::process::getuid().as_raw()));
        fs::set_permissions(&foreign, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(SharedFolder::create(shared.path(), |_| {}), Err(SlurmError::NotOwn { .. })));
    }

    #[test]
    fn a_variable_that_no_shell_can_set_is_refused() {
        for name in ["a b", "1a", "", "x=y", "$(x)"] {
            assert!(exported(&BTreeMap::from([(name.into(), "".into())])).is_err(), "{name}");
        }
    }
}
