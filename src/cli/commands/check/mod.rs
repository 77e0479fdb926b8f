//! `pybisect check`: a look at a branch before its merge.

mod args;
mod format;
mod output;

use crate::check::{BaselineError, FindingsBaseline, watched_check};
use crate::cli::commands::live::pulse;
use crate::cli::terminal::stderr_style;
use crate::cli::{Error, ExitStatus, print};
use crate::model::{CancelToken, CheckReport, Event};
use crate::session::SignalListener;

pub(crate) use self::args::Args;

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    args.refuse_more()?;
    let baseline =
        args.baseline.as_deref().map(FindingsBaseline::read).transpose().map_err(wrong_baseline)?;
    let style = stderr_style();
    let mut warned = |warning: &str| print::say(&format!("{} {warning}", style.bold(style.warn("warning:"))));
    let cancel = CancelToken::new();
    let listener = SignalListener::new(&cancel).map_err(Error::internal)?;
    let pulse = pulse();
    let mut heard = |event: &Event| pulse.hear(&event.kind);
    let checked = watched_check(&args.request(), &cancel, &mut warned, &mut heard);
    drop(pulse);
    let Some(mut report) = checked? else {
        print::say("no commit yet, and nothing to compare with");
        return Ok(ExitStatus::Success);
    };
    drop(listener);
    if cancel.is_cancelled() {
        return Ok(ExitStatus::Interrupted);
    }
    if let Some(file) = &args.write_baseline {
        let written = FindingsBaseline::of(&report.findings);
        written.write(file).map_err(wrong_baseline)?;
        accept(&mut report, &written);
    }
    if let Some(baseline) = &baseline {
        accept(&mut report, baseline);
    }
    output::write(args, &report)?;
    let fails = args
        .fail_on
        .least()
        .is_some_and(|least| report.findings.iter().any(|finding| finding.severity >= least));
    Ok(if fails { ExitStatus::Findings } else { ExitStatus::Success })
}

fn accept(report: &mut CheckReport, baseline: &FindingsBaseline) {
    let before = report.findings.len();
    report.findings.retain(|finding| !baseline.has(finding));
    report.in_baseline += before - report.findings.len();
}

fn wrong_baseline(error: BaselineError) -> Error {
    let message = match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    Error::usage(message).hinted("to make one: pybisect check --write-baseline FILE")
}
