//! What a run executed, as the tracing shim wrote it.
//!
//! The shim's text has one line for each function, `F <path> <TAB> <name> <TAB> <line>`, one for each
//! function that called others, `C <function> <called> <called> …` by their numbers from 0 in the order
//! of the `F` lines, and one for each file that the program opened, `O <path>`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

use super::definitions::MODULE;

/// A function, class body or module of the repository: its file and its path in it.
pub(super) type Place = (String, String);

/// Calls between the test and what another process executes.
const OTHER_PROCESS: u32 = 4;

/// Functions that ran, who called whom, and what was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// The place of each function; `None` when it is in no file of the repository.
    functions: Vec<Option<Place>>,
    /// By function, the functions that it called.
    calls: Vec<Vec<usize>>,
    /// The functions of each process.
    processes: Vec<Range<usize>>,
    /// Files of the repository that the program opened.
    pub opened: BTreeSet<String>,
}

impl Trace {
    /// Add what one process wrote. `in_repository` gives the repository's path of a file, if it is one of
    /// its own.
    pub fn add(&mut self, text: &str, in_repository: impl Fn(&str) -> Option<String>) {
        let first = self.functions.len();
        let mut known: BTreeMap<&str, Option<String>> = BTreeMap::new();
        let mut calls: Vec<Vec<usize>> = Vec::new();
        for line in text.lines() {
            let Some((mark, rest)) = line.split_once(' ') else { continue };
            match mark {
                "F" => {
                    let mut fields = rest.split('\t');
                    let (path, name) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
                    let file = known.entry(path).or_insert_with(|| in_repository(path)).clone();
                    self.functions.push(file.map(|file| (file, plain(name))));
                }
                "C" => {
                    let numbers = rest.split(' ').filter_map(|number| number.parse::<usize>().ok());
                    calls.push(numbers.map(|number| number.saturating_add(first)).collect());
                }
                "O" => self.opened.extend(in_repository(rest)),
                _ => {}
            }
        }
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
    #[must_use]
    pub fn is_empty(&self) -> bool {
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

/// `Class.run.<locals>.<listcomp>` → `Class.run`: code without a name belongs to what is around it.
fn plain(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').filter(|part| !part.starts_with('<')).collect();
    if parts.is_empty() { MODULE.to_owned() } else { parts.join(".") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
F /r/app.py\t<module>\t1
F /r/app.py\tView.get.<locals>.<lambda>\t10
F /usr/lib/json.py\tloads\t3
F /r/test_app.py\ttest_it\t5
C 3 2 1
C 2 99
C 9 1
O /r/data.json
O /etc/passwd
";

    fn read() -> Trace {
        let mut trace = Trace::default();
        trace.add(TEXT, |path| path.strip_prefix("/r/").map(str::to_owned));
        trace
    }

    #[test]
    fn what_ran_beneath_the_test() {
        let trace = read();
        let beneath = trace.beneath("test_app.py", "test_it");
        let found: Vec<(&str, u32)> =
            beneath.iter().map(|(place, distance)| (place.1.as_str(), *distance)).collect();
        assert_eq!(found, [("View.get", 1), ("test_it", 0)]);
        assert!(trace.beneath("other.py", "x").is_empty());
        assert_eq!(trace.all().len(), 3);
        assert_eq!(trace.opened.into_iter().collect::<Vec<_>>(), ["data.json"]);
    }

    #[test]
    fn another_process_works_for_the_test() {
        let mut trace = read();
        trace.add("F /r/server.py\tserve\t1\nF /r/server.py\thandle\t9\nC 0 1\n", |path| {
            path.strip_prefix("/r/").map(str::to_owned)
        });
        let beneath = trace.beneath("test_app.py", "test_it");
        let place = ("server.py".to_owned(), "handle".to_owned());
        assert_eq!(beneath.get(&place), Some(&OTHER_PROCESS));
    }

    #[test]
    fn noise_is_no_trace() {
        let mut trace = Trace::default();
        trace.add("\nF\nC\nC x y\nC 18446744073709551615 0\nhello world\n", |path| Some(path.to_owned()));
        assert!(trace.is_empty());
    }
}
