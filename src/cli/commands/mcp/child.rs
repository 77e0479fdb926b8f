//! A call of a tool as a process of this program: its progress as it tells it, its end when the client wants it.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::UnboundedSender;

use super::tools::Call;

/// Lines of the end of standard error that are kept for an error.
const LAST_LINES: usize = 20;
/// Bytes of an answer that are read.
const LONGEST: u64 = 64 << 20;

/// What came of it.
pub(super) struct Ended {
    pub(super) stdout: String,
    /// The last lines of standard error.
    pub(super) said: String,
    pub(super) code: Option<i32>,
}

/// The process, asked to end when this is dropped: it ends its trials itself.
struct Running(Option<OwnedFd>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(process) = &self.0 {
            // It may have ended by itself.
            let _ended = pidfd_send_signal(process, Signal::TERM);
        }
    }
}

/// Run a call to its end. Each line of its progress is sent.
pub(super) async fn run(
    call: Call,
    folder: &Path,
    progress: UnboundedSender<String>,
) -> std::io::Result<Ended> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(call.words.iter().map(OsString::from))
        .current_dir(folder)
        // Plain lines, one for each thing that is known.
        .env("CI", "1")
        .stdin(if call.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let running = Running(watched(&child));
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let text = call.stdin.unwrap_or_default();
    let writes = tokio::spawn(async move {
        if let Some(mut stdin) = stdin {
            // It need not read all of it.
            drop(stdin.write_all(text.as_bytes()).await);
        }
    });
    let reads = tokio::spawn(async move {
        let mut answer = Vec::new();
        if let Some(stdout) = stdout {
            drop(stdout.take(LONGEST).read_to_end(&mut answer).await);
        }
        String::from_utf8_lossy(&answer).into_owned()
    });
    let mut last = Vec::new();
    if let Some(stderr) = stderr {
        let mut lines = BufReader::new(stderr).split(b'\n');
        while let Some(line) = lines.next_segment().await? {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if last.len() == LAST_LINES {
                last.remove(0);
            }
            last.push(line.clone());
            // Nobody may want to know.
            drop(progress.send(line));
        }
    }
    let status = child.wait().await?;
    drop(running);
    drop(call.files);
    writes.abort();
    let stdout = reads.await.map_err(std::io::Error::other)?;
    Ok(Ended { stdout, said: last.join("\n"), code: status.code() })
}

/// A handle that means this process and no later one of its number.
fn watched(child: &Child) -> Option<OwnedFd> {
    let number = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw)?;
    pidfd_open(number, PidfdFlags::empty()).ok()
}
