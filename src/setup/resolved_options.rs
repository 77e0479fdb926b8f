//! A request over the configuration over the defaults.

use std::ffi::OsString;
use std::time::Duration;

use super::config::Config;
use super::error::Error;
use super::request::{Request, Runs};
use super::units::parse_duration;
use crate::session::Matching;

/// How probable an answer has to be, where nobody says it.
const CONFIDENCE: f64 = 0.99;

/// What holds, of what a request says, what the configuration does, and the defaults.
pub(super) struct ResolvedOptions {
    pub(super) command: Vec<OsString>,
    /// Whether the command is a shell's.
    pub(super) is_script: bool,
    pub(super) good: Vec<String>,
    pub(super) first_parent: bool,
    pub(super) path: Vec<String>,
    pub(super) jobs: usize,
    pub(super) with_file: Vec<String>,
    pub(super) lays_over_named: bool,
    pub(super) setup: Option<String>,
    pub(super) timeout: Option<Duration>,
    pub(super) keep: Vec<String>,
    pub(super) matching: Matching,
    pub(super) confidence: f64,
}

impl ResolvedOptions {
    pub(super) fn new(request: &Request, config: &Config) -> Result<Self, Error> {
        let or = |flags: &[String], other: &Option<Vec<String>>| {
            if flags.is_empty() { other.clone().unwrap_or_default() } else { flags.to_vec() }
        };
        let confidence = request.confidence.or(config.confidence).unwrap_or(CONFIDENCE);
        if !(confidence > 0.5 && confidence < 1.0) {
            return Err(Error::usage("--confidence is a probability above 0.5 and below 1"));
        }
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let any_failure = request.any_failure || config.any_failure.unwrap_or(false);
        Ok(Self {
            command: command(request, config)?,
            is_script: request.shell.is_some(),
            good: if request.find_fix { request.good.clone() } else { or(&request.good, &config.good) },
            first_parent: request.first_parent || config.first_parent.unwrap_or(false),
            path: or(&request.path, &config.path),
            jobs: request.jobs.map(usize::from).or(config.jobs).unwrap_or_else(cores).clamp(1, 512),
            with_file: or(&request.with_file, &config.with_file),
            lays_over_named: !request.no_with_file && !config.no_with_file.unwrap_or(false),
            setup: request.setup.clone().or_else(|| config.setup.clone()),
            timeout: request
                .timeout
                .as_ref()
                .or(config.timeout.as_ref())
                .map(|text| parse_duration(text))
                .transpose()?,
            keep: or(&request.keep, &config.keep),
            matching: matching(request.pattern.as_ref().or(config.pattern.as_ref()), any_failure)?,
            confidence,
        })
    }
}

fn command(request: &Request, config: &Config) -> Result<Vec<OsString>, Error> {
    if let Some(script) = &request.shell {
        return Ok(["sh", "-c", script].map(OsString::from).to_vec());
    }
    if !request.command.is_empty() {
        return Ok(request.command.clone());
    }
    if request.runs == Runs::Nothing {
        return Ok(Vec::new());
    }
    match &config.command {
        Some(words) if !words.is_empty() => Ok(words.iter().map(OsString::from).collect()),
        _ if request.runs == Runs::IfConfigured || request.lf || !request.junit.is_empty() => Ok(Vec::new()),
        _ => Err(Error::usage("no command to run").hinted(
            "give it after `--`: pybisect find --good v1.4 -- python -m pytest -q tests/test_smoke.py",
        )),
    }
}

fn matching(pattern: Option<&String>, any_failure: bool) -> Result<Matching, Error> {
    match pattern {
        Some(pattern) => regex::Regex::new(pattern).map(Matching::Pattern).map_err(|error| {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default();
            let why = why.strip_prefix("error: ").unwrap_or(why);
            Error::usage(format!("--match '{pattern}' is not a regular expression: {why}")).hinted(format!(
                "to match it as it stands: --match {}",
                shell_words::quote(&regex::escape(pattern))
            ))
        }),
        None if any_failure => Ok(Matching::AnyFailure),
        None => Ok(Matching::Signature),
    }
}
