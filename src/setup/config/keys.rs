//! The keys, and which of them a file may set that came with a repository.

use std::path::PathBuf;

use serde::Deserialize;
use toml::{Table, Value};

use super::executor::ExecutorConfig;
use super::respond::Respond;
use super::serve::Serve;
use crate::setup::error::Error;
use crate::setup::machine::memory_of_the_machine;
use crate::setup::options::{EnvironmentKind, IsolationLevel, LARGEST_FILE, MOST_PROCESSES, NetworkAccess};
use crate::setup::units::parse_size;

/// Values that mirror the flags of `find`, and the command that `logs` reads.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Config {
    pub(crate) command: Option<Vec<String>>,
    pub(crate) good: Option<Vec<String>>,
    pub(crate) first_parent: Option<bool>,
    pub(crate) path: Option<Vec<String>>,
    pub(crate) jobs: Option<usize>,
    pub(crate) with_file: Option<Vec<String>>,
    pub(crate) no_with_file: Option<bool>,
    pub(crate) setup: Option<String>,
    pub(crate) timeout: Option<String>,
    pub(crate) keep: Option<Vec<String>>,
    pub(crate) any_failure: Option<bool>,
    #[serde(rename = "match")]
    pub(crate) pattern: Option<String>,
    pub(crate) confidence: Option<f64>,
    pub(crate) logs_command: Option<String>,
    pub(crate) env: Option<EnvironmentKind>,
    pub(crate) with: Option<Vec<String>>,
    pub(crate) python: Option<String>,
    pub(crate) requirements: Option<PathBuf>,
    pub(crate) extra: Option<Vec<String>>,
    pub(crate) group: Option<Vec<String>>,
    pub(crate) time_travel: Option<bool>,
    pub(crate) as_of: Option<String>,
    pub(crate) env_cache: Option<String>,
    pub(crate) isolation: Option<IsolationLevel>,
    pub(crate) network: Option<NetworkAccess>,
    pub(crate) pass_env: Option<Vec<String>>,
    pub(crate) max_memory: Option<String>,
    pub(crate) max_processes: Option<String>,
    pub(crate) max_file_size: Option<String>,
    pub(crate) rollback: Option<RollbackConfig>,
    pub(crate) respond: Option<Respond>,
    pub(crate) serve: Option<Serve>,
    pub(crate) executor: Option<ExecutorConfig>,
    /// The keys whose values are a repository's that is not trusted.
    #[serde(skip)]
    pub(crate) of_repository: Vec<String>,
}

/// How `rollback` deploys and asks, by the names of its flags.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct RollbackConfig {
    pub(crate) deploy: Option<String>,
    pub(crate) reload: Option<String>,
    pub(crate) restart: Option<String>,
    pub(crate) health: Option<String>,
    pub(crate) health_version: Option<String>,
    pub(crate) health_count: Option<u32>,
    pub(crate) health_window: Option<String>,
    pub(crate) health_limit: Option<String>,
    pub(crate) health_timeout: Option<String>,
    pub(crate) releases: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) attempts: Option<usize>,
    pub(crate) limit: Option<String>,
}

impl Config {
    /// Whether the value of a key is that of a repository which is not trusted.
    pub(crate) fn is_of_repository(&self, key: &str) -> bool {
        self.of_repository.iter().any(|other| other == key)
    }
}

const KEYS: [&str; 33] = [
    "command",
    "good",
    "first-parent",
    "path",
    "jobs",
    "with-file",
    "no-with-file",
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
    "rollback",
    "respond",
    "serve",
    "executor",
];

/// Trials at the same time that a repository may ask for on a machine of fewer cores.
const MOST_JOBS: usize = 16;

/// Keys whose values are lists.
const LISTS: [&str; 8] = ["good", "path", "with-file", "keep", "with", "extra", "group", "pass-env"];

/// The same with a list wherever one string is given for it; a command in one string is one for the shell.
pub(super) fn with_lists(mut table: Table) -> Table {
    for (key, value) in table.iter_mut() {
        let Value::String(text) = &*value else { continue };
        let words = match key.as_str() {
            "command" => vec!["sh", "-c", text],
            list if LISTS.contains(&list) => vec![text.as_str()],
            _ => continue,
        };
        *value = Value::Array(words.into_iter().map(|word| Value::String(word.to_owned())).collect());
    }
    table
}

/// Read a table.
pub(super) fn read(table: Table, name: &str) -> Result<Config, Error> {
    Value::Table(table)
        .try_into()
        .map_err(|error: toml::de::Error| Error::usage(format!("{name}: {}", error.to_string().trim_end())))
}

/// Warnings about keys that nobody knows.
pub(super) fn unknown(table: &Table, name: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    for key in table.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        let nearest =
            KEYS.iter().max_by(|a, b| strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key)));
        let nearest = nearest.map(|name| format!("; did you mean '{name}'?")).unwrap_or_default();
        warnings.push(format!("{name}: unknown key '{key}'{nearest}"));
    }
    warnings
}

/// Take out of a repository's table what it may not set over the user's `own`: what runs outside of the sandbox, and
/// what would lessen it. The keys that were taken out.
pub(super) fn restrict(table: &mut Table, own: &Table) -> Vec<String> {
    let mut ignored: Vec<String> = Vec::new();
    table.retain(|key, value| {
        // What nobody knows is not read.
        let may = if KEYS.contains(&key) { may_set(key, value, own) } else { May::Set };
        if may == May::Not {
            ignored.push(key.to_owned());
        }
        may == May::Set
    });
    ignored
}

/// Whether there is such a key.
pub(super) fn is_known(key: &str) -> bool {
    KEYS.contains(&key)
}

/// `'a', 'b'`, with its verb.
pub(super) fn listed(keys: &[String]) -> String {
    let quoted: Vec<String> = keys.iter().map(|key| format!("'{key}'")).collect();
    let verb = if keys.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", quoted.join(", "))
}

#[derive(PartialEq, Eq)]
enum May {
    Set,
    /// It changes nothing, as the user's own holds.
    Nothing,
    Not,
}

/// Whether a repository may set a key to a value, where the user's own table says something else.
fn may_set(key: &str, value: &Value, own: &Table) -> May {
    let set = |may: bool| if may { May::Set } else { May::Not };
    let text = |table: &Table| table.get(key).and_then(Value::as_str).map(str::to_owned);
    match key {
        // They run in the sandbox; where there is none, they do not count.
        "command" | "setup" => May::Set,
        "isolation" => match (value.as_str(), own.contains_key(key)) {
            (Some("strict"), _) | (Some("auto"), false) => May::Set,
            (Some("auto"), true) => May::Nothing,
            _ => May::Not,
        },
        "network" => {
            let order = |network: Option<&str>| {
                ["none", "loopback", "host"].iter().position(|&word| Some(word) == network)
            };
            let holds = text(own).unwrap_or_else(|| "loopback".to_owned());
            set(order(value.as_str()).is_some_and(|wanted| Some(wanted) <= order(Some(&holds))))
        }
        "max-memory" => {
            set(is_at_most(value, text(own), memory_of_the_machine(), |text| parse_size(text).ok()))
        }
        "max-file-size" => {
            set(is_at_most(value, text(own), Some(LARGEST_FILE), |text| parse_size(text).ok()))
        }
        "max-processes" => set(is_at_most(value, text(own), Some(MOST_PROCESSES), |text| text.parse().ok())),
        // A version; a path is a program.
        "python" => {
            set(value.as_str().is_some_and(|text| text.chars().all(|c| c.is_ascii_digit() || c == '.')))
        }
        // By name and version; a URL or a path is read, and what is built from it runs.
        "with" => set(value
            .as_array()
            .is_some_and(|list| list.iter().all(|item| item.as_str().is_some_and(is_plain)))),
        // Each has a folder of its own, and a process.
        "jobs" => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            let most = i64::try_from(cores.max(MOST_JOBS)).unwrap_or(i64::MAX);
            set(value.as_integer().is_none_or(|jobs| jobs <= most))
        }
        // Files are looked at where they are read: they have to lie in the work tree.
        "with-file" | "requirements" => May::Set,
        // What is searched, and how outcomes are read.
        "good" | "first-parent" | "path" | "no-with-file" | "timeout" | "any-failure" | "match"
        | "confidence" => May::Set,
        // What is installed, by names and dates.
        "env" | "extra" | "group" | "time-travel" | "as-of" => May::Set,
        // Programs and variables of the user's, what trials leave to each other, what other projects use; and what nobody
        // thought about.
        _ => May::Not,
    }
}

/// Whether a limit is one, and no higher than what holds.
fn is_at_most(
    value: &Value,
    own: Option<String>,
    default: Option<u64>,
    read: impl Fn(&str) -> Option<u64>,
) -> bool {
    let holds = match own.as_deref() {
        Some("none") => None,
        Some(own) => read(own),
        None => default,
    };
    value
        .as_str()
        .and_then(&read)
        .is_some_and(|wanted| wanted > 0 && holds.is_none_or(|holds| wanted <= holds))
}

fn is_plain(requirement: &str) -> bool {
    let is_of_one = |c: char| c.is_ascii_alphanumeric() || " ._-[],<>=!~+*".contains(c);
    requirement.starts_with(|first: char| first.is_ascii_alphanumeric()) && requirement.chars().all(is_of_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignored(text: &str, own: &str) -> Vec<String> {
        let mut table: Table = text.parse().unwrap();
        let before = table.len();
        let ignored = restrict(&mut table, &own.parse().unwrap());
        assert!(table.len() <= before - ignored.len());
        ignored
    }

    #[test]
    fn a_repository_cannot_lessen_isolation() {
        for text in [
            "isolation = 'off'",
            "isolation = 3",
            "network = 'host'",
            "pass-env = ['*']",
            "max-memory = 'none'",
            "max-memory = '900T'",
            "max-processes = '5000'",
            "max-file-size = '9G'",
            "keep = ['*']",
            "env-cache = '0'",
            "logs-command = 'true'",
            "python = './python'",
            "python = 'python3'",
            "with = ['x @ file:///etc']",
            "with = ['pytest', '-e /home/ada']",
            "with = 'x'",
            "jobs = 5000",
            "rollback = { deploy = 'x' }",
            "respond = { auto = ['rollback'] }",
            "serve = { listen = '0.0.0.0:80' }",
            "executor = { endpoint = 'grpc://x:1' }",
        ] {
            assert_eq!(ignored(text, "").len(), 1, "{text}");
        }
    }

    /// What a repository that nobody trusts may do with a key.
    enum Untrusted {
        /// Set it to anything: it stays in the sandbox, or names what lies in the work tree.
        Anything,
        /// Set it within bounds.
        Bounded,
        Nothing,
    }

    #[test]
    fn each_key_is_one_that_a_repository_may_set_or_not() {
        use Untrusted::{Anything, Bounded, Nothing};
        // Without `..`, so that a new key is to be thought about here.
        let Config {
            command: _,
            good: _,
            first_parent: _,
            path: _,
            jobs: _,
            with_file: _,
            no_with_file: _,
            setup: _,
            timeout: _,
            keep: _,
            any_failure: _,
            pattern: _,
            confidence: _,
            logs_command: _,
            env: _,
            with: _,
            python: _,
            requirements: _,
            extra: _,
            group: _,
            time_travel: _,
            as_of: _,
            env_cache: _,
            isolation: _,
            network: _,
            pass_env: _,
            max_memory: _,
            max_processes: _,
            max_file_size: _,
            rollback: _,
            respond: _,
            serve: _,
            executor: _,
            of_repository: _,
        } = Config::default();
        let keys = [
            ("command", Anything),
            ("good", Anything),
            ("first-parent", Anything),
            ("path", Anything),
            ("jobs", Bounded),
            ("with-file", Anything),
            ("no-with-file", Anything),
            ("setup", Anything),
            ("timeout", Anything),
            ("keep", Nothing),
            ("any-failure", Anything),
            ("match", Anything),
            ("confidence", Anything),
            ("logs-command", Nothing),
            ("env", Anything),
            ("with", Bounded),
            ("python", Bounded),
            ("requirements", Anything),
            ("extra", Anything),
            ("group", Anything),
            ("time-travel", Anything),
            ("as-of", Anything),
            ("env-cache", Nothing),
            ("isolation", Bounded),
            ("network", Bounded),
            ("pass-env", Nothing),
            ("max-memory", Bounded),
            ("max-processes", Bounded),
            ("max-file-size", Bounded),
            ("rollback", Nothing),
            ("respond", Nothing),
            ("serve", Nothing),
            ("executor", Nothing),
        ];
        assert_eq!(keys.each_ref().map(|(key, _)| *key), KEYS, "all of them, in this order");
        for (key, untrusted) in keys {
            let values = [
                "true", "'none'", "['x']", "1000000", "'3.12'", "'strict'", "['/x']", "'/x'", "'1K'", "'10'",
            ];
            let may = |value: &str| ignored(&format!("{key} = {value}"), "").is_empty();
            let admitted = values.iter().filter(|value| may(value)).count();
            let expected = match untrusted {
                Anything => admitted == values.len(),
                Bounded => admitted > 0 && admitted < values.len(),
                Nothing => admitted == 0,
            };
            assert!(expected, "{key}: {admitted} of {}", values.len());
        }
        // Where a key is added to the values alone, it is not known, and then not read.
        let all: Table = KEYS.iter().map(|key| ((*key).to_owned(), Value::Boolean(true))).collect();
        assert_eq!(unknown(&all, ""), Vec::<String>::new());
    }

    #[test]
    fn one_string_is_a_list_of_it_and_a_command_one_for_the_shell() {
        let text = "command = 'python -m pytest -q'\ngood = 'v1.0'\npass-env = 'APP_MODE'\nsetup = 'make'\nwith = ['x']\n";
        let table = with_lists(text.parse().unwrap());
        // As lists, they are what a file of a repository may set, or may not.
        assert_eq!(restrict(&mut table.clone(), &Table::new()), ["pass-env"]);
        let config = read(table, "pybisect.toml").unwrap();
        assert_eq!(config.command.unwrap(), ["sh", "-c", "python -m pytest -q"]);
        assert_eq!((config.good, config.setup), (Some(vec!["v1.0".to_owned()]), Some("make".to_owned())));
        assert_eq!(
            (config.pass_env, config.with),
            (Some(vec!["APP_MODE".to_owned()]), Some(vec!["x".to_owned()]))
        );
    }

    #[test]
    fn a_repository_can_say_what_harms_nobody() {
        for text in [
            "command = ['true']",
            "setup = 'make'",
            "good = ['v1']",
            "jobs = 4",
            "isolation = 'strict'",
            "isolation = 'auto'",
            "network = 'none'",
            "max-memory = '1M'",
            "max-processes = '10'",
            "python = '3.12'",
            "with = ['pytest>=7,<8', 'requests[socks]']",
            "env = 'auto'",
            "timeout = '9s'",
        ] {
            assert!(ignored(text, "").is_empty(), "{text}");
        }
    }

    #[test]
    fn the_users_own_is_what_it_is_measured_against() {
        assert!(ignored("network = 'host'", "network = 'host'").is_empty());
        assert_eq!(ignored("network = 'loopback'", "network = 'none'"), ["network"]);
        assert_eq!(ignored("max-processes = '200'", "max-processes = '100'"), ["max-processes"]);
        let mut table: Table = "isolation = 'auto'".parse().unwrap();
        assert!(restrict(&mut table, &"isolation = 'strict'".parse().unwrap()).is_empty());
        assert!(table.is_empty(), "the user's own holds, and there is nothing to tell");
    }
}
