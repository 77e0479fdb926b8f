//! The first line: never more sure than the trials are.

use super::{Postmortem, Prose};
use crate::model::{Culprit, PackageChange, Report, Status};
use crate::report::phrases::{date, did, plural};
use crate::report::proof::{not_certain, why_proven};
use crate::report::targets::heading;

/// How sure the answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Certainty {
    /// Trials prove it.
    Proven,
    /// It is named, and the trials do not prove it.
    NotProven,
    /// One of several, and no trial tells which.
    OneOfSeveral,
    /// There is no answer.
    NoAnswer,
    /// The search has not come to its end.
    Unfinished,
    /// Bad passes, or good fails.
    NotReproduced,
    /// The command could not be run at all.
    NotRun,
}

impl Certainty {
    /// A word or two.
    pub(in crate::report) const fn label(self) -> &'static str {
        match self {
            Self::Proven => "Proven by trials",
            Self::NotProven => "Not proven",
            Self::OneOfSeveral => "Not settled",
            Self::NoAnswer => "No answer",
            Self::Unfinished => "Not finished",
            Self::NotReproduced => "Not reproduced",
            Self::NotRun => "Could not be run",
        }
    }
}

/// The answer in one line, and what stands below it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) struct Headline {
    /// How sure it is.
    pub(in crate::report) certainty: Certainty,
    /// The line.
    pub(in crate::report) line: Prose,
    /// The commit's subject, where one is named.
    pub(in crate::report) subject: Option<String>,
    /// Who, and when.
    pub(in crate::report) byline: Option<String>,
    /// Why to believe it, or why there is no answer, and what to do.
    pub(in crate::report) because: Vec<Prose>,
}

impl Headline {
    /// That of a post-mortem.
    pub(in crate::report) fn of(told: &Postmortem) -> Self {
        let report = &told.report;
        if told.is_unfinished {
            return Self::unanswered(
                Certainty::Unfinished,
                "No answer yet: the search has not come to its end",
                report,
            );
        }
        match (report.status, report.culprits.as_slice()) {
            (Status::Found, [culprit, ..]) => Self::found(culprit, report),
            (Status::Found, []) if !report.packages.is_empty() => Self::packages(report),
            (Status::Ambiguous, [only]) => Self::named(only, report),
            (Status::Ambiguous, several) => Self::several(several, report),
            (Status::NotReproduced, _) => Self::not_reproduced(report),
            _ => Self::unanswered(Certainty::NoAnswer, "No answer", report),
        }
    }

    fn found(culprit: &Culprit, report: &Report) -> Self {
        let Some(_) = &culprit.proof else { return Self::named(culprit, report) };
        let mut because = vec![Prose::of(sentence(
            why_proven(report, culprit).trim_start_matches("verified by trials that ran: "),
        ))];
        because.extend(not_certain(report, culprit).into_iter().map(Prose::of));
        if let Some(heading) = heading(report) {
            because.push(Prose::of(format!("{heading}.")));
        }
        let line = Prose::of_code(culprit.commit.id.short()).text(format!(" {}", did(report)));
        Self { certainty: Certainty::Proven, line, because, ..Self::of_commit(culprit) }
    }

    /// A commit that the report names without a proof.
    fn named(culprit: &Culprit, report: &Report) -> Self {
        let verb = if report.find_fix { "may have fixed it" } else { "may have broken it" };
        let line = Prose::of_code(culprit.commit.id.short()).text(format!(" {verb}; trials do not prove it"));
        let mut because = reasons(report);
        if because.is_empty() {
            because.push(Prose::of("Not all trials that a proof needs are in this report."));
        }
        Self { certainty: Certainty::NotProven, line, because, ..Self::of_commit(culprit) }
    }

    fn of_commit(culprit: &Culprit) -> Self {
        let commit = &culprit.commit;
        let author = commit.author.split(" <").next().unwrap_or_default();
        Self {
            certainty: Certainty::NotProven,
            line: Prose::default(),
            subject: Some(commit.subject.clone()),
            byline: Some(format!("{author}, {}", date(commit.author_time, commit.author_offset))),
            because: Vec::new(),
        }
    }

    fn several(several: &[Culprit], report: &Report) -> Self {
        let tells = if report.can_go_on { "" } else { ", and no trial can tell which" };
        let line = format!("One of {} {}{tells}", plural(several.len(), "commit"), did(report));
        Self::unanswered(Certainty::OneOfSeveral, &line, report)
    }

    fn packages(report: &Report) -> Self {
        let line = |package: &PackageChange| {
            let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "none".to_owned());
            let (before, after) = (version(&package.before), version(&package.after));
            Prose::of_code(format!("{} {after}", package.name))
                .text(format!(" broke it (before: {before}), no commit did"))
        };
        let is_proven = report.packages.iter().all(|package| package.sufficient && package.necessary);
        let mut lines = report.packages.iter().map(line);
        let first = lines.next().unwrap_or_default();
        let mut because: Vec<Prose> = lines.collect();
        because.extend(report.packages.iter().filter(|package| package.sufficient).map(|package| {
            let back = if package.necessary { ", and without it the bad one passes" } else { "" };
            Prose::of("With ")
                .code(&package.name)
                .text(format!(" and what it requires the last good version of the project fails{back}."))
        }));
        let certainty = if is_proven { Certainty::Proven } else { Certainty::NotProven };
        Self { certainty, line: first, subject: None, byline: None, because }
    }

    fn not_reproduced(report: &Report) -> Self {
        if report.lacks_environment || report.did_not_run {
            return Self::unanswered(Certainty::NotRun, "The command could not be run", report);
        }
        Self::unanswered(Certainty::NotReproduced, "The failure is not reproduced", report)
    }

    fn unanswered(certainty: Certainty, line: &str, report: &Report) -> Self {
        let (line, because) = (Prose::of(line), reasons(report));
        Self { certainty, line, subject: None, byline: None, because }
    }
}

/// Why there is no answer, and what to do.
fn reasons(report: &Report) -> Vec<Prose> {
    let reason = report.reason.iter().map(|reason| Prose::of(sentence(reason)));
    let hint = report.hint.iter().map(|hint| Prose::of(format!("To do: {}", hint.replace('\n', "; "))));
    reason.chain(hint).collect()
}

/// A phrase as a sentence.
fn sentence(phrase: &str) -> String {
    let mut letters = phrase.chars();
    // A commit or a path begins with no capital letter.
    let first_word = phrase.split([' ', ':', ',']).next().unwrap_or_default();
    let is_name = !first_word.chars().all(|c| c.is_ascii_lowercase());
    let text = match letters.next() {
        Some(first) if !is_name => format!("{}{}", first.to_uppercase(), letters.as_str()),
        _ => phrase.to_owned(),
    };
    if text.ends_with(['.', '!', '?', ')']) { text } else { format!("{text}.") }
}
