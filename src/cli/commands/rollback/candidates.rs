//! Versions to roll back to, the most promising first.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::args::Args;
use crate::cli::Error;
use crate::cli::print::warn;
use crate::git::Repository;
use crate::model::{CancelToken, CommitId, DeployedVersion, Grounds, Report, Status, TestedVersion, Verdict};
use crate::respond::{NextVersion, Service};
use crate::session::newest_passing;
use crate::setup::{self, Prepared};
use crate::store::{SessionState, Store};

/// How far back commits are tried, where there are no releases.
/// The newest versions that are tested for being good.
const MOST_TESTED: usize = 64;
const LONGEST_CHAIN: usize = 1 << 20;

/// Where the next good version comes from.
pub(super) struct Candidates<'a> {
    args: &'a Args,
    cancel: &'a CancelToken,
    said: &'a dyn Fn(&str),
    deployed: DeployedVersion,
    /// Those that are known to be good.
    known: VecDeque<(DeployedVersion, Grounds)>,
    /// Those that are to be tested, the newest first.
    untested: VecDeque<DeployedVersion>,
    tested: Vec<TestedVersion>,
    given: Vec<CommitId>,
    prepared: Option<Prepared>,
}

/// What is known before anything is tested.
pub(super) struct Known<'a> {
    pub(super) repository: &'a Repository,
    pub(super) store: &'a Store,
    pub(super) service: &'a Service,
    /// When the response began that is gone on with.
    pub(super) resumes: Option<Timestamp>,
}

impl<'a> Candidates<'a> {
    pub(super) fn new(
        args: &'a Args,
        from: &Known<'_>,
        deployed: &DeployedVersion,
        (cancel, said): (&'a CancelToken, &'a dyn Fn(&str)),
    ) -> Result<Self, Error> {
        let Known { repository, service, .. } = from;
        let mut known = VecDeque::new();
        let mut untested = VecDeque::new();
        let mut given = Vec::new();
        for (at, (version, healthy)) in
            from.resumes.map(|since| service.tried_since(since)).into_iter().flatten().enumerate()
        {
            if healthy == Some(false) {
                given.push(version.commit);
            } else if let (0, Some(since)) = (at, from.resumes) {
                known.push_back((version, Grounds::Begun { at: since.to_string() }));
            }
        }
        if let Some(rev) = &args.to {
            known.push_back((version_of(repository, rev)?, Grounds::Named));
        } else {
            known.extend(of_sessions(repository, from.store, deployed)?);
            for (version, at) in service.healthy() {
                // One that is gone, or no older than what is deployed, is nothing to go back to.
                let is_older = repository.is_ancestor(version.commit, deployed.commit).unwrap_or(false);
                if is_older && version.commit != deployed.commit {
                    known.push_back((version.clone(), Grounds::Deployed { at: at.to_owned() }));
                }
            }
            untested = older(args, repository, deployed.commit)?;
        }
        let deployed = deployed.clone();
        Ok(Self { args, cancel, said, deployed, known, untested, tested: Vec::new(), given, prepared: None })
    }

    /// The next version that is good, and why it is taken to be.
    pub(super) fn next(&mut self) -> Result<NextVersion, Error> {
        while let Some((version, grounds)) = self.known.pop_front() {
            if !self.given.contains(&version.commit) {
                self.given.push(version.commit);
                return Ok(Some((version, grounds)));
            }
        }
        self.next_tested()
    }

    /// The newest of those that were not tested yet on which the command passes.
    fn next_tested(&mut self) -> Result<NextVersion, Error> {
        let given = &self.given;
        self.untested.retain(|version| !given.contains(&version.commit));
        if self.untested.is_empty() || self.cancel.is_cancelled() {
            return Ok(None);
        }
        if self.prepared.is_none() {
            let prepared = setup::prepare(&self.args.as_search(&self.deployed)).map_err(|error| {
                error.hinted("a version that you know to be good needs no test: --to REV")
            })?;
            prepared.warnings.iter().for_each(|warning| warn(warning));
            self.prepared = Some(prepared);
        }
        let Some(prepared) = &self.prepared else { return Ok(None) };
        let workshop = prepared.workshop(self.cancel);
        let commits: Vec<CommitId> = self.untested.iter().map(|version| version.commit).collect();
        let name = |commit: CommitId| {
            let version = self.untested.iter().find(|version| version.commit == commit);
            version.map_or_else(|| commit.short(), DeployedVersion::name)
        };
        let mut said = |commit: CommitId, verdict: &Verdict, outcome: &str| {
            let word = if *verdict == Verdict::Good { "passes" } else { "fails" };
            let outcome = outcome.lines().next().unwrap_or_default();
            let why = outcome.strip_prefix("fails: ").unwrap_or(outcome);
            let why = if *verdict == Verdict::Good { String::new() } else { format!(": {why}") };
            (self.said)(&format!("{word:<10} {}{why}", name(commit)));
        };
        let Some(judged) = newest_passing(&prepared.plan, &workshop, &commits, &mut said)? else {
            return Ok(None);
        };
        let mut found = None;
        for (commit, verdict, outcome) in judged {
            let Some(at) = self.untested.iter().position(|version| version.commit == commit) else {
                continue;
            };
            let version = self.untested.drain(..=at).next_back();
            let passed = verdict == Verdict::Good;
            let Some(version) = version else { continue };
            if passed {
                self.given.push(version.commit);
                found = Some((version.clone(), Grounds::Tested));
            }
            self.tested.push(TestedVersion { version, passed, outcome });
        }
        Ok(found)
    }

    /// What was tested.
    pub(super) fn tested(&self) -> Vec<TestedVersion> {
        self.tested.clone()
    }

    /// The command, as far as it was needed or given.
    pub(super) fn command_text(&self) -> Option<String> {
        let given = || {
            let words = self.args.command.iter().map(|word| word.to_string_lossy());
            (!self.args.command.is_empty()).then(|| shell_words::join(words))
        };
        self.prepared
            .as_ref()
            .map(|prepared| prepared.plan.command_text.clone())
            .filter(|_| self.args.shell.is_none())
            .or_else(given)
    }
}

/// The last good version of the latest search that explained the deployed one.
fn of_sessions(
    repository: &Repository,
    store: &Store,
    deployed: &DeployedVersion,
) -> Result<Option<(DeployedVersion, Grounds)>, Error> {
    let folder = repository.folder().to_string_lossy().into_owned();
    for row in store.searches(Some(&folder))? {
        if row.state != SessionState::Finished {
            continue;
        }
        let report = Report::from_events(&store.events(&row.id)?);
        if report.find_fix || report.status != Status::Found || report.bad != Some(deployed.commit) {
            continue;
        }
        if let Some(good) = &report.last_good {
            let version = version_of(repository, &good.id.to_string())?;
            return Ok(Some((version, Grounds::Session { id: row.id.to_string() })));
        }
    }
    Ok(None)
}

/// Older versions, the newest first: releases, or where there are none 1, 2, 4, 8 … commits before.
pub(in crate::cli::commands) fn older(
    args: &Args,
    repository: &Repository,
    deployed: CommitId,
) -> Result<VecDeque<DeployedVersion>, Error> {
    let glob = args
        .releases
        .as_deref()
        .map(globset::Glob::new)
        .transpose()
        .map_err(|error| Error::usage(format!("--releases: {error}")))?;
    let matcher = glob.map(|glob| glob.compile_matcher());
    let tags = repository.release_tags_reachable_from(deployed)?;
    let mut versions: Vec<DeployedVersion> = Vec::new();
    for tag in
        tags.into_iter().filter(|tag| matcher.as_ref().is_none_or(|matcher| matcher.is_match(&tag.name)))
    {
        if versions.len() < MOST_TESTED && versions.iter().all(|known| known.commit != tag.commit) {
            let subject = repository.info(tag.commit)?.subject;
            versions.push(DeployedVersion {
                commit: tag.commit,
                tag: Some(tag.name),
                subject,
                as_commit: None,
            });
        }
    }
    if versions.is_empty() {
        if matcher.is_some() {
            return Err(Error::usage("no tag before the deployed version is like --releases")
                .hinted("git tag --merged HEAD"));
        }
        let chain = repository.first_parent_chain(deployed, LONGEST_CHAIN)?;
        let powers = (0..).map(|power| 1_usize << power).take_while(|&step| step < chain.len());
        for step in powers {
            let info = repository.info(chain[step])?;
            versions.push(DeployedVersion {
                commit: info.id,
                tag: None,
                subject: info.subject,
                as_commit: None,
            });
        }
    }
    Ok(versions.into())
}

/// The version that a name leads to.
pub(in crate::cli::commands) fn version_of(
    repository: &Repository,
    rev: &str,
) -> Result<DeployedVersion, Error> {
    let info = repository.resolve(rev)?;
    let tag = repository.tags_at(info.id)?.into_iter().next();
    Ok(DeployedVersion { commit: info.id, tag, subject: info.subject, as_commit: None })
}
