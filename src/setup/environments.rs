//! `--env` and what belongs to it: which environment trials run in.

use std::ffi::OsString;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::config;
use super::error::Error;
use super::options::{EnvironmentKind, EnvironmentOptions, MOST_BYTES};
use super::units::parse_size;
use crate::executor::EndpointManifests;
use crate::git::Repository;
use crate::model::CommitId;
use crate::process::sandbox::Sandbox;
use crate::pyenv::{
    Environments, InstallOptions, Interpreter, InterpreterSet, LeastPytest, Policy, Prober, PythonVersion,
    TimeTravel, Uv,
};
use crate::triage::CommandFacts;
use crate::triage::pytest_options::newest_needed;

impl EnvironmentOptions {
    /// What these flags and the configuration ask for, where trials run at all and start Python.
    pub(crate) fn wanted_by(&self, config: &config::Config, runs_python: bool) -> Self {
        if runs_python {
            return self.over(config);
        }
        Self { env: Some(EnvironmentKind::Current), ..Self::default() }
    }

    /// Flags over configuration.
    pub(crate) fn over(&self, config: &config::Config) -> Self {
        let or = |flags: &[String], other: &Option<Vec<String>>| {
            if flags.is_empty() { other.clone().unwrap_or_default() } else { flags.to_vec() }
        };
        Self {
            env: self.env.or(config.env),
            with: or(&self.with, &config.with),
            python: self.python.clone().or_else(|| config.python.clone()),
            requirements: self.requirements.clone().or_else(|| config.requirements.clone()),
            extra: or(&self.extra, &config.extra),
            group: or(&self.group, &config.group),
            no_time_travel: self.no_time_travel
                || (config.time_travel == Some(false) && self.as_of.is_none()),
            as_of: self.as_of.clone().or_else(|| config.as_of.clone()),
            env_cache: self.env_cache.clone().or_else(|| config.env_cache.clone()),
            is_of_repository: (self.with.is_empty() && config.is_of_repository("with"))
                || (self.requirements.is_none() && config.is_of_repository("requirements")),
        }
    }
}

/// What is chosen for the trials.
pub(crate) struct Chosen {
    /// Environments for each version; `None` for the user's own.
    pub(crate) environments: Option<Environments>,
    /// For the report.
    pub(crate) facts: Vec<(String, String)>,
    /// What the user should know.
    pub(crate) warnings: Vec<String>,
    /// Which it is and why, and how to have the other, where the user did not say.
    pub(crate) line: Option<String>,
}

/// Choose, by the options and by what the ends of the range declare.
pub(crate) fn choose(
    options: &EnvironmentOptions,
    repository: &Repository,
    (ends, stands): (&[CommitId], &Path),
    (python, prober): (Option<&Interpreter>, &Prober<'_>),
    (cache, sandbox): (&Path, Option<(&Sandbox, &[String])>),
    command: &[OsString],
) -> Result<Chosen, Error> {
    let own = |warnings: Vec<String>| Chosen {
        environments: None,
        facts: vec![("env".to_owned(), "current".to_owned())],
        warnings,
        line: None,
    };
    if options.env == Some(EnvironmentKind::Current) {
        let why =
            "--env current runs in the environment you have: --with, --python and the like have no effect";
        return Ok(own(options.asks_for_own().then(|| why.to_owned()).into_iter().collect()));
    }
    let declarations = EndpointManifests::read(repository.reopen()?, ends, stands)?;
    let is_asked = options.env.is_some() || options.asks_for_own();
    if !is_asked && !declarations.is_any() {
        return Ok(own(Vec::new()));
    }
    if let Some(why) = chosen_already(command, python).filter(|_| !is_asked) {
        let mut chosen = own(Vec::new());
        chosen.facts.push(("env_because".to_owned(), why.clone()));
        chosen.line =
            Some(format!("the packages you have, as {why} (each commit's own, as of its date: --env auto)"));
        return Ok(chosen);
    }
    let beside = python.map(|python| python.executable.as_path());
    let mut pythons = InterpreterSet::find(beside, prober);
    let version = options.python.as_deref().map(|python| named(python, &mut pythons, prober)).transpose()?;
    let uv = match Uv::find(beside, cache, prober.refuses) {
        Ok(uv) => uv,
        Err(_) if !is_asked => {
            let why =
                "uv is not installed, so all commits run with the packages you have: --env auto installs it";
            return Ok(own(vec![why.to_owned()]));
        }
        Err(_) => {
            let newest = pythons.versions().next_back().and_then(|version| pythons.get(version));
            let python = beside.or(newest).ok_or_else(|| Error::environment("there is no Python here"))?;
            Uv::find_or_install(python, cache, prober.refuses).map_err(|error| {
                Error::environment(error.to_string()).hinted("install uv, or take --env current")
            })?
        }
    };
    let policy = Policy {
        choice: InstallOptions {
            with: options.with.clone(),
            extras: options.extra.clone(),
            groups: options.group.clone(),
            requirements: options.requirements.as_deref().map(read_list).transpose()?,
            runs_pytest: CommandFacts::of(command).runs_pytest,
            least_pytest: least_pytest(command),
        },
        time: time(options, repository)?,
        python: version,
        with_pip: options.env == Some(EnvironmentKind::Pip),
        most_bytes: options.env_cache.as_deref().map(parse_size).transpose()?.unwrap_or(MOST_BYTES),
        folder: stands.to_owned(),
    };
    let time = match policy.time {
        TimeTravel::Own => "each commit's date".to_owned(),
        TimeTravel::Fixed(date) => date.to_string(),
        TimeTravel::Today => "now".to_owned(),
    };
    let is_own = policy.time == TimeTravel::Own;
    let environments = declarations.with(|versions| Environments::new(policy, uv, pythons, cache, versions));
    let environments = match sandbox {
        Some((sandbox, passed)) => environments.confined(sandbox.clone(), passed, !options.is_of_repository),
        None => environments,
    };
    let mut facts = vec![("env", "auto".to_owned()), ("packages_as_of", time.clone())];
    let mut line = None;
    if !is_asked {
        let why = "packages are declared and no virtual environment is active";
        facts.push(("env_because", why.to_owned()));
        line = Some(format!(
            "each commit with the packages that it declares, as of {}: {why} (the packages you have: --env current)",
            if is_own { "its date" } else { &time }
        ));
    }
    let facts = facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(Chosen { environments: Some(environments), facts, warnings: Vec::new(), line })
}

/// The oldest pytest that knows the options in the command.
fn least_pytest(command: &[OsString]) -> Option<LeastPytest> {
    let words: Vec<String> = command
        .iter()
        .flat_map(|word| {
            let word = word.to_string_lossy();
            // A script is one word.
            shell_words::split(&word).unwrap_or_else(|_| vec![word.into_owned()])
        })
        .chain(
            std::env::var("PYTEST_ADDOPTS")
                .ok()
                .and_then(|text| shell_words::split(&text).ok())
                .unwrap_or_default(),
        )
        .collect();
    // What stands before belongs to something else, such as the interpreter.
    let start = words.iter().position(|word| word.contains("pytest") || word.contains("py.test"))?;
    let since = newest_needed(words[start..].iter().map(String::as_str))?;
    let released = format!("{}T00:00:00Z", since.released).parse().ok()?;
    Some(LeastPytest { version: since.version.to_owned(), released, option: since.option.to_owned() })
}

/// Programs that run a command in an environment of their own making.
const MANAGERS: [&str; 12] =
    ["uv", "uvx", "poetry", "pdm", "pipenv", "hatch", "tox", "nox", "rye", "pixi", "conda", "mamba"];

/// Why the environment is chosen already, when it is: the user set one up for this, or names the interpreter.
fn chosen_already(command: &[OsString], python: Option<&Interpreter>) -> Option<String> {
    let program = command.first().map(Path::new)?;
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    if MANAGERS.contains(&&*name) {
        return Some(format!("{name} brings an environment of its own"));
    }
    let is_environment = |folder: &Path| folder.join("pyvenv.cfg").is_file();
    let executable = python.map(|python| python.executable.as_path());
    if let Some(folder) =
        executable.and_then(Path::parent).and_then(Path::parent).filter(|top| is_environment(top))
    {
        return Some(format!("the command runs in the virtual environment {}", folder.display()));
    }
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(folder) = variable("VIRTUAL_ENV").filter(|folder| is_environment(Path::new(folder))) {
        return Some(format!("the virtual environment {} is active", Path::new(&folder).display()));
    }
    if let Some(name) = variable("CONDA_DEFAULT_ENV").filter(|name| name != "base") {
        return Some(format!("the conda environment {} is active", name.to_string_lossy()));
    }
    let is_path = program.components().count() > 1;
    let runs_python = python.is_some() && (name.starts_with("python") || name.starts_with("pypy"));
    (is_path && runs_python).then(|| format!("the command names the interpreter {}", program.display()))
}

fn named(python: &str, pythons: &mut InterpreterSet, prober: &Prober<'_>) -> Result<PythonVersion, Error> {
    let version = if python.contains('/') {
        *pythons = InterpreterSet::default();
        if (prober.refuses)(Path::new(python)) {
            return Err(Error::usage(format!(
                "{python} is not run: git tracks it, or what it is installed in"
            ))
            .hinted("a version of Python that is on PATH: --python 3.12"));
        }
        pythons.add(Path::new(python), None, prober);
        pythons.versions().next()
    } else {
        PythonVersion::parse(python).filter(|&version| pythons.get(version).is_some())
    };
    version.ok_or_else(|| {
        let known: Vec<String> = pythons.versions().map(|version| version.to_string()).collect();
        Error::environment(format!("there is no Python {python} here (3.6 or later)"))
            .hinted(format!("found: {}", known.join(", ")))
    })
}

fn read_list(path: &Path) -> Result<(String, String), Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::usage(format!("failed to read {}: {error}", path.display())))?;
    Ok((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text))
}

fn time(options: &EnvironmentOptions, repository: &Repository) -> Result<TimeTravel, Error> {
    let Some(text) = &options.as_of else {
        return Ok(if options.no_time_travel { TimeTravel::Today } else { TimeTravel::Own });
    };
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(TimeTravel::Fixed(moment));
    }
    if let Some(moment) =
        text.parse::<Date>().ok().and_then(|date| TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok())
    {
        return Ok(TimeTravel::Fixed(moment));
    }
    let commit = repository.resolve(text).map_err(|error| {
        Error::from(error).hinted("--as-of 2022-06-01, --as-of 2022-06-01T12:00:00Z, or --as-of REV")
    })?;
    let seconds = repository.info(commit.id)?.commit_time;
    Ok(TimeTravel::Fixed(Timestamp::from_second(seconds).map_err(Error::internal)?))
}
