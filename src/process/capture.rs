//! What a stream said, in bounded memory.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::model::{Captured, TrialActivity};

/// Bytes kept from the beginning of a stream.
const HEAD: usize = 256 * 1024;
/// Bytes kept from its end.
const TAIL: usize = 1024 * 1024;
/// Bytes read before the deadline is looked at again.
const MOST_AT_ONCE: usize = 1024 * 1024;

/// The reading end of a pipe and what came out of it. The rest, between beginning and end, is only counted.
pub(super) struct Capture {
    pipe: Option<File>,
    head: Vec<u8>,
    tail: Vec<u8>,
    bytes: u64,
}

impl Capture {
    /// Read from this pipe, without ever waiting for it.
    pub(super) fn new(pipe: OwnedFd) -> std::io::Result<Self> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        Ok(Self { pipe: Some(File::from(pipe)), head: Vec::new(), tail: Vec::new(), bytes: 0 })
    }

    /// The pipe, while somebody may still write to it.
    pub(super) fn open_pipe(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Take what is there now, and say it.
    pub(super) fn drain(&mut self, activity: &TrialActivity) {
        let mut buffer = [0; 64 * 1024];
        let mut taken = 0;
        while let Some(pipe) = self.pipe.as_mut().filter(|_| taken < MOST_AT_ONCE) {
            match pipe.read(&mut buffer) {
                Ok(count @ 1..) => {
                    taken += count;
                    activity.print(&buffer[..count]);
                    self.keep(&buffer[..count]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The end, or a pipe that cannot be read: there will be no more.
                Ok(0) | Err(_) => self.pipe = None,
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let (to_head, to_tail) = bytes.split_at(bytes.len().min(HEAD - self.head.len()));
        self.head.extend_from_slice(to_head);
        self.tail.extend_from_slice(to_tail);
        if self.tail.len() > 2 * TAIL {
            self.tail.drain(..self.tail.len() - TAIL);
        }
    }

    /// The text, with a line that says how much is left out.
    pub(super) fn finish(mut self) -> Captured {
        let surplus = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..surplus);
        let kept = u64::try_from(self.head.len() + self.tail.len()).unwrap_or(u64::MAX);
        let text = if self.bytes == kept {
            self.head.append(&mut self.tail);
            String::from_utf8_lossy(&self.head).into_owned()
        } else {
            let left_out = self.bytes - kept;
            format!(
                "{}\n[{left_out} bytes left out]\n{}",
                String::from_utf8_lossy(&self.head),
                String::from_utf8_lossy(&self.tail)
            )
        };
        Captured { text, bytes: self.bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(pieces: &[&[u8]]) -> Captured {
        let mut capture = Capture { pipe: None, head: Vec::new(), tail: Vec::new(), bytes: 0 };
        pieces.iter().for_each(|piece| capture.keep(piece));
        capture.finish()
    }

    #[test]
    fn short_output_is_whole_even_across_the_seam() {
        let text = "é".repeat(HEAD); // twice as many bytes as the head holds, and one letter lies across its end
        let seen = captured(&[b"x", text.as_bytes()]);
        assert_eq!(seen.text, format!("x{text}"));
        assert_eq!(seen.bytes, 1 + 2 * u64::try_from(HEAD).unwrap());
    }

    #[test]
    fn long_output_keeps_both_ends_and_says_so() {
        let line = vec![b'-'; 100_000];
        let mut pieces: Vec<&[u8]> = vec![b"first\n"];
        pieces.extend(std::iter::repeat_n(line.as_slice(), 100));
        pieces.push(b"\nlast");
        let seen = captured(&pieces);
        assert!(seen.text.starts_with("first\n") && seen.text.ends_with("\nlast"));
        assert_eq!(seen.bytes, 10_000_011);
        let left_out = 10_000_011 - HEAD - TAIL;
        assert!(seen.text.contains(&format!("\n[{left_out} bytes left out]\n")));
    }
}
