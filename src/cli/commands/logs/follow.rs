//! `pybisect logs --follow`: each new kind of error once, as soon as it is there.
//!
//! Files are followed by name: one that was rotated is read to its end and then from its new beginning, one that
//! was cut short from its beginning, and one that is not there yet is waited for.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use super::sources::{self, LogSource};
use crate::cli::Error;
use crate::model::LogGroup;
use crate::triage::log::LogReader;

/// How often files are looked at.
const EVERY: Duration = Duration::from_millis(250);
/// How often nothing must have come until what is under way counts as whole.
const QUIET: u32 = 4;
/// Bytes that are read at once.
const BLOCK: usize = 256 << 10;

/// A file, by its name.
struct Followed {
    path: PathBuf,
    open: Option<(File, u64, u64)>,
}

impl Followed {
    /// What came since; the file's end is no end.
    fn read(&mut self, block: &mut Vec<u8>) -> io::Result<()> {
        block.clear();
        if self.open.is_none() {
            match File::open(&self.path) {
                Ok(file) => {
                    let inode = file.metadata()?.ino();
                    self.open = Some((file, inode, 0));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        let Some((file, inode, at)) = &mut self.open else { return Ok(()) };
        if file.metadata()?.len() < *at {
            *at = file.seek(SeekFrom::Start(0))?;
        }
        let limit = u64::try_from(BLOCK).unwrap_or(u64::MAX);
        let read = Read::by_ref(file).take(limit).read_to_end(block)?;
        *at += u64::try_from(read).unwrap_or(0);
        // Rotated: the old one was read to its end.
        let rotated = read == 0 && std::fs::metadata(&self.path).map_or(true, |now| now.ino() != *inode);
        if rotated {
            self.open = None;
        }
        Ok(())
    }
}

/// Follows the sources until they end, or for ever; `show` is given each group that is new.
pub(super) fn follow(
    found: &[LogSource],
    reader: impl Fn() -> Result<LogReader, Error>,
    show: &mut dyn FnMut(&LogGroup) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut known = HashSet::new();
    let mut tell = |reader: &mut LogReader| -> Result<(), Error> {
        for group in reader.fresh() {
            let place = group.place().map(|place| (place.frame.path.clone(), place.frame.function.clone()));
            if known.insert((group.kind, group.shape.clone(), group.exception.clone(), place)) {
                show(&group)?;
            }
        }
        Ok(())
    };
    match found {
        [LogSource::File(_), ..] => files(found, reader, &mut tell),
        [LogSource::Stdin] => stream("stdin", io::stdin(), &mut reader()?, &mut tell),
        [source] => {
            let (mut child, output) = source.start(true)?;
            let told = stream(&source.name(), output, &mut reader()?, &mut tell);
            if told.is_err() {
                // Whoever read the output went away.
                drop(child.kill());
            }
            let failed = sources::ended(&source.name(), &mut child)?;
            told?;
            failed.map_or(Ok(()), |note| Err(Error::usage(note)))
        }
        _ => Err(Error::usage("--follow takes files, or one other source")),
    }
}

fn files(
    found: &[LogSource],
    reader: impl Fn() -> Result<LogReader, Error>,
    tell: &mut dyn FnMut(&mut LogReader) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut followed = Vec::new();
    for source in found {
        let LogSource::File(path) = source else {
            return Err(Error::usage("--follow takes files, or one other source"));
        };
        let mut reader = reader()?;
        reader.begin(&source.name());
        followed.push((Followed { path: path.clone(), open: None }, reader, 0));
    }
    let mut block = Vec::with_capacity(BLOCK);
    loop {
        let mut any = false;
        for (file, reader, quiet) in &mut followed {
            let name = file.path.display().to_string();
            file.read(&mut block).map_err(|error| Error::usage(format!("failed to read {name}: {error}")))?;
            if block.is_empty() {
                *quiet += 1;
                if *quiet == QUIET {
                    reader.pause();
                }
            } else {
                *quiet = 0;
                any = true;
                reader.feed(&block);
            }
            tell(reader)?;
        }
        if !any {
            std::thread::sleep(EVERY);
        }
    }
}

fn stream(
    name: &str,
    input: impl Read + Send + 'static,
    reader: &mut LogReader,
    tell: &mut dyn FnMut(&mut LogReader) -> Result<(), Error>,
) -> Result<(), Error> {
    let blocks = blocks(input);
    reader.begin(name);
    loop {
        match blocks.recv_timeout(EVERY * QUIET) {
            Ok(block) => reader.feed(&block),
            Err(RecvTimeoutError::Timeout) => reader.pause(),
            Err(RecvTimeoutError::Disconnected) => break,
        }
        tell(reader)?;
    }
    reader.end();
    tell(reader)
}

/// What comes, as it comes.
fn blocks(mut input: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (send, receive) = mpsc::sync_channel(4);
    std::thread::spawn(move || {
        let mut block = vec![0; BLOCK];
        loop {
            match input.read(&mut block) {
                Ok(0) => break,
                Ok(read) if send.send(block[..read].to_vec()).is_ok() => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => break,
            }
        }
    });
    receive
}
