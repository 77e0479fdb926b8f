//! The type checker: finding it, installing it into the cache, running it on a folder.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::settings::of_mypy;
use super::type_findings::{Diagnostic, read_diagnostics};
use crate::dirfd::{Scratch, remove_tree};
use crate::model::{CancelToken, Termination, TrialActivity};
use crate::process::sandbox::{Network, Sandbox, SlotDirs, filter_environment};
use crate::process::{ChildOutcome, ChildSpec, program, run};
use crate::pyenv::{places_of_python, registry_files, registry_variables};

/// A checker that takes longer is of no use in a gate.
const LONGEST_RUN: Duration = Duration::from_secs(300);
const LONGEST_INSTALL: Duration = Duration::from_secs(120);
/// Seconds for which an installer waits for a registry: without a network, each check would wait.
const LONGEST_WAIT: &str = "10";

/// Which type checker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckerKind {
    /// Astral's ty.
    Ty,
    /// Microsoft's pyright.
    Pyright,
    /// mypy.
    Mypy,
}

impl CheckerKind {
    /// The program's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ty => "ty",
            Self::Pyright => "pyright",
            Self::Mypy => "mypy",
        }
    }
}

/// The type checker cannot be had or does not work.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// It is not there, and cannot be installed.
    #[error("{name} is not on PATH{because}")]
    Missing {
        /// Its name.
        name: &'static str,
        /// Why it could not be installed, when that was tried.
        because: String,
    },
    /// It does not end as it should.
    #[error("{name} {how}")]
    Failed {
        /// Its name.
        name: &'static str,
        /// How it ended.
        how: String,
    },
    /// The system gives no process.
    #[error("failed to start {name}")]
    Start {
        /// Its name.
        name: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// What type checkers have to do with outside of the sources.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// Where they run: with the sources and packages to read, and nothing to write. `None` where there is no sandbox.
    pub sandbox: Option<&'a Sandbox>,
    /// Whether a program came with the repository: it is not run.
    pub refuses: &'a dyn Fn(&Path) -> bool,
}

/// A type checker, ready to run.
#[derive(Debug, Clone)]
pub struct TypeChecker {
    kind: CheckerKind,
    program: PathBuf,
    /// The interpreter whose packages are imported.
    python: Option<PathBuf>,
    /// A folder for what it wants to keep.
    home: PathBuf,
    sandbox: Option<Sandbox>,
}

impl TypeChecker {
    /// The checker beside the interpreter, on `PATH` or in `tools`. ty is installed there when it is in none
    /// of them; the others belong to the project, with their plugins.
    ///
    /// `python` is the interpreter whose packages count.
    ///
    /// # Errors
    /// When it is not there and cannot be installed.
    pub fn find(
        kind: CheckerKind,
        python: Option<PathBuf>,
        tools: &Path,
        Around { sandbox, refuses }: Around<'_>,
        cancel: &CancelToken,
    ) -> Result<Self, ToolError> {
        let beside = python.as_ref().and_then(|python| Some(python.parent()?.join(kind.name())));
        let installed = tools.join(kind.name()).join("bin").join(kind.name());
        let known = beside
            .filter(|program| program.is_file() && !refuses(program))
            .or_else(|| {
                let on_path = program(kind.name(), refuses).ok();
                on_path.filter(|program| answers(program, sandbox, cancel))
            })
            .or_else(|| Some(installed.clone()).filter(|program| program.is_file()));
        let program = match (known, kind) {
            (Some(program), _) => program,
            (None, CheckerKind::Ty) => {
                install(kind, tools, python.as_deref(), Around { sandbox, refuses }, cancel)
                    .map(|()| installed)?
            }
            (None, _) => return Err(ToolError::Missing { name: kind.name(), because: String::new() }),
        };
        Ok(Self { kind, program, python, home: tools.join("home"), sandbox: sandbox.cloned() })
    }

    /// This checker for the packages of another interpreter.
    #[must_use]
    pub fn with_python(&self, python: PathBuf) -> Self {
        Self { python: Some(python), ..self.clone() }
    }

    /// The program's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// What the type checker says of these files (relative to `folder`), with the rest of the folder to import from.
    ///
    /// # Errors
    /// When it cannot be started or does not end by itself in time.
    pub fn check(
        &self,
        folder: &Path,
        files: &[String],
        cancel: &CancelToken,
    ) -> Result<Vec<Diagnostic>, ToolError> {
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let name = self.name();
        let mut arguments = self.options(folder);
        let settings = self.settings(folder).map_err(|source| ToolError::Start { name, source })?;
        if let Some(settings) = &settings {
            arguments.extend(["--config-file".into(), settings.as_os_str().to_owned()]);
        }
        // What begins with a dash is a file too.
        arguments.extend(files.iter().map(|file| folder.join(file).into_os_string()));
        let mut visible = vec![folder.to_owned()];
        visible.extend(self.python.iter().flat_map(|python| places_of_python(python)));
        visible.extend(settings.iter().map(|file| file.to_path_buf()));
        let start = Start {
            name,
            program: &self.program,
            arguments,
            folder,
            environment: self.environment(),
            timeout: LONGEST_RUN,
            sandbox: self.sandbox.clone().map(|sandbox| sandbox.with_network(Network::Loopback)),
            visible,
            writable: Vec::new(),
        };
        let outcome = start.run(cancel)?;
        match outcome.ending {
            // Two and more: wrong options, or a fault of the checker itself.
            Termination::Exited { code: 0 | 1 } => Ok(read_diagnostics(&outcome.stdout.text, folder)),
            _ => Err(ToolError::Failed { name, how: how_it_ended(&outcome) }),
        }
    }

    /// A file with the settings that mypy gets, in the place of the tree's own: those may name code of the tree.
    fn settings(&self, folder: &Path) -> std::io::Result<Option<SettingsFile>> {
        if self.kind != CheckerKind::Mypy {
            return Ok(None);
        }
        let settings = of_mypy(folder).unwrap_or_default();
        let place = tempfile::Builder::new().prefix("pybisect-mypy-").tempdir()?;
        let file = place.path().canonicalize()?.join(if settings.name.is_empty() {
            "mypy.ini"
        } else {
            settings.name
        });
        let text = if settings.text.is_empty() { "[mypy]\n" } else { &settings.text };
        std::fs::write(&file, text)?;
        Ok(Some(SettingsFile { file, _place: place }))
    }

    /// Whether settings of a folder name code that is left out.
    #[must_use]
    pub fn leaves_out_code(&self, folder: &Path) -> bool {
        self.kind == CheckerKind::Mypy && of_mypy(folder).is_some_and(|settings| settings.is_without_code)
    }

    fn options(&self, folder: &Path) -> Vec<OsString> {
        let mut options: Vec<OsString> = match self.kind {
            CheckerKind::Ty => ["check", "--output-format", "concise", "--color", "never", "--project"]
                .map(Into::into)
                .to_vec(),
            CheckerKind::Pyright => Vec::new(),
            CheckerKind::Mypy => [
                "--show-column-numbers",
                "--no-error-summary",
                "--no-color-output",
                "--no-pretty",
                "--hide-error-context",
                "--show-error-codes",
                "--cache-dir",
                "/dev/null",
            ]
            .map(Into::into)
            .to_vec(),
        };
        if self.kind == CheckerKind::Ty {
            options.push(folder.into());
        }
        if let Some(python) = &self.python {
            let option = match self.kind {
                CheckerKind::Ty => "--python",
                CheckerKind::Pyright => "--pythonpath",
                CheckerKind::Mypy => "--python-executable",
            };
            options.extend([option.into(), python.into()]);
        }
        options
    }

    /// The user's environment without what would lead to another project's packages or settings.
    fn environment(&self) -> BTreeMap<OsString, OsString> {
        let mut environment = filter_environment(std::env::vars_os(), &[], false).kept;
        for name in ["VIRTUAL_ENV", "CONDA_PREFIX", "TY_CONFIG_FILE", "TY_OUTPUT_FORMAT", "MYPYPATH"] {
            environment.remove(std::ffi::OsStr::new(name));
        }
        environment.insert("XDG_CONFIG_HOME".into(), self.home.clone().into());
        environment
    }
}

/// Whether a program can be run at all: one behind a version manager may not.
fn answers(program: &Path, sandbox: Option<&Sandbox>, cancel: &CancelToken) -> bool {
    let start = Start {
        name: "",
        program,
        arguments: vec!["--version".into()],
        folder: Path::new("/"),
        environment: filter_environment(std::env::vars_os(), &[], false).kept,
        timeout: Duration::from_secs(20),
        sandbox: sandbox.map(|sandbox| sandbox.clone().with_network(Network::Loopback)),
        visible: Vec::new(),
        writable: Vec::new(),
    };
    start.run(cancel).is_ok_and(|outcome| outcome.ending == Termination::Exited { code: 0 })
}

/// A file that goes when this does.
struct SettingsFile {
    file: PathBuf,
    _place: tempfile::TempDir,
}

impl std::ops::Deref for SettingsFile {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.file
    }
}

/// Install a checker's wheel into a folder of the cache, with uv or pip; whole or not at all.
fn install(
    kind: CheckerKind,
    tools: &Path,
    python: Option<&Path>,
    Around { sandbox, refuses }: Around<'_>,
    cancel: &CancelToken,
) -> Result<(), ToolError> {
    let name = kind.name();
    let missing = |because: String| ToolError::Missing { name, because };
    let fresh = tools.join(format!("{name}-{}", std::process::id()));
    let because =
        |error: std::io::Error| missing(format!(", and {} cannot be written: {error}", tools.display()));
    std::fs::create_dir_all(tools).map_err(because)?;
    let target: [OsString; 4] = ["--quiet".into(), "--target".into(), fresh.clone().into(), name.into()];
    let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
    let mut uv = words(&["pip", "install"]);
    uv.extend(python.iter().flat_map(|python| [OsString::from("--python"), python.into()]));
    let quick = ["--timeout", LONGEST_WAIT, "--retries", "1"];
    let pip = words(&[&["-m", "pip", "install", "--disable-pip-version-check"][..], &quick].concat());
    let found = |name: &str| program(name, refuses).ok();
    let ways = [
        ("uv", found("uv"), uv),
        ("pip", found("python3"), pip.clone()),
        ("pip", python.map(Path::to_owned), pip),
    ];
    // An interpreter starts with code of its packages, and those may lead into the checkout.
    let mut environment = filter_environment(std::env::vars_os(), &[], true).kept;
    environment.extend(registry_variables());
    environment.entry("UV_HTTP_TIMEOUT".into()).or_insert_with(|| LONGEST_WAIT.into());
    let mut said = Vec::new();
    for (installer, program, mut arguments) in ways {
        let Some(program) = program else { continue };
        arguments.extend(target.iter().cloned());
        let environment = environment.clone();
        let mut visible = registry_files();
        visible.extend(python.iter().flat_map(|python| places_of_python(python)));
        let start = Start {
            name,
            program: &program,
            arguments,
            folder: Path::new("/"),
            environment,
            timeout: LONGEST_INSTALL,
            sandbox: sandbox.map(|sandbox| sandbox.clone().with_network(Network::Host)),
            visible,
            writable: vec![tools.to_owned()],
        };
        let outcome = start.run(cancel)?;
        if fresh.join("bin").join(name).is_file() {
            let place = tools.join(name);
            // Another run may have been faster; then its copy is as good.
            let moved = std::fs::rename(&fresh, &place);
            if moved.is_err() {
                drop(remove_tree(&fresh));
            }
            return if place.is_dir() { Ok(()) } else { moved.map_err(because) };
        }
        drop(remove_tree(&fresh));
        if cancel.is_cancelled() {
            break;
        }
        said.push(format!("{installer} could not install it: {}", how_it_ended(&outcome)));
    }
    said.dedup();
    let said = if said.is_empty() {
        "there is neither uv nor pip to install it".to_owned()
    } else {
        said.join("; ")
    };
    Err(missing(format!(", and {said}")))
}

/// A program that is started.
struct Start<'a> {
    name: &'static str,
    program: &'a Path,
    arguments: Vec<OsString>,
    folder: &'a Path,
    environment: BTreeMap<OsString, OsString>,
    timeout: Duration,
    sandbox: Option<Sandbox>,
    visible: Vec<PathBuf>,
    writable: Vec<PathBuf>,
}

impl Start<'_> {
    fn run(self, cancel: &CancelToken) -> Result<ChildOutcome, ToolError> {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = self.name;
        let failed = |source| ToolError::Start { name, source };
        let slot = Scratch::new("pybisect-tool-").map_err(failed)?;
        let top = slot.path().canonicalize().map_err(failed)?;
        let [home, tmp] = ["home", "tmp"].map(|name| top.join(name));
        for folder in [&home, &tmp] {
            std::fs::create_dir(folder).map_err(failed)?;
        }
        let mut visible = self.visible;
        visible.extend(places_of_program(self.program));
        let confinement = self.sandbox.map(|sandbox| {
            let room = SlotDirs { slot: &top, home: &home, tmp: &tmp, own: &[] };
            // The limits are for trials.
            sandbox.without_limits().confine(room, self.folder, &visible, &self.writable)
        });
        let mut environment = self.environment;
        if confinement.is_some() {
            environment.insert("TMPDIR".into(), tmp.into());
        }
        let spec = ChildSpec {
            program: self.program.into(),
            arguments: self.arguments,
            folder: self.folder.to_owned(),
            environment,
            timeout: Some(self.timeout),
            marker: format!("tool-{}-{number}", std::process::id()),
            confinement,
            activity: TrialActivity::default(),
        };
        run(&spec, cancel).map_err(failed)
    }
}

/// What a program reads of itself: its installation, what lies beside what it leads to, and what pyright's wheel keeps.
fn places_of_program(program: &Path) -> Vec<PathBuf> {
    let mut places = places_of_python(program);
    let top = program.parent().filter(|bin| bin.ends_with("bin")).and_then(Path::parent);
    // Where nothing but a tool was installed.
    places.extend(top.filter(|top| top.parent().is_some_and(|up| up.ends_with("tools"))).map(Path::to_owned));
    places.extend(program.canonicalize().ok().as_deref().and_then(Path::parent).map(Path::to_owned));
    places.extend(std::env::home_dir().map(|home| home.join(".cache/pyright-python")));
    places
}

/// For people: the error that it names, else the last thing it said, or how it ended.
fn how_it_ended(outcome: &ChildOutcome) -> String {
    let is_error = |line: &&str| line.to_lowercase().starts_with("error") || line.starts_with('×');
    let mut lines = outcome.stderr.text.lines().map(str::trim).filter(|line| !line.is_empty());
    let said = lines.clone().find(is_error).or_else(|| lines.next_back()).unwrap_or_default().to_owned();
    match &outcome.ending {
        Termination::Exited { code } if said.is_empty() => format!("exited with status {code}"),
        Termination::Exited { .. } => format!("failed: {said}"),
        Termination::Signalled { signal } => format!("was ended by signal {signal}"),
        Termination::TimedOut { after_ms } => format!("took more than {} s", after_ms / 1000),
        Termination::NotStarted { error } => format!("could not be started: {error}"),
        _ => "was stopped".to_owned(),
    }
}
