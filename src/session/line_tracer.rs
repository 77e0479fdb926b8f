//! A trial that is watched: which of some lines it executes.
//!
//! The same shim as in [`function_tracer`](super::function_tracer) loads `tracing/pybisect_lines.py`, which writes each of the wanted
//! lines down when it is first reached. Python 3.12 and later report each line once (`sys.monitoring`), so that it
//! costs next to nothing; earlier ones call the shim for each function.

use super::function_tracer::{with_shim, written};
use crate::model::{InputFile, TrialOutput, TrialSpec};
use std::collections::{BTreeMap, BTreeSet};

const LINES: &str = include_str!("tracing/pybisect_lines.py");

/// Lines by file, from the top of the tree.
pub type LinesByFile = BTreeMap<String, BTreeSet<u32>>;

/// Has a trial write down which of some lines it executes.
#[derive(Debug)]
pub struct LineTracer {
    wanted: LinesByFile,
}

/// What a watched trial did with the wanted lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineCoverage {
    /// Lines that ran.
    pub executed: LinesByFile,
    /// Lines that did not run.
    pub missed: LinesByFile,
    /// Files of which not even the top level ran.
    pub never_loaded: BTreeSet<String>,
}

impl LineTracer {
    /// For these lines. The files are of Python, and the lines those that matter in them.
    #[must_use]
    pub fn new(wanted: LinesByFile) -> Self {
        // A path with a line end in it cannot be written down.
        let is_plain = |path: &str| !path.contains(['\n', '\r', '\t']);
        Self { wanted: wanted.into_iter().filter(|(path, _)| is_plain(path)).collect() }
    }

    /// The recipe of a trial that is watched.
    #[must_use]
    pub fn watched(&self, recipe: &TrialSpec) -> TrialSpec {
        let mut recipe = with_shim(recipe);
        let mut list = String::new();
        for (path, lines) in &self.wanted {
            let lines: Vec<String> = lines.iter().map(u32::to_string).collect();
            list.extend([path.as_str(), "\t", &lines.join(" "), "\n"]);
        }
        let inputs = [("shim/pybisect_lines.py", LINES.into()), ("wanted", list.into_bytes())];
        recipe.inputs.extend(inputs.map(|(path, content)| InputFile { path: path.into(), content }));
        recipe.input_paths.insert("PYBISECT_LINES".to_owned(), "".into());
        recipe.tree_paths.insert("PYBISECT_TOP".to_owned(), vec![".".into()]);
        recipe
    }

    /// What the trial executed. `None` when that is not known: no Python ran that could be watched, or another tracer
    /// took its place.
    #[must_use]
    pub fn read(&self, output: &TrialOutput) -> Option<LineCoverage> {
        let texts = written(output);
        read(&self.wanted, texts.iter().flat_map(|text| text.lines()))
    }
}

/// `P` for each process, `M <path>` for each wanted file that it loaded, `L <path> <TAB> <line>` for each wanted line
/// that it executed, `T` when another tracer took over, `X` when it began a program that is not watched.
fn read<'t>(wanted: &LinesByFile, lines: impl Iterator<Item = &'t str>) -> Option<LineCoverage> {
    let (mut loaded, mut executed) = (BTreeSet::new(), LinesByFile::new());
    let (mut any, mut all) = (false, true);
    for line in lines {
        match line.split_at(line.len().min(2)) {
            ("P", _) => any = true,
            ("T", _) => return None,
            ("X", _) => all = false,
            ("M ", path) => {
                loaded.insert(path);
            }
            ("L ", place) => {
                if let Some((path, Ok(line))) =
                    place.split_once('\t').map(|(path, line)| (path, line.parse()))
                {
                    executed.entry(path.to_owned()).or_default().insert(line);
                }
            }
            _ => {}
        }
    }
    let mut watched = LineCoverage { executed, ..LineCoverage::default() };
    for (path, lines) in wanted {
        let is_loaded = loaded.contains(path.as_str());
        if is_loaded || all {
            let ran = watched.executed.get(path).cloned().unwrap_or_default();
            watched.missed.insert(path.clone(), lines.difference(&ran).copied().collect());
            if !is_loaded {
                watched.never_loaded.insert(path.clone());
            }
        }
    }
    any.then_some(watched)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<(Vec<u32>, Vec<u32>, usize)> {
        let wanted = LinesByFile::from([("a.py".to_owned(), BTreeSet::from([1, 2, 3]))]);
        let watched = read(&wanted, text.lines())?;
        let lines = |all: &LinesByFile| all.get("a.py").into_iter().flatten().copied().collect();
        Some((lines(&watched.executed), lines(&watched.missed), watched.never_loaded.len()))
    }

    #[test]
    fn what_is_not_known_is_not_missed() {
        assert_eq!(told("P\nM a.py\nL a.py\t2\n"), Some((vec![2], vec![1, 3], 0)));
        assert_eq!(told("P\n"), Some((vec![], vec![1, 2, 3], 1)));
        // A program that is not watched may have loaded it.
        assert_eq!(told("P\nX\n"), Some((vec![], vec![], 0)));
        assert_eq!(told("P\nX\nM a.py\n"), Some((vec![], vec![1, 2, 3], 0)));
        assert_eq!(told(""), None);
        assert_eq!(told("P\nM a.py\nT\n"), None);
        assert_eq!(told("P\nL a.py\nL\nM\nL a.py\tx\nnoise\n"), Some((vec![], vec![1, 2, 3], 1)));
    }
}
