//! What an action's result says of the trial, and what it says of the worker only.

use std::collections::HashMap;

use prost::Message;

use super::action::Prepared;
use super::api::{ActionResult, ExecutedActionMetadata, Timestamp, Tree};
use super::connection::CallError;
use super::contents::Contents;
use super::digest::ContentId;
use crate::executor::ExecutorError;
use crate::executor::worker::ending::{ending, failed, overdue};
use crate::executor::worker::output::{captured, without_place};
use crate::executor::worker::script::{INPUTS, STATE, State};
use crate::model::{CancelToken, Captured, OutputFile, Termination, Timing, TrialOutput, TrialSpec};

/// What a trial writes is read up to this many bytes and files, as on this machine.
const LARGEST: u64 = 256 << 20;
const MOST_FILES: usize = 10_000;
const LARGEST_STATE: i64 = 4096;

/// Reads results.
pub(super) struct Reader<'a> {
    pub(super) contents: &'a Contents,
    pub(super) known_ends: &'a HashMap<ContentId, i32>,
    pub(super) cancel: &'a CancelToken,
}

impl Reader<'_> {
    /// The output of a trial; an error when the result says nothing of it.
    pub(super) async fn output(
        &self,
        result: &ActionResult,
        prepared: &Prepared,
        recipe: &TrialSpec,
    ) -> Result<TrialOutput, ExecutorError> {
        let unread = |error: CallError| error.into_machine("the result could not be read");
        let (state, place) = self.state(result).await.map_err(unread)?;
        let mut stdout =
            self.text(&result.stdout_raw, result.stdout_digest.as_ref()).await.map_err(unread)?;
        let mut stderr =
            self.text(&result.stderr_raw, result.stderr_digest.as_ref()).await.map_err(unread)?;
        without_place(&mut stdout, place.as_deref());
        without_place(&mut stderr, place.as_deref());
        let ending = match ending(&state, result.exit_code, recipe) {
            Ok(ending) => ending,
            Err(why) => {
                let name = result.execution_metadata.as_ref().map_or("", |metadata| metadata.worker.as_str());
                return Err(failed(&why, name, &stderr.text));
            }
        };
        let files = if recipe.outputs.is_empty() { Vec::new() } else { self.files(result).await };
        let mut output = TrialOutput::without_run(ending);
        (output.stdout, output.stderr, output.files) = (stdout, stderr, files);
        output.timing = result.execution_metadata.as_ref().map(timing).unwrap_or_default();
        if prepared.has_setup && matches!(output.ending, Termination::SetupFailed { .. }) {
            (output.timing.setup_ms, output.timing.run_ms) = (output.timing.run_ms, 0.0);
        }
        Ok(output)
    }

    /// The output of a trial that took longer than it may; an error when it is not known to have run.
    pub(super) async fn overdue(
        &self,
        result: &ActionResult,
        after_ms: u64,
    ) -> Result<TrialOutput, ExecutorError> {
        // A server may keep nothing of what was ended.
        let (state, place) = self.state(result).await.unwrap_or((State::Nothing, None));
        let timing = result.execution_metadata.as_ref().map(timing).unwrap_or_default();
        let limit = std::time::Duration::from_millis(after_ms).as_secs_f64() * 1e3;
        let ending = overdue(&state, after_ms, timing.run_ms >= limit * 0.9)?;
        let text = async |raw: &[u8], digest| self.text(raw, digest).await.unwrap_or_default();
        let mut output = TrialOutput::without_run(ending);
        output.stdout = text(&result.stdout_raw, result.stdout_digest.as_ref()).await;
        output.stderr = text(&result.stderr_raw, result.stderr_digest.as_ref()).await;
        without_place(&mut output.stdout, place.as_deref());
        without_place(&mut output.stderr, place.as_deref());
        output.timing = timing;
        Ok(output)
    }

    /// What the script wrote down, and where it ran.
    async fn state(&self, result: &ActionResult) -> Result<(State, Option<String>), CallError> {
        let nothing = || Ok((State::Nothing, None));
        let file = result.output_files.iter().find(|file| file.path == STATE);
        let Some(file) = file else { return nothing() };
        let Some(id) = file.digest.as_ref().and_then(ContentId::of_proto) else { return nothing() };
        if let Some(code) = self.known_ends.get(&id) {
            return Ok((State::Ended(*code), None));
        }
        if id.size > LARGEST_STATE {
            return nothing();
        }
        let text = if file.contents.is_empty() {
            self.contents.read(id, 0, id.bytes(), self.cancel).await?
        } else {
            file.contents.clone()
        };
        let text = String::from_utf8_lossy(&text);
        Ok((State::parse(&text), State::place(&text).map(str::to_owned)))
    }

    async fn text(&self, raw: &[u8], digest: Option<&super::api::Digest>) -> Result<Captured, CallError> {
        let id = digest.and_then(ContentId::of_proto).filter(|id| id.size > 0);
        match id {
            // Short texts may be in the result itself, all of them.
            Some(id) if u64::try_from(raw.len()).unwrap_or_default() < id.bytes() => {
                self.contents.text(id, self.cancel).await
            }
            _ => Ok(captured(raw)),
        }
    }

    /// What was written in the output folders; nothing when it is too much or cannot be had.
    async fn files(&self, result: &ActionResult) -> Vec<OutputFile> {
        let (mut files, mut left) = (Vec::new(), LARGEST);
        for folder in &result.output_directories {
            let Some(path) = folder.path.strip_prefix(INPUTS).and_then(|path| path.strip_prefix('/')) else {
                continue;
            };
            let Some(id) = folder.tree_digest.as_ref().and_then(ContentId::of_proto) else { continue };
            if id.bytes() > left {
                return Vec::new();
            }
            let Ok(bytes) = self.contents.read(id, 0, id.bytes(), self.cancel).await else {
                return Vec::new();
            };
            let Some(root) = Tree::decode(bytes.as_slice()).ok().and_then(|tree| tree.root) else {
                return Vec::new();
            };
            if files.len() + root.files.len() > MOST_FILES {
                return Vec::new();
            }
            for file in root.files {
                let Some(id) = file.digest.as_ref().and_then(ContentId::of_proto) else { continue };
                let Some(rest) = left.checked_sub(id.bytes()) else { return Vec::new() };
                left = rest;
                let Ok(content) = self.contents.read(id, 0, id.bytes(), self.cancel).await else {
                    return Vec::new();
                };
                files.push(OutputFile { path: std::path::Path::new(path).join(&file.name), content });
            }
        }
        files
    }
}

fn timing(metadata: &ExecutedActionMetadata) -> Timing {
    let between = |from: &Option<Timestamp>, to: &Option<Timestamp>| match (from, to) {
        (Some(from), Some(to)) => (milliseconds(to) - milliseconds(from)).max(0.0),
        _ => 0.0,
    };
    Timing {
        queue_ms: between(&metadata.queued_timestamp, &metadata.worker_start_timestamp),
        checkout_ms: between(
            &metadata.input_fetch_start_timestamp,
            &metadata.input_fetch_completed_timestamp,
        ),
        setup_ms: 0.0,
        run_ms: between(&metadata.execution_start_timestamp, &metadata.execution_completed_timestamp),
        clean_ms: 0.0,
    }
}

#[expect(clippy::as_conversions, reason = "times of this century are exact enough")]
fn milliseconds(time: &Timestamp) -> f64 {
    time.seconds as f64 * 1e3 + f64::from(time.nanos) / 1e6
}
