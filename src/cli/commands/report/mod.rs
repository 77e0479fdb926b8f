//! `pybisect report`.

mod gather;
mod incident;

use std::path::{Path, PathBuf};

use crate::cli::terminal::stdout_style;
use crate::cli::{Error, ExitStatus, print};
use crate::model::DowntimeBudget;
use crate::report::{
    IncidentText, Json, Postmortem, Renderer as _, ReportHtml, ReportMarkdown, Style, TextRenderer,
};

pub(super) use gather::{of_incident, of_session, spent};

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// One page, which needs nothing else
    Html,
    /// For a ticket, or to go on with
    Markdown,
    /// One JSON object
    Json,
    /// For people, on a terminal
    Text,
}

impl Form {
    /// That of a file with this name.
    fn of_file(file: &Path) -> Option<Self> {
        let ending = file.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "html" | "htm" => Some(Self::Html),
            "md" | "markdown" => Some(Self::Markdown),
            "json" => Some(Self::Json),
            "txt" => Some(Self::Text),
            _ => None,
        }
    }
}

/// Write the report of a search: a page, a post-mortem in Markdown, JSON, or text
///
/// The answer with its proofs, the history, what was printed, the fixes that were tested, and a post-mortem filled in as
/// far as the repository and the trials know it. Secrets are masked in all of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pybisect report -o report.html                      the latest search of this repository, as a page
  pybisect report 66a476044e9e --format markdown      for the ticket, or to go on with
  pybisect report report.json -o report.html          of what `find --json` wrote
  pybisect report --incident --sla 99.997% -o down.html  the latest incident, its downtime against what is promised")]
pub(crate) struct Args {
    /// The session's id or its beginning, `latest`, or the file of a JSON report [default: the latest session here]
    #[arg(value_name = "SESSION|FILE.json")]
    what: Option<String>,
    /// The incident with this id [default: the latest], with all that its search found
    #[arg(long, value_name = "ID", num_args = 0..=1, conflicts_with = "what")]
    incident: Option<Option<String>>,
    /// Downtime that is allowed, such as 99.997% (of the year), 99.9%/month or 15m/y [default: `sla` of respond]
    #[arg(long, value_name = "SLA", requires = "incident")]
    sla: Option<DowntimeBudget>,
    /// Output format [default: by the ending of FILE, else text]
    #[arg(long, value_name = "FORM", value_enum)]
    format: Option<Form>,
    /// File to write it to [default: standard output]
    #[arg(long, short, value_name = "FILE|-")]
    output: Option<PathBuf>,
    /// Repository [default: the current one]
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
}

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    let file = args.output.as_deref().filter(|file| *file != Path::new("-"));
    let form = args.format.or_else(|| file.and_then(Form::of_file)).unwrap_or(Form::Text);
    let told = match &args.incident {
        Some(id) => {
            let incident = incident::incident(id.as_deref())?;
            let sla = args.sla.or_else(|| incident::allowed(&incident));
            gather::of_incident(incident, sla)?
        }
        None => gather::gathered(args.what.as_deref(), args.repo.as_deref())?,
    };
    let style = if file.is_some() { Style::new(false) } else { stdout_style() };
    let text = rendered(&told, form, style)?;
    match file {
        Some(file) => std::fs::write(file, text)
            .map(|()| ExitStatus::Success)
            .map_err(|error| Error::usage(format!("failed to write {}: {error}", file.display()))),
        None if matches!(form, Form::Html | Form::Json) => print::print(&text),
        None => print::print_text(&text),
    }
}

/// Write the report of an incident in the form that the file's ending says; in Markdown where that says none.
pub(super) fn write_of_incident(told: &Postmortem, file: &Path) -> Result<(), Error> {
    let form = Form::of_file(file).unwrap_or(Form::Markdown);
    std::fs::write(file, rendered(told, form, Style::new(false))?)
        .map_err(|error| Error::usage(format!("failed to write {}: {error}", file.display())))
}

fn rendered(told: &Postmortem, form: Form, style: Style) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    match form {
        Form::Html => ReportHtml.render(told, &mut text),
        Form::Markdown => ReportMarkdown.render(told, &mut text),
        Form::Json => match &told.incident {
            Some(incident) => serde_json::to_writer_pretty(&mut text, incident)
                .map(|()| text.push(b'\n'))
                .map_err(Into::into),
            None => Json.render(&told.report, &mut text),
        },
        Form::Text => match &told.incident {
            Some(incident) => {
                let spent = told.spent();
                let spent = spent.as_ref().map(|(text, _)| text.as_str());
                IncidentText { style, says_next: true, spent }.render(incident, &mut text)
            }
            None => TextRenderer { style, diff: told.diff.clone(), says_next: true }
                .render(&told.report, &mut text),
        },
    }
    .map_err(Error::internal)?;
    Ok(text)
}
