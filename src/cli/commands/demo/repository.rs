//! Writing the demonstration's repositories.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

use crate::cli::terminal::stderr_style;

/// The one letter, before and after.
pub(super) const BREAK: (&str, &str) = ("json.load(urls_file)", "json.loads(urls_file)");

pub(super) fn say(text: &str) {
    drop(writeln!(anstream::stderr(), "{}", stderr_style().bold(text)));
}

pub(super) fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, text).with_context(|| format!("failed to write {}", file.display()))
}

pub(super) fn append(file: &Path, text: &str) -> anyhow::Result<()> {
    let old = std::fs::read_to_string(file)?;
    write(file, &(old + text))
}

/// Commit everything, an hour after the commit before.
pub(super) fn commit(repository: &git2::Repository, number: i64, subject: &str) -> anyhow::Result<git2::Oid> {
    const FIRST: i64 = 1_672_563_600; // 2023-01-01 09:00 UTC
    let time = git2::Time::new(FIRST + number * 3600, 0);
    let author = git2::Signature::new("Ada Example", "ada@example.com", &time)?;
    let mut index = repository.index()?;
    index.add_all(["*"], git2::IndexAddOption::DEFAULT, None)?;
    index.write()?;
    let tree = repository.find_tree(index.write_tree()?)?;
    let parent = repository.head().ok().and_then(|head| head.peel_to_commit().ok());
    let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
    Ok(repository.commit(Some("HEAD"), &author, &author, subject, &tree, &parents)?)
}
