//! How a search is told at its end: an answer on standard output, or an error on standard error.

use std::io::Write as _;

use super::masked::{hidden, masked_text};
use crate::cli::Error;
use crate::cli::print;
use crate::cli::terminal::{columns, stderr_style, stdout_style};
use crate::git::{GitError, MergeOutcome, Repository, WorkState};
use crate::model::{Report, Status};
use crate::report::{Answer, Next, Renderer as _, Revert, Unanswered, printable};
use crate::setup::{CorrectedCommand, Prepared, Request};

/// Tell the user.
pub(super) fn tell(
    request: &Request,
    prepared: &Prepared,
    report: &Report,
    has_next: bool,
) -> Result<(), Error> {
    let mut text = Vec::new();
    if report.status == Status::NotReproduced {
        let renderer = Unanswered { style: stderr_style(), width: columns() };
        let typed = request
            .range
            .as_ref()
            .map_or_else(CorrectedCommand::now, |range| CorrectedCommand::now().without_word(range));
        let hint = report.hint.as_deref().map(|hint| whole_commands(hint, request, &typed));
        let report = Report { hint, ..report.clone() };
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

/// Hints of which a line ends with options alone, each as the command that was typed with them: to be copied.
fn whole_commands(hints: &str, request: &Request, typed: &CorrectedCommand) -> String {
    let ends = |typed: &CorrectedCommand, option: &str| -> CorrectedCommand {
        // What a range said of the other end.
        let other = if option == "--good" { "--bad" } else { "--good" };
        let said = request.range.as_deref().and_then(|range| range.split_once(".."));
        let said = said.map(|(good, bad)| if option == "--good" { bad } else { good });
        match said.filter(|rev| !rev.is_empty()) {
            Some(rev) => typed.with(other, rev),
            None => typed.clone(),
        }
    };
    let line = |line: &str| -> String {
        let (words, rest) = match line.rsplit_once(": ") {
            Some((words, rest)) => (format!("{words}: "), rest),
            None => (String::new(), line),
        };
        let whole = if let Some(command) = rest.strip_prefix("-- ") {
            shell_words::split(command).ok().map(|words| typed.with_command(&words).to_string())
        } else if rest.starts_with("PYTHONPATH=") && !rest.contains(' ') {
            Some(format!("{rest} {typed}"))
        } else {
            options_of(rest).map(|options| with(&ends(typed, &options[0]), &options).to_string())
        };
        whole.map_or_else(|| line.to_owned(), |whole| format!("{words}{}", hidden(&whole)))
    };
    // What is done by hand is done where one stands.
    let is_here = |line: &&str| request.repo.is_none() || !line.starts_with("by hand: ");
    hints.lines().filter(is_here).map(line).collect::<Vec<_>>().join("\n")
}

/// What was typed with these options: an end of the range in place of the one that was given, others once.
fn with(typed: &CorrectedCommand, options: &[String]) -> CorrectedCommand {
    let mut words = options.iter().map(String::as_str).peekable();
    let mut whole = typed.clone();
    while let Some(option) = words.next() {
        let value = words.next_if(|word| !word.starts_with("--"));
        whole = match value {
            Some(value) if ["--good", "--bad", "--env"].contains(&option) => whole.with(option, value),
            Some(value) if whole.values(option).any(|given| given == value) => whole,
            Some(value) => whole.with_more(&[option, value]),
            None if whole.words().iter().any(|word| word == option) => whole,
            None => whole.with_more(&[option]),
        };
    }
    whole
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
    if prepared.bench.shadow.is_broken(repository, here)? {
        return Ok(Revert::Unknown);
    }
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
        let words = ["find", "--good", "v1.0", "--network", "host", "--", "python", "a b.py"];
        let typed = CorrectedCommand::of(words.map(std::ffi::OsString::from));
        let plain = Request::default();
        for (hint, whole) in [
            (
                "--with-file x.py --network host",
                "pybisect find --good v1.0 --network host --with-file x.py -- python 'a b.py'",
            ),
            (
                "an older one: --good REV",
                "an older one: pybisect find --network host --good REV -- python 'a b.py'",
            ),
            (
                "what fixed it: --find-fix --bad a --good b\nby hand: true",
                "what fixed it: pybisect find --network host --find-fix --bad a --good b -- python 'a b.py'\nby hand: true",
            ),
            ("so: -- python -m pytest", "so: pybisect find --good v1.0 --network host -- python -m pytest"),
            (
                "it is in src: PYTHONPATH=src",
                "it is in src: PYTHONPATH=src pybisect find --good v1.0 --network host -- python 'a b.py'",
            ),
        ] {
            assert_eq!(whole_commands(hint, &plain, &typed), whole);
        }
        let others = [
            "--network host, if that is wanted",
            "name an older commit with --good",
            "--with-file ~/.netrc:'~/.netrc'",
        ];
        for hint in others {
            assert_eq!(whole_commands(hint, &plain, &typed), hint);
        }
        let ranged = Request { range: Some("v1.0..v1.4".to_owned()), ..Request::default() };
        let typed = CorrectedCommand::of(["find", "--", "true"].map(std::ffi::OsString::from));
        let whole = whole_commands("--good REV", &ranged, &typed);
        assert_eq!(whole, "pybisect find --bad v1.4 --good REV -- true");
    }
}
