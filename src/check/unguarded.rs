//! Changed calls whose failure would reach the user who made the request.

use std::collections::HashMap;

use super::findings::{ChangedCall, finding_on_call, quoted};
use super::rules::UNGUARDED_CALL;
use crate::calls::unguarded_in_handler;
use crate::minimize::is_test_file;
use crate::model::{Annotation, Severity};

/// Findings for the changed calls in functions that answer requests, where nothing catches what they raise. `source`
/// gives a file of the merge result.
pub(super) fn unguarded<E>(
    severity: Severity,
    calls: &[ChangedCall],
    source: impl Fn(&str) -> Result<Vec<u8>, E>,
) -> Result<Vec<Annotation>, E> {
    let mut sources: HashMap<&str, Vec<u8>> = HashMap::new();
    let mut findings = Vec::new();
    for call in calls.iter().filter(|call| !is_test_file(&call.path)) {
        let Some(site) = call.site().filter(|site| !site.text.starts_with('@')) else { continue };
        if !sources.contains_key(call.path.as_str()) {
            sources.insert(&call.path, source(&call.path)?);
        }
        let text = &sources[call.path.as_str()];
        let Some(handler) = unguarded_in_handler(text, site.span.start..site.span.end) else { continue };
        let message = format!("a failure of {} reaches the user of {handler}", quoted(&site.text));
        let mut finding = finding_on_call(&UNGUARDED_CALL, severity, &call.path, site, message);
        finding.evidence.push(format!("{}: {}", call.change.kind.phrase(), call.in_words()));
        findings.push(finding);
    }
    Ok(findings)
}
