//! Suspects as remarks on the line that failed.

use super::percent;
use crate::model::{Annotation, Rule, Severity, SuspectReport};

/// A probability from which a suspect is more than worth knowing.
const LIKELY: f64 = 0.5;

/// A remark for each suspect, at the innermost line of the failure that is in the repository.
#[must_use]
pub fn suspect_annotations(report: &SuspectReport) -> Vec<Annotation> {
    let failure = report.failure.as_ref();
    let what = failure.map_or_else(|| "the failure".to_owned(), ToString::to_string);
    let rule =
        Rule { id: "suspect".to_owned(), summary: "A commit that may have brought a failure".to_owned() };
    let annotation = |one: &crate::model::Suspect| {
        let (id, subject) = (one.commit.id.short(), &one.commit.subject);
        let (path, line) =
            report.place.as_ref().map_or(("", 1), |place| (place.path.as_str(), place.line.max(1)));
        Annotation {
            rule: rule.clone(),
            severity: if one.probability >= LIKELY { Severity::Warning } else { Severity::Note },
            path: path.to_owned(),
            line,
            column: 1,
            end_line: line,
            end_column: 1,
            in_old_version: false,
            message: format!("{what}: {} from {id} {subject}", percent(one.probability)),
            evidence: one.reasons.clone(),
            suggestion: None,
            fingerprint: one.commit.id.to_string(),
        }
    };
    report.suspects.iter().map(annotation).collect()
}
