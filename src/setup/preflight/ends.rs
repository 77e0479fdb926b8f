//! Good and bad, before they run: not the same commit, and not exchanged.

use crate::git::Repository;
use crate::model::CommitId;
use crate::setup::corrected_command::CorrectedCommand;
use crate::setup::error::Error;

/// The ends of the range as they were typed.
pub(crate) struct Revisions<'a> {
    /// Those that are said to pass, with `--find-fix` the newer one.
    pub(crate) good: &'a [String],
    /// The one that is said to fail.
    pub(crate) bad: &'a str,
    pub(crate) find_fix: bool,
    /// Whether they come from a range, which the user would have to turn round.
    pub(crate) range: Option<&'a str>,
}

/// Whether the ends can be the ends of a range. `good` and `bad` are in the user's words.
pub(crate) fn check_ends(
    repository: &Repository,
    good: &[CommitId],
    bad: CommitId,
    words: &Revisions<'_>,
    typed: &CorrectedCommand,
) -> Result<(), Error> {
    for (at, &commit) in good.iter().enumerate() {
        let name = words.good.get(at).map_or("HEAD", String::as_str);
        if commit == bad {
            return Err(same(commit, name, words, typed));
        }
        let (older, newer) = if words.find_fix { (commit, bad) } else { (bad, commit) };
        if repository.is_ancestor(older, newer)? {
            return Err(exchanged(commit, name, bad, words, typed));
        }
    }
    Ok(())
}

fn said(name: &str, commit: CommitId) -> String {
    let id = commit.to_string();
    if id.starts_with(name) && name.len() >= 7 {
        commit.short()
    } else {
        format!("{name} ({})", commit.short())
    }
}

fn same(commit: CommitId, name: &str, words: &Revisions<'_>, typed: &CorrectedCommand) -> Error {
    let id = commit.short();
    let which = if name == words.bad { name.to_owned() } else { format!("{name} and {}", words.bad) };
    let error = Error::usage(format!("--good and --bad are the same commit, {id} ({which})"));
    let bare = match words.range {
        Some(range) => typed.without_word(range),
        None => typed.without("--good"),
    };
    if words.find_fix {
        return error.hinted("--bad is the older commit that fails, --good the newer one that passes");
    }
    error
        .hinted(format!("to have an older commit looked for that passes: {bare}"))
        .hinted(format!("or name one: {}", bare.with("--good", "REV")))
}

fn exchanged(
    good: CommitId,
    name: &str,
    bad: CommitId,
    words: &Revisions<'_>,
    typed: &CorrectedCommand,
) -> Error {
    let (good_said, bad_said) = (said(name, good), said(words.bad, bad));
    let plain = words.range.map_or_else(|| typed.clone(), |range| typed.without_word(range));
    let turned = plain.with("--good", words.bad).with("--bad", name);
    if words.find_fix {
        return Error::usage(format!(
            "with --find-fix the bad commit is the older one, and {bad_said} is newer than {good_said}"
        ))
        .hinted(format!("exchanged? {turned}"));
    }
    Error::usage(format!("the bad commit {bad_said} is older than the good one, {good_said}"))
        .hinted(format!("exchanged? {turned}"))
        .hinted(format!(
            "if {} fails and {name} passes: {}",
            words.bad,
            plain.with("--good", name).with("--bad", words.bad).with_more(&["--find-fix"])
        ))
}
