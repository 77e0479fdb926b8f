//! Where each commit of a history stands on the strip.
//!
//! Commits that say something (they ran, are an end of the range, an answer, or a suspect) have room of their own; what lies
//! between them is drawn together, the closer the more there are. A search halves, so that the room that its trials take is
//! about the same near the answer and far from it: 2 commits and 5,000 are read alike.

/// Room of a commit that says something.
const ROOM: f64 = 24.0;
/// Room of each, where all are few.
const MOST_ROOM: f64 = 84.0;
/// As many commits are few.
const FEW: usize = 40;
/// What the strip takes where there is enough on it.
const WIDTH: f64 = 960.0;
/// Room at both ends.
pub(super) const MARGIN: f64 = 34.0;

/// Commits between two that say something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gap {
    /// How many.
    pub(super) count: usize,
    /// The middle.
    pub(super) middle: f64,
}

/// The places of all commits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// Of each commit, from the left.
    pub(super) places: Vec<f64>,
    /// What is drawn together.
    pub(super) gaps: Vec<Gap>,
    /// The width of it all.
    pub(super) width: f64,
}

/// Lay out commits, of which some say something.
pub(super) fn layout(says: &[bool]) -> Layout {
    let count = says.len();
    if count <= FEW {
        let step = (WIDTH / number(count.max(1))).clamp(ROOM, MOST_ROOM);
        let places = (0..count).map(|at| MARGIN + step * (number(at) + 0.5)).collect();
        return Layout { places, gaps: Vec::new(), width: 2.0 * MARGIN + step * number(count) };
    }
    let mut places = Vec::with_capacity(count);
    let mut gaps = Vec::new();
    let mut x = MARGIN;
    let mut at = 0;
    while at < count {
        let run = says[at..].iter().take_while(|says| !**says).count();
        if run == 0 {
            places.push(x + ROOM / 2.0);
            x += ROOM;
            at += 1;
            continue;
        }
        let room = room_of(run);
        places.extend((0..run).map(|inner| x + room * (number(inner) + 0.5) / number(run)));
        gaps.push(Gap { count: run, middle: x + room / 2.0 });
        x += room;
        at += run;
    }
    let width = x + MARGIN;
    stretched(Layout { places, gaps, width })
}

/// Room of so many commits that say nothing.
fn room_of(run: usize) -> f64 {
    (8.0 * number(run)).min(20.0 + 6.0 * number(run).log2())
}

/// A strip that is too short for its place is pulled out to it.
fn stretched(layout: Layout) -> Layout {
    let factor = (WIDTH + 2.0 * MARGIN) / layout.width;
    if factor <= 1.0 {
        return layout;
    }
    let Layout { places, gaps, width } = layout;
    Layout {
        places: places.into_iter().map(|place| place * factor).collect(),
        gaps: gaps.into_iter().map(|gap| Gap { middle: gap.middle * factor, ..gap }).collect(),
        width: width * factor,
    }
}

/// A count as a length.
#[expect(clippy::as_conversions, reason = "no strip has more commits than a float counts")]
pub(super) const fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_go_from_left_to_right_and_what_says_something_has_room() {
        for (count, each) in [(1, 1), (2, 1), (40, 3), (41, 9), (300, 20), (5000, 700), (5000, 4999)] {
            let says: Vec<bool> = (0..count).map(|at| at % each == 0).collect();
            let laid = layout(&says);
            assert_eq!(laid.places.len(), count);
            assert!(laid.places.windows(2).all(|pair| pair[0] < pair[1]), "{count} {each}");
            assert!(laid.places.iter().all(|place| (0.0..laid.width).contains(place)), "{count} {each}");
            let told: Vec<f64> =
                laid.places.iter().zip(&says).filter(|(_, says)| **says).map(|(place, _)| *place).collect();
            assert!(told.windows(2).all(|pair| pair[1] - pair[0] >= ROOM - 0.01), "{count} {each}");
        }
        assert!(layout(&[]).places.is_empty());
    }

    #[test]
    fn a_search_of_five_thousand_commits_fits_a_screen() {
        let mut says = vec![false; 5000];
        // As a search halves.
        let mut at = 0;
        for step in (0..12).map(|power| 4096 >> power) {
            at += step;
            if at < says.len() {
                says[at] = true;
            }
        }
        assert!(layout(&says).width < 1300.0, "{}", layout(&says).width);
    }
}
