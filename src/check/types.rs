//! The type checker on both trees.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::findings::merge_findings;
use super::merge_check::MergeCheck;
use super::request::CheckRequest;
use super::type_checker::{Around, ToolError, TypeChecker};
use super::type_findings::{Diagnostic, type_findings};
use crate::git::{ExportedTrees, is_python};
use crate::model::{CancelToken, CommitId, TreeId};
use crate::pyenv::{ProbeError, Prober, find_python};
use crate::setup::{Error, Request, cache_dir};

/// Files that a type checker reads besides sources.
const SETTINGS: [&str; 7] =
    ["py.typed", "pyproject.toml", "ty.toml", "pyrightconfig.json", "mypy.ini", ".mypy.ini", "setup.cfg"];

impl MergeCheck<'_, '_> {
    /// Ask the type checker, when there are calls to ask about.
    pub(super) fn types(&mut self, request: &CheckRequest, cancel: &CancelToken) -> Result<(), Error> {
        let Some(kind) = request.types else { return Ok(()) };
        let wanted: BTreeSet<&str> =
            self.calls.iter().filter(|call| call.site().is_some()).map(|call| call.path.as_str()).collect();
        let new: Vec<String> = wanted.iter().map(|&path| path.to_owned()).collect();
        if new.is_empty() {
            return Ok(());
        }
        let moved: HashMap<&str, &str> =
            self.calls.iter().map(|call| (call.path.as_str(), call.old_path.as_str())).collect();
        let shadow = self.prepared.bench.shadow.repository();
        let mut old = Vec::new();
        for path in &new {
            let path = moved.get(path.as_str()).copied().unwrap_or(path);
            if shadow.entry_at(self.base, Path::new(path))?.is_some() {
                old.push(path.to_owned());
            }
        }
        let cache = cache_dir::cache()?;
        let python = self.python(&request.run)?;
        let refuses = |program: &Path| self.prepared.repository.brings(program);
        let around = Around { sandbox: self.prepared.tools.sandbox.as_ref(), refuses: &refuses };
        let said = TypeChecker::find(kind, python, &cache.join("tools"), around, cancel)
            .and_then(|checker| Ok((checker.name(), self.ask(&checker, &cache, [&old, &new], cancel)?)));
        match said {
            Ok((name, Asked { before, after })) => {
                let source = |path: &str| self.source(path).unwrap_or_default();
                let findings = type_findings(name, &before, &after, &self.calls, source);
                merge_findings(&mut self.report.findings, findings);
            }
            Err(_) if cancel.is_cancelled() => {}
            Err(error) => {
                let error = anyhow::Error::from(error);
                self.report.notes.push(format!("no type evidence: {error:#}"));
            }
        }
        Ok(())
    }

    /// The interpreter whose packages count.
    fn python(&mut self, request: &Request) -> Result<Option<PathBuf>, Error> {
        let repository = &self.prepared.repository;
        let here = request.repo.clone().or_else(|| std::env::current_dir().ok()).unwrap_or_default();
        let own = || {
            let top = repository.workdir()?;
            [".venv", "venv"]
                .iter()
                .map(|name| top.join(name).join("bin/python"))
                .find(|python| python.is_file())
        };
        let active = || std::env::var_os("VIRTUAL_ENV").map(|top| Path::new(&top).join("bin/python"));
        // `3.12` is `python3.12`.
        let asked = request.environment.python.as_deref();
        let named = asked.and_then(|python| {
            let version = format!("python{python}");
            let is_version = python.starts_with(|first: char| first.is_ascii_digit());
            find_python(if is_version { version.as_ref() } else { python.as_ref() }, &here)
        });
        // An environment's own is found in other ways as well.
        if let (Some(asked), None, false) = (asked, &named, self.prepared.bench.packages().is_some()) {
            return Err(Error::usage(format!("--python {asked}: there is no such interpreter"))
                .hinted("a path, or a version whose program is on PATH: --python 3.12"));
        }
        let found = match (named, self.prepared.plan.recipe.command.first()) {
            (Some(python), _) => Some(python),
            (None, Some(program)) => find_python(program, &here),
            (None, None) => active().or_else(own).or_else(|| find_python("python3".as_ref(), &here)),
        };
        let refuses = |program: &Path| repository.brings(program);
        let prober = Prober { sandbox: self.prepared.tools.questions.as_ref(), refuses: &refuses };
        match found.map(|found| prober.probe(&found)) {
            Some(Err(error @ ProbeError::Tracked { .. })) => {
                self.report.notes.push(format!("{error}; imports are looked up without it"));
                Ok(None)
            }
            Some(probed) => Ok(probed.ok().map(|python| python.executable)),
            None => Ok(None),
        }
    }

    /// Where both trees lie: kept from run to run, or of this run when another one uses that.
    fn mirror(&self, cache: &Path) -> std::io::Result<ExportedTrees> {
        let repository = self.prepared.repository.folder();
        let name = &blake3::hash(repository.as_os_str().as_encoded_bytes()).to_hex()[..16];
        let kept = ExportedTrees::kept(&cache.join("types"), name)?;
        Ok(kept.unwrap_or_else(|| ExportedTrees::temporary(self.prepared.bench.folder().join("types"))))
    }

    /// Both trees at the same time.
    fn ask(
        &mut self,
        checker: &TypeChecker,
        cache: &Path,
        [old, new]: [&[String]; 2],
        cancel: &CancelToken,
    ) -> Result<Asked, ToolError> {
        let failed = |error: anyhow::Error| ToolError::Failed {
            name: checker.name(),
            how: format!("cannot be given the sources: {error:#}"),
        };
        let mut mirror = self.mirror(cache).map_err(|error| failed(error.into()))?;
        let mut bring = |name: &str, tree: TreeId| {
            let repository = self.prepared.bench.shadow.repository();
            mirror.sync_tree(repository, name, tree, is_read).map_err(|error| failed(error.into()))
        };
        let (merged, base) = (bring("merged", self.merged)?, bring("base", self.base)?);
        if checker.leaves_out_code(&merged) {
            let what = format!("{} runs without the plugins that the settings name", checker.name());
            self.report.notes.push(format!("{what}: they are code of the tree"));
        }
        // Where versions have environments of their own, those are what they import.
        let own = |commit: CommitId, tree: TreeId| {
            let tree = self.overlaid(tree).ok()?;
            let python = self.prepared.bench.packages()?.interpreter_of(commit, tree, cancel)?;
            Some(checker.with_python(python))
        };
        let of_base = own(self.report.base.commit, self.base).unwrap_or_else(|| checker.clone());
        let of_merged = own(self.report.head.commit, self.merged).unwrap_or_else(|| checker.clone());
        let (before, after) = std::thread::scope(|scope| {
            let before = scope.spawn(|| of_base.check(&base, old, cancel));
            let after = of_merged.check(&merged, new, cancel);
            (before.join(), after)
        });
        let before = before.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(Asked { before, after: after? })
    }
}

/// Whether a type checker reads a file.
fn is_read(path: &Path) -> bool {
    let is_settings = |name: &std::ffi::OsStr| SETTINGS.iter().any(|known| name == *known);
    is_python(path) || path.file_name().is_some_and(is_settings)
}

struct Asked {
    before: Vec<Diagnostic>,
    after: Vec<Diagnostic>,
}
