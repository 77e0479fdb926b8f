//! A fix that was tested as a commit on a new branch.

use super::error::Error;
use super::fix::TestedFixes;
use crate::git::Repository;
use crate::model::{CandidateFix, CommitId, FixKind, PackageChange, Report, TreeId};

impl TestedFixes {
    /// Commit a candidate on a new branch, which is not checked out; one that has exactly that is taken as it is.
    pub(crate) fn commit(
        &self,
        (fix, tree): (&CandidateFix, TreeId),
        name: &str,
        verify: Option<&str>,
    ) -> Result<CommitId, Error> {
        let repository = &self.prepared.repository;
        let onto = self.fixes.report.onto;
        let onto = onto.ok_or_else(|| Error::usage("there is no commit to build on"))?;
        if repository.has_branch(name) {
            let tip = repository.resolve(&format!("refs/heads/{name}"))?;
            if tip.tree == tree && tip.parents == [onto] {
                return Ok(tip.id);
            }
            return Err(Error::usage(format!("there is a branch '{name}' already"))
                .hinted("choose another: --branch NAME"));
        }
        let (author, email) = author(repository)?;
        let message = message(&self.found, fix, verify);
        let shadow = &self.prepared.bench.shadow;
        let id = shadow.commit(tree, onto, (&author, &email), &message)?;
        repository.import_branch(shadow, name)?;
        Ok(id)
    }
}

/// Who commits.
pub(crate) fn author(repository: &Repository) -> Result<(String, String), Error> {
    repository.author().ok_or_else(|| {
        Error::usage("git does not know your name").hinted(
            "git config --global user.name 'Your Name'; git config --global user.email you@example.com",
        )
    })
}

/// The commit message: what is done, why, and how one knows.
fn message(found: &Report, fix: &CandidateFix, verify: Option<&str>) -> String {
    let culprit = found.culprits.first();
    let short = culprit.map(|culprit| culprit.commit.id.short()).unwrap_or_default();
    let subject = culprit.map(|culprit| culprit.commit.subject.clone()).unwrap_or_default();
    let change = found.breaking_changes.first();
    let undone = change.filter(|_| fix.kind != FixKind::FollowOtherSide);
    if let (FixKind::HoldBack, Some(package)) = (fix.kind, found.packages.first()) {
        return held_back(found, package, verify.filter(|_| fix.verified.is_some()));
    }
    let title = match undone.map(|change| (&change.before, &change.after)) {
        Some((Some(before), Some(after))) if !before.contains('\n') && before.len() + after.len() < 50 => {
            format!("Fix: {} back to {}", after.trim(), before.trim())
        }
        _ => format!("Fix the failure that {short} brought"),
    };
    let mut lines = vec![title, String::new()];
    lines.push(format!("{short} (\"{subject}\") broke it:"));
    lines.extend(
        found
            .failure
            .as_ref()
            .map(|failure| format!("  {}", failure.to_string().lines().next().unwrap_or_default())),
    );
    lines.push(String::new());
    if let Some(change) = change {
        lines.push(format!("The cause is in {}:{}.", change.path, change.line));
        let what = if found.breaking_changes.len() == 1 { "that edit" } else { "the breaking edits" };
        if change.sufficient {
            lines.push(format!("The last good version with {what} alone fails in the same way."));
        }
        if change.necessary {
            let them = if found.breaking_changes.len() == 1 { "it" } else { "them" };
            lines.push(format!("The first bad version without {them} passes."));
        }
    }
    lines.push(format!("This commit: {}. Tested with:", fix.kind.phrase()));
    lines.push(format!("  {}", found.command));
    lines.extend(verify.filter(|_| fix.verified.is_some()).map(|verify| format!("  {verify}")));
    lines.push(String::new());
    lines.join("\n")
}

/// The message of a commit that holds packages back.
fn held_back(found: &Report, package: &PackageChange, verify: Option<&str>) -> String {
    let held: Vec<&str> = found.packages.iter().filter_map(|package| package.constraint.as_deref()).collect();
    let mut lines = vec![format!("Hold back {}", held.join(", ")), String::new()];
    let version = package.first_bad.as_ref().or(package.after.as_ref());
    lines.push(format!("{} {} broke it:", package.name, version.map_or("", String::as_str)));
    lines.extend(package.failure.as_ref().map(|failure| format!("  {failure}")));
    lines.extend(["", "Tested with:"].map(str::to_owned));
    lines.push(format!("  {}", found.command));
    lines.extend(verify.map(|verify| format!("  {verify}")));
    lines.push(String::new());
    lines.join("\n")
}
