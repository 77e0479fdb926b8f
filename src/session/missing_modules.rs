//! A bad end that does not come to the test for want of a module that is not the project's.
//!
//! Each commit whose tests import such a module fails in this way, and so the first that does would be named, whatever it
//! broke. Where the version declares the package in a list that was not chosen, that is added, and the search begins anew.
//! Otherwise it ends at once, and says which package has the module; where other tests ran and failed, those are searched
//! for. Where good has the module and bad has not, a release or a declaration took it away, which is a cause as any other.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use super::Matching;
use super::error::EarlyExit;
use super::finished_trial::FinishedTrial;
use super::package_trial::origin;
use super::state::Session;
use crate::executor::Provided;
use crate::model::{
    CommitId, Conclusion, FailureKind, FailureSignature, PackageDate, Termination, TreeId, TrialOutput,
    TrialSpec,
};
use crate::triage::{CommandFacts, read};

impl Session<'_> {
    /// What follows when the run at bad came to no test for want of a foreign module; `None` when that is not why.
    pub(super) fn for_want_of_a_module(
        &mut self,
        done: &FinishedTrial,
    ) -> Result<Option<EarlyExit>, EarlyExit> {
        let by_signature = matches!(self.plan.matching, Matching::Signature);
        let Some(packages) = self.workshop.packages.filter(|_| by_signature && !self.plan.find_fix) else {
            return Ok(None);
        };
        let command = CommandFacts::of(&self.plan.recipe.command);
        if command.runner.is_none() && !command.runs_pytest {
            return Ok(None);
        }
        let reading = read(&done.output, &command);
        let module =
            missing_at_import(&done.output).or_else(|| reading.failures.iter().find_map(wanted_at_import));
        let Some(module) = module else { return Ok(None) };
        let tree = self.trials.tree_of(done.commit)?;
        if self.is_own(tree, &module)? {
            return self.for_want_of_a_build(done, tree, &module);
        }
        let cancel = self.workshop.cancel;
        for good in self.plan.good.clone() {
            let there = origin((good, self.trials.tree_of(good)?), PackageDate::Asked);
            if packages.has_module(there, &module, cancel) == Some(true) {
                return Ok(None);
            }
        }
        let at = origin((done.commit, tree), PackageDate::Asked);
        let provided = packages.provider_of(at, &module, cancel);
        if let Some(Provided { package, declared: Some(place), lines }) = &provided
            && !self.added.contains(lines)
        {
            self.journal.note(format!(
                "the tests import {module}, which {package} has: added for all commits, as {place} declares it ({})",
                lines.join(", ")
            ))?;
            packages.add_packages(lines);
            self.added.push(lines.clone());
            return Ok(Some(EarlyExit::Anew));
        }
        let wanting = reading.failures.iter().filter(|failure| is_for_want_of(failure, &module)).count();
        let others_ran = reading.summary.as_ref().is_some_and(|run| !run.nothing_passed());
        if others_ran && wanting < reading.failures.len() {
            let package = provided.map_or_else(|| "PKG".to_owned(), |provided| provided.package);
            self.journal.note(format!(
                "there is no module named '{module}', which is not the project's own: {} at bad for want of it left aside \
                 (--with {package})",
                if wanting == 1 { "a failure".to_owned() } else { format!("{wanting} failures") }
            ))?;
            self.targets.wanting = Some(module);
            return Ok(None);
        }
        let commit = done.commit.short();
        let (has, hint) = match provided {
            Some(Provided { package, .. }) => (
                format!("the package {package} has it, which nothing declares for the tests"),
                format!("--with {package}"),
            ),
            None => (
                "no package of that name was found".to_owned(),
                "name the package that has it: --with PKG; what was part of Python once: --python X.Y"
                    .to_owned(),
            ),
        };
        let reason = format!(
            "at the bad commit {commit}, the tests were not reached: there is no module named '{module}', which is not the \
             project's own; {has}"
        );
        let hint = format!("{hint}; if that is what you look for: --match \"No module named '{module}'\"");
        Ok(Some(EarlyExit::Concluded(Conclusion::NotReproduced { reason, hint: Some(hint) })))
    }

    /// What makes commits testable that are in the answer because their tests want a foreign module, where they do.
    pub(super) fn module_wanted_by(&self, members: &[CommitId]) -> Result<Option<String>, EarlyExit> {
        let skipped = self.printed.skipped.iter().filter(|(_, commit, _)| members.contains(commit));
        for (_, commit, output) in skipped {
            let Some(module) = missing_at_import(output) else { continue };
            let tree = self.workshop.repository.tree_of(*commit)?;
            if self.is_own(tree, &module)? {
                continue;
            }
            let remedy = match self.workshop.packages {
                Some(packages) => {
                    let at = origin((*commit, tree), PackageDate::Asked);
                    let provided = packages.provider_of(at, &module, self.workshop.cancel);
                    format!("--with {}", provided.map_or_else(|| "PKG".to_owned(), |provided| provided.package))
                }
                None => "install what has it, or --env auto, which gives each commit the packages that it declares"
                    .to_owned(),
            };
            return Ok(Some(format!(
                "commits such as {} could be tested if there were a module named '{module}': {remedy}",
                commit.short()
            )));
        }
        Ok(None)
    }

    /// What follows when a module of the project has to be compiled: a set-up that may do it is tried once.
    fn for_want_of_a_build(
        &mut self,
        done: &FinishedTrial,
        tree: TreeId,
        module: &str,
    ) -> Result<Option<EarlyExit>, EarlyExit> {
        let last = module.rsplit('.').next().unwrap_or(module).to_owned();
        if self.plan.recipe.setup.is_some() {
            return Ok(None);
        }
        let repository = self.workshop.shadow.repository();
        let is_source = |path: &Path| {
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            let is_native = ["c", "cc", "cpp", "cxx", "pyx", "rs", "f90"].contains(&ending);
            let is_script = path == Path::new("setup.py") || path == Path::new("pyproject.toml");
            is_native || is_script || (ending == "py" && path.file_stem().is_some_and(|stem| *stem == *last))
        };
        let files = repository.files(tree, is_source)?;
        let has =
            |ending: &str| files.iter().any(|(path, _)| path.extension().is_some_and(|own| own == ending));
        let is_native = ["c", "cc", "cpp", "cxx", "pyx", "rs", "f90"].iter().any(|ending| has(ending));
        let is_there = files.iter().any(|(path, _)| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name == format!("{last}.py") && !matches!(name, "setup.py")
        });
        if !is_native || is_there {
            return Ok(None);
        }
        let text = |name: &str| {
            let id = files.iter().find(|(path, _)| path == Path::new(name))?.1;
            String::from_utf8(repository.blob(id).ok()?).ok()
        };
        let backend = text("pyproject.toml").unwrap_or_default();
        let setup = if backend.contains("maturin") {
            "maturin develop -q"
        } else if text("setup.py").is_some() {
            "python setup.py -q build_ext -i"
        } else {
            "uv pip install -q --no-deps --no-build-isolation -e ."
        };
        let recipe = TrialSpec { setup: Some(setup.to_owned()), ..TrialSpec::clone(self.trials.recipe()) };
        let after = self.run_aside(done.commit, tree, recipe)?;
        let came = match (&after.ending, missing_at_import(&after)) {
            (Termination::SetupFailed { reason }, _) => {
                format!("tried: it fails, {reason}{}", last_line(&after))
            }
            (_, Some(other)) => format!("tried: then there is no module named '{other}'"),
            (Termination::Exited { code: 0 }, None) => "tried: with it the command passes".to_owned(),
            _ => "tried: with it the tests are reached".to_owned(),
        };
        let reason = format!(
            "at the bad commit {}, the tests were not reached: {module} is compiled from the project's sources, and nobody \
             builds it in a checkout",
            done.commit.short()
        );
        let hint = format!("--setup '{setup}' --keep build ({came})");
        Ok(Some(EarlyExit::Concluded(Conclusion::NotReproduced { reason, hint: Some(hint) })))
    }

    /// Whether a module, or the package that it would be in, is in the tree.
    fn is_own(&self, tree: TreeId, module: &str) -> Result<bool, EarlyExit> {
        let top = module.split('.').next().unwrap_or(module).to_owned();
        let is_it = |path: &Path| {
            path.extension().is_some_and(|ending| ending == "py" || ending == "pyx" || ending == "pyi")
                && (path.file_stem().is_some_and(|stem| stem.to_str() == Some(top.as_str()))
                    || path.parent().is_some_and(|folder| {
                        folder.components().any(|part| part.as_os_str().to_str() == Some(top.as_str()))
                    }))
        };
        Ok(!self.workshop.shadow.repository().files(tree, is_it)?.is_empty())
    }
}

/// Whether a failure is for want of this module.
pub(super) fn is_for_want_of(failure: &FailureSignature, module: &str) -> bool {
    failure.message.contains(&format!("No module named '{module}'"))
}

/// The module for want of which a test module could not be imported: no line of the project ran inside of a function.
fn wanted_at_import(failure: &FailureSignature) -> Option<String> {
    let FailureKind::Exception(kind) = &failure.kind else { return None };
    let is_import = kind.ends_with("ModuleNotFoundError") || kind.ends_with("ImportError");
    let module = failure.message.strip_prefix("No module named ").filter(|_| is_import)?;
    let module = module.strip_prefix('\'')?.split('\'').next()?;
    let mut own = failure.frames.iter().filter(|frame| !frame.path.starts_with('/')).peekable();
    own.peek()?;
    own.all(|frame| frame.function.as_deref() == Some("<module>")).then(|| module.to_owned())
}

fn last_line(output: &TrialOutput) -> String {
    let texts = [&output.stderr.text, &output.stdout.text];
    let last = texts.into_iter().find_map(|text| text.trim_end().lines().next_back());
    last.map(|line| format!(": {}", line.trim())).unwrap_or_default()
}

/// The module for want of which a runner could import neither conftest nor a test module.
fn missing_at_import(output: &TrialOutput) -> Option<String> {
    static MODULE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?m)^(?:E\s+)?(?:ModuleNotFoundError|ImportError): No module named '?([A-Za-z_][\w.]*)'?",
        )
        .ok()
    });
    const WORDS: [&str; 5] = [
        "ImportError while loading conftest",
        "ERROR collecting",
        "errors during collection",
        "error during collection",
        "Failed to import test module",
    ];
    if !matches!(output.ending, Termination::Exited { code } if code != 0) {
        return None;
    }
    let texts = [&output.stdout.text, &output.stderr.text];
    if !texts.iter().any(|text| WORDS.iter().any(|words| text.contains(words))) {
        return None;
    }
    let found = texts.iter().find_map(|text| MODULE.as_ref()?.captures_iter(text).last())?;
    Some(found[1].trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Captured;

    fn missing(code: i32, text: &str) -> Option<String> {
        let stdout = Captured { text: text.to_owned(), ..Captured::default() };
        missing_at_import(&TrialOutput {
            ending: Termination::Exited { code },
            stdout,
            stderr: Captured::default(),
            timing: crate::model::Timing::default(),
            leftovers: 0,
            notes: Vec::new(),
            files: Vec::new(),
        })
    }

    #[test]
    fn a_module_that_is_missing_before_the_first_test_is_told_from_one_in_a_test() {
        let conftest = "ImportError while loading conftest '/t/tests/conftest.py'.\ntests/conftest.py:1: in <module>\n    import yaml\nE   ModuleNotFoundError: No module named 'yaml'\n";
        assert_eq!(missing(4, conftest).as_deref(), Some("yaml"));
        let unittest = "ERROR: tests.test_a (unittest.loader._FailedTest)\nImportError: Failed to import test module: tests.test_a\nTraceback:\nModuleNotFoundError: No module named 'google.cloud'\n";
        assert_eq!(missing(1, unittest).as_deref(), Some("google.cloud"));
        let in_test = "    import yaml\nE   ModuleNotFoundError: No module named 'yaml'\n1 failed in 0.1s\n";
        assert_eq!(missing(1, in_test), None);
        assert_eq!(missing(0, conftest), None);
        assert_eq!(missing(2, "ERROR collecting tests/test_a.py\nE   SyntaxError: invalid syntax\n"), None);
    }
}
