//! What a job wrote into the shared folder.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::executor::worker::ending::{ending, failed, overdue};
use crate::executor::worker::output::{HEAD, TAIL, captured, shortened, without_place};
use crate::executor::worker::script::{State, TREE};
use crate::executor::{ExecutorError, ExecutorErrorKind};
use crate::model::{Captured, OutputFile, Timing, TrialOutput, TrialSpec};

/// What a trial writes is read up to this many bytes and files, as on this machine.
const LARGEST: u64 = 256 << 20;
const MOST_FILES: usize = 10_000;

/// What is there of a result.
pub(super) enum Seen {
    /// Nothing yet.
    Nothing,
    /// Something that is not whole, or not yet seen whole here.
    Part(String),
    /// The job came to no trial: why.
    Failed(String),
    /// All of it.
    Result(Box<JobResult>),
}

/// What a job wrote down at its end.
#[derive(Debug, Default)]
pub(super) struct JobResult {
    status: i32,
    is_overdue: bool,
    lacked_memory: bool,
    state: String,
    /// Nanoseconds of the node's clock: begun, laid out, ended.
    times: [u128; 3],
    /// Bytes that were printed, and those that were kept.
    stdout: (u64, u64),
    stderr: (u64, u64),
    /// Bytes of the archive of output files.
    files: Option<u64>,
}

impl JobResult {
    /// `None` unless it is whole.
    fn parse(text: &str) -> Option<Self> {
        let mut result = Self::default();
        let mut lines = text.lines();
        let numbers =
            |words: &str| words.split(' ').map(|word| word.parse().unwrap_or_default()).collect::<Vec<_>>();
        let pair = |words: &str| {
            let (all, kept) = words.split_once(' ')?;
            Some((all.parse().ok()?, kept.parse().ok()?))
        };
        let is_ended = lines.any(|line| {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "state" => result.state.extend([rest, "\n"]),
                "overdue" => result.is_overdue = true,
                "memory" => result.lacked_memory = true,
                "times" => result.times = numbers(rest).try_into().unwrap_or_default(),
                "status" => result.status = rest.parse().unwrap_or(-1),
                "stdout" => result.stdout = pair(rest).unwrap_or_default(),
                "stderr" => result.stderr = pair(rest).unwrap_or_default(),
                "files" => result.files = rest.parse().ok(),
                _ => return word == "end",
            }
            false
        });
        is_ended.then_some(result)
    }
}

/// Whether a job has begun; by listing its folder first, which has a shared file system look anew.
pub(super) fn has_begun(folder: &Path) -> bool {
    let listed = fs::read_dir(folder)
        .map(|mut entries| entries.any(|entry| entry.is_ok_and(|e| e.file_name() == "begun")));
    listed.unwrap_or(false)
}

/// What is there of a job's result.
pub(super) fn look(folder: &Path) -> io::Result<Seen> {
    if let Some(why) = text(&folder.join("failed"))? {
        return Ok(Seen::Failed(why.trim_end().to_owned()));
    }
    let Some(told) = text(&folder.join("result"))? else { return Ok(Seen::Nothing) };
    let Some(result) = JobResult::parse(&told) else {
        return Ok(Seen::Part("the result breaks off".to_owned()));
    };
    let parts =
        [("stdout", Some(result.stdout.1)), ("stderr", Some(result.stderr.1)), ("files.tar", result.files)];
    for (name, wanted) in parts {
        let Some(wanted) = wanted else { continue };
        let there = fs::metadata(folder.join(name)).map_or(0, |facts| facts.len());
        if there != wanted {
            return Ok(Seen::Part(format!("{name} has {there} bytes of {wanted}")));
        }
    }
    Ok(Seen::Result(Box::new(result)))
}

/// The node that a job ran on.
pub(super) fn node(folder: &Path) -> String {
    text(&folder.join("begun/node")).ok().flatten().unwrap_or_default().trim().to_owned()
}

fn text(path: &Path) -> io::Result<Option<String>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl JobResult {
    /// The output of the trial; an error when the result says nothing of it.
    pub(super) fn output(
        &self,
        folder: &Path,
        recipe: &TrialSpec,
        after_ms: u64,
    ) -> Result<TrialOutput, ExecutorError> {
        let state = State::parse(&self.state);
        let place = State::place(&self.state);
        let unread = |error: io::Error| {
            let message = format!("the result could not be read: {error}");
            ExecutorError::Remote { kind: ExecutorErrorKind::Retryable, message }
        };
        let read = |name: &str, (all, kept)| {
            let mut text = printed(&fs::read(folder.join(name))?, all, kept);
            // As on this machine, a file of the tree is called by its place there.
            if let Some(place) = place {
                text.text = text.text.replace(&format!("{place}/{TREE}/"), "");
            }
            without_place(&mut text, place);
            Ok(text)
        };
        let (stdout, stderr) =
            (read("stdout", self.stdout).map_err(unread)?, read("stderr", self.stderr).map_err(unread)?);
        if self.lacked_memory {
            return Err(failed("the node ran out of memory", &node(folder), &stderr.text));
        }
        // One that ended by itself at the last moment ended by itself.
        let ending = if self.is_overdue && state != State::Ended(self.status) {
            overdue(&state, after_ms, false)?
        } else {
            ending(&state, self.status, recipe).map_err(|why| failed(&why, &node(folder), &stderr.text))?
        };
        let files = if self.files.is_some_and(|size| size <= LARGEST) {
            files(&folder.join("files.tar"), recipe).map_err(unread)?
        } else {
            Vec::new()
        };
        Ok(TrialOutput { stdout, stderr, files, timing: self.timing(), ..TrialOutput::without_run(ending) })
    }

    fn timing(&self) -> Timing {
        let [begun, laid, ended] = self.times;
        let between = |from: u128, to: u128| {
            let nanoseconds = u64::try_from(to.saturating_sub(from)).unwrap_or_default();
            if from == 0 { 0.0 } else { Duration::from_nanos(nanoseconds).as_secs_f64() * 1e3 }
        };
        Timing { checkout_ms: between(begun, laid), run_ms: between(laid, ended), ..Timing::default() }
    }
}

/// What was printed, of which the job kept so much.
fn printed(kept_bytes: &[u8], all: u64, kept: u64) -> Captured {
    let head = usize::try_from(HEAD).unwrap_or(usize::MAX);
    if all > kept && kept == HEAD + TAIL && kept_bytes.len() > head {
        return shortened(&kept_bytes[..head], &kept_bytes[head..], all);
    }
    captured(kept_bytes)
}

/// The files of the output folders; nothing when they are too many.
fn files(archive: &Path, recipe: &TrialSpec) -> io::Result<Vec<OutputFile>> {
    let mut files = Vec::new();
    for entry in tar::Archive::new(fs::File::open(archive)?).entries()? {
        let mut entry = entry?;
        let path: PathBuf =
            entry.path()?.components().filter(|part| matches!(part, Component::Normal(_))).collect();
        let is_asked_for = path.parent().is_some_and(|parent| recipe.outputs.iter().any(|one| one == parent));
        if !entry.header().entry_type().is_file() || !is_asked_for {
            continue;
        }
        if files.len() == MOST_FILES {
            return Ok(Vec::new());
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        files.push(OutputFile { path, content });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "status 3\nstdout 5 5\nstderr 0 0\nfiles none\ntimes 1000000 2000000 5000000\n\
                         state top /tmp/x/top\nstate began\nstate ended 3\nend\n";

    #[test]
    fn a_result_counts_when_it_is_whole_and_so_is_what_it_speaks_of() {
        let folder = tempfile::tempdir().unwrap();
        let seen = || look(folder.path()).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        assert!(matches!(seen(), Seen::Nothing));
        write("result", &WHOLE[..40]);
        assert!(matches!(seen(), Seen::Part(_)));
        write("result", WHOLE);
        write("stdout", "tota");
        write("stderr", "");
        assert!(matches!(seen(), Seen::Part(why) if why.contains("stdout has 4 bytes of 5")));
        write("stdout", "total");
        let Seen::Result(result) = seen() else { panic!("it is whole") };
        let output = result.output(folder.path(), &TrialSpec::default(), 1000).unwrap();
        assert_eq!(output.ending, crate::model::Termination::Exited { code: 3 });
        assert_eq!((output.stdout.text.as_str(), output.timing.run_ms), ("total", 3.0));
        write("failed", "no room\n");
        assert!(matches!(seen(), Seen::Failed(why) if why == "no room"));
    }

    #[test]
    fn what_a_node_did_is_no_end_of_the_trial() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["stdout", "stderr"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let told = |text: &str| {
            let result = JobResult::parse(text).unwrap();
            result.output(folder.path(), &TrialSpec::default(), 1000).map(|output| output.ending)
        };
        assert!(told("status 0\nmemory\nstate began\nstate ended 0\nend\n").is_err());
        assert!(told("status 137\nstate began\nend\n").is_err());
        assert!(told("status 1\nend\n").is_err());
        let overdue = told("status 137\noverdue\nstate began\nend\n").unwrap();
        assert_eq!(overdue, crate::model::Termination::TimedOut { after_ms: 1000 });
        assert!(matches!(
            told("status 137\noverdue\nstate setup\nend\n").unwrap(),
            crate::model::Termination::SetupFailed { .. }
        ));
    }
}
