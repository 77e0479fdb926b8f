//! The proposed command, run once: who writes it down wants to know whether it passes.

use std::path::Path;

use super::proposal::Proposal;
use crate::cli::Error;
use crate::model::CancelToken;
use crate::session::{SignalListener, isolation_failure, run_bad_commit};
use crate::setup::{self, EnvironmentKind, EnvironmentOptions, Request};
use crate::store::SessionKind;
use crate::triage::{CommandFacts, TargetOracle};

/// No smoke test takes longer.
const LONGEST: &str = "2m";

/// How the command fares at HEAD, in words; it runs in isolation, as trials do.
pub(super) fn tried(repo: &Path, proposal: &Proposal) -> String {
    let environment =
        EnvironmentOptions { env: Some(EnvironmentKind::Current), ..EnvironmentOptions::default() };
    let request = Request {
        repo: Some(repo.to_owned()),
        command: proposal.command.iter().map(Into::into).collect(),
        timeout: Some(LONGEST.to_owned()),
        jobs: Some(1),
        no_config: true,
        environment,
        ..Request::default()
    };
    run(&request).unwrap_or_else(|error| {
        let told = error.to_string();
        format!("it could not be tried at HEAD: {}", told.lines().next().unwrap_or_default())
    })
}

fn run(request: &Request) -> Result<String, Error> {
    let prepared = setup::prepare(request)?;
    let cancel = CancelToken::new();
    let listener = SignalListener::new(&cancel).map_err(Error::internal)?;
    let plan = &prepared.plan;
    let (context, recipe) = (prepared.workshop(&cancel), plan.recipe.clone());
    let ran = run_bad_commit(plan, &context, recipe, SessionKind::Init, &mut |_| {});
    drop(listener);
    let (output, _) = ran?;
    if let Some(want) = isolation_failure(&output, &plan.isolation) {
        return Ok(format!("it cannot run in isolation at HEAD: it {}", want.what));
    }
    Ok(match TargetOracle::target_of(&output, CommandFacts::of(&plan.recipe.command)) {
        Ok(failure) => {
            let failure = failure.to_string();
            format!("it fails at HEAD: {}", failure.lines().next().unwrap_or_default())
        }
        Err(nothing) => format!("at HEAD, {}", nothing.seen.lines().next().unwrap_or_default()),
    })
}
