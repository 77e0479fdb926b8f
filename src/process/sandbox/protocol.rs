//! The line between pybisect and the launcher: messages as JSON, one a line, over a pair of sockets.

use std::io;
use std::io::{IoSlice, IoSliceMut, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What the launcher says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum LauncherMessage {
    /// It is in a new user namespace, whose users have to be mapped from outside.
    Map,
    /// With this comes a socket that listens where the command is.
    Listens,
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
pub(super) enum ParentMessage {
    /// The users are mapped.
    Mapped,
    /// End what is left, and yourself.
    Finish,
}

/// Bytes of a message, as pybisect takes them: what the launcher has to say is short.
const LONGEST: usize = 64 * 1024;
/// The same at the other end, which is told a whole confinement.
const LONGEST_TOLD: usize = 64 * 1024 * 1024;
/// How long the other end may take to make room for a message.
const PATIENCE_TO_SEND: Duration = Duration::from_secs(60);

/// One end of the line.
#[derive(Debug)]
pub(super) struct Channel {
    socket: UnixStream,
    buffer: Vec<u8>,
    /// So much of the buffer has no line break in it.
    searched: usize,
    longest: usize,
    /// What came with the messages.
    descriptor: Option<OwnedFd>,
    is_closed: bool,
}

impl Channel {
    /// pybisect's end.
    pub(super) fn ours(socket: UnixStream) -> io::Result<Self> {
        Self::new(socket, LONGEST)
    }

    /// The end of the launcher and its init.
    pub(super) fn theirs(socket: UnixStream) -> io::Result<Self> {
        Self::new(socket, LONGEST_TOLD)
    }

    fn new(socket: UnixStream, longest: usize) -> io::Result<Self> {
        socket.set_write_timeout(Some(PATIENCE_TO_SEND))?;
        Ok(Self { socket, buffer: Vec::new(), searched: 0, longest, descriptor: None, is_closed: false })
    }

    pub(super) fn send(&mut self, message: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(message)?;
        text.push(b'\n');
        self.socket.write_all(&text)
    }

    /// The same, with an open descriptor.
    pub(super) fn send_with(
        &mut self,
        message: &impl Serialize,
        descriptor: BorrowedFd<'_>,
    ) -> io::Result<()> {
        let mut text = serde_json::to_vec(message)?;
        text.push(b'\n');
        let descriptors = [descriptor];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut beside = SendAncillaryBuffer::new(&mut space);
        if !beside.push(SendAncillaryMessage::ScmRights(&descriptors)) {
            return Err(io::Error::from(io::ErrorKind::OutOfMemory));
        }
        let sent = sendmsg(&self.socket, &[IoSlice::new(&text)], &mut beside, SendFlags::empty())?;
        self.socket.write_all(text.get(sent..).unwrap_or_default())
    }

    /// The descriptor that came with what was received.
    pub(super) const fn take_descriptor(&mut self) -> Option<OwnedFd> {
        self.descriptor.take()
    }

    /// The next message; `None` when the other end closed the line, or when it is not all there after this time,
    /// however much of it still comes.
    ///
    /// # Errors
    /// When it is no message, or longer than any.
    pub(super) fn receive<T: DeserializeOwned>(&mut self, patience: Duration) -> io::Result<Option<T>> {
        let until = Instant::now() + patience;
        let mut left = patience;
        loop {
            let message = self.message();
            let length = message.as_ref().map_or(self.buffer.len(), Vec::len);
            if length > self.longest {
                return Err(io::Error::other(format!("a message of more than {} bytes", self.longest)));
            }
            if let Some(message) = message {
                // What is no message are the last words of bubblewrap.
                let words = |_| io::Error::other(String::from_utf8_lossy(&message).trim().to_owned());
                return serde_json::from_slice(&message).map(Some).map_err(words);
            }
            if self.is_closed || !self.fill(left)? {
                return Ok(None);
            }
            left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // The last that came may be the end of one.
                let is_whole = self.buffer[self.searched..].contains(&b'\n');
                if !is_whole && self.buffer.len() <= self.longest {
                    return Ok(None);
                }
            }
        }
    }

    /// The first message in the buffer.
    fn message(&mut self) -> Option<Vec<u8>> {
        let end = memchr::memchr(b'\n', &self.buffer[self.searched..]).map(|end| self.searched + end);
        // Those that follow are not searched yet.
        self.searched = if end.is_some() { 0 } else { self.buffer.len() };
        Some(self.buffer.drain(..=end?).collect())
    }

    /// Read what is there, after waiting for it this long. Whether something came.
    fn fill(&mut self, patience: Duration) -> io::Result<bool> {
        // Zero would mean no limit.
        self.socket.set_read_timeout(Some(patience.max(Duration::from_micros(1))))?;
        let mut bytes = [0; 4096];
        match self.read(&mut bytes) {
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

    /// Read, and keep the first descriptor that comes along; of others nothing stays open.
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut beside = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::CMSG_CLOEXEC;
        let received = recvmsg(&self.socket, &mut [IoSliceMut::new(bytes)], &mut beside, flags)?;
        for message in beside.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                for descriptor in descriptors {
                    self.descriptor.get_or_insert(descriptor);
                }
            }
        }
        Ok(received.bytes)
    }

    /// Whether the other end is gone and has nothing more to say.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed && self.buffer.is_empty()
    }
}

/// How many messages pybisect takes from the other end when this comes from there, before it ends or is refused.
///
/// For those who try it with anything: in earnest, nobody but the sandbox's own init writes there.
#[cfg(feature = "internals")]
#[must_use]
pub fn messages_in(bytes: &[u8]) -> usize {
    /// So much fits into a socket whose other end does not read yet.
    const FITS: usize = 100_000;
    let Ok((ours, mut theirs)) = UnixStream::pair() else { return 0 };
    let Ok(mut ours) = Channel::ours(ours) else { return 0 };
    let written = theirs.write_all(&bytes[..bytes.len().min(FITS)]);
    drop(theirs);
    let mut count = 0;
    while written.is_ok()
        && let Ok(Some(_)) = ours.receive::<LauncherMessage>(Duration::from_secs(5))
    {
        count += 1;
    }
    count
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The first argument that makes this program a launcher.
pub(super) const LAUNCHER: &str = "__sandbox";

/// Something that the sandbox needs could not be done.
pub(super) struct LaunchFailure {
    pub(super) step: &'static str,
    pub(super) error: io::Error,
}

/// Name the step that an error comes from.
pub(super) trait InStep<T> {
    fn step(self, step: &'static str) -> Result<T, LaunchFailure>;
}

impl LaunchFailure {
    pub(super) fn said(&self) -> LauncherMessage {
        LauncherMessage::Failed { step: self.step.to_owned(), error: self.error.to_string() }
    }
}

pub(super) fn no_command() -> io::Error {
    io::Error::from(io::ErrorKind::InvalidInput)
}

pub(super) fn not_started(error: &io::Error) -> LauncherMessage {
    LauncherMessage::NotStarted { number: error.raw_os_error(), error: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::RecvTimeoutError;

    use super::*;

    #[test]
    fn messages_come_one_by_one_and_the_end_is_told_from_silence() {
        let (one, other) = UnixStream::pair().unwrap();
        let (mut one, mut other) = (Channel::theirs(one).unwrap(), Channel::theirs(other).unwrap());
        one.send(&ParentMessage::Mapped).unwrap();
        one.send(&ParentMessage::Finish).unwrap();
        let patience = Duration::from_secs(5);
        assert!(matches!(other.receive(patience).unwrap(), Some(ParentMessage::Mapped)));
        assert!(matches!(other.receive(patience).unwrap(), Some(ParentMessage::Finish)));
        assert!(other.receive::<ParentMessage>(Duration::ZERO).unwrap().is_none());
        assert!(!other.is_closed());
        drop(one);
        assert!(other.receive::<ParentMessage>(patience).unwrap().is_none());
        assert!(other.is_closed());
    }

    #[test]
    fn a_socket_that_listens_comes_with_its_message() {
        use std::io::Read as _;
        use std::net::{TcpListener, TcpStream};

        let (one, other) = UnixStream::pair().unwrap();
        let (mut one, mut other) = (Channel::theirs(one).unwrap(), Channel::ours(other).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        one.send(&LauncherMessage::Map).unwrap();
        one.send_with(&LauncherMessage::Listens, listener.as_fd()).unwrap();
        drop(listener);
        let patience = Duration::from_secs(60);
        assert!(matches!(other.receive(patience).unwrap(), Some(LauncherMessage::Map)));
        assert!(matches!(other.receive(patience).unwrap(), Some(LauncherMessage::Listens)));
        let listener = TcpListener::from(other.take_descriptor().unwrap());
        let mut client = TcpStream::connect(address).unwrap();
        listener.accept().unwrap().0.write_all(b"here").unwrap();
        let mut text = [0; 4];
        client.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"here");
    }

    #[test]
    fn a_message_without_an_end_is_given_up_when_it_is_too_long_or_takes_too_long() {
        use std::sync::mpsc::channel;

        let (one, mut other) = UnixStream::pair().unwrap();
        let mut line = Channel::ours(one).unwrap();
        other.write_all(&[b' '; 4000]).unwrap();
        assert!(
            line.receive::<LauncherMessage>(Duration::from_millis(1)).unwrap().is_none(),
            "the rest may come"
        );
        other.write_all(b"\"Map\"\n").unwrap();
        assert!(matches!(
            line.receive::<LauncherMessage>(Duration::from_secs(5)).unwrap(),
            Some(LauncherMessage::Map)
        ));
        // Drop by drop, for as long as somebody listens.
        let (stop, stopped) = channel::<()>();
        let mut drops = other.try_clone().unwrap();
        let dripping = std::thread::spawn(move || {
            while stopped
                .recv_timeout(Duration::from_millis(1))
                .is_err_and(|error| error != RecvTimeoutError::Disconnected)
            {
                drops.write_all(b" ").unwrap();
            }
        });
        assert!(line.receive::<LauncherMessage>(Duration::from_millis(100)).unwrap().is_none());
        drop(stop);
        dripping.join().unwrap();
        let flooding = std::thread::spawn(move || other.write_all(&vec![b'x'; 64 << 20]));
        let error = line.receive::<LauncherMessage>(Duration::from_secs(600)).unwrap_err();
        assert_eq!(error.to_string(), "a message of more than 65536 bytes");
        assert!(line.buffer.len() < 2 * LONGEST);
        drop(line);
        // Nobody reads the rest.
        assert!(flooding.join().unwrap().is_err());
    }
}
