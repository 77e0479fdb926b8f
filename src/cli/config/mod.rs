//! Configuration: `[tool.pybisect]` in the `pyproject.toml` of the folder the user stands in or of one
//! above it, inside the repository, or a `pybisect.toml` there. Never read from the commit under test:
//! whoever controls the configuration controls what runs.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::CliError;
use super::commands::environments::Kind;
use super::commands::isolation::{Level, NetworkArg};

/// Values that mirror the flags of `find`, and the command that `logs` reads.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Config {
    pub(super) command: Option<Vec<String>>,
    pub(super) good: Option<Vec<String>>,
    pub(super) first_parent: Option<bool>,
    pub(super) path: Option<Vec<String>>,
    pub(super) jobs: Option<usize>,
    pub(super) with_file: Option<Vec<String>>,
    pub(super) setup: Option<String>,
    pub(super) timeout: Option<String>,
    pub(super) keep: Option<Vec<String>>,
    pub(super) any_failure: Option<bool>,
    #[serde(rename = "match")]
    pub(super) pattern: Option<String>,
    pub(super) confidence: Option<f64>,
    pub(super) logs_command: Option<String>,
    pub(super) env: Option<Kind>,
    pub(super) with: Option<Vec<String>>,
    pub(super) python: Option<String>,
    pub(super) requirements: Option<PathBuf>,
    pub(super) extra: Option<Vec<String>>,
    pub(super) group: Option<Vec<String>>,
    pub(super) time_travel: Option<bool>,
    pub(super) as_of: Option<String>,
    pub(super) env_cache: Option<String>,
    pub(super) isolation: Option<Level>,
    pub(super) network: Option<NetworkArg>,
    pub(super) pass_env: Option<Vec<String>>,
    pub(super) max_memory: Option<String>,
    pub(super) max_processes: Option<String>,
    pub(super) max_file_size: Option<String>,
}

const KEYS: [&str; 28] = [
    "command",
    "good",
    "first-parent",
    "path",
    "jobs",
    "with-file",
    "setup",
    "timeout",
    "keep",
    "any-failure",
    "match",
    "confidence",
    "logs-command",
    "env",
    "with",
    "python",
    "requirements",
    "extra",
    "group",
    "time-travel",
    "as-of",
    "env-cache",
    "isolation",
    "network",
    "pass-env",
    "max-memory",
    "max-processes",
    "max-file-size",
];

#[derive(Debug, Default, Deserialize)]
struct Pyproject {
    #[serde(default)]
    tool: Tool,
}

#[derive(Debug, Default, Deserialize)]
struct Tool {
    pybisect: Option<toml::Table>,
}

/// The configuration that holds in a folder, and warnings about its keys.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) config: Config,
    pub(super) warnings: Vec<String>,
}

/// Look for the configuration in `folder` and above it, up to `top`.
pub(super) fn load(folder: &Path, top: &Path) -> Result<Loaded, CliError> {
    for folder in folder.ancestors().take_while(|folder| folder.starts_with(top)) {
        let own = folder.join("pybisect.toml");
        if let Some(text) = read(&own)? {
            let table = text.parse::<toml::Table>().map_err(|error| broken(&own, &error))?;
            return from_table(table, own);
        }
        let shared = folder.join("pyproject.toml");
        if let Some(text) = read(&shared)? {
            // A broken pyproject.toml is not ours to judge unless it names us.
            let Ok(pyproject) = toml::from_str::<Pyproject>(&text) else { continue };
            if let Some(table) = pyproject.tool.pybisect {
                return from_table(table, shared);
            }
        }
    }
    Ok(Loaded::default())
}

fn read(file: &Path) -> Result<Option<String>, CliError> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CliError::usage(format!("failed to read {}: {error}", file.display()))),
    }
}

fn broken(file: &Path, error: &toml::de::Error) -> CliError {
    CliError::usage(format!("{}: {}", file.display(), error.to_string().trim_end()))
}

fn from_table(table: toml::Table, file: PathBuf) -> Result<Loaded, CliError> {
    let mut unknown = Vec::new();
    let config = serde_ignored::deserialize(toml::Value::Table(table), |key| unknown.push(key.to_string()))
        .map_err(|error| broken(&file, &error))?;
    let warnings = unknown
        .into_iter()
        .map(|key| {
            let nearest = KEYS
                .iter()
                .max_by(|a, b| strsim::jaro_winkler(a, &key).total_cmp(&strsim::jaro_winkler(b, &key)));
            let nearest = nearest.map(|name| format!("; did you mean '{name}'?")).unwrap_or_default();
            format!("{}: unknown key '{key}'{nearest}", file.display())
        })
        .collect();
    Ok(Loaded { config, warnings })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_file_counts_and_unknown_keys_warn() {
        let top = tempfile::tempdir().unwrap();
        let inner = top.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(top.path().join("pybisect.toml"), "jobs = 3\n").unwrap();
        std::fs::write(top.path().join("a/pyproject.toml"), "[tool.pybisect]\njobs = 5\ntimeot = '3s'\n")
            .unwrap();
        let loaded = load(&inner, top.path()).unwrap();
        assert_eq!(loaded.config.jobs, Some(5));
        assert_eq!(loaded.warnings.len(), 1);
        assert!(
            loaded.warnings[0].ends_with("unknown key 'timeot'; did you mean 'timeout'?"),
            "{:?}",
            loaded.warnings
        );

        assert_eq!(load(top.path(), top.path()).unwrap().config.jobs, Some(3));
        let elsewhere = tempfile::tempdir().unwrap();
        assert_eq!(load(elsewhere.path(), elsewhere.path()).unwrap().config, Config::default());
    }

    #[test]
    fn a_wrong_value_names_the_file() {
        let top = tempfile::tempdir().unwrap();
        std::fs::write(top.path().join("pybisect.toml"), "jobs = 'many'\n").unwrap();
        let error = format!("{:?}", load(top.path(), top.path()).unwrap_err());
        assert!(error.contains("pybisect.toml"), "{error}");
    }
}
