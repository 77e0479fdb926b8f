//! The line between pybisect and the launcher: messages as JSON, one a line, over a pair of sockets.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What the launcher says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Said {
    /// It is in a new user namespace, whose users have to be mapped from outside.
    Map,
    /// The command runs.
    Started,
    /// The command cannot be started.
    NotStarted { number: Option<i32>, error: String },
    /// The sandbox cannot be made.
    Failed { step: String, error: String },
    /// The command ended.
    Ended { code: Option<i32>, signal: Option<i32> },
    /// So many processes were alive after it.
    Left { count: u32 },
}

/// What the launcher is told once it runs.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Told {
    /// The users are mapped.
    Mapped,
    /// End what is left, and yourself.
    Finish,
}

/// One end of the line.
#[derive(Debug)]
pub(super) struct Line {
    socket: UnixStream,
    buffer: Vec<u8>,
    is_closed: bool,
}

impl Line {
    pub(super) const fn new(socket: UnixStream) -> Self {
        Self { socket, buffer: Vec::new(), is_closed: false }
    }

    pub(super) fn send(&mut self, message: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(message)?;
        text.push(b'\n');
        self.socket.write_all(&text)
    }

    /// The next message; `None` when the other end closed the line, or after this time.
    pub(super) fn receive<T: DeserializeOwned>(&mut self, patience: Duration) -> io::Result<Option<T>> {
        let until = Instant::now() + patience;
        loop {
            if let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let message: Vec<u8> = self.buffer.drain(..=end).collect();
                // What is no message are the last words of bubblewrap.
                let words = |_| io::Error::other(String::from_utf8_lossy(&message).trim().to_owned());
                return serde_json::from_slice(&message).map(Some).map_err(words);
            }
            let left = until.saturating_duration_since(Instant::now());
            if self.is_closed || !self.fill(left)? {
                return Ok(None);
            }
        }
    }

    /// Read what is there, after waiting for it this long. Whether something came.
    fn fill(&mut self, patience: Duration) -> io::Result<bool> {
        // Zero would mean no limit.
        self.socket.set_read_timeout(Some(patience.max(Duration::from_micros(1))))?;
        let mut bytes = [0; 4096];
        match self.socket.read(&mut bytes) {
            Ok(0) => {
                self.is_closed = true;
                Ok(false)
            }
            Ok(count) => {
                self.buffer.extend_from_slice(&bytes[..count]);
                Ok(true)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                Ok(false)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                self.is_closed = true;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the other end is gone and has nothing more to say.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed && self.buffer.is_empty()
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_one_by_one_and_the_end_is_told_from_silence() {
        let (one, other) = UnixStream::pair().unwrap();
        let (mut one, mut other) = (Line::new(one), Line::new(other));
        one.send(&Told::Mapped).unwrap();
        one.send(&Told::Finish).unwrap();
        let patience = Duration::from_secs(5);
        assert!(matches!(other.receive(patience).unwrap(), Some(Told::Mapped)));
        assert!(matches!(other.receive(patience).unwrap(), Some(Told::Finish)));
        assert!(other.receive::<Told>(Duration::ZERO).unwrap().is_none());
        assert!(!other.is_closed());
        drop(one);
        assert!(other.receive::<Told>(patience).unwrap().is_none());
        assert!(other.is_closed());
    }
}
