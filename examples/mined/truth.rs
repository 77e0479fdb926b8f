//! The truth: every commit of the range runs.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::Result;

use super::history::{History, Truth};
use super::lab::Lab;
use super::runner::closing_line;

/// What every commit shows, where the range has at most so many.
pub(crate) fn of(lab: &Lab, history: &History, most: usize) -> Result<Option<Truth>> {
    if history.commits > most {
        return Ok(None);
    }
    let range =
        lab.git(&["rev-list", "--topo-order", "--parents", &format!("{}..{}", history.good, history.bad)])?;
    let commits: Vec<Vec<&str>> = range.lines().map(|line| line.split(' ').collect()).collect();
    let inside: HashSet<&str> = commits.iter().map(|ids| ids[0]).collect();
    let mut closing: HashMap<&str, Option<String>> = HashMap::new();
    // The parents of the range's oldest commits tell whether these broke it.
    for &id in commits.iter().flatten() {
        if !closing.contains_key(id) {
            let seen = lab.run_at(id, history)?;
            closing.insert(id, (!seen.passes()).then(|| closing_line(&seen.output)));
        }
    }
    let own = closing[history.bad.as_str()].clone();
    let since = |is_bad: &dyn Fn(&str) -> bool| -> Vec<String> {
        // Children come first: what passes somewhere until bad is known before its parents are looked at.
        let mut mended: HashSet<&str> = HashSet::new();
        let mut found = Vec::new();
        for ids in &commits {
            let (commit, parents) = (ids[0], &ids[1..]);
            let ends = mended.contains(commit) || !is_bad(commit);
            if ends {
                mended.extend(parents);
            } else if parents.iter().all(|parent| !is_bad(parent)) {
                found.push(commit.to_owned());
            }
        }
        found
    };
    let fails = |id: &str| closing[id].is_some();
    let breaks = |ids: &&Vec<&str>| fails(ids[0]) && ids[1..].iter().all(|parent| !fails(parent));
    let mut faces: BTreeMap<String, usize> = BTreeMap::new();
    for line in inside.iter().filter_map(|id| closing[id].clone()) {
        *faces.entry(line).or_default() += 1;
    }
    Ok(Some(Truth {
        since: since(&fails),
        as_bad: since(&|id| closing[id] == own),
        breaks: commits.iter().filter(breaks).count(),
        otherwise: inside.iter().filter(|id| closing[**id].is_some() && closing[**id] != own).count(),
        faces,
    }))
}
