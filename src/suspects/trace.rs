//! What a run executed, as the tracing shim wrote it.
//!
//! The shim's text has one line for each function, `F <path> <TAB> <name> <TAB> <line>`, one for each
//! function that called others, `C <function> <called> <called> …` by their numbers from 0 in the order
//! of the `F` lines, one for each file that the program opened, `O <path>`, one for what it did unseen,
//! `U fork` or `U program`, and `E` at the end. A process that was killed leaves an empty text.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

/// A function, class body or module of the repository: its file and its path in it.
pub(super) type Place = (String, String);

/// Calls between the test and what another process executes.
const OTHER_PROCESS: u32 = 4;

/// What a name of the program is in the repository.
pub(super) trait Names {
    /// The repository's path of a file; `None` when it is none of its own.
    fn own_path(&mut self, path: &str) -> Option<String>;
    /// The path, in its file, of the function of this name whose code begins in this line.
    fn definition(&mut self, own_path: &str, function: &str, line: u32) -> String;
}

/// Functions that ran, who called whom, and what was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Trace {
    /// The place of each function; `None` when it is in no file of the repository.
    functions: Vec<Option<Place>>,
    /// By function, the functions that it called.
    calls: Vec<Vec<usize>>,
    /// The functions of each process.
    processes: Vec<Range<usize>>,
    /// Files of the repository that the program opened or executed.
    pub(super) opened: BTreeSet<String>,
    /// Whether a process copied itself, or was killed before it wrote: then more ran than is known.
    pub(super) has_gaps: bool,
    /// Whether programs ran that cannot be watched: then more was opened than is known.
    pub(super) has_strangers: bool,
}

impl Trace {
    /// Read what each process wrote.
    pub(super) fn new(texts: &[String], names: &mut dyn Names) -> Self {
        let mut trace = Self::default();
        texts.iter().for_each(|text| trace.add(text, names));
        trace
    }

    fn add(&mut self, text: &str, names: &mut dyn Names) {
        let first = self.functions.len();
        let mut known: BTreeMap<&str, Option<String>> = BTreeMap::new();
        let mut calls: Vec<Vec<usize>> = Vec::new();
        let mut ended = false;
        for line in text.lines() {
            let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
            match mark {
                "F" => {
                    let mut fields = rest.split('\t');
                    let (path, name) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
                    let line = fields.next().and_then(|line| line.parse().ok()).unwrap_or_default();
                    let file = known.entry(path).or_insert_with(|| names.own_path(path)).clone();
                    self.opened.extend(file.clone());
                    self.functions.push(file.map(|file| {
                        let definition = names.definition(&file, name, line);
                        (file, definition)
                    }));
                }
                "C" => {
                    let numbers = rest.split(' ').filter_map(|number| number.parse::<usize>().ok());
                    calls.push(numbers.map(|number| number.saturating_add(first)).collect());
                }
                "O" => self.opened.extend(names.own_path(rest)),
                "U" => {
                    self.has_gaps |= rest == "fork";
                    self.has_strangers |= rest == "program";
                }
                "E" => ended = true,
                _ => {}
            }
        }
        self.has_gaps |= !ended;
        let all = self.functions.len();
        self.calls.resize(all, Vec::new());
        for list in calls {
            let Some((&caller, called)) = list.split_first() else { continue };
            if let Some(own) = self.calls.get_mut(caller) {
                own.extend(called.iter().copied().filter(|&one| one < all));
            }
        }
        if all > first {
            self.processes.push(first..all);
        }
    }

    /// Whether nothing of the repository ran.
    pub(super) fn is_empty(&self) -> bool {
        self.functions.iter().all(Option::is_none)
    }

    /// The places that ran beneath a function, each with the smallest number of calls between them; all
    /// of a file's functions are begun from when there is none of this path. Empty when nothing of that
    /// file ran.
    pub(super) fn beneath(&self, file: &str, path: &str) -> BTreeMap<&Place, u32> {
        let all = |wanted: &dyn Fn(&Place) -> bool| -> Vec<usize> {
            let places = self.functions.iter().enumerate();
            places.filter(|(_, place)| place.as_ref().is_some_and(wanted)).map(|(at, _)| at).collect()
        };
        let mut roots = all(&|place| place.0 == file && place.1 == path);
        if roots.is_empty() {
            roots = all(&|place| place.0 == file);
        }
        let mut distances: Vec<Option<u32>> = vec![None; self.functions.len()];
        let mut queue: VecDeque<(usize, u32)> = roots.iter().map(|&root| (root, 0)).collect();
        if !roots.is_empty() {
            // A server that the test has started, say, does all of its work for the test.
            let others = self.processes.iter().filter(|own| !roots.iter().any(|root| own.contains(root)));
            others.flat_map(Clone::clone).for_each(|at| distances[at] = Some(OTHER_PROCESS));
        }
        while let Some((at, distance)) = queue.pop_front() {
            if distances[at].is_none() {
                distances[at] = Some(distance);
                queue.extend(self.calls[at].iter().map(|&called| (called, distance + 1)));
            }
        }
        let mut beneath: BTreeMap<&Place, u32> = BTreeMap::new();
        for (place, distance) in self.functions.iter().zip(distances) {
            if let (Some(place), Some(distance)) = (place, distance) {
                let least = beneath.entry(place).or_insert(distance);
                *least = distance.min(*least);
            }
        }
        beneath
    }

    /// Everything of the repository that ran, as if called at once.
    pub(super) fn all(&self) -> BTreeMap<&Place, u32> {
        self.functions.iter().flatten().map(|place| (place, 0)).collect()
    }
}

#[cfg(test)]
mod tests;
