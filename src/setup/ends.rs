//! The ends of the range: as options, as a range, as `git bisect` has them, or by default.

use super::corrected_command::CorrectedCommand;
use super::error::Error;
use super::preflight::{Revisions, check_ends};
use super::request::Request;
use super::resolved_options::ResolvedOptions;
use crate::git::Repository;
use crate::model::CommitId;

/// The ends, in the terms of the search: with `--find-fix`, those that fail are its good ones.
pub(crate) struct Ends {
    pub(crate) good: Vec<CommitId>,
    pub(crate) bad: CommitId,
    /// What the user should know of them.
    pub(crate) notes: Vec<String>,
}

/// The good commits and the bad one. Mistakes in what was `typed` are told before anything runs.
pub(crate) fn endpoints(
    repository: &Repository,
    request: &Request,
    merged: &ResolvedOptions,
    typed: Option<&CorrectedCommand>,
) -> Result<Ends, Error> {
    let resolve = |rev: &str| Ok::<_, Error>(repository.resolve(rev)?.id);
    let range = request.range.as_deref().map(|range| divided(range, typed)).transpose()?;
    let mut notes = Vec::new();
    let good: Vec<String> = match &range {
        Some((good, _)) => good.iter().cloned().collect(),
        None => merged.good.clone(),
    };
    let bad = range.and_then(|(_, bad)| bad).or_else(|| request.bad.clone());
    if request.find_fix {
        return find_fix(repository, request, (&good, bad.as_deref()), typed);
    }
    let bad_id = match &bad {
        Some(rev) => resolve(rev)?,
        None => match bad_of_git(repository, typed)? {
            Some((id, note)) => {
                notes.push(note);
                id
            }
            None => resolve("HEAD")?,
        },
    };
    let good_ids = good.iter().map(|rev| resolve(rev)).collect::<Result<Vec<_>, _>>()?;
    if let Some(typed) = typed {
        let bad = bad.as_deref().unwrap_or("HEAD");
        let words = Revisions { good: &good, bad, find_fix: false, range: request.range.as_deref() };
        check_ends(repository, &good_ids, bad_id, &words, typed)?;
    }
    Ok(Ends { good: good_ids, bad: bad_id, notes })
}

fn find_fix(
    repository: &Repository,
    request: &Request,
    (good, bad): (&[String], Option<&str>),
    typed: Option<&CorrectedCommand>,
) -> Result<Ends, Error> {
    let resolve = |rev: &str| Ok::<_, Error>(repository.resolve(rev)?.id);
    let Some(broken) = bad else {
        return Err(Error::usage("--find-fix needs the older commit that fails")
            .hinted("name it with --bad REV; --good REV is the newer one that passes, HEAD by default"));
    };
    let mended = match good {
        [] => "HEAD",
        [one] => one,
        _ => return Err(Error::usage("--find-fix takes one --good: the newer commit that passes")),
    };
    let (broken_id, mended_id) = (resolve(broken)?, resolve(mended)?);
    if let Some(typed) = typed {
        let words = Revisions { good, bad: broken, find_fix: true, range: request.range.as_deref() };
        check_ends(repository, &[mended_id], broken_id, &words, typed)?;
    }
    Ok(Ends { good: vec![broken_id], bad: mended_id, notes: Vec::new() })
}

/// `A..B`, `A..` and `A`: what passes, and what fails.
fn divided(range: &str, typed: Option<&CorrectedCommand>) -> Result<(Option<String>, Option<String>), Error> {
    let some = |part: &str| Some(part.to_owned()).filter(|part| !part.is_empty());
    if range.contains("...") {
        return Err(Error::usage(format!("'{range}' names what two sides do not share, and no range"))
            .hinted("GOOD..BAD, with two dots"));
    }
    match range.split_once("..") {
        Some((good, bad)) => Ok((some(good), some(bad))),
        None => {
            let error = Error::usage(format!("'{range}' is not a range: GOOD..BAD, or GOOD.. up to HEAD"));
            let program = which::which(range).is_ok();
            let put_right = typed.filter(|_| program).and_then(CorrectedCommand::with_dashes);
            Err(match (put_right, typed) {
                (Some(right), _) => error.hinted(format!("the command goes after --: {right}")),
                (None, Some(typed)) => {
                    error.hinted(format!("{}", typed.without_word(range).with("--good", range)))
                }
                (None, None) => error,
            })
        }
    }
}

/// During a `git bisect`, `HEAD` is the commit that git tests: what is known as bad is bad here.
fn bad_of_git(
    repository: &Repository,
    typed: Option<&CorrectedCommand>,
) -> Result<Option<(CommitId, String)>, Error> {
    let Some(under_way) = repository.bisect_under_way() else { return Ok(None) };
    let Some(bad) = under_way.bad else {
        let error = Error::usage("a git bisect is under way, and HEAD is the commit that it tests")
            .hinted("to end it: git bisect reset");
        return Err(match typed {
            Some(typed) => {
                error.hinted(format!("or name the commit that fails: {}", typed.with("--bad", "REV")))
            }
            None => error,
        });
    };
    let note =
        format!("a git bisect is under way: bad is its {}, not HEAD (another: --bad REV)", bad.short());
    Ok(Some((bad, note)))
}
