//! How a search is told at its end: an answer on standard output, or an error on standard error.

use std::io::Write as _;

use super::masked::{hidden, masked_text};
use crate::cli::Error;
use crate::cli::print;
use crate::cli::terminal::{columns, stderr_style, stdout_style};
use crate::git::{GitError, MergeOutcome, Repository, WorkState};
use crate::model::Report;
use crate::report::{Answer, Next, Renderer as _, Revert, Unanswered, printable};
use crate::setup::{Prepared, Request, Retyped};

/// Tell the user.
pub(super) fn tell(
    request: &Request,
    prepared: &Prepared,
    report: &Report,
    has_next: bool,
) -> Result<(), Error> {
    let mut text = Vec::new();
    if report.status == "not-reproduced" {
        let renderer = Unanswered { style: stderr_style(), width: columns() };
        let report = Report { hint: report.hint.as_deref().map(whole_command), ..report.clone() };
        renderer.render(&report, &mut text).map_err(Error::internal)?;
        // A reader that went away is no error.
        drop(anstream::stderr().write_all(printable(&String::from_utf8_lossy(&text)).as_bytes()));
        return Ok(());
    }
    let next = Next {
        revert: revert(prepared, report).unwrap_or_default(),
        repository: request.repo.as_ref().map(|place| place.display().to_string()),
    };
    let renderer = Answer {
        style: stdout_style(),
        width: columns(),
        diff: diff(&prepared.repository, report),
        next: has_next.then_some(next),
    };
    renderer.render(report, &mut text).map_err(Error::internal)?;
    print::print_text(&text).map(drop)
}

/// A hint that is options alone, as the command that was typed with them: to be copied.
fn whole_command(hint: &str) -> String {
    options_of(hint).map_or_else(|| hint.to_owned(), |options| hidden(&with(&Retyped::now(), &options)))
}

fn with(typed: &Retyped, options: &[String]) -> String {
    let words: Vec<&str> = options.iter().map(String::as_str).collect();
    typed.with_more(&words).to_string()
}

/// The words of a hint that says no more than options with a value each.
fn options_of(hint: &str) -> Option<Vec<String>> {
    let words = shell_words::split(hint).ok()?;
    let is_option = |word: &String| word.starts_with("--") && word.len() > 2;
    let are_options = words.first().is_some_and(is_option)
        && words.windows(2).all(|pair| pair.iter().any(is_option))
        // What a shell would put in for `~` has to stay as it is.
        && !words.iter().any(|word| word.ends_with([',', ';', ':']) || word.contains('~'));
    are_options.then_some(words)
}

/// The culprit's diff, to be shown: with its secrets masked.
pub(super) fn diff(repository: &Repository, report: &Report) -> Option<String> {
    const MOST: usize = 64 << 10;
    match report.culprits.as_slice() {
        [culprit] => {
            let diff = repository.diff_text(culprit.commit.id, MOST).ok()?;
            Some(masked_text(&diff).unwrap_or(diff))
        }
        _ => None,
    }
}

/// What `git revert` of the culprit comes to, merged in memory. Not told where `HEAD` does not have the commit, or git would
/// refuse for what is uncommitted.
fn revert(prepared: &Prepared, report: &Report) -> Result<Revert, GitError> {
    let [culprit] = report.culprits.as_slice() else { return Ok(Revert::Unknown) };
    let repository = &prepared.repository;
    let commit = &culprit.commit;
    let Some(parent) = report.mainline(&commit.parents) else { return Ok(Revert::Unknown) };
    let head = repository.resolve("HEAD")?;
    let is_changed = |(_, state): &(std::path::PathBuf, WorkState)| *state == WorkState::Changed;
    let is_dirty = repository.uncommitted_below(std::path::Path::new("")).iter().any(is_changed);
    if is_dirty || !repository.is_ancestor(commit.id, head.id)? {
        return Ok(Revert::Unknown);
    }
    let before = repository.tree_of(parent)?;
    let here = repository.tree_of(head.id)?;
    match prepared.bench.shadow.merge(repository.tree_of(commit.id)?, here, before)? {
        // There is nothing of it left to undo.
        MergeOutcome::Clean(tree) if tree == here => Ok(Revert::Unknown),
        MergeOutcome::Clean(_) => Ok(Revert::Applies),
        MergeOutcome::Conflicts(paths) => Ok(Revert::Conflicts(paths)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_of_options_alone_becomes_the_whole_command() {
        let words = ["find", "--good", "v1.0", "--", "python", "a b.py"];
        let typed = Retyped::of(words.map(std::ffi::OsString::from));
        let whole = |hint: &str| options_of(hint).map(|options| with(&typed, &options));
        assert_eq!(
            whole("--with-file settings_local.py --network host").as_deref(),
            Some("pybisect find --good v1.0 --with-file settings_local.py --network host -- python 'a b.py'")
        );
        let others = [
            "--network host, if that is wanted",
            "name an older commit with --good",
            "--with-file ~/.netrc:'~/.netrc'",
        ];
        for hint in others {
            assert_eq!(whole(hint), None, "{hint}");
        }
    }
}
