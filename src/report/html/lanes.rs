//! A history as lanes: one for each line of development that lies beside another.

use std::collections::HashMap;

use crate::model::{CommitId, CommitInfo};

/// Lanes that are drawn apart; those beyond share the last one.
pub(super) const MOST_LANES: usize = 7;

/// The lane of each commit, from 0. Commits stand parents first.
pub(super) fn lanes(history: &[CommitInfo]) -> Vec<usize> {
    let known: HashMap<CommitId, usize> =
        history.iter().enumerate().map(|(at, commit)| (commit.id, at)).collect();
    // What each lane waits for, while it is walked from the newest to the oldest.
    let mut waiting: Vec<Option<usize>> = Vec::new();
    let mut of = vec![0; history.len()];
    for at in (0..history.len()).rev() {
        let own = match waiting.iter().position(|other| *other == Some(at)) {
            Some(lane) => lane,
            None => free(&mut waiting),
        };
        of[at] = own;
        waiting.iter_mut().filter(|other| **other == Some(at)).for_each(|other| *other = None);
        for (number, parent) in history[at].parents.iter().filter_map(|parent| known.get(parent)).enumerate()
        {
            let other = waiting.iter().position(|waits| *waits == Some(*parent));
            let is_first = number == 0 && waiting[own].is_none();
            match other {
                // The lower lane goes on.
                Some(other) if is_first && own < other => {
                    waiting[other] = None;
                    waiting[own] = Some(*parent);
                }
                Some(_) => {}
                None => {
                    let lane = if is_first { own } else { free(&mut waiting) };
                    waiting[lane] = Some(*parent);
                }
            }
        }
    }
    of.iter_mut().for_each(|lane| *lane = (*lane).min(MOST_LANES - 1));
    of
}

/// The first lane that waits for nothing.
fn free(waiting: &mut Vec<Option<usize>>) -> usize {
    if let Some(lane) = waiting.iter().position(Option::is_none) {
        return lane;
    }
    waiting.push(None);
    waiting.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::postmortem::samples::commit;

    /// A history by the numbers of each commit's parents.
    fn of(parents: &[&[u8]]) -> Vec<usize> {
        let commit = |(at, parents): (usize, &&[u8])| commit(u8::try_from(at).unwrap(), "", parents);
        lanes(&parents.iter().enumerate().map(commit).collect::<Vec<_>>())
    }

    #[test]
    fn what_lies_beside_the_first_parents_has_a_lane_of_its_own() {
        assert_eq!(of(&[&[], &[0], &[1]]), [0, 0, 0]);
        // 1 and 2 are siblings, 3 merges 2 into 1.
        assert_eq!(of(&[&[], &[0], &[0], &[1, 2]]), [0, 0, 1, 0]);
        assert_eq!(of(&[]), [0; 0]);
        // Parents that are not in the range lead nowhere.
        assert_eq!(of(&[&[9], &[0, 8]]), [0, 0]);
    }

    #[test]
    fn more_lanes_than_can_be_drawn_share_the_last() {
        let mut parents: Vec<Vec<u8>> = vec![vec![]; 12];
        parents.push((0..12).collect());
        let parents: Vec<&[u8]> = parents.iter().map(Vec::as_slice).collect();
        assert_eq!(of(&parents).into_iter().max(), Some(MOST_LANES - 1));
    }
}
