//! `--env` and what belongs to it: which environment trials run in.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::cli::{CliError, config};
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

/// Bytes that environments may take, where the user says nothing.
pub(super) const MOST_BYTES: u64 = 5 << 30;

/// Which environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// The interpreter and packages you have
    Current,
    /// For each version what it declares, as of its date
    Auto,
    /// The same, made with uv
    Uv,
    /// The same, installed with pip
    Pip,
}

/// The options.
#[derive(Debug, Clone, Default, clap::Args, serde::Serialize, serde::Deserialize)]
#[serde(default)]
#[command(next_help_heading = "Environment")]
pub(crate) struct EnvArgs {
    /// Environment of the trials [default: current when a virtual environment is active or nothing is declared, else auto]
    #[arg(long, value_enum, value_name = "WHICH", hide_possible_values = false)]
    pub(crate) env: Option<Kind>,
    /// Package beside what the project declares, such as its test runner (can be repeated)
    #[arg(long, value_name = "PKG")]
    pub(crate) with: Vec<String>,
    /// Version of Python for all commits, or an interpreter [default: what each commit declares]
    #[arg(long, value_name = "X.Y|FILE")]
    pub(crate) python: Option<String>,
    /// Requirements file for all commits, instead of what they declare
    #[arg(long, value_name = "FILE")]
    pub(crate) requirements: Option<PathBuf>,
    /// Extra of the project to install (can be repeated) [default: those of its tests]
    #[arg(long, value_name = "NAME")]
    pub(crate) extra: Vec<String>,
    /// Dependency group to install (can be repeated) [default: those of its tests]
    #[arg(long, value_name = "NAME")]
    pub(crate) group: Vec<String>,
    /// Choose packages as of now, not as of the commit's date
    #[arg(long, conflicts_with = "as_of")]
    pub(crate) no_time_travel: bool,
    /// Choose packages as of this date for all commits
    #[arg(long, value_name = "DATE|REV")]
    pub(crate) as_of: Option<String>,
    /// Disk space that environments may take, such as 2G; the least recently used go [default: 5G]
    #[arg(long, value_name = "SIZE")]
    pub(crate) env_cache: Option<String>,
    /// Whether packages or requirements are a repository's configuration's: files that they name are not opened.
    #[arg(skip)]
    #[serde(skip)]
    pub(crate) is_of_repository: bool,
}

impl EnvArgs {
    /// What these flags and the configuration ask for, where trials run at all.
    pub(super) fn wanted_by(&self, config: &config::Config, runs_trials: bool) -> Self {
        if runs_trials {
            return self.over(config);
        }
        Self { env: Some(Kind::Current), ..Self::default() }
    }

    /// Flags over configuration.
    pub(super) fn over(&self, config: &config::Config) -> Self {
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

    /// Whether an option was given that only an environment for each commit heeds.
    const fn asks_for_own(&self) -> bool {
        !self.with.is_empty()
            || self.python.is_some()
            || self.requirements.is_some()
            || !self.extra.is_empty()
            || !self.group.is_empty()
            || self.no_time_travel
            || self.as_of.is_some()
    }
}

/// What is chosen for the trials.
pub(super) struct Chosen {
    /// Environments for each version; `None` for the user's own.
    pub(super) environments: Option<Environments>,
    /// For the report.
    pub(super) facts: Vec<(String, String)>,
    /// What the user should know.
    pub(super) warnings: Vec<String>,
    /// Which it is and why, and how to have the other, where the user did not say.
    pub(super) line: Option<String>,
}

/// Choose, by the options and by what the ends of the range declare.
pub(super) fn choose(
    args: &EnvArgs,
    repository: &Repository,
    (ends, stands): (&[CommitId], &Path),
    (python, prober): (Option<&Interpreter>, &Prober<'_>),
    (cache, sandbox): (&Path, Option<(&Sandbox, &[String])>),
    command: &[OsString],
) -> Result<Chosen, CliError> {
    let own = |warnings: Vec<String>| Chosen {
        environments: None,
        facts: vec![("env".to_owned(), "current".to_owned())],
        warnings,
        line: None,
    };
    if args.env == Some(Kind::Current) {
        let why =
            "--env current runs in the environment you have: --with, --python and the like have no effect";
        return Ok(own(args.asks_for_own().then(|| why.to_owned()).into_iter().collect()));
    }
    let declarations = EndpointManifests::read(repository.reopen()?, ends, stands)?;
    let is_asked = args.env.is_some() || args.asks_for_own();
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
    let version = args.python.as_deref().map(|python| named(python, &mut pythons, prober)).transpose()?;
    let uv = match Uv::find(beside, cache, prober.refuses) {
        Ok(uv) => uv,
        Err(_) if !is_asked => {
            let why =
                "uv is not installed, so all commits run with the packages you have: --env auto installs it";
            return Ok(own(vec![why.to_owned()]));
        }
        Err(_) => {
            let newest = pythons.versions().next_back().and_then(|version| pythons.get(version));
            let python = beside.or(newest).ok_or_else(|| CliError::environment("there is no Python here"))?;
            Uv::find_or_install(python, cache, prober.refuses).map_err(|error| {
                CliError::environment(error.to_string()).hinted("install uv, or take --env current")
            })?
        }
    };
    let policy = Policy {
        choice: InstallOptions {
            with: args.with.clone(),
            extras: args.extra.clone(),
            groups: args.group.clone(),
            requirements: args.requirements.as_deref().map(read_list).transpose()?,
            runs_pytest: CommandFacts::of(command).runs_pytest,
            least_pytest: least_pytest(command),
        },
        time: time(args, repository)?,
        python: version,
        with_pip: args.env == Some(Kind::Pip),
        most_bytes: args.env_cache.as_deref().map(parse_size).transpose()?.unwrap_or(MOST_BYTES),
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
        Some((sandbox, passed)) => environments.confined(sandbox.clone(), passed, !args.is_of_repository),
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

fn named(python: &str, pythons: &mut InterpreterSet, prober: &Prober<'_>) -> Result<PythonVersion, CliError> {
    let version = if python.contains('/') {
        *pythons = InterpreterSet::default();
        if (prober.refuses)(Path::new(python)) {
            return Err(CliError::usage(format!(
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
        CliError::environment(format!("there is no Python {python} here (3.6 or later)"))
            .hinted(format!("found: {}", known.join(", ")))
    })
}

fn read_list(path: &Path) -> Result<(String, String), CliError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| CliError::usage(format!("failed to read {}: {error}", path.display())))?;
    Ok((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text))
}

fn time(args: &EnvArgs, repository: &Repository) -> Result<TimeTravel, CliError> {
    let Some(text) = &args.as_of else {
        return Ok(if args.no_time_travel { TimeTravel::Today } else { TimeTravel::Own });
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
        CliError::from(error).hinted("--as-of 2022-06-01, --as-of 2022-06-01T12:00:00Z, or --as-of REV")
    })?;
    let seconds = repository.info(commit.id)?.commit_time;
    Ok(TimeTravel::Fixed(Timestamp::from_second(seconds).map_err(CliError::internal)?))
}

/// A number of bytes, with a unit: `500M`, `2G`.
pub(crate) fn parse_size(text: &str) -> Result<u64, CliError> {
    let wrong = || CliError::usage(format!("'{text}' is not a size")).hinted("like this: 2G, 500M");
    let units = [('K', 10), ('M', 20), ('G', 30), ('T', 40)];
    let upper = text.trim().trim_end_matches(['b', 'B', 'i']).to_uppercase();
    let unit = units.iter().find(|(letter, _)| upper.ends_with(*letter));
    let (digits, shift) =
        unit.map_or((upper.as_str(), 0), |(letter, shift)| (upper.trim_end_matches(*letter), *shift));
    let number: u64 = digits.trim().parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_size("2G").unwrap(), 2 << 30);
        assert_eq!(parse_size("500 MiB").unwrap(), 500 << 20);
        assert_eq!(parse_size("123").unwrap(), 123);
        assert!(parse_size("much").is_err());
    }
}
