//! Whether workers do what they are told, before anything that they say is believed.

use std::collections::BTreeMap;
use std::ffi::OsString;

use crate::executor::{ExecutorError, ExecutorErrorKind};
use crate::model::{InputFile, Termination, TrialOutput, TrialSpec};

/// What is known of the workers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkerFacts {
    /// The system: its kernel's name and its architecture.
    pub system: String,
    /// Where the command's program lies there; `None` when it was not asked for.
    pub program: Option<String>,
    /// The worker's version, where it is Python.
    pub python: Option<String>,
}

/// Why nothing that workers say can be believed.
#[derive(Debug)]
pub enum ProbeFault {
    /// They cannot be asked at all, and never will be.
    Denied(String),
    /// They do not do what they are told: what was seen.
    BadWorker(String),
    /// They lack a program.
    NoProgram {
        /// Its name.
        program: String,
        /// Where it was looked for.
        path: String,
    },
}

/// See whether workers do what they are told, and what they are. `run` runs a recipe that nobody has run before, by a
/// word that was never there before; `program` is looked for.
pub(in crate::executor) fn probe(
    environment: &BTreeMap<OsString, OsString>,
    program: Option<&str>,
    run: impl Fn(&TrialSpec, &str) -> Result<TrialOutput, ExecutorError> + Sync,
) -> Result<WorkerFacts, ProbeFault> {
    let nonce = nonce();
    let to_fail = failing(environment, &nonce);
    let to_pass = passing(environment, &nonce, program);
    let (failed, passed) = std::thread::scope(|scope| {
        let failed = scope.spawn(|| run(&to_fail, &nonce));
        let passed = run(&to_pass, &nonce);
        (failed.join(), passed)
    });
    let failed = failed.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    for seen in [&failed, &passed] {
        if let Err(ExecutorError::Remote { kind: ExecutorErrorKind::Fatal, message }) = seen {
            return Err(ProbeFault::Denied(message.clone()));
        }
    }
    judge_failing(&failed, &nonce).map_err(ProbeFault::BadWorker)?;
    let facts = judge_passing(&passed, &nonce, program).map_err(ProbeFault::BadWorker)?;
    match (program, &facts.program) {
        (Some(program), Some(path)) if path.is_empty() => {
            let path = environment.get(std::ffi::OsStr::new("PATH"));
            let path = path.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
            Err(ProbeFault::NoProgram { program: program.to_owned(), path })
        }
        _ => Ok(facts),
    }
}

/// Something that was never there before.
fn nonce() -> String {
    use ring::rand::SecureRandom as _;
    let mut bytes = [0; 16];
    // Without it, a worker's own memory might answer: the time is as good.
    if ring::rand::SystemRandom::new().fill(&mut bytes).is_err() {
        return format!("{:?}", std::time::SystemTime::now());
    }
    blake3::hash(&bytes).to_hex().to_string()
}

const FILE: &str = "probe";
/// A status that nothing else ends with by chance.
const STATUS: i32 = 43;

/// A recipe whose end is known before: it fails, and in a way of its own.
fn failing(environment: &BTreeMap<OsString, OsString>, nonce: &str) -> TrialSpec {
    let script = format!("cat \"$PROBE/{FILE}\"; exit {STATUS}");
    recipe(environment, &script, nonce)
}

/// A recipe that passes, and tells of the worker.
fn passing(environment: &BTreeMap<OsString, OsString>, nonce: &str, program: Option<&str>) -> TrialSpec {
    let mut script = format!("cat \"$PROBE/{FILE}\"; echo; uname -sm || echo unknown");
    if let Some(program) = program {
        let quoted = shell_words::quote(program);
        script.extend(["; command -v ", &*quoted, " || echo"]);
        if is_python(program) {
            let ask = "import sys; print('%d.%d.%d' % sys.version_info[:3])";
            script.extend(["; ", &*quoted, " -c ", &*shell_words::quote(ask), " 2>/dev/null || echo"]);
        }
    }
    script.push_str("; exit 0");
    recipe(environment, &script, nonce)
}

fn recipe(environment: &BTreeMap<OsString, OsString>, script: &str, nonce: &str) -> TrialSpec {
    TrialSpec {
        command: ["sh", "-c", script].map(OsString::from).to_vec(),
        environment: environment.clone(),
        inputs: vec![InputFile { path: FILE.into(), content: nonce.into() }],
        input_paths: BTreeMap::from([("PROBE".to_owned(), "".into())]),
        ..TrialSpec::default()
    }
}

/// Whether a program is an interpreter of Python.
fn is_python(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    let version = name.strip_prefix("python").unwrap_or("x");
    version.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// What is wrong with a worker that was to fail.
fn judge_failing(seen: &Result<TrialOutput, ExecutorError>, nonce: &str) -> Result<(), String> {
    let output = seen.as_ref().map_err(ExecutorError::in_words)?;
    match &output.ending {
        Termination::Exited { code: STATUS } if output.stdout.text == nonce => Ok(()),
        Termination::Exited { code: STATUS } => Err("what a command prints is not told".to_owned()),
        ending => Err(format!("a command that ends with status {STATUS} is told of as {ending:?}")),
    }
}

/// What a worker that was to pass tells of itself; what is wrong with it.
fn judge_passing(
    seen: &Result<TrialOutput, ExecutorError>,
    nonce: &str,
    program: Option<&str>,
) -> Result<WorkerFacts, String> {
    let output = seen.as_ref().map_err(ExecutorError::in_words)?;
    if output.ending != (Termination::Exited { code: 0 }) {
        return Err(format!("a command that passes is told of as {:?}", output.ending));
    }
    let mut lines = output.stdout.text.lines();
    if lines.next() != Some(nonce) {
        return Err("what a command prints is not told".to_owned());
    }
    let mut line = || lines.next().unwrap_or_default().trim().to_owned();
    let system = line();
    let path = program.map(|_| line());
    let python = program.filter(|program| is_python(program)).map(|_| line());
    Ok(WorkerFacts { system, program: path, python: python.filter(|version| !version.is_empty()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(code: i32, stdout: &str) -> Result<TrialOutput, ExecutorError> {
        let mut output = TrialOutput::without_run(Termination::Exited { code });
        stdout.clone_into(&mut output.stdout.text);
        Ok(output)
    }

    #[test]
    fn a_worker_that_says_the_same_of_everything_is_not_believed() {
        assert!(judge_failing(&output(STATUS, "n"), "n").is_ok());
        for wrong in [output(1, "n"), output(0, "n"), output(STATUS, ""), output(STATUS, "m")] {
            assert!(judge_failing(&wrong, "n").is_err(), "{wrong:?}");
        }
        for wrong in [output(1, "n\nLinux"), output(0, ""), output(STATUS, "n\nLinux")] {
            assert!(judge_passing(&wrong, "n", None).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_worker_tells_of_its_programs() {
        let told = |text: &str, program| judge_passing(&output(0, text), "n", program).unwrap();
        let facts = told("n\nLinux x86_64\n/usr/bin/python3\n3.11.2\n", Some("python3"));
        assert_eq!(
            (facts.program.as_deref(), facts.python.as_deref()),
            (Some("/usr/bin/python3"), Some("3.11.2"))
        );
        let facts = told("n\nLinux x86_64\n\n\n", Some("python3"));
        assert_eq!((facts.program.as_deref(), facts.python), (Some(""), None));
        assert_eq!(told("n\nLinux x86_64\n/bin/make\n", Some("make")).python, None);
        assert!(is_python("python") && is_python("/usr/bin/python3.12") && !is_python("pytest"));
    }
}
