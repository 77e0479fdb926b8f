//! Edits in a row: what stands first, and where to cut.

use super::EditSet;

/// Everything that can be reached from an edit through its needs, itself included.
pub(super) fn reach(edit: usize, needs: &[Vec<usize>]) -> EditSet {
    let mut reached = EditSet::default();
    let mut waiting = vec![edit];
    while let Some(edit) = waiting.pop() {
        if reached.insert(edit) {
            waiting.extend(needs.get(edit).into_iter().flatten());
        }
    }
    reached
}

/// The edits of a set in a row, the most suspicious first, each after what it needs.
pub(super) fn row(within: &EditSet, weights: &[f64], below: &[EditSet]) -> Vec<usize> {
    let mut by_weight: Vec<usize> = within.iter().collect();
    by_weight.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    let mut placed = EditSet::default();
    let mut row = Vec::new();
    for edit in by_weight {
        let mut needed: Vec<usize> =
            below[edit].iter().filter(|&other| within.contains(other) && !placed.contains(other)).collect();
        // What is needed by more comes first; edits that need each other come together.
        needed.sort_by_key(|&other| (below[other].len(), other));
        for other in needed {
            placed.insert(other);
            row.push(other);
        }
    }
    row
}

/// Where to cut a row of weights so that both sides weigh about the same: the last index of the first side, and
/// the share of weight in it. There are at least two.
pub(super) fn halve(weights: &[f64]) -> (usize, f64) {
    let total: f64 = weights.iter().sum();
    let mut best = (0, f64::INFINITY);
    let mut sum = 0.0;
    for (at, weight) in weights.iter().enumerate().take(weights.len() - 1) {
        sum += weight;
        let share = sum / total;
        if (share - 0.5).abs() < (best.1 - 0.5).abs() {
            best = (at, share);
        }
    }
    best
}
