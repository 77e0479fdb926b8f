//! What to do next: only what was looked at and works.

use super::Answer;
use crate::model::{PackageChange, Report, Status};
use crate::report::columns::{cut, fill, width};

/// What is known of what could be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Next {
    /// What a revert of the commit comes to.
    pub revert: Revert,
    /// The repository, where the user does not stand in it.
    pub repository: Option<String>,
}

/// What a revert of the culprit on `HEAD` comes to; merged in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Revert {
    /// Not looked at.
    #[default]
    Unknown,
    /// It applies.
    Applies,
    /// These files conflict.
    Conflicts(Vec<String>),
}

impl Answer {
    pub(super) fn next_steps(&self, report: &Report) -> Vec<String> {
        let Some(next) = &self.next else { return Vec::new() };
        let (git, repo) = match &next.repository {
            Some(place) => {
                let place = shell_word(place);
                (format!("git -C {place}"), format!(" --repo {place}"))
            }
            None => ("git".to_owned(), String::new()),
        };
        let mut steps = held_back(report, &repo);
        let show = || (format!("pybisect show{repo}"), "what the test printed, good beside bad".to_owned());
        match report.culprits.first().filter(|_| report.status == Status::Found) {
            Some(culprit) => {
                let id = culprit.commit.id.short();
                if !report.find_fix {
                    steps.push((format!("pybisect fix{repo}"), "try to fix it on HEAD".to_owned()));
                }
                steps.push(show());
                let whole = format!("{git} show {id}");
                match &next.revert {
                    Revert::Applies if !report.find_fix => {
                        let parents = &culprit.commit.parents;
                        let mainline =
                            parents.iter().position(|&parent| report.mainline(parents) == Some(parent));
                        let mainline = mainline.filter(|_| parents.len() > 1);
                        let mainline = mainline.map(|at| format!(" -m {}", at + 1)).unwrap_or_default();
                        steps.push((
                            format!("{git} revert{mainline} {id}"),
                            "undo it: applies on HEAD".to_owned(),
                        ));
                    }
                    Revert::Conflicts(paths) if !report.find_fix => {
                        let file = paths.first().map(String::as_str).unwrap_or_default();
                        let more = paths.len().saturating_sub(1);
                        let more = if more > 0 { format!(", +{more}") } else { String::new() };
                        let file = file.rsplit('/').next().unwrap_or(file);
                        steps.push((whole, format!("the change (a revert conflicts: {file}{more})")));
                    }
                    _ => steps.push((whole, "the whole change".to_owned())),
                }
            }
            None if !report.session.is_empty() => steps.push(show()),
            None => {}
        }
        let longest = steps.iter().map(|(command, _)| width(command)).max().unwrap_or(0);
        let line = |(command, what): &(String, String)| {
            let room = self.room().saturating_sub(longest + 2);
            // A command is never cut: it is to be copied.
            let what = if room < 12 { String::new() } else { cut(&format!("# {what}"), room) };
            format!("{}  {}", fill(command, longest), self.style.dim(what)).trim_end().to_owned()
        };
        steps.iter().map(line).collect()
    }
}

/// How to have as a patch what holds back the packages that broke it.
fn held_back(report: &Report, repo: &str) -> Vec<(String, String)> {
    let is_held = |package: &&PackageChange| package.constraint_passed && package.edit.is_some();
    let held: Vec<&PackageChange> = report.packages.iter().filter(is_held).collect();
    match held.as_slice() {
        [first, more @ ..] if report.culprits.is_empty() => {
            let more = if more.iter().all(|other| other.name == first.name) { "" } else { " and the others" };
            let constraint = first.constraint.as_deref().unwrap_or(&first.name);
            vec![(format!("pybisect fix{repo}"), format!("with {constraint}{more}, tried on HEAD"))]
        }
        _ => Vec::new(),
    }
}

/// A path as a word of a shell.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%=:,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}
