//! `--notify`: a word at the end of what took long.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::cli::print::warn;
use crate::model::{Report, Status};

/// The bell of the terminal, in the place of a command.
const BELL: &str = "bell";

/// Tell of a report: by the terminal's bell, or by a command of the user's that finds it in its environment.
pub(super) fn notify(how: &str, report: &Report) {
    if how == BELL {
        drop(std::io::stderr().write_all(b"\x07"));
        return;
    }
    let told = Command::new("sh")
        .args(["-c", how])
        .env("PYBISECT_STATUS", report.status.word())
        .env("PYBISECT_SUMMARY", summary(report))
        .env("PYBISECT_SESSION", &report.session)
        .stdin(Stdio::null())
        .status();
    match told {
        Ok(status) if status.success() => {}
        Ok(status) => warn(&format!("--notify '{how}' ended with {status}")),
        Err(error) => warn(&format!("--notify '{how}' could not be started: {error}")),
    }
}

/// The answer in one line.
fn summary(report: &Report) -> String {
    let what = if report.find_fix { "fixed it" } else { "broke it" };
    match (report.status, report.culprits.as_slice()) {
        (Status::Found, [culprit, ..]) => {
            format!("{} {what}: {}", culprit.commit.id.short(), culprit.commit.subject)
        }
        (Status::Found, []) => {
            let names: Vec<&str> = report.packages.iter().map(|package| package.name.as_str()).collect();
            format!("{} {what}", names.join(", "))
        }
        _ => report.reason.clone().unwrap_or_else(|| format!("{}: {}", report.status, report.command)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_without_an_answer_is_why() {
        let reason = Some("the command passes at bad".to_owned());
        let report = Report { status: Status::NotReproduced, reason, ..Report::default() };
        assert_eq!(summary(&report), "the command passes at bad");
    }
}
