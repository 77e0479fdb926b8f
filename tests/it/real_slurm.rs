//! Trials on a real Slurm of this machine.
//!
//! It needs munge and Slurm's programs, which `tests/clusters/slurm.sh` installs and starts; `PYBISECT_TEST_SLURM` names the
//! folder that it was started in.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{User, broken_total, culprit, report_of};

/// A user of the cluster, and a folder that the node sees.
struct Site {
    user: User,
    shared: tempfile::TempDir,
    configuration: PathBuf,
}

impl Site {
    fn new() -> Self {
        let folder = std::env::var("PYBISECT_TEST_SLURM").expect("PYBISECT_TEST_SLURM, where it was started");
        let configuration = Path::new(&folder).join("slurm.conf");
        let site = Self { user: User::new(), shared: tempfile::tempdir().unwrap(), configuration };
        site.configure("");
        site
    }

    fn configure(&self, more: &str) {
        let folder = self.user.home().join(".config/pybisect");
        std::fs::create_dir_all(&folder).unwrap();
        let shared = self.shared.path().display();
        let text = format!("[tool.pybisect.executor]\nshared = \"{shared}\"\n{more}");
        std::fs::write(folder.join("config.toml"), text).unwrap();
    }

    fn command(&self, repo: &Path, words: &[&str]) -> Command {
        let mut command = self.user.command(repo, words);
        command
            .env("SLURM_CONF", &self.configuration)
            .env("XDG_CONFIG_HOME", self.user.home().join(".config"));
        command
    }

    /// Jobs that Slurm runs or will run of a session in this site's folder.
    fn jobs(&self) -> Vec<String> {
        let words = ["--noheader", "--array", "--format=%o"];
        let told =
            Command::new("squeue").args(words).env("SLURM_CONF", &self.configuration).output().unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        let told = String::from_utf8(told.stdout).unwrap();
        let own = self.shared.path().to_string_lossy().into_owned();
        told.lines().filter(|line| line.contains(&own)).map(str::to_owned).collect()
    }

    /// Sessions that have something in the shared folder.
    fn left(&self) -> usize {
        let all = walkdir::WalkDir::new(self.shared.path()).into_iter().map(Result::unwrap);
        all.filter(|entry| entry.file_name().to_string_lossy().starts_with("run-")).count()
    }
}

const SLURM: [&str; 2] = ["--executor", "slurm"];

#[test]
#[ignore = "needs Slurm: .ci/run"]
fn slurm_finds_what_this_machine_finds_and_nothing_is_left() {
    let (site, (repo, broken)) = (Site::new(), broken_total());
    let before = crate::support::repo_builder::snapshot(repo.path());
    let find = |executor: &[&str]| {
        let words = [&["find", "--json", "-", "--good", "HEAD~11", "--jobs", "4"], executor].concat();
        let words = [&words[..], &["--", "python3", "smoke.py"]].concat();
        report_of(&mut site.command(repo.path(), &words))
    };
    let (code, here) = find(&[]);
    assert_eq!((code, culprit(&here)), (Some(0), broken.as_str()));
    let (code, there) = find(&SLURM);
    assert_eq!((code, culprit(&there)), (Some(0), broken.as_str()), "{there:#}");
    for same in ["status", "breaking_changes", "failure"] {
        assert_eq!(there[same], here[same], "{same}");
    }
    assert_eq!(there["skipped"].as_array().map(Vec::len), Some(0), "{there:#}");
    assert_eq!(there["environment"]["executor"], "slurm");
    assert_eq!(there["isolation"]["by"], "slurm");
    assert!(there["environment"]["python_version"].as_str().unwrap().starts_with("3."), "{there:#}");
    assert_eq!((site.jobs(), site.left()), (Vec::new(), 0));
    assert_eq!(crate::support::repo_builder::snapshot(repo.path()), before);
}

#[test]
#[ignore = "needs Slurm: .ci/run"]
fn fix_check_and_suspects_run_on_slurm_too() {
    let (site, (repo, broken)) = (Site::new(), broken_total());
    site.configure("endpoint = \"slurm\"\njobs = 4\npartition = \"main\"\nsbatch = [\"--mem=100M\"]\n");
    let words = ["find", "--json", "-", "--good", "HEAD~11", "--", "python3", "smoke.py"];
    let (code, report) = report_of(&mut site.command(repo.path(), &words));
    assert_eq!((code, report["environment"]["partition"].as_str()), (Some(0), Some("main")), "{report:#}");
    let ran = site.command(repo.path(), &["fix"]).output().unwrap();
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
    let words = ["suspects", "HEAD~11..", "--format", "json", "--", "python3", "smoke.py"];
    let (_, report) = report_of(&mut site.command(repo.path(), &words));
    let first = &report["suspects"][0]["commit"];
    assert_eq!(first["id"].as_str().or(first.as_str()), Some(broken.as_str()), "{report:#}");
    let words = ["check", "HEAD~6..HEAD", "--format", "json", "--types", "off", "--", "python3", "smoke.py"];
    let (_, report) = report_of(&mut site.command(repo.path(), &words));
    assert!(report["smoke"].is_object(), "{report:#}");
    assert_eq!((site.jobs(), site.left()), (Vec::new(), 0));
}

#[test]
#[ignore = "needs Slurm: .ci/run"]
fn a_search_on_slurm_that_is_stopped_leaves_nothing_running() {
    use nix::sys::signal::{Signal, kill};
    let (site, (repo, _)) = (Site::new(), broken_total());
    let marker = tempfile::tempdir().unwrap();
    let begun = marker.path().join("begun");
    let script = format!("touch '{}'; sleep 1000", begun.display());
    let words =
        [&["find", "--good", "HEAD~11", "--jobs", "4"], &SLURM[..], &["--", "sh", "-c", &script]].concat();
    let mut command = site.command(repo.path(), &words);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !begun.exists() {
        std::thread::yield_now();
    }
    kill(nix::unistd::Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let ran = child.wait_with_output().unwrap();
    assert_eq!(ran.status.code(), Some(130), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(site.left(), 0);
    // Slurm says that they end before they have ended.
    while !site.jobs().is_empty() {
        std::thread::yield_now();
    }
}

#[test]
#[ignore = "needs Slurm: .ci/run"]
fn what_slurm_or_its_nodes_lack_is_told_before_anything_runs() {
    let (site, (repo, _)) = (Site::new(), broken_total());
    let told = |words: &[&str]| {
        let words = [&["find", "--good", "HEAD~11"], &SLURM[..], words].concat();
        let ran = site.command(repo.path(), &words).output().unwrap();
        let told = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(2), "{told}");
        told
    };
    let smoke = ["--", "python3", "smoke.py"];
    assert!(told(&["--", "python9", "smoke.py"]).contains("the nodes have no program 'python9'"));
    assert!(told(&[&["--with", "pytest"], &smoke[..]].concat()).contains("--with"));
    assert!(told(&[&["--isolation", "strict"], &smoke[..]].concat()).contains("isolation is not complete"));
    site.configure("partition = \"nowhere\"\n");
    assert!(told(&smoke).contains("Invalid partition name specified"));
    // Its longest job is of one minute.
    site.configure("partition = \"short\"\n");
    assert!(told(&smoke).contains("PartitionTimeLimit"));
    site.configure("sbatch = [\"--array=1-9\"]\n");
    assert!(told(&smoke).contains("pybisect's own to say"));
    assert_eq!((site.jobs(), site.left()), (Vec::new(), 0));
}
