//! Where logs come from: files, folders, standard input, a command, the journal.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use flate2::bufread::MultiGzDecoder;
use jiff::Timestamp;
use liblzma::bufread::XzDecoder;

use crate::cli::Error;
use crate::process::program;
use crate::triage::log::LogReader;

/// Bytes that are read at once.
const BUFFER: usize = 256 << 10;
/// What a gzip file begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// What a frame of zstd begins with.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// What an xz file begins with.
const XZ: [u8; 6] = [0xfd, b'7', b'z', b'X', b'Z', 0];
/// Largest window of a zstd file, as a power of two: memory stays bounded.
const ZSTD_WINDOW: u32 = 25;

/// One input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli::commands) enum LogSource {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
    /// What a shell command writes to its standard output.
    Command(String),
    /// What journald has of a unit, from a time on.
    Journal(String, Option<Timestamp>),
}

impl LogSource {
    /// Reads it to its end.
    pub(in crate::cli::commands) fn read(&self, reader: &mut LogReader) -> Result<(), Error> {
        match self {
            Self::File(path) => {
                let name = path.display().to_string();
                let file = File::open(path)
                    .map_err(|error| Error::usage(format!("failed to read {name}: {error}")))?;
                read(&name, file, reader);
            }
            Self::Stdin => read("stdin", io::stdin().lock(), reader),
            Self::Command(_) | Self::Journal(..) => {
                let name = self.name();
                let (mut child, output) = self.start(false)?;
                read(&name, output, reader);
                if let Some(note) = ended(&name, &mut child)? {
                    reader.note(note);
                }
            }
        }
        Ok(())
    }

    /// What the report calls it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdin => "stdin".to_owned(),
            Self::Command(command) => command.clone(),
            Self::Journal(unit, _) => format!("journal of {unit}"),
        }
    }

    /// Starts the program behind a command or the journal; with `follow`, the journal's does not end.
    pub(super) fn start(&self, follow: bool) -> Result<(Child, ChildStdout), Error> {
        let failed = |name: &str, error: io::Error| {
            let failed = Error::usage(format!("failed to run {name}: {error}"));
            let hint = "where systemd runs: ssh HOST journalctl -o json -u UNIT | pybisect logs";
            if name == "journalctl" { failed.hinted(hint) } else { failed }
        };
        // Not one that lies where one happens to stand.
        let found = |name: &str| program(name, &|_| false).map_err(|error| failed(name, error));
        let mut command = match self {
            Self::Journal(unit, since) => {
                let mut command = Command::new(found("journalctl")?);
                command.args(["--no-pager", "--quiet", "--output=json", "--all"]);
                command.arg("--output-fields=MESSAGE,PRIORITY,_PID,_SYSTEMD_UNIT,SYSLOG_IDENTIFIER");
                command.arg(format!("--unit={unit}"));
                if let Some(since) = since {
                    command.arg(format!("--since=@{}", since.as_second()));
                }
                if follow {
                    command.arg("--follow");
                    if since.is_none() {
                        command.arg("--lines=1000");
                    }
                }
                command
            }
            Self::Command(text) => {
                let mut command = Command::new(found("sh")?);
                command.args(["-c", text]);
                command
            }
            Self::File(_) | Self::Stdin => {
                return Err(Error::usage(format!("{} is no command", self.name())));
            }
        };
        let spawned = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn();
        let mut child = spawned.map_err(|error| {
            let program = Path::new(command.get_program()).file_name().unwrap_or_default();
            failed(&program.to_string_lossy(), error)
        })?;
        let output = child.stdout.take().ok_or_else(|| Error::usage("the command has no output"))?;
        Ok((child, output))
    }
}

/// Waits for a program that closed its output; what is to be told of its end.
pub(super) fn ended(name: &str, child: &mut Child) -> Result<Option<String>, Error> {
    let status = child.wait().map_err(|error| Error::usage(format!("failed to run '{name}': {error}")))?;
    Ok((!status.success()).then(|| format!("'{name}' failed ({status}); what it wrote was read")))
}

/// Plain or compressed: the first bytes tell.
pub(in crate::cli::commands) fn read(name: &str, input: impl Read, reader: &mut LogReader) {
    let mut input = BufReader::with_capacity(BUFFER, input);
    let start = input.fill_buf().map(<[u8]>::to_vec).unwrap_or_default();
    if start.starts_with(&GZIP) {
        reader.read(name, &mut BufReader::with_capacity(BUFFER, MultiGzDecoder::new(input)));
    } else if start.starts_with(&ZSTD) {
        match zstd::Decoder::with_buffer(input) {
            Ok(mut decoder) => {
                // Ignored where the library knows no such limit.
                drop(decoder.window_log_max(ZSTD_WINDOW));
                reader.read(name, &mut BufReader::with_capacity(BUFFER, decoder));
            }
            Err(error) => reader.note(format!("{name}: cannot be decompressed ({error}), left out")),
        }
    } else if start.starts_with(&XZ) {
        let decoder = XzDecoder::new_multi_decoder(input);
        reader.read(name, &mut BufReader::with_capacity(BUFFER, decoder));
    } else {
        reader.read(name, &mut input);
    }
}

/// Whether there is nothing to read from standard input.
pub(super) fn stdin_is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// The named files, folders replaced by the files below them, sorted; what is hidden in a folder, such as `.git`, is none of
/// its logs.
pub(in crate::cli::commands) fn files(named: &[PathBuf]) -> Result<Vec<LogSource>, Error> {
    let mut sources = Vec::new();
    for path in named {
        if path == Path::new("-") {
            sources.push(LogSource::Stdin);
        } else if path.is_dir() {
            let is_hidden = |entry: &walkdir::DirEntry| {
                entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".")
            };
            let below = walkdir::WalkDir::new(path).sort_by_file_name().into_iter();
            let below = below.filter_entry(|entry| !is_hidden(entry)).filter_map(Result::ok);
            let files = below.filter(|entry| entry.file_type().is_file());
            sources.extend(files.map(|entry| LogSource::File(entry.into_path())));
        } else {
            sources.push(LogSource::File(path.clone()));
        }
    }
    if sources.is_empty() {
        return Err(Error::usage("no files in the named folders"));
    }
    Ok(sources)
}
