//! A session that is run again goes on where it was.

use super::Plan;
use super::error::SessionError;
use crate::model::{CommitId, EventKind, TrialKind};
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
    parts.push(format!("{:?}", plan.recipe));
    parts.push(format!("{:?} {} {}", plan.matching, plan.find_fix, plan.first_parent));
    parts.push(format!("{:?}", plan.only_failing));
    parts.extend(plan.target.iter().map(|choice| format!("target {}", choice.text)));
    parts.extend(plan.pathspecs.iter().cloned());
    for file in &plan.overlay {
        parts.push(format!("{} {} {}", file.path, file.executable, blake3::hash(&file.content)));
    }
    OutcomeKey::of_parts("session/1", parts.iter().map(std::ffi::OsStr::new))
}
