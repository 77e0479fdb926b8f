//! Asking a service whether it is well, and which version it is.

use super::health_error::HealthError;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::http;
use super::version_source::VersionSource;
use super::watch::{Answer, count};
use crate::model::kept_output::ending_words;
use crate::model::{AnswerCount, CancelToken, Termination};
use crate::process::{ActionSpec, act};

/// What is asked.
#[derive(Debug, Clone)]
pub enum Probe {
    /// An address, over a new connection each time.
    Url(String),
    /// A command, whose exit status and output are the answer.
    Command(Vec<OsString>),
}

/// What a service answered before anything was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealthBaseline {
    /// The baseline's answers, counted.
    pub answers: Vec<AnswerCount>,
    /// The version that it tells, where it tells one.
    pub told: Option<String>,
}

/// How a service is asked.
#[derive(Debug, Clone)]
pub struct Health {
    probe: Probe,
    version: Option<VersionSource>,
    /// The longest wait for one answer. A server that reloads lets requests wait for as long as it takes to start.
    limit: Duration,
    /// The folder that a command runs in.
    folder: PathBuf,
}

impl Health {
    /// Ask an address or a command, and take the version from there.
    ///
    /// # Errors
    /// When the parts are not understood, or do not fit.
    pub fn new(
        probe: &str,
        version: Option<&str>,
        limit: Duration,
        folder: PathBuf,
    ) -> Result<Self, HealthError> {
        let version = version.map(VersionSource::parse).transpose()?;
        let is_url = probe.starts_with("http://") || probe.starts_with("https://");
        let probe = if is_url && !probe.contains(char::is_whitespace) {
            Probe::Url(probe.to_owned())
        } else {
            if probe.trim().is_empty() {
                return Err(HealthError::Empty);
            }
            if looks_like_an_address(probe) {
                return Err(HealthError::NoScheme(probe.to_owned()));
            }
            if let Some(VersionSource::Header(name)) = &version {
                return Err(HealthError::NoHeader(name.clone()));
            }
            Probe::Command(["sh", "-c", probe].map(OsString::from).to_vec())
        };
        Ok(Self { probe, version, limit, folder })
    }

    /// What is asked, for people.
    #[must_use]
    pub fn shown(&self) -> String {
        match &self.probe {
            Probe::Url(url) => url.clone(),
            Probe::Command(words) => {
                words.last().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default()
            }
        }
    }

    /// What answers now, before anything is done: asked several times at once, since several workers may answer, and not
    /// for long, since nothing rests on it.
    #[must_use]
    pub fn baseline(&self, cancel: &CancelToken) -> HealthBaseline {
        const ANSWERS: usize = 3;
        const LIMIT: Duration = Duration::from_secs(2);
        let hasty = Self { limit: self.limit.min(LIMIT), ..self.clone() };
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let asked: Vec<_> = (0..ANSWERS).map(|_| scope.spawn(|| hasty.ask(cancel))).collect();
            asked.into_iter().filter_map(|asked| asked.join().ok()).collect()
        });
        let mut baseline = HealthBaseline::default();
        for answer in &answers {
            count(&mut baseline.answers, answer);
        }
        // One that answers well knows best.
        let of = |is_well: bool| {
            let mut answers = answers.iter().filter(move |one| matches!(one, Answer::Tells(_)) == is_well);
            answers.find_map(Answer::version)
        };
        baseline.told = of(true).or_else(|| of(false)).map(str::to_owned);
        baseline
    }

    /// Ask once.
    pub(super) fn ask(&self, cancel: &CancelToken) -> Answer {
        match &self.probe {
            Probe::Url(url) => http::ask(url, self.version.as_ref(), self.limit),
            Probe::Command(words) => self.run(words, cancel),
        }
    }

    fn run(&self, words: &[OsString], cancel: &CancelToken) -> Answer {
        let Ok(output) = tempfile::NamedTempFile::new() else {
            return Answer::failed("no temporary file");
        };
        let Ok(file) = output.reopen() else { return Answer::failed("no temporary file") };
        let spec = ActionSpec {
            words,
            folder: self.folder.clone(),
            variables: Vec::new(),
            limit: self.limit,
            output: file,
        };
        let ended = act(&spec, cancel);
        let text = std::fs::read(output.path()).unwrap_or_default();
        let version =
            self.version.as_ref().and_then(|source| source.in_body(&String::from_utf8_lossy(&text)));
        match ended {
            Ok((Termination::Exited { code: 0 }, _)) => {}
            Ok((ending, _)) => return Answer::Fails { why: ending_words(&ending), version },
            Err(error) => return Answer::failed(error.to_string()),
        }
        let Some(source) = &self.version else { return Answer::Answers };
        version.map_or_else(|| Answer::failed(format!("exit 0, but {}", source.missing())), Answer::Tells)
    }
}

/// Whether a text is a host and a port, as in `127.0.0.1:8000/health`, which no command is.
fn looks_like_an_address(text: &str) -> bool {
    let host = text.split('/').next().unwrap_or_default();
    let is_port = |port: &str| !port.is_empty() && port.chars().all(|c| c.is_ascii_digit());
    !text.contains(char::is_whitespace)
        && host.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && is_port(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_a_body() {
        let read = |source: &str, body: &str| VersionSource::parse(source).unwrap().in_body(body);
        assert_eq!(read("$.build.commit", r#"{"build": {"commit": "3f2a"}}"#).as_deref(), Some("3f2a"));
        assert_eq!(read("$['apps'][1]", r#"{"apps": ["a", 7]}"#).as_deref(), Some("7"));
        assert_eq!(read("$.build", r#"{"build": {}}"#), None);
        assert_eq!(read("$.x", "not json"), None);
        assert_eq!(read("version (\\S+)", "this is version 1.4 of it").as_deref(), Some("1.4"));
        assert_eq!(read("v[0-9.]+", "it is v1.4").as_deref(), Some("v1.4"));
        assert!(matches!(VersionSource::parse("X-Version"), Ok(VersionSource::Header(_))));
        assert!(matches!(VersionSource::parse("(x"), Err(HealthError::Version { .. })));
        for path in ["$", "$.", "$.x[", "$x", "$..x", "$.a[]"] {
            assert!(matches!(VersionSource::parse(path), Err(HealthError::Path(_))), "{path}");
        }
    }

    #[test]
    fn a_command_answers_by_its_status_and_its_output() {
        let ask = |script: &str, version: Option<&str>| {
            let limit = Duration::from_secs(600);
            Health::new(script, version, limit, "/".into()).unwrap().ask(&CancelToken::new())
        };
        assert_eq!(ask("true", None), Answer::Answers);
        assert_eq!(ask("echo '{\"v\": \"1.4\"}'", Some("$.v")), Answer::Tells("1.4".to_owned()));
        assert!(matches!(ask("exit 3", None), Answer::Fails { .. }));
        assert_eq!(ask("echo '{\"v\": \"1.4\"}'; exit 3", Some("$.v")).version(), Some("1.4"));
        assert!(matches!(ask("echo nothing", Some("$.v")), Answer::Fails { .. }));
        let limit = Duration::from_secs(1);
        for (probe, is_one) in [
            ("127.0.0.1:80/x", false),
            ("localhost:8000", false),
            ("./check.sh", true),
            ("curl -f x:80", true),
        ] {
            assert_eq!(Health::new(probe, None, limit, "/".into()).is_ok(), is_one, "{probe}");
        }
        assert!(Health::new("true", Some("X-Version"), limit, "/".into()).is_err());
        let error = Health::new("localhost:80/x", Some("X-Version"), limit, "/".into()).unwrap_err();
        assert!(matches!(error, HealthError::NoScheme(_)), "{error}");
    }
}
