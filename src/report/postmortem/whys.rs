//! Five whys: filled in with what trials and the repository tell, and blank where only people know.

use jiff::Timestamp;

use super::{Postmortem, Presence, Prose};
use crate::model::{BreakingChange, FailureSignature, Incident, Status};
use crate::report::phrases::place;
use crate::report::phrases::{duration, plural};

/// A question, what is known of its answer, and what is left to fill in.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) struct Why {
    /// The question.
    pub(in crate::report) question: &'static str,
    /// What is known.
    pub(in crate::report) known: Vec<Prose>,
    /// What only people know; `None` where nothing is left open.
    pub(in crate::report) open: Option<Prose>,
}

/// The questions of a session.
pub(in crate::report) fn whys(told: &Postmortem) -> Vec<Why> {
    vec![failed(told), broke(told), no_test(told), no_check(told), reached(told)]
}

fn failed(told: &Postmortem) -> Why {
    let known = told.report.failure.as_ref().map(failure).into_iter().collect::<Vec<_>>();
    let open = known.is_empty().then(|| Prose::of("What did the users, or the test, see?"));
    Why { question: "Why did it fail?", known, open }
}

fn failure(failure: &FailureSignature) -> Prose {
    let text = failure.to_string();
    let told = Prose::of_code(text.lines().next().unwrap_or_default());
    match place(failure) {
        Some(place) => told.text(", at ").code(place),
        None => told,
    }
}

fn broke(told: &Postmortem) -> Why {
    let report = &told.report;
    let mut known = Vec::new();
    if let Some(culprit) = told.proven() {
        known.extend(report.breaking_changes.iter().take(3).map(change));
        let more = report.breaking_changes.len().saturating_sub(3);
        if more > 0 {
            known.push(Prose::of(format!("and {} more, only together", plural(more, "edit"))));
        }
        if known.is_empty() {
            known.push(
                Prose::of_code(culprit.commit.id.short())
                    .text(" changed it; which of its edits did is not known"),
            );
        }
    } else if report.status == Status::Found {
        let release = |package: &crate::model::PackageChange| {
            let version = package.after.as_deref().unwrap_or("none");
            Prose::of_code(format!("{} {version}", package.name))
                .text(" behaves otherwise than the release before it")
        };
        known.extend(report.packages.iter().map(release));
    }
    let open = match told.proven() {
        Some(culprit) => Prose::of("What was ")
            .code(culprit.commit.id.short())
            .text(" meant to do, and what was believed that is not so?"),
        None => Prose::of("What changed between the version that worked and the one that did not?"),
    };
    Why { question: "Why did that happen?", known, open: Some(open) }
}

fn change(change: &BreakingChange) -> Prose {
    let at = Prose::of_code(format!("{}:{}", change.path, change.line));
    let short = |side: &Option<String>| {
        let side = side.as_deref()?.trim();
        (!side.contains('\n') && side.chars().count() <= 100).then(|| side.to_owned())
    };
    match (short(&change.before), short(&change.after)) {
        (Some(before), Some(after)) => at.text(": ").code(before).text(" became ").code(after),
        (None, Some(after)) if change.before.is_none() => at.text(": ").code(after).text(" came"),
        (Some(before), None) if change.after.is_none() => at.text(": ").code(before).text(" went"),
        _ => at.text(format!(": {}", change.kind.replace('-', " "))),
    }
}

fn no_test(told: &Postmortem) -> Why {
    let question = "Why did no test catch it?";
    let Some(culprit) = told.proven() else {
        let open =
            Prose::of("Which tests ran before the release, and did one of them run the code that failed?");
        return Why { question, known: Vec::new(), open: Some(open) };
    };
    let id = culprit.commit.id.short();
    let known = told.tests.iter().take(4).map(|file| {
        let told = Prose::of_code(&file.path);
        match file.at_culprit {
            Presence::Same => told
                .text(" was there already and fails since ")
                .code(&id)
                .text(": it was not run before the merge, or its failure stopped nothing"),
            Presence::Other => told
                .text(" was there, in a version that is not the one that shows it: it was extended after ")
                .code(&id),
            Presence::Absent => told.text(" did not exist yet: it was written after ").code(&id),
        }
    });
    let known: Vec<Prose> = known.collect();
    let open = if told.tests.iter().any(|file| file.at_culprit == Presence::Same) {
        "Where does this test run, and who sees that it fails?"
    } else {
        "Which tests ran before the merge, and did one of them execute the changed lines?"
    };
    Why { question, known, open: Some(Prose::of(open)) }
}

fn no_check(told: &Postmortem) -> Why {
    let question = "Why did the check before the merge let it through?";
    let known = told.proven().filter(|culprit| !culprit.commit.parents.is_empty()).map(|culprit| {
        let id = culprit.commit.id.short();
        Prose::of("What a check of it says: ").code(format!("pybisect check {id}^..{id}"))
    });
    let open = Prose::of("Was there a review, and a check that had to pass? What did they look at?");
    Why { question, known: known.into_iter().collect(), open: Some(open) }
}

fn reached(told: &Postmortem) -> Why {
    let mut known = Vec::new();
    let report = &told.report;
    if let (Some(culprit), Some(bad)) = (told.proven(), report.bad.and_then(|bad| told.commit(bad))) {
        let days = (bad.commit_time - culprit.commit.commit_time) / (24 * 3600);
        if days > 0 && !report.find_fix {
            known.push(Prose::of(format!(
                "{} passed from the commit to the version in which it was seen",
                plural(usize::try_from(days).unwrap_or_default(), "day")
            )));
        }
    }
    known.extend(told.incident.as_ref().map(noticed).filter(|told| !told.pieces().is_empty()));
    let open = Prose::of("How did it reach users, and how long was it until somebody knew?");
    Why { question: "Why did it reach users?", known, open: Some(open) }
}

/// How long it was from the deployment to the alarm, and to the end.
fn noticed(incident: &Incident) -> Prose {
    let took = |from: Option<Timestamp>, to: Option<Timestamp>| {
        let seconds = to?.duration_since(from?).as_secs_f64();
        (seconds >= 0.0).then(|| duration(seconds))
    };
    let since = incident.down_since();
    let parts = [
        (took(incident.deployed_since, since), "from its deployment to the first error"),
        (took(since, incident.alarmed()), "from there to the alarm"),
        (took(incident.alarmed(), incident.recovered), "from the alarm to recovery"),
    ];
    let told: Vec<String> =
        parts.into_iter().filter_map(|(time, what)| Some(format!("{} {what}", time?))).collect();
    if told.is_empty() { Prose::default() } else { Prose::of(told.join(", ")) }
}
