//! What calls are compared of: trees, commits, the work tree, files, patches.

use std::io::Read;
use std::path::Path;

use super::ChangesError;
use super::compare::{CallComparer, ComparedFiles, Comparison};
use super::filter::Filter;
use super::request::CallsRequest;
use super::stale::{stale_finder, stale_in_tree};
use crate::calls::{FilePatch, Paths, diff_files, parse_patch};
use crate::dirfd::Folder;
use crate::git::{CommitFilter, CommitTrees, Repository, is_python};
use crate::model::{
    BlobId, CallChange, CallReport, CommitId, FileCalls, LocatedChange, PartlyParsed, PartlyParsedFile,
};
use crate::store::{BlobPair, CallCache};

/// Compare what the request names, and keep what it asks for. `cache` remembers what was compared; it is opened where trees
/// are.
///
/// # Errors
/// When something that it names is not there or cannot be read, or the cache cannot be opened.
pub fn call_changes<E: From<ChangesError>>(
    request: &CallsRequest,
    cache: impl FnOnce() -> Result<Option<CallCache>, E>,
) -> Result<CallReport, E> {
    let filter = Filter::new(&request.path, &request.callee, &request.kind)?;
    Ok(filter.apply(collect(request, cache, &filter)?))
}

fn collect<E: From<ChangesError>>(
    request: &CallsRequest,
    cache: impl FnOnce() -> Result<Option<CallCache>, E>,
    filter: &Filter,
) -> Result<CallReport, E> {
    let place = request.repo.as_deref().unwrap_or_else(|| Path::new("."));
    if let Some(patch) = &request.patch {
        return Ok(patched(place, patch)?);
    }
    if let [old, new] = &request.what[..] {
        return Ok(two_files(Path::new(old), Path::new(new), request.stale != Some(false))?);
    }
    let repository = Repository::open(place).map_err(ChangesError::from)?;
    let commit_by_commit = request.each || !request.callee.is_empty();
    let with_stale = request.stale != Some(false);
    Ok(match request.what.first().map(String::as_str) {
        what if commit_by_commit => {
            history(&repository, request, (cache()?, filter), what.unwrap_or("HEAD"))?
        }
        None => work_tree(&repository, with_stale)?,
        Some(what) => trees(&repository, with_stale, cache()?, what)?,
    })
}

/// What was found so far.
#[derive(Default)]
struct Collector {
    report: CallReport,
}

impl Collector {
    fn add_file(&mut self, commit: Option<&CommitTrees>, pair: BlobPair, calls: FileCalls) {
        self.report.files += 1;
        let why = calls.partly_after.or(calls.partly_before);
        if let Some(why) = why {
            let known = self.report.partly_parsed.iter().any(|file| file.path == pair.path);
            if !known {
                self.report
                    .partly_parsed
                    .push(PartlyParsedFile { path: pair.path.clone(), why: why.to_string() });
            }
        }
        let old_path = (pair.old_path != pair.path).then_some(pair.old_path);
        for change in calls.changes {
            self.add_change(commit, &pair.path, old_path.clone(), change);
        }
    }

    fn add_change(
        &mut self,
        commit: Option<&CommitTrees>,
        path: &str,
        old_path: Option<String>,
        change: CallChange,
    ) {
        self.report.changes.push(LocatedChange {
            commit: commit.map(|commit| commit.id),
            subject: commit.map(|commit| commit.subject.clone()),
            path: path.to_owned(),
            old_path,
            change,
        });
    }
}

/// Both ends of `A..B`; `A...B` begins at the merge base.
fn range(repository: &Repository, what: &str) -> Result<Option<(CommitId, CommitId)>, ChangesError> {
    let (separator, from_base) = if what.contains("...") { ("...", true) } else { ("..", false) };
    let Some((old, new)) = what.split_once(separator) else { return Ok(None) };
    let resolve = |rev: &str| repository.resolve(if rev.is_empty() { "HEAD" } else { rev });
    let (old, new) = (resolve(old)?.id, resolve(new)?.id);
    if !from_base {
        return Ok(Some((old, new)));
    }
    let bases = repository.merge_bases(old, new)?;
    let base = bases.first().ok_or_else(|| ChangesError::Unrelated(what.to_owned()))?;
    Ok(Some((*base, new)))
}

fn trees(
    repository: &Repository,
    with_stale: bool,
    cache: Option<CallCache>,
    what: &str,
) -> Result<CallReport, ChangesError> {
    let (commit, comparison) = match range(repository, what)? {
        Some((old, new)) => {
            (None, Comparison { olds: vec![repository.tree_of(old)?], new: repository.tree_of(new)? })
        }
        None => {
            let commit = repository.commit_trees(repository.resolve(what)?.id)?;
            let comparison = Comparison { olds: commit.parents.clone(), new: commit.tree };
            (Some(commit), comparison)
        }
    };
    let mut comparer = CallComparer::new(repository, cache);
    one(repository, with_stale, &mut comparer, commit.as_ref(), &comparison)
}

fn one(
    repository: &Repository,
    with_stale: bool,
    comparer: &mut CallComparer,
    commit: Option<&CommitTrees>,
    comparison: &Comparison,
) -> Result<CallReport, ChangesError> {
    let mut compared = Vec::new();
    comparer.compare(std::slice::from_ref(comparison), |_, files| compared = files)?;
    let mut collector = Collector::default();
    let stale =
        if with_stale { stale_in_tree(repository, comparer, comparison.new, &compared)? } else { Vec::new() };
    for (pair, calls) in compared {
        collector.add_file(commit, pair, calls);
    }
    for (path, change) in stale {
        collector.add_change(commit, &path, None, change);
    }
    Ok(collector.report)
}

fn history(
    repository: &Repository,
    request: &CallsRequest,
    (cache, filter): (Option<CallCache>, &Filter),
    what: &str,
) -> Result<CallReport, ChangesError> {
    let (from, without) = match range(repository, what)? {
        Some((old, new)) => (new, vec![old]),
        None => (repository.resolve(what)?.id, Vec::new()),
    };
    let listing = CommitFilter { without, most: request.max_count, no_merges: request.no_merges };
    let commits = repository.commits(from, &listing)?;
    let comparisons: Vec<Comparison> =
        commits.iter().map(|commit| Comparison { olds: commit.parents.clone(), new: commit.tree }).collect();
    let mut comparer = CallComparer::new(repository, cache);
    let mut collector = Collector::default();
    let mut with_definitions: Vec<(usize, ComparedFiles)> = Vec::new();
    comparer.compare(&comparisons, |index, files| {
        if request.stale == Some(true) && files.iter().any(|(_, calls)| !calls.definitions.is_empty()) {
            with_definitions.push((index, files.clone()));
        }
        let first = collector.report.changes.len();
        for (pair, calls) in files {
            collector.add_file(Some(&commits[index]), pair, calls);
        }
        // Here and not at the end: a history has many more changes than anyone asks for.
        let mut added = collector.report.changes.split_off(first);
        added.retain(|change| filter.keeps(change));
        collector.report.changes.append(&mut added);
    })?;
    for (index, files) in with_definitions {
        for (path, change) in stale_in_tree(repository, &comparer, commits[index].tree, &files)? {
            collector.add_change(Some(&commits[index]), &path, None, change);
        }
    }
    Ok(collector.report)
}

fn work_tree(repository: &Repository, with_stale: bool) -> Result<CallReport, ChangesError> {
    let folder = repository.workdir().ok_or(ChangesError::Bare)?;
    let (mut compared, mut collector) = (ComparedFiles::new(), Collector::default());
    let read = reader_of(folder)?;
    for change in repository.changed_in_work_tree()? {
        let old = change.old.map(|id| repository.blob(id)).transpose()?;
        let new = change.exists.then(|| read(&change.path)).flatten();
        let old_path = change.old_path.clone().unwrap_or_else(|| change.path.clone());
        let calls = diff_files(old.as_deref(), new.as_deref(), Paths { old: &old_path, new: &change.path });
        // Only whether there is a new version counts from here on.
        let exists = new.is_some().then(|| BlobId::from_bytes([0; 20]));
        compared.push((BlobPair { old_path, path: change.path, old: change.old, new: exists }, calls));
    }
    let stale = if with_stale { stale_in_folder(repository, folder, &compared)? } else { Vec::new() };
    for (pair, calls) in compared {
        collector.add_file(None, pair, calls);
    }
    for (path, change) in stale {
        collector.add_change(None, &path, None, change);
    }
    Ok(collector.report)
}

/// Reads files beneath a folder: through no link that leads outside, and none without end.
fn reader_of(folder: &Path) -> Result<impl Fn(&str) -> Option<Vec<u8>>, ChangesError> {
    /// No source is larger.
    const LARGEST: u64 = 64 << 20;
    let folder = Folder::open(folder).map_err(unreadable(folder))?;
    Ok(move |path: &str| folder.read_over_links(Path::new(path), LARGEST).ok())
}

/// As [`stale_in_tree`], in the files that git follows, as they are on disk.
fn stale_in_folder(
    repository: &Repository,
    folder: &Path,
    compared: &ComparedFiles,
) -> Result<Vec<(String, CallChange)>, ChangesError> {
    let mut finder = stale_finder(compared, |path| folder.join(path).exists());
    if finder.is_empty() {
        return Ok(Vec::new());
    }
    let head = repository.tree_of(repository.resolve("HEAD")?.id)?;
    let mut paths: Vec<String> = repository
        .files(head, is_python)?
        .into_iter()
        .map(|(path, _)| path.to_string_lossy().into_owned())
        .chain(compared.iter().map(|(pair, _)| pair.path.clone()))
        .collect();
    paths.sort();
    paths.dedup();
    let read = reader_of(folder)?;
    let read = |path: &str| read(path).unwrap_or_default();
    for path in paths.iter().filter(|path| path.ends_with("__init__.py")) {
        let source = read(path);
        if finder.may_concern(&source) {
            finder.add_package(path, &source);
        }
    }
    let mut found = Vec::new();
    for path in &paths {
        let source = read(path);
        if finder.may_concern(&source) {
            found.extend(finder.find(path, &source).into_iter().map(|change| (path.clone(), change)));
        }
    }
    Ok(found)
}

fn two_files(old: &Path, new: &Path, stale: bool) -> Result<CallReport, ChangesError> {
    let read = |path: &Path| std::fs::read(path).map_err(unreadable(path));
    let (before, after) = (read(old)?, read(new)?);
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (old_path, path) = (text(old), text(new));
    // The two are versions of one module, whatever they are called.
    let calls = diff_files(Some(&before), Some(&after), Paths::same(&path));
    let mut stale_calls = Vec::new();
    if stale {
        let mut finder = crate::calls::StaleFinder::default();
        finder.add(&path, &calls.definitions);
        stale_calls = finder.find(&path, &after);
    }
    let mut collector = Collector::default();
    collector.add_file(None, BlobPair { old_path, path: path.clone(), old: None, new: None }, calls);
    for change in stale_calls {
        collector.add_change(None, &path, None, change);
    }
    Ok(collector.report)
}

fn patched(place: &Path, patch: &Path) -> Result<CallReport, ChangesError> {
    let mut text = Vec::new();
    if patch == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut text).map_err(unreadable(patch))?;
    } else {
        text = std::fs::read(patch).map_err(unreadable(patch))?;
    }
    // A patch can be read without a repository, only not as well.
    let repository = Repository::open(place).ok();
    let mut collector = Collector::default();
    for file in parse_patch(&text).iter().filter(|file| is_python(Path::new(file.path()))) {
        let (old, new, whole) = versions(repository.as_ref(), place, file);
        let path = file.path().to_owned();
        let old_path = file.old_path.clone().unwrap_or_else(|| path.clone());
        let paths = Paths { old: &old_path, new: &path };
        let mut calls = diff_files(Some(&old), Some(&new), paths);
        if !whole {
            calls.partly_after = Some(PartlyParsed::PatchOnly);
        }
        collector.add_file(None, BlobPair { old_path, path, old: None, new: None }, calls);
    }
    Ok(collector.report)
}

/// Both versions of a patched file, and whether they are whole: from the old content by its id, from the
/// file in `HEAD` or in the work tree, before or after the patch; or only what the patch shows.
fn versions(repository: Option<&Repository>, folder: &Path, file: &FilePatch) -> (Vec<u8>, Vec<u8>, bool) {
    let path = file.old_path.as_deref().unwrap_or_else(|| file.path());
    let in_head = |repository: &Repository| {
        let head = repository.resolve("HEAD").ok()?;
        repository.file_at(head.id, Path::new(path)).ok().flatten()
    };
    let mut candidates: Vec<Vec<u8>> = Vec::new();
    if file.old_path.is_none() {
        candidates.push(Vec::new());
    }
    if let Some(repository) = repository {
        let by_id = file.old_id.as_ref().and_then(|id| repository.blob_by_prefix(id).ok().flatten());
        candidates.extend(by_id);
        candidates.extend(in_head(repository));
    }
    let top = repository.and_then(Repository::workdir).unwrap_or(folder);
    // What a patch names is its own choice.
    if let Ok(read) = reader_of(top) {
        candidates.extend([path, file.path()].iter().filter_map(|path| read(path)));
    }
    for candidate in &candidates {
        if let Some(new) = file.apply(candidate) {
            return (candidate.clone(), new, true);
        }
    }
    for candidate in &candidates {
        if let Some(old) = file.undo(candidate) {
            return (old, candidate.clone(), true);
        }
    }
    let (old, new) = file.fragments();
    (old, new, false)
}

fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> ChangesError + use<> {
    let path = path.to_owned();
    move |error| ChangesError::Unreadable { path, error }
}
