//! The history strip: each commit of the range a mark on its lane, with what the trials say of it.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::lanes::lanes;
use super::layout::{Layout, layout, number};
use super::markup::Html;
use crate::model::{CommitId, CommitInfo, Report};
use crate::report::phrases::{date, plural};
use crate::report::postmortem::{Postmortem, Said, Verdicts, still_possible};

/// Above the first lane.
const TOP: f64 = 52.0;
/// Between two lanes.
const LANE: f64 = 22.0;
/// Half of a mark.
const HALF: f64 = 8.0;
/// Room for bars, and of the highest.
const BARS: f64 = 58.0;
const HIGHEST: f64 = 40.0;
/// Marks that are closer are not told apart.
const CROWD: f64 = 3.0;
/// Suspects that have a bar.
const MOST_SUSPECTS: usize = 8;
/// Commits whose subjects are kept for the pointer.
const MOST_TOLD: usize = 20_000;

/// A history with what is known of each commit.
struct Strip<'p> {
    told: &'p Postmortem,
    verdicts: Verdicts,
    possible: Vec<bool>,
    /// How probable each was before the trials, and is after them.
    before: HashMap<CommitId, f64>,
    after: HashMap<CommitId, f64>,
    lanes: Vec<usize>,
    layout: Layout,
}

/// The section's content; nothing where the history is not at hand.
pub(super) fn strip(told: &Postmortem) -> Html {
    let mut html = Html::default();
    if told.history.is_empty() {
        return html;
    }
    let strip = Strip::of(told);
    strip.legend(&mut html);
    html.raw("<div class=\"strip\" id=\"strip\" tabindex=\"0\" role=\"group\" aria-label=\"");
    html.text(&strip.summary()).raw("\">\n");
    strip.svg(&mut html);
    html.raw("</div>\n<p class=\"strip-detail\" id=\"strip-detail\" aria-live=\"polite\">");
    strip.detail(strip.middle(), &mut html);
    html.raw("</p>\n<p class=\"hint script-only\">Point at the strip, or focus it and use the arrow keys; Page Up and Page Down go from trial to trial.</p>\n");
    html.raw("<script type=\"application/json\" id=\"strip-data\">").data(&strip.data()).raw("</script>\n");
    html
}

impl<'p> Strip<'p> {
    fn of(told: &'p Postmortem) -> Self {
        let report = &told.report;
        let history = &told.history;
        let verdicts = Verdicts::of(report);
        let possible = still_possible(history, report, &verdicts);
        let suspects = report.suspects.iter();
        let before: HashMap<CommitId, f64> =
            suspects.map(|suspect| (suspect.commit.id, suspect.probability)).collect();
        let after: HashMap<CommitId, f64> =
            report.culprits.iter().map(|culprit| (culprit.commit.id, culprit.probability)).collect();
        let leading: Vec<CommitId> =
            report.suspects.iter().take(MOST_SUSPECTS).map(|suspect| suspect.commit.id).collect();
        let says: Vec<bool> = history
            .iter()
            .map(|commit| {
                let id = commit.id;
                let is_end = report.bad == Some(id) || report.good.contains(&id);
                verdicts.get(id).is_some() || is_end || after.contains_key(&id) || leading.contains(&id)
            })
            .collect();
        let (lanes, layout) = (lanes(history), layout(&says));
        Self { told, verdicts, possible, before, after, lanes, layout }
    }

    fn report(&self) -> &Report {
        &self.told.report
    }

    fn history(&self) -> &[CommitInfo] {
        &self.told.history
    }

    fn y(&self, at: usize) -> f64 {
        TOP + LANE * number(self.lanes[at])
    }

    fn x(&self, at: usize) -> f64 {
        self.layout.places[at]
    }

    /// Below the last lane.
    fn floor(&self) -> f64 {
        TOP + LANE * number(self.lanes.iter().max().copied().unwrap_or(0)) + LANE
    }

    fn has_bars(&self) -> bool {
        !(self.before.is_empty() && self.after.is_empty())
    }

    /// Where the eye is led first: the answer, else what may still be it, else the end.
    fn middle(&self) -> usize {
        let first = self.report().culprits.first().map(|culprit| culprit.commit.id);
        let named = self.history().iter().position(|commit| Some(commit.id) == first);
        let possible: Vec<usize> = (0..self.possible.len()).filter(|at| self.possible[*at]).collect();
        let middle = possible.get(possible.len() / 2).copied();
        named.or(middle).unwrap_or_else(|| self.history().len().saturating_sub(1))
    }

    fn summary(&self) -> String {
        let ran = self.history().iter().filter(|commit| self.verdicts.get(commit.id).is_some()).count();
        format!("History, oldest first: {}, {ran} of them tested", plural(self.history().len(), "commit"))
    }

    fn legend(&self, html: &mut Html) {
        html.raw("<ul class=\"legend\">");
        for said in [Said::Passes, Said::Fails, Said::Skipped, Said::Mixed] {
            if self.history().iter().any(|commit| self.verdicts.get(commit.id) == Some(said)) {
                html.raw("<li>");
                icon(said, html);
                html.raw(" ").text(said.word()).raw("</li>");
            }
        }
        html.raw("<li><svg class=\"icon\" width=\"16\" height=\"16\" aria-hidden=\"true\"><path class=\"tick\" d=\"M3 4v8M8 4v8M13 4v8\"/></svg> not run</li>");
        if !self.before.is_empty() {
            html.raw("<li><span class=\"swatch before\"></span> suspected before the trials</li>");
        }
        if !self.after.is_empty() {
            html.raw("<li><span class=\"swatch after\"></span> probable after them</li>");
        }
        html.raw("</ul>\n");
    }

    fn svg(&self, html: &mut Html) {
        let height = self.floor() + if self.has_bars() { BARS } else { 8.0 };
        html.raw("<svg width=\"").length(self.layout.width).raw("\" height=\"").length(height);
        html.raw("\" viewBox=\"0 0 ").length(self.layout.width).raw(" ").length(height);
        html.raw("\" aria-hidden=\"true\" focusable=\"false\">\n");
        self.range(html);
        self.edges(html);
        self.ticks(html);
        for gap in self.layout.gaps.iter().filter(|gap| gap.count > 2) {
            html.raw("<text class=\"gap\" x=\"").length(gap.middle).raw("\" y=\"").length(TOP - 14.0);
            html.raw("\">").count(gap.count).raw("</text>\n");
        }
        if self.has_bars() {
            self.bars(html);
        }
        self.marks(html);
        self.flags(html);
        html.raw("<line id=\"strip-cursor\" class=\"cursor\" x1=\"0\" x2=\"0\" y1=\"").length(TOP - 12.0);
        html.raw("\" y2=\"").length(self.floor()).raw("\" visibility=\"hidden\"/>\n</svg>\n");
    }

    /// What may still be the one, where that is more than a commit.
    fn range(&self, html: &mut Html) {
        let places: Vec<f64> =
            (0..self.possible.len()).filter(|at| self.possible[*at]).map(|at| self.x(at)).collect();
        let (Some(first), Some(last)) = (places.first(), places.last()) else { return };
        if places.len() < 2 || places.len() == self.possible.len() {
            return;
        }
        html.raw("<rect class=\"possible\" rx=\"6\" x=\"").length(first - 12.0).raw("\" y=\"");
        html.length(TOP - 13.0).raw("\" width=\"").length(last - first + 24.0).raw("\" height=\"");
        html.length(self.floor() - TOP + 13.0).raw("\"/>\n");
        html.raw("<text class=\"flag\" x=\"").length(f64::midpoint(*first, *last)).raw("\" y=\"30\">");
        html.text(&format!("one of these {}", places.len())).raw("</text>\n");
    }

    /// A line from each commit to its parents; along a lane in one stroke.
    fn edges(&self, html: &mut Html) {
        let index: HashMap<CommitId, usize> =
            self.history().iter().enumerate().map(|(at, commit)| (commit.id, at)).collect();
        html.raw("<path class=\"edge\" d=\"");
        // The stroke along each lane: from where to which commit.
        let mut strokes: Vec<Option<(usize, usize)>> = vec![None; super::lanes::MOST_LANES];
        for (at, commit) in self.history().iter().enumerate() {
            for parent in commit.parents.iter().filter_map(|parent| index.get(parent)).copied() {
                if self.lanes[parent] != self.lanes[at] {
                    self.curve(parent, at, html);
                    continue;
                }
                let stroke = &mut strokes[self.lanes[at]];
                match stroke {
                    Some((_, end)) if *end == parent => *end = at,
                    _ => {
                        if let Some((start, end)) = stroke.replace((parent, at)) {
                            self.line(start, end, html);
                        }
                    }
                }
            }
        }
        for (start, end) in strokes.into_iter().flatten() {
            self.line(start, end, html);
        }
        html.raw("\"/>\n");
    }

    fn line(&self, from: usize, to: usize, html: &mut Html) {
        html.raw("M").length(self.x(from)).raw(" ").length(self.y(from)).raw("H").length(self.x(to));
    }

    /// From lane to lane: out of the lower lane at once, so that it lies where its commits are.
    fn curve(&self, from: usize, to: usize, html: &mut Html) {
        let (x1, y1, x2, y2) = (self.x(from), self.y(from), self.x(to), self.y(to));
        let reach = (x2 - x1).min(18.0);
        html.raw("M").length(x1).raw(" ").length(y1);
        if y2 > y1 {
            html.raw("C").length(x1 + reach).raw(" ").length(y1).raw(" ").length(x1).raw(" ").length(y2);
            html.raw(" ").length(x1 + reach).raw(" ").length(y2).raw("H").length(x2);
        } else {
            html.raw("H").length(x2 - reach).raw("C").length(x2).raw(" ").length(y1).raw(" ");
            html.length(x2 - reach).raw(" ").length(y2).raw(" ").length(x2).raw(" ").length(y2);
        }
    }

    /// Commits that did not run; where they crowd, more lightly.
    fn ticks(&self, html: &mut Html) {
        let crowds: Vec<bool> = self.crowds();
        for (is_crowd, start) in
            [(false, "<path class=\"tick\" d=\""), (true, "<path class=\"tick crowd\" d=\"")]
        {
            html.raw(start);
            for (at, commit) in self.history().iter().enumerate() {
                if crowds[at] == is_crowd && self.verdicts.get(commit.id).is_none() {
                    html.raw("M").length(self.x(at)).raw(" ").length(self.y(at) - 4.0).raw("v8");
                }
            }
            html.raw("\"/>\n");
        }
    }

    /// Which commits stand so close that their marks are not told apart.
    fn crowds(&self) -> Vec<bool> {
        let places = &self.layout.places;
        let far = |one: Option<&f64>, other: Option<&f64>| match (one, other) {
            (Some(one), Some(other)) => other - one >= CROWD,
            _ => true,
        };
        (0..places.len())
            .map(|at| {
                let before = at.checked_sub(1).and_then(|before| places.get(before));
                !(far(before, places.get(at)) && far(places.get(at), places.get(at + 1)))
            })
            .collect()
    }

    fn bars(&self, html: &mut Html) {
        let base = self.floor() + BARS - 8.0;
        html.raw("<path class=\"base\" d=\"M8 ")
            .length(base)
            .raw("H")
            .length(self.layout.width - 8.0)
            .raw("\"/>\n");
        for (at, commit) in self.history().iter().enumerate() {
            let (before, after) = (self.before.get(&commit.id), self.after.get(&commit.id));
            for (share, class, left) in [(before, "before", -7.0), (after, "after", 1.0)] {
                let Some(share) = share.filter(|share| **share >= 0.005) else { continue };
                let height = (share.clamp(0.0, 1.0) * HIGHEST).max(1.5);
                html.raw("<rect class=\"").raw(class).raw("\" x=\"").length(self.x(at) + left);
                html.raw("\" y=\"").length(base - height).raw("\" width=\"6\" height=\"").length(height);
                html.raw("\"/>\n");
            }
        }
    }

    /// Commits that ran, and those that may be the answer though they did not.
    fn marks(&self, html: &mut Html) {
        for (at, commit) in self.history().iter().enumerate() {
            let said = self.verdicts.get(commit.id);
            let is_answer = self.after.contains_key(&commit.id);
            let (x, y) = (self.x(at), self.y(at));
            if is_answer {
                html.raw("<circle class=\"ring\" r=\"12\" cx=\"")
                    .length(x)
                    .raw("\" cy=\"")
                    .length(y)
                    .raw("\"/>\n");
            }
            let Some(said) = said else { continue };
            html.raw("<use href=\"#mark-").raw(said.class()).raw("\" class=\"").raw(said.class());
            html.raw("\" x=\"").length(x - HALF).raw("\" y=\"").length(y - HALF);
            html.raw("\" width=\"16\" height=\"16\"><title>").text(&self.title(at)).raw("</title></use>\n");
        }
    }

    /// Words above the ends and the answer.
    fn flags(&self, html: &mut Html) {
        let report = self.report();
        for (at, commit) in self.history().iter().enumerate() {
            // Looked for what mended it, the older end is the bad one.
            let (older, newer) = if report.find_fix { ("bad", "good") } else { ("good", "bad") };
            if report.good.contains(&commit.id) {
                self.flag(older, at, 14.0, html);
            }
            if report.bad == Some(commit.id) {
                self.flag(newer, at, 14.0, html);
            }
            if report.culprits.len() == 1 && self.after.contains_key(&commit.id) {
                let adds_test = report.culprits.first().is_some_and(|culprit| culprit.adds_test);
                let word = match (self.told.proven().is_some(), report.find_fix) {
                    (false, _) => "not proven",
                    (true, true) => "fixed it",
                    (true, false) if adds_test => "added the test",
                    (true, false) => "broke it",
                };
                self.flag(word, at, 30.0, html);
            }
        }
    }

    fn flag(&self, word: &'static str, at: usize, y: f64, html: &mut Html) {
        html.raw("<text class=\"flag\" x=\"").length(self.x(at)).raw("\" y=\"").length(y).raw("\">");
        html.raw(word).raw("</text>\n");
    }

    fn title(&self, at: usize) -> String {
        let commit = &self.history()[at];
        let said = self.verdicts.get(commit.id).map_or("not run", Said::word);
        format!("{} {said}: {}", commit.id.short(), commit.subject)
    }

    /// A commit in words.
    fn detail(&self, at: usize, html: &mut Html) {
        let commit = &self.history()[at];
        let author = commit.author.split(" <").next().unwrap_or_default();
        html.code(&commit.id.short()).raw(" <b>").text(&self.said_of(commit)).raw("</b> ");
        html.text(&commit.subject).raw(" <span class=\"muted\">");
        html.text(&format!("{author}, {}", day(commit))).raw("</span>");
    }

    /// What is known of a commit, in a few words.
    fn said_of(&self, commit: &CommitInfo) -> String {
        let mut words = vec![match (self.verdicts.get(commit.id), self.verdicts.runs(commit.id)) {
            (Some(said), 0 | 1) => said.word().to_owned(),
            (Some(said), runs) => format!("{} ({runs} runs)", said.word()),
            (None, _) => "not run".to_owned(),
        }];
        for (share, when) in [(self.before.get(&commit.id), "before"), (self.after.get(&commit.id), "after")]
        {
            let share = share.filter(|share| **share >= 0.005);
            words.extend(share.map(|share| format!("{:.0} % {when} the trials", share * 100.0)));
        }
        words.join(", ")
    }

    /// What the script shows of each commit.
    fn data(&self) -> Value {
        let tenth = |length: f64| (length * 10.0).round() / 10.0;
        let history = self.history();
        let is_told = history.len() <= MOST_TOLD;
        let commits: Vec<Value> = history
            .iter()
            .filter(|commit| is_told || self.verdicts.get(commit.id).is_some())
            .map(|commit| {
                let author = commit.author.split(" <").next().unwrap_or_default();
                json!([
                    commit.id.short(),
                    self.said_of(commit),
                    commit.subject,
                    format!("{author}, {}", day(commit))
                ])
            })
            .collect();
        let kept = (0..history.len()).filter(|at| is_told || self.verdicts.get(history[*at].id).is_some());
        let places: Vec<f64> = kept.clone().map(|at| tenth(self.x(at))).collect();
        let ran: Vec<usize> = kept
            .clone()
            .enumerate()
            .filter(|(_, at)| self.verdicts.get(history[*at].id).is_some())
            .map(|(number, _)| number)
            .collect();
        let middle = self.middle();
        let at = kept.take_while(|at| *at < middle).count().min(commits.len().saturating_sub(1));
        json!({ "x": places, "commits": commits, "ran": ran, "at": at })
    }
}

fn day(commit: &CommitInfo) -> String {
    let date = date(commit.author_time, commit.author_offset);
    date.split(' ').next().unwrap_or_default().to_owned()
}

/// The mark of a verdict: its colour is not all that tells it.
pub(super) fn icon(said: Said, html: &mut Html) {
    html.raw("<svg class=\"icon ").raw(said.class());
    html.raw("\" width=\"16\" height=\"16\" aria-hidden=\"true\"><use href=\"#mark-").raw(said.class());
    html.raw("\" width=\"16\" height=\"16\"/></svg>");
}
