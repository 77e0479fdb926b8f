//! A session that is run again goes on where it was.

use super::error::SessionError;
use super::{Matching, OnlyFailing, Plan};
use crate::model::{CommitId, EventKind, TreeId, TrialKind};
use crate::store::{OutcomeKey, SessionId, Store};

/// The trials that an earlier part of this session came to an end with.
pub(super) fn earlier_trials(
    store: &Store,
    key: OutcomeKey,
    fresh: bool,
) -> Result<Vec<(CommitId, TrialKind)>, SessionError> {
    if fresh {
        return Ok(Vec::new());
    }
    let events = store.events(&SessionId::of(key))?;
    let finished = events.into_iter().filter_map(|event| match event.kind {
        EventKind::TrialFinished(finished) => Some((finished.commit, finished.purpose)),
        _ => None,
    });
    Ok(finished.collect())
}

/// What makes a session the same one: all that decides its answer.
pub(super) fn session_key(plan: &Plan) -> OutcomeKey {
    let mut parts = vec![plan.repository.clone(), plan.environment_key.clone(), plan.bad.to_string()];
    parts.extend(plan.good.iter().map(ToString::to_string));
    let recipe = OutcomeKey::new(TreeId::from_bytes([0; 20]), &plan.recipe, &plan.environment_key);
    parts.push(recipe.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect());
    parts.push(format!("{}", plan.recipe.timeout.map_or(0, |limit| limit.as_millis())));
    parts.push(match &plan.matching {
        Matching::Signature => "the same failure".to_owned(),
        Matching::AnyFailure => "any failure".to_owned(),
        Matching::Pattern(pattern) => format!("pattern {pattern}"),
    });
    parts.push(format!("{} {}", plan.find_fix, plan.first_parent));
    parts.push(match plan.only_failing {
        OnlyFailing::Auto => "auto".to_owned(),
        OnlyFailing::Always => "always".to_owned(),
        OnlyFailing::Never => "never".to_owned(),
    });
    parts.extend(plan.target.iter().map(|choice| format!("target {}", choice.text)));
    parts.extend(plan.pathspecs.iter().cloned());
    for file in &plan.overlay {
        parts.push(format!("{} {} {}", file.path, file.executable, blake3::hash(&file.content)));
    }
    OutcomeKey::of_parts("session/2", parts.iter().map(std::ffi::OsStr::new))
}
