//! `pybisect self doctor`: what this machine has of what pybisect uses, and what would bring the rest.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Resource, getrlimit};
use serde::Serialize;

use super::cache::bytes;
use crate::cli::terminal::stdout_style;
use crate::cli::{Error, ExitStatus, print};
use crate::git::Repository;
use crate::process::program;
use crate::pyenv::{InterpreterSet, Prober, Uv};
use crate::report::size;
use crate::setup::cache_dir;
use crate::setup::memory_of_the_machine;
use crate::setup::{SandboxProbe, offered_here};

/// Check that this machine has what pybisect uses, and how to install the rest
///
/// Nothing is installed, nothing outside of this machine is asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status: 0 all that is needed is there, 5 something needed is missing")]
pub(crate) struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// How it stands with something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// All is well.
    Ok,
    /// Something would be better otherwise.
    Note,
    /// Nothing goes without it.
    MissingCapability,
}

/// One line.
#[derive(Debug, Serialize)]
struct Line {
    name: &'static str,
    state: State,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Line {
    fn ok(name: &'static str, what: impl Into<String>) -> Self {
        Self { name, state: State::Ok, what: what.into(), remedy: None }
    }

    fn note(name: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, state: State::Note, what: what.into(), remedy: Some(remedy.into()) }
    }

    fn missing(name: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::MissingCapability, ..Self::note(name, what, remedy) }
    }
}

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    let here = std::env::current_dir().map_err(Error::internal)?;
    let repository = Repository::open(&here).ok();
    let lines = lines(repository.as_ref())?;
    let exit = if lines.iter().any(|line| line.state == State::MissingCapability) {
        ExitStatus::NotRun
    } else {
        ExitStatus::Success
    };
    if args.json {
        let object = serde_json::json!({
            "schema": "pybisect-doctor/1", "version": env!("CARGO_PKG_VERSION"), "lines": lines,
        });
        print::print(format!("{object:#}\n").as_bytes())?;
    } else {
        print::print_text(text(&lines).as_bytes())?;
    }
    Ok(exit)
}

fn text(lines: &[Line]) -> String {
    let style = stdout_style();
    let shown = lines.iter().map(|line| {
        let state = match line.state {
            State::Ok => style.good("ok     "),
            State::Note => style.warn("note   "),
            State::MissingCapability => style.bad("missing"),
        };
        let remedy = line.remedy.iter().map(|remedy| format!("{:20}{}\n", "", style.dim(remedy)));
        format!("{state} {:12}{}\n{}", line.name, line.what, remedy.collect::<String>())
    });
    shown.collect()
}

fn lines(repository: Option<&Repository>) -> Result<Vec<Line>, Error> {
    let refuses = |program: &Path| repository.is_some_and(|repository| repository.brings(program));
    let cache = cache_dir::cache()?;
    let isolation = offered_here(&refuses)?;
    let questions = isolation.for_questions(repository.and_then(Repository::workdir));
    let prober = Prober { sandbox: questions.as_ref(), refuses: &refuses };
    let mut lines = vec![git(&refuses)];
    lines.extend(repository.map(of_repository));
    let pythons = InterpreterSet::find(None, &prober);
    lines.push(python(&pythons));
    let newest = pythons.versions().next_back().and_then(|version| pythons.get(version));
    lines.push(uv(newest, &cache, &refuses));
    lines.push(ty(&cache, &refuses));
    lines.extend(isolation_lines(&isolation));
    lines.push(cache_line(&cache));
    lines.push(limits());
    Ok(lines)
}

fn git(refuses: &dyn Fn(&Path) -> bool) -> Line {
    match program("git", refuses).ok().and_then(|git| Some((version_of(&git)?, git))) {
        Some((version, git)) => Line::ok("git", format!("{version} ({})", git.display())),
        None => Line::missing("git", "not on PATH", "install it: apt-get install git, or brew install git"),
    }
}

fn of_repository(repository: &Repository) -> Line {
    let folder = repository.workdir().unwrap_or_else(|| repository.folder()).display().to_string();
    if repository.is_shallow() {
        let what = format!("{folder} is a shallow clone: older commits are not there");
        return Line::note("repository", what, "git fetch --unshallow --tags");
    }
    Line::ok("repository", folder)
}

fn python(pythons: &InterpreterSet) -> Line {
    let versions: Vec<String> = pythons.versions().map(|version| version.to_string()).collect();
    if versions.is_empty() {
        return Line::missing("python", "none on PATH (3.6 or later)", "uv python install 3.12");
    }
    let what = versions.join(", ");
    if versions.len() == 1 {
        let remedy = "old commits may want older ones: uv python install 3.9 3.11";
        return Line { remedy: Some(remedy.to_owned()), ..Line::ok("python", what) };
    }
    Line::ok("python", what)
}

fn uv(python: Option<&Path>, cache: &Path, refuses: &dyn Fn(&Path) -> bool) -> Line {
    match Uv::find(python, cache, refuses) {
        Ok(uv) => {
            let version = version_of(uv.program()).unwrap_or_else(|| "does not answer".to_owned());
            Line::ok("uv", format!("{version} ({})", uv.program().display()))
        }
        Err(_) => Line::note(
            "uv",
            "not installed: all commits run with the packages you have",
            "pip install uv, or `pybisect find --env auto` installs one for itself",
        ),
    }
}

fn ty(cache: &Path, refuses: &dyn Fn(&Path) -> bool) -> Line {
    let own = cache.join("tools/ty/bin/ty");
    let found = program("ty", refuses).ok().or_else(|| Some(own).filter(|program| program.is_file()));
    match found.and_then(|ty| Some((version_of(&ty)?, ty))) {
        Some((version, ty)) => Line::ok("ty", format!("{version} ({})", ty.display())),
        None => Line::note(
            "ty",
            "not installed: the first `pybisect check` installs it for itself",
            "uv tool install ty",
        ),
    }
}

fn isolation_lines(offered: &SandboxProbe) -> Vec<Line> {
    let way = offered.way();
    let missing = offered.missing();
    if missing.is_empty() {
        let what = format!("{way}: files, network and processes of trials are kept apart");
        return vec![Line::ok("isolation", what)];
    }
    let mut lines = vec![Line::ok("isolation", format!("{way}, without what follows"))];
    lines.extend(missing.iter().map(|missing| {
        let what = format!("{}: {}", missing.part, missing.why);
        let remedy = missing.remedy.clone();
        let otherwise = "trials run all the same; --isolation strict refuses".to_owned();
        Line { name: "isolation", state: State::Note, what, remedy: Some(remedy.unwrap_or(otherwise)) }
    }));
    lines
}

fn cache_line(cache: &Path) -> Line {
    let place = cache.display();
    let mut nearest: PathBuf = cache.to_owned();
    while !nearest.exists() && nearest.pop() {}
    if rustix::fs::access(&nearest, rustix::fs::Access::WRITE_OK).is_err() {
        let remedy = "set PYBISECT_CACHE_DIR to a folder that can be written";
        return Line::missing("cache", format!("{place} cannot be written"), remedy);
    }
    let taken = size(bytes(cache));
    let free = rustix::fs::statvfs(&nearest).map_or(0, |facts| facts.f_bavail.saturating_mul(facts.f_frsize));
    let what = format!("{taken} in {place}, {} free", size(free));
    if free < LEAST_FREE {
        return Line::note("cache", what, "pybisect cache prune, or another place: PYBISECT_CACHE_DIR");
    }
    Line::ok("cache", what)
}

/// Environments of a few commits fit into this.
const LEAST_FREE: u64 = 2_000_000_000;
/// Some trials at a time, each with pipes and folders that are open.
const LEAST_FILES: u64 = 1024;
/// A trial and what it starts, some times.
const LEAST_PROCESSES: u64 = 512;

fn limits() -> Line {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let memory = memory_of_the_machine().map_or_else(|| "unknown".to_owned(), size);
    let limit = |resource| getrlimit(resource).current;
    let number = |limit: Option<u64>| limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
    let (files, processes) = (limit(Resource::Nofile), limit(Resource::Nproc));
    let what = format!(
        "{cores} cores, {memory} of memory, open files {}, processes {}",
        number(files),
        number(processes)
    );
    let is_less = |limit: Option<u64>, least| limit.is_some_and(|limit| limit < least);
    if is_less(files, LEAST_FILES) {
        return Line::note("limits", what, format!("ulimit -n {LEAST_FILES}"));
    }
    if is_less(processes, LEAST_PROCESSES) {
        return Line::note(
            "limits",
            what,
            format!("ulimit -u {LEAST_PROCESSES}, or fewer at a time: --jobs 1"),
        );
    }
    Line::ok("limits", what)
}

/// The version that a program tells; `None` when it does not run.
fn version_of(program: &Path) -> Option<String> {
    let output = Command::new(program)
        .arg("--version")
        // Where no project is that it would read.
        .current_dir("/")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let is_number = |word: &&str| word.starts_with(|first: char| first.is_ascii_digit());
    let number = text.split_whitespace().find(is_number).unwrap_or("of unknown version");
    output.status.success().then(|| number.to_owned())
}
