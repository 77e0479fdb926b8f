//! Where logs come from: files, folders, standard input, a command.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flate2::bufread::MultiGzDecoder;

use crate::cli::CliError;
use crate::triage::log::LogReader;

/// Bytes that are read at once.
const BUFFER: usize = 256 << 10;
/// What a gzip file begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// One input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli::commands) enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
    /// What a shell command writes to its standard output.
    Command(String),
}

impl Source {
    /// Reads it to its end.
    pub(in crate::cli::commands) fn read(&self, reader: &mut LogReader) -> Result<(), CliError> {
        match self {
            Self::File(path) => {
                let name = path.display().to_string();
                let file = File::open(path)
                    .map_err(|error| CliError::usage(format!("failed to read {name}: {error}")))?;
                read(&name, file, reader);
            }
            Self::Stdin => read("stdin", io::stdin().lock(), reader),
            Self::Command(command) => run(command, reader)?,
        }
        Ok(())
    }
}

/// Plain or compressed: the first bytes tell.
fn read(name: &str, input: impl Read, reader: &mut LogReader) {
    let mut input = BufReader::with_capacity(BUFFER, input);
    let compressed = input.fill_buf().is_ok_and(|start| start.starts_with(&GZIP));
    if compressed {
        reader.read(name, &mut BufReader::with_capacity(BUFFER, MultiGzDecoder::new(input)));
    } else {
        reader.read(name, &mut input);
    }
}

fn run(command: &str, reader: &mut LogReader) -> Result<(), CliError> {
    let failed = |error: io::Error| CliError::usage(format!("failed to run '{command}': {error}"));
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(output) = child.stdout.take() {
        read(command, output, reader);
    }
    let status = child.wait().map_err(failed)?;
    if !status.success() {
        reader.note(format!("'{command}' failed ({status}); what it wrote was read"));
    }
    Ok(())
}

/// Whether there is nothing to read from standard input.
pub(super) fn stdin_is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// The named files, folders replaced by the files below them, sorted.
pub(in crate::cli::commands) fn files(named: &[PathBuf]) -> Result<Vec<Source>, CliError> {
    let mut sources = Vec::new();
    for path in named {
        if path == Path::new("-") {
            sources.push(Source::Stdin);
        } else if path.is_dir() {
            let below = walkdir::WalkDir::new(path).sort_by_file_name().into_iter().filter_map(Result::ok);
            let files = below.filter(|entry| entry.file_type().is_file());
            sources.extend(files.map(|entry| Source::File(entry.into_path())));
        } else {
            sources.push(Source::File(path.clone()));
        }
    }
    if sources.is_empty() {
        return Err(CliError::usage("no files in the named folders"));
    }
    Ok(sources)
}
