//! The trials of the search run the failing tests only, where the command runs a whole suite; the commit that is named,
//! and its parents, run the user's command as it is.
//!
//! At each commit the tests are selected as they are there: by id where the test's file has it, by file where it has not;
//! and where the file is not there, or the selected tests come to nothing, the whole command runs. A selection never
//! decides by itself: it has to show the failure at bad, and where the whole command says anything else than the selected
//! tests, or where the search does not come to one commit, all begins anew with the whole command.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Matching;
use super::error::EarlyExit;
use super::plan::{Limits, OnlyFailing};
use super::range::SearchRange;
use super::selection_state::State;
use super::state::Session;
use crate::graph::Node;
use crate::model::{CommitId, EventKind, Proof, SkipKind, TrialId, TrialKind, TrialSpec, Verdict};
use crate::search::{Observation, SearchOutcome};
use crate::triage::runners::{Pick, Selecting, seconds_told};
use crate::triage::{Oracle as _, ParsedOutput, is_of};

/// A suite that is faster than this, in seconds by its runner's own clock, is run as a whole.
const WORTH: f64 = 3.0;
/// So many commits may need the whole command after all.
const MOST_WHOLE: usize = 3;

impl Session<'_> {
    /// Once the failure at bad is known: whether its tests can run alone, and show it then.
    pub(super) fn decide_selection(&mut self) -> Result<(), EarlyExit> {
        let is_open = matches!(self.selection.state, State::Open);
        if !is_open || self.target.is_none() || !self.seen.contains_key(&self.plan.bad) {
            return Ok(());
        }
        self.selection.state = State::Whole;
        let Some((how, picks)) = self.selectable() else { return Ok(()) };
        self.selection.state = State::Selected { how, picks };
        let Some(recipe) = self.selected_recipe(self.plan.bad)? else {
            self.selection.state = State::Whole;
            return Ok(());
        };
        let command = recipe.command.iter().map(|word| word.to_string_lossy());
        let command = cut(&shell_words::join(command));
        if self.shows_all(recipe)? {
            self.journal.note(format!(
                "trials of the search run the failing tests only ({command}); the commit that is named and its parents run \
                 the whole command"
            ))?;
        } else {
            self.selection.state = State::Whole;
            self.journal.note(format!(
                "the failing tests do not fail alone as they do among the others ({command}), so each trial runs the whole \
                 command"
            ))?;
        }
        Ok(())
    }

    /// The failing tests, as the command's runner can be asked for them; `None` where it cannot, or that would not pay.
    fn selectable(&self) -> Option<(Selecting, Vec<(String, Pick)>)> {
        let is_plain =
            matches!(self.plan.matching, Matching::Signature) && !self.plan.find_fix && !self.plan.watch;
        if self.plan.only_failing == OnlyFailing::Never || !is_plain {
            return None;
        }
        let (output, reading) = self.targets.run_at(self.plan.bad)?;
        let mut tests: Vec<String> = self.target.as_ref()?.tests.clone();
        for test in self.targets.new.iter().flat_map(|failure| &failure.tests) {
            if !tests.contains(test) {
                tests.push(test.clone());
            }
        }
        let run = reading.summary.as_ref().filter(|run| run.is_closed && !run.interrupted)?;
        let is_part = !tests.is_empty() && usize::try_from(run.ran()).is_ok_and(|ran| ran > tests.len());
        let took = seconds_told(&output.stdout.text).or_else(|| seconds_told(&output.stderr.text));
        let pays = self.plan.only_failing == OnlyFailing::Always || took.is_some_and(|took| took >= WORTH);
        if !is_part || !pays {
            return None;
        }
        let is_path = |word: &str| self.is_in_tree(self.plan.bad, word);
        let how = Selecting::of(&self.plan.recipe.command, &is_path)?;
        let picks: Option<Vec<(String, Pick)>> =
            tests.into_iter().map(|test| how.pick(&test).map(|pick| (test, pick))).collect();
        Some((how, picks?))
    }

    /// Whether the selected tests fail at bad as the whole command showed it, each of them.
    fn shows_all(&mut self, recipe: TrialSpec) -> Result<bool, EarlyExit> {
        let bad = self.plan.bad;
        let tree = self.trials.tree_of(bad)?;
        let limit = Limits::after(self.pace.slowest);
        let recipe =
            TrialSpec { timeout: recipe.timeout.or(Some(limit.max(Duration::from_secs(120)))), ..recipe };
        let id = self.trials.start_recipe(bad, tree, TrialKind::Repeat, recipe)?;
        self.say_started(id, bad, TrialKind::Repeat)?;
        let mut others = Vec::new();
        let done = loop {
            let Some(done) = self.trials.wait(None)? else { return Err(EarlyExit::Interrupted) };
            if done.id == id {
                break done;
            }
            others.push(done);
        };
        let failures: Vec<_> = self.target.iter().chain(&self.targets.new).cloned().collect();
        let shows = |failure| {
            let oracle = self.oracle_of(failure);
            oracle.is_some_and(|oracle| oracle.judge(&done.output) == Verdict::Bad)
        };
        let shows_all = failures.iter().all(shows);
        if shows_all {
            self.selection.trials.insert(id);
            others.push(done);
        } else {
            self.journal.say(EventKind::TrialCancelled { trial: id })?;
        }
        self.trials.put_back(others);
        Ok(shows_all)
    }

    /// How a trial runs that is not the whole command's; `None` where it is.
    pub(super) fn recipe_for(
        &mut self,
        commit: CommitId,
        purpose: TrialKind,
    ) -> Result<Option<TrialSpec>, EarlyExit> {
        let may = matches!(purpose, TrialKind::Search | TrialKind::Repeat | TrialKind::Narrowing);
        if !may || !self.selection.is_active() || self.selection.needs_whole.contains(&commit) {
            return Ok(None);
        }
        self.selected_recipe(commit)
    }

    fn selected_recipe(&self, commit: CommitId) -> Result<Option<TrialSpec>, EarlyExit> {
        let State::Selected { how, picks } = &self.selection.state else { return Ok(None) };
        let mut asked: Vec<String> = Vec::new();
        for (test, pick) in picks {
            let is_target = self.target.as_ref().is_some_and(|target| target.tests.contains(test));
            match self.asked_for(commit, pick)? {
                Some(one) if !asked.contains(&one) => asked.push(one),
                Some(_) => {}
                // The others may be newer. The one that is searched for has to be there.
                None if is_target => return Ok(None),
                None => {}
            }
        }
        let recipe = TrialSpec { command: how.command(&asked), ..self.trials.recipe().clone() };
        Ok(Some(recipe).filter(|_| !asked.is_empty()))
    }

    /// A test as it is called at a commit; its file where it is not found in it, and none where that is not there.
    fn asked_for(&self, commit: CommitId, pick: &Pick) -> Result<Option<String>, EarlyExit> {
        let (path, names) = match pick {
            Pick::Pattern(pattern) => return Ok(Some(pattern.clone())),
            Pick::Node { path, names } => (path, names),
        };
        let Some((path, text)) = self.test_file(commit, path)? else { return Ok(None) };
        let is_id = defines(&text, names);
        Ok(Some(if is_id { format!("{path}::{}", names.join("::")) } else { path }))
    }

    /// Whether a commit has a test, by its file, wherever that lies there, and the names in it.
    pub(super) fn has_test(&self, commit: CommitId, path: &str, names: &[String]) -> Result<bool, EarlyExit> {
        Ok(self.test_file(commit, path)?.is_some_and(|(_, text)| defines(&text, names)))
    }

    /// The file of a test at a commit, also where it lies in another folder there, and its text.
    pub(super) fn test_file(
        &self,
        commit: CommitId,
        path: &str,
    ) -> Result<Option<(String, String)>, EarlyExit> {
        let subdir = &self.plan.recipe.subdir;
        if let Some(text) = self.content(commit, &subdir.join(path))? {
            return Ok(Some((path.to_owned(), text)));
        }
        let repository = self.workshop.repository;
        let name = Path::new(path).file_name();
        let alike = repository.files(repository.tree_of(commit)?, |other| {
            other.file_name() == name && other.starts_with(subdir)
        })?;
        let [(found, _)] = alike.as_slice() else { return Ok(None) };
        let Some(text) = self.content(commit, found)? else { return Ok(None) };
        let inside = found.strip_prefix(subdir).unwrap_or(found).to_string_lossy().into_owned();
        Ok(Some((inside, text)))
    }

    /// A file as trials of a commit see it.
    fn content(&self, commit: CommitId, path: &Path) -> Result<Option<String>, EarlyExit> {
        let laid_over = self.plan.overlay.iter().find(|file| Path::new(&file.path) == path);
        let content = match laid_over {
            Some(file) => Some(file.content.clone()),
            None => self.workshop.repository.file_at(commit, path)?,
        };
        Ok(content.map(|content| String::from_utf8_lossy(&content).into_owned()))
    }

    /// Whether a word of the command is a file or folder of a commit.
    fn is_in_tree(&self, commit: CommitId, word: &str) -> bool {
        let inside = word.trim_start_matches("./").trim_end_matches('/');
        let path: PathBuf = self.plan.recipe.subdir.join(inside);
        let is_here = matches!(inside, "" | ".");
        let in_overlay = self.plan.overlay.iter().any(|file| Path::new(&file.path).starts_with(&path));
        let repository = self.workshop.repository;
        let in_commit = || {
            let tree = repository.tree_of(commit).ok()?;
            let below = repository.files(tree, |file| file.starts_with(&path)).ok()?;
            Some(!below.is_empty())
        };
        is_here || in_overlay || in_commit().unwrap_or(false)
    }

    /// A trial of the selected tests said nothing of its commit: whether the whole command runs there instead.
    pub(super) fn runs_whole_instead(
        &mut self,
        trial: TrialId,
        (commit, purpose): (CommitId, TrialKind),
        verdict: &Verdict,
        reading: &ParsedOutput,
    ) -> Result<bool, EarlyExit> {
        let Verdict::Skip(skip) = verdict else { return Ok(false) };
        let in_vain =
            matches!(skip.kind, SkipKind::NotRunnable | SkipKind::NothingPassed | SkipKind::DifferentFailure);
        if !self.selection.has(trial) || !purpose.is_of_commit() || !in_vain {
            return Ok(false);
        }
        // The test ran, and failed otherwise: so it does among the others.
        let target = self.target.as_ref();
        let own = |test: &String| target.is_some_and(|target| is_of(target, test));
        if reading.failures.iter().flat_map(|failure| &failure.tests).any(own) {
            return Ok(false);
        }
        self.selection.needs_whole.insert(commit);
        self.journal.say(EventKind::TrialCancelled { trial })?;
        if self.selection.needs_whole.len() > MOST_WHOLE {
            return Err(self.without_selection("the failing tests do not run alone at several commits")?);
        }
        self.start(commit, purpose)?;
        Ok(true)
    }

    /// Take note of what a trial said of its commit, in the terms of the search.
    pub(super) fn note_selection(
        &mut self,
        trial: TrialId,
        commit: CommitId,
        verdict: &Verdict,
    ) -> Result<(), EarlyExit> {
        let is_selected = self.selection.has(trial);
        let seen = if is_selected { &mut self.selection.selected } else { &mut self.selection.whole };
        seen.entry(commit).or_default().add(Observation::of(verdict));
        if self.selection.is_active() && self.selection.is_contradicted(commit) {
            let why = format!(
                "at {} the whole command says something else than the failing tests alone",
                commit.short()
            );
            return Err(self.without_selection(&why)?);
        }
        Ok(())
    }

    /// Ask for what the whole command still has to say of an outcome. Whether there is anything.
    pub(super) fn proves_whole(
        &mut self,
        hunt: &SearchRange,
        outcome: &SearchOutcome,
        by_faces: bool,
    ) -> Result<bool, EarlyExit> {
        if !self.selection.is_active() {
            return Ok(false);
        }
        let culprit: Node = match outcome {
            SearchOutcome::Found { culprit, .. } if !by_faces => *culprit,
            _ => {
                return Err(self.without_selection("the failing tests alone do not tell which commit it is")?);
            }
        };
        let info = self.workshop.repository.info(hunt.id(culprit))?;
        let named: Vec<CommitId> = Proof::named(&info, self.plan.first_parent).collect();
        let mut waits = false;
        for (at, &commit) in named.iter().enumerate() {
            match self.selection.whole.get(&commit) {
                None => {
                    waits = true;
                    if !self.runs_whole(commit) {
                        self.start(commit, TrialKind::Proof)?;
                    }
                }
                Some(seen) if (at == 0 && seen.bad > 0) || (at > 0 && seen.good > 0) => {}
                Some(_) => {
                    let why = format!("the whole command does not tell of {}", commit.short());
                    return Err(self.without_selection(&why)?);
                }
            }
        }
        Ok(waits)
    }

    fn runs_whole(&self, commit: CommitId) -> bool {
        self.trials.of_commits().any(|(id, running, _)| running == commit && !self.selection.has(id))
    }

    /// All begins anew with the whole command.
    fn without_selection(&mut self, why: &str) -> Result<EarlyExit, EarlyExit> {
        self.selection.state = State::Whole;
        self.journal.note(format!("{why}, so each trial runs the whole command"))?;
        self.earlier = self.targets.known();
        match self.target.clone() {
            Some(target) => Ok(EarlyExit::OtherTarget(Box::new(target))),
            None => Ok(EarlyExit::Interrupted),
        }
    }

    /// Start a trial of the selected tests, if that is how this one runs.
    pub(super) fn start_selected(
        &mut self,
        commit: CommitId,
        tree: crate::model::TreeId,
        purpose: TrialKind,
    ) -> Result<Option<TrialId>, EarlyExit> {
        let Some(recipe) = self.recipe_for(commit, purpose)? else { return Ok(None) };
        let shared = self.packages_to_share(commit, tree, purpose)?;
        let is_shared = shared.is_some();
        let recipe = TrialSpec { packages: shared.unwrap_or_else(|| recipe.packages.clone()), ..recipe };
        let id = self.trials.start_recipe(commit, tree, purpose, recipe)?;
        self.selection.trials.insert(id);
        if is_shared {
            self.is_shared(id)?;
        }
        Ok(Some(id))
    }

    /// Whether the next trial of a commit for this purpose would be answered from the record.
    pub(super) fn is_known_for(&mut self, commit: CommitId, purpose: TrialKind) -> Result<bool, EarlyExit> {
        let mut recipe = match self.recipe_for(commit, purpose)? {
            Some(recipe) => recipe,
            None => self.trials.recipe().clone(),
        };
        let tree = self.trials.tree_of(commit)?;
        if let Some(packages) = self.packages_to_share(commit, tree, purpose)? {
            recipe.packages = packages;
        }
        Ok(self.trials.is_known_with(commit, &recipe)?)
    }
}

/// A command of many tests, as far as anybody reads it.
fn cut(command: &str) -> String {
    const MOST: usize = 160;
    match command.char_indices().nth(MOST) {
        Some((end, _)) => format!("{} …", &command[..end]),
        None => command.to_owned(),
    }
}

/// Whether a text defines each of these classes and functions, the last one in the class, or in one of the file that it may
/// inherit from. Where the text defines a class twice, the tests of the first one never run.
fn defines(text: &str, names: &[String]) -> bool {
    let Some((name, classes)) = names.split_last() else { return true };
    let ends = |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
    let has = |text: &str, name: &str| {
        ["def ", "class "].iter().any(|word| {
            let found = format!("{word}{name}");
            text.match_indices(&found).any(|(at, _)| ends(&text[at + found.len()..]))
        })
    };
    match classes.last().and_then(|class| class_has(text, class, &|body| has(body, name), MOST_INHERITED)) {
        Some(found) => found,
        // A function; or a class within another, or within a function.
        None => names.iter().all(|name| has(text, name)),
    }
}

/// So many steps of inheritance are followed within a file.
const MOST_INHERITED: u32 = 8;

/// Whether the body of a class at the top of a text, or of one that it inherits from, has it; `None` where there is no such
/// class.
fn class_has(text: &str, class: &str, has: &dyn Fn(&str) -> bool, depth: u32) -> Option<bool> {
    let own = last_class(text, class)?;
    let (header, body) = own.split_once('\n').unwrap_or((&own, ""));
    let words = header.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let mut bases = words.skip(2).filter(|base| !base.is_empty() && *base != class && depth > 0);
    // Of a base from elsewhere that may have tests, nothing is known.
    let is_plain = |base: &str| base.ends_with("TestCase") || ["unittest", "object"].contains(&base);
    let inherits = |base: &str| match class_has(text, base, has, depth - 1) {
        Some(found) => found,
        None => !is_plain(base) && has(text),
    };
    Some(has(body) || bases.any(inherits))
}

/// The last class of a name at the top of a text: its header in one line, and its body.
fn last_class(text: &str, class: &str) -> Option<String> {
    let head = format!("class {class}");
    let begins =
        |line: &str| line.strip_prefix(head.as_str()).is_some_and(|rest| rest.starts_with(['(', ':']));
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.iter().rposition(|line| begins(line))?;
    let is_outside =
        |line: &&str| line.starts_with(|first: char| first.is_alphabetic() || "@_".contains(first));
    let end = lines[start + 1..].iter().position(is_outside).map_or(lines.len(), |end| start + 1 + end);
    // Bases may stand in several lines.
    let header = lines[start..end].iter().position(|line| line.trim_end().ends_with(':')).unwrap_or_default();
    let (header, body) = lines[start..end].split_at(header + 1);
    Some(format!("{}\n{}", header.join(" "), body.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::defines;

    #[test]
    fn a_class_that_is_defined_twice_has_the_tests_of_the_last() {
        let names = |names: [&str; 2]| names.map(str::to_owned);
        let text = "class TestA(Base):\n    def test_zero(self):\n        pass\n\nclass TestA(TestCase):\n    def test_one(self):\n        pass\n\n@skip\nclass TestB(Mixin):\n    def test_two(self):\n        \
                    pass\n\nclass TestA(unittest.TestCase,\n            TestC):\n    def test_three(self):\n        pass\n\n\nclass TestC:\n    def test_two(self):\n        pass\n";
        assert!(!defines(text, &names(["TestA", "test_one"])));
        assert!(defines(text, &names(["TestA", "test_three"])));
        assert!(defines(text, &names(["TestB", "test_two"])));
        // One that a class inherits stands in another; one of the same name in a class beside it is none of its own.
        assert!(defines(text, &names(["TestA", "test_two"])));
        assert!(
            !defines(text, &names(["TestC", "test_three"])) && !defines(text, &names(["TestA", "test_zero"]))
        );
        // What a base from elsewhere has is not known.
        assert!(defines(text, &names(["TestB", "test_three"])));
    }
}
