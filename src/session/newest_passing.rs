//! The newest of some versions on which a command passes.

use std::collections::BTreeMap;

use super::fix::outcome;
use super::plan::Limits;
use super::trial_queue::Trials;
use super::{Plan, SessionContext, SessionError};
use crate::model::{CommitId, TrialKind, Verdict};
use crate::triage::{CommandFacts, Oracle as _, Target, TargetOracle};

/// A version that ran: whether the command passes, and otherwise what came of it, for people.
pub type Judged = (CommitId, Verdict, String);

/// Run the command on versions, the newest first, as many at a time as there are workers, until the newest on which it
/// passes is known: all before it in the list have ended by then. What ran, in the order of the list, the last of which
/// passes unless none does; `None` when the user stopped it.
///
/// # Errors
/// When the machine, the repository or the store fails.
pub fn newest_passing(
    plan: &Plan,
    workshop: &SessionContext<'_>,
    versions: &[CommitId],
    said: &mut dyn FnMut(CommitId, &Verdict, &str),
) -> Result<Option<Vec<Judged>>, SessionError> {
    let judge = TargetOracle::new(Target::AnyFailure, CommandFacts::of(&plan.recipe.command));
    let mut recipe = plan.recipe.clone();
    recipe.timeout = recipe.timeout.or(Some(Limits::LONGEST));
    std::thread::scope(|scope| {
        let mut trials = Trials::new(scope, plan, workshop, recipe);
        let mut waiting = versions.iter().copied().enumerate();
        let mut numbers = BTreeMap::new();
        let mut ended: BTreeMap<usize, (Verdict, String)> = BTreeMap::new();
        loop {
            let found = (0..versions.len())
                .take_while(|at| ended.contains_key(at))
                .find(|at| ended[at].0 == Verdict::Good);
            let last =
                found.or_else(|| (ended.len() == versions.len()).then(|| versions.len().saturating_sub(1)));
            if let Some(last) = last {
                // Nobody waits for those behind it.
                let running: Vec<_> = trials.running().map(|(id, ..)| id).collect();
                for id in running {
                    trials.dismiss(id);
                }
                let judged = ended.into_iter().take_while(|(at, _)| *at <= last);
                return Ok(Some(
                    judged.map(|(at, (verdict, outcome))| (versions[at], verdict, outcome)).collect(),
                ));
            }
            // One that passes is enough: only newer ones can be better.
            let newest_good =
                ended.iter().find(|(_, (verdict, _))| *verdict == Verdict::Good).map(|(at, _)| *at);
            while trials.free() > 0 && newest_good.is_none() {
                let Some((at, commit)) = waiting.next() else { break };
                let tree = trials.tree_of(commit)?;
                numbers.insert(trials.start_tree(commit, tree, TrialKind::Endpoint)?, at);
            }
            let Some(done) = trials.wait(None)? else {
                if workshop.cancel.is_cancelled() {
                    trials.drain()?;
                    return Ok(None);
                }
                continue;
            };
            let Some(&at) = numbers.get(&done.id) else { continue };
            let verdict = judge.judge(&done.output);
            let outcome = outcome(&verdict, &done.output);
            said(versions[at], &verdict, &outcome);
            ended.insert(at, (verdict, outcome));
        }
    })
}
