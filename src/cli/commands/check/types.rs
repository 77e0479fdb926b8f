//! The type checker on both trees.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::look::Look;
use super::{Args, Types};
use crate::check::{Checker, CheckerKind, Diagnostic, ToolError, add_or_support, type_findings};
use crate::cli::{CliError, folders};
use crate::git::is_python;
use crate::model::{CancelToken, TreeId};
use crate::pyenv::{Interpreter, find_python};

/// Files that a type checker reads besides sources.
const SETTINGS: [&str; 7] =
    ["py.typed", "pyproject.toml", "ty.toml", "pyrightconfig.json", "mypy.ini", ".mypy.ini", "setup.cfg"];

impl Look<'_> {
    /// Ask the type checker, when there are calls to ask about.
    pub(super) fn types(&mut self, args: &Args, cancel: &CancelToken) -> Result<(), CliError> {
        let kind = match args.types {
            Types::Ty => CheckerKind::Ty,
            Types::Pyright => CheckerKind::Pyright,
            Types::Mypy => CheckerKind::Mypy,
            Types::Off => return Ok(()),
        };
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
        let tools = folders::cache()?.join("tools");
        let python = self.python(args);
        let said = Checker::find(kind, python, &tools, cancel)
            .and_then(|checker| Ok((checker.name(), self.ask(&checker, &old, &new, cancel)?)));
        match said {
            Ok((name, Asked { before, after })) => {
                let source = |path: &str| self.source(path).unwrap_or_default();
                let findings = type_findings(name, &before, &after, &self.calls, source);
                add_or_support(&mut self.report.findings, findings);
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
    fn python(&self, args: &Args) -> Option<PathBuf> {
        let repository = &self.prepared.repository;
        let here = args.repo.clone().or_else(|| std::env::current_dir().ok()).unwrap_or_default();
        let own = || {
            let top = repository.workdir()?;
            [".venv", "venv"]
                .iter()
                .map(|name| top.join(name).join("bin/python"))
                .find(|python| python.is_file())
        };
        let active = || std::env::var_os("VIRTUAL_ENV").map(|top| Path::new(&top).join("bin/python"));
        let named = args.environment.python.as_deref().filter(|python| Path::new(python).is_file());
        let found = match (named, self.prepared.plan.recipe.command.first()) {
            (Some(python), _) => find_python(python.as_ref(), &here),
            (None, Some(program)) => find_python(program, &here),
            (None, None) => active().or_else(own).or_else(|| find_python("python3".as_ref(), &here)),
        }?;
        Interpreter::probe(&found, Path::new("/")).ok().map(|python| python.executable)
    }

    /// Both trees at the same time.
    fn ask(
        &self,
        checker: &Checker,
        old: &[String],
        new: &[String],
        cancel: &CancelToken,
    ) -> Result<Asked, ToolError> {
        let folder = self.prepared.bench.folder().join("types");
        let (base, merged) = (folder.join("base"), folder.join("merged"));
        let wanted = |path: &Path| {
            is_python(path)
                || path.file_name().is_some_and(|name| SETTINGS.iter().any(|known| name == *known))
        };
        let export = |tree: TreeId, folder: &Path, written: &HashMap<_, _>| {
            self.prepared.bench.shadow.repository().export(tree, folder, written, wanted).map_err(|error| {
                ToolError::Failed {
                    name: checker.name(),
                    how: format!("cannot be given the sources: {error}"),
                }
            })
        };
        let written = export(self.merged, &merged, &HashMap::new())?;
        export(self.base, &base, &written)?;
        let (before, after) = std::thread::scope(|scope| {
            let before = scope.spawn(|| checker.check(&base, old, cancel));
            let after = checker.check(&merged, new, cancel);
            (before.join(), after)
        });
        let before = before.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(Asked { before, after: after? })
    }
}

struct Asked {
    before: Vec<Diagnostic>,
    after: Vec<Diagnostic>,
}
