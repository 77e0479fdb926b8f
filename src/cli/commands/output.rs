//! `--format` and `--output`: one pair for all subcommands.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::cli::{Error, ExitStatus, print};
use crate::report::printable;

/// `--output`, where a subcommand has several forms.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct OutputArgs {
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl OutputArgs {
    /// Whether it goes to a file.
    pub(super) const fn is_file(&self) -> bool {
        self.output.is_some()
    }

    /// Write what was rendered, which is text for people or not.
    pub(super) fn write(&self, rendered: &[u8], is_text: bool) -> Result<ExitStatus, Error> {
        match &self.output {
            None if is_text => print::print_text(rendered),
            None => print::print(rendered),
            Some(file) => {
                let text = printable(&String::from_utf8_lossy(rendered)).into_owned();
                // No file wants the colours of a terminal.
                let plain = anstream::adapter::strip_str(&text).to_string();
                let bytes = if is_text { plain.as_bytes() } else { rendered };
                std::fs::write(file, bytes).map_err(|error| not_written(file, &error))?;
                Ok(ExitStatus::Success)
            }
        }
    }
}

/// The form of a result that is text or JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResultFormat {
    /// For people
    Text,
    /// One JSON object
    Json,
}

/// `--json`, and what says the same: `--format json`, with `--output FILE` or without.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct JsonArgs {
    /// Output format [default: text]
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with = "json")]
    format: Option<ResultFormat>,
    /// Write the JSON to this file instead of standard output
    #[arg(long, value_name = "FILE", requires = "format")]
    output: Option<PathBuf>,
    /// Short for --format json --output FILE, or for --format json with -
    #[arg(long, value_name = "FILE|-")]
    pub(crate) json: Option<PathBuf>,
}

impl JsonArgs {
    /// Where the JSON goes, if anywhere.
    pub(crate) fn target(&self) -> Result<Option<PathBuf>, Error> {
        match (self.format, &self.output) {
            (Some(ResultFormat::Json), output) => {
                Ok(Some(output.clone().unwrap_or_else(|| PathBuf::from("-"))))
            }
            (_, Some(output)) => Err(Error::usage("--output goes with --format json")
                .hinted(format!("text is on standard output: … > {}", output.display()))),
            (_, None) => Ok(self.json.clone()),
        }
    }
}

fn not_written(file: &Path, error: &std::io::Error) -> Error {
    Error::usage(format!("failed to write {}: {error}", file.display()))
}
