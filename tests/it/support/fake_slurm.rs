//! Slurm's commands, whose jobs run on this machine and fail as they are told.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// It, as a test sees it. It goes with this.
pub(crate) struct FakeSlurm {
    controller: Child,
    folder: tempfile::TempDir,
}

impl FakeSlurm {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let python = which::which("python3").unwrap();
        let source = format!("#!{} -I\n{}", python.display(), include_str!("fake_slurm.py"));
        for name in ["sbatch", "squeue", "scancel", "controller"] {
            let path = folder.path().join(name);
            fs::write(&path, &source).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        for name in ["jobs", "tmp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        // In this session: what is adopted from others may be taken for the leftover of a trial.
        let controller = Command::new(folder.path().join("controller")).stdin(Stdio::null()).spawn().unwrap();
        Self { controller, folder }
    }

    /// The folder of its commands.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A folder that its nodes see.
    pub(crate) fn shared(&self) -> PathBuf {
        self.path().join("shared")
    }

    /// From now on this goes wrong: so many times, or always.
    pub(crate) fn fail(&self, faults: Value) {
        let new = self.path().join("faults.new");
        fs::write(&new, faults.to_string()).unwrap();
        fs::rename(new, self.path().join("faults.json")).unwrap();
    }

    /// There may be so many jobs at the same time.
    pub(crate) fn has_room_for(&self, jobs: usize) {
        fs::write(self.path().join("room"), jobs.to_string()).unwrap();
    }

    /// Add a job that nobody waits for.
    pub(crate) fn add_job(&self, id: &str, name: &str) {
        let jobs = self.path().join("jobs");
        let job = serde_json::json!({ "state": "PENDING", "reason": "Priority", "name": name });
        fs::write(jobs.join("new"), job.to_string()).unwrap();
        fs::rename(jobs.join("new"), jobs.join(format!("{id}.json"))).unwrap();
    }

    /// How its commands were called.
    pub(crate) fn calls(&self) -> Vec<Vec<String>> {
        let text = fs::read_to_string(self.path().join("calls")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn calls_of(&self, command: &str) -> usize {
        self.calls().iter().filter(|words| words[0] == command).count()
    }

    /// The states of its jobs.
    pub(crate) fn states(&self) -> BTreeMap<String, String> {
        let jobs = fs::read_dir(self.path().join("jobs")).unwrap();
        let files = jobs.map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
        let state = |path: PathBuf| {
            let job: Value = serde_json::from_str(&fs::read_to_string(&path).ok()?).unwrap();
            let name = path.file_stem()?.to_str()?.to_owned();
            Some((name, job["state"].as_str()?.to_owned()))
        };
        files.filter_map(state).collect()
    }

    /// What its nodes have left in their temporary folder.
    pub(crate) fn left_on_nodes(&self) -> usize {
        fs::read_dir(self.path().join("tmp")).map_or(0, Iterator::count)
    }

    /// Wait until they have left nothing there: they tidy up after they have told of their results.
    pub(crate) fn wait_until_tidy(&self) {
        while self.left_on_nodes() > 0 {
            std::thread::yield_now();
        }
    }
}

impl Drop for FakeSlurm {
    fn drop(&mut self) {
        let _gone = self.controller.kill();
        let _gone = self.controller.wait();
    }
}
