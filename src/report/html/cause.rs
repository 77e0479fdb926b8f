//! What changed: the breaking call before and after, and the whole commit.

use similar::{Algorithm, DiffTag, capture_diff_slices};

use super::markup::Html;
use crate::model::{BreakingChange, PackageChange};
use crate::report::diff::tokens;
use crate::report::phrases::plural;
use crate::report::postmortem::Postmortem;

/// Edits that are shown beside each other, and lines of each.
const MOST: usize = 12;
const MOST_LINES: usize = 40;
/// Tokens that are compared one by one.
const MOST_TOKENS: usize = 4000;
/// Lines of a diff that are shown, and those that need no fold.
pub(super) const MOST_OF_DIFF: usize = 1500;
const SHORT_DIFF: usize = 30;

/// The section's content.
pub(super) fn cause(told: &Postmortem) -> Html {
    let report = &told.report;
    let mut html = Html::default();
    for package in &report.packages {
        of_package(package, &mut html);
    }
    let changes = &report.breaking_changes;
    if changes.len() > 1 {
        let causes = changes.iter().map(|change| change.cause).max().unwrap_or(0);
        let how = if causes > 0 { "each cause by itself breaks it" } else { "only together do they do it" };
        html.raw("<p>").text(&plural(changes.len(), "edit")).raw(": ").raw(how).raw(".</p>\n");
    }
    for change in changes.iter().take(MOST) {
        edit(change, report.find_fix, &mut html);
    }
    if let Some(more) = changes.len().checked_sub(MOST).filter(|more| *more > 0) {
        html.raw("<p class=\"muted\">… and ").text(&plural(more, "edit")).raw(" more</p>\n");
    }
    let hidden = report.narrowing.iter().flat_map(|narrowing| &narrowing.hidden_by).next();
    if let Some(hiding) = hidden {
        html.raw(
            "<p>Hidden by another change of the same commit: without it, the commit fails in this way.</p>\n",
        );
        edit(hiding, report.find_fix, &mut html);
    }
    if let Some(diff) = &told.diff {
        let count = diff.lines().count();
        let is_open = changes.is_empty() && count <= SHORT_DIFF;
        html.raw(if is_open { "<details open>" } else { "<details>" });
        html.raw("<summary>The whole commit (").text(&plural(count, "line")).raw(")</summary>\n");
        of_diff(diff, &mut html);
        html.raw("</details>\n");
    }
    html
}

fn of_package(package: &PackageChange, html: &mut Html) {
    let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "none".to_owned());
    html.raw("<div class=\"edit\">\n<h3>")
        .code(&package.name)
        .raw(" <span class=\"muted\">package</span></h3>\n");
    html.raw("<div class=\"sides\"><div class=\"side pass\"><p>Passes with</p><pre tabindex=\"0\">");
    html.text(&version(package.last_good.as_ref().map_or(&package.before, |_| &package.last_good)));
    html.raw("</pre></div><div class=\"side fail\"><p>Fails with</p><pre tabindex=\"0\">");
    html.text(&version(package.first_bad.as_ref().map_or(&package.after, |_| &package.first_bad)));
    html.raw("</pre></div></div>\n");
    if let Some(failure) = &package.failure {
        html.raw("<p>It brings ").code(failure).raw("</p>\n");
    }
    if let Some(constraint) = &package.constraint {
        let tested =
            if package.constraint_passed { "tested: it passes" } else { "not enough at the bad commit" };
        html.raw("<p>Constraint, ").raw(tested).raw(":</p>").command(constraint);
    }
    html.raw("</div>\n");
}

fn edit(change: &BreakingChange, find_fix: bool, html: &mut Html) {
    html.raw("<div class=\"edit\">\n<h3>").code(&format!("{}:{}", change.path, change.line));
    if let Some(function) = change.function.as_ref().filter(|name| name.as_str() != "<module>") {
        html.raw(" in ").code(function);
    }
    html.raw(" <span class=\"muted\">").text(&change.kind.replace('-', " ")).raw("</span></h3>\n");
    let (before, after) = (change.before.as_deref(), change.after.as_deref());
    let (old, new) = marked(before.unwrap_or_default(), after.unwrap_or_default());
    let (old_class, new_class) = if find_fix { ("fail", "pass") } else { ("pass", "fail") };
    html.raw("<div class=\"sides\">");
    for (title, class, side, content) in
        [("Before", old_class, before, old), ("After", new_class, after, new)]
    {
        html.raw("<div class=\"side ").raw(class).raw("\"><p>").raw(title);
        html.raw(if class == "pass" { ": passes" } else { ": fails" }).raw("</p>");
        match side {
            Some(_) => html.raw("<pre tabindex=\"0\">").add(&content).raw("</pre>"),
            None => html.raw("<p class=\"nothing\">nothing there</p>"),
        };
        html.raw("</div>");
    }
    html.raw("</div>\n");
    callees(change, html);
    html.raw("</div>\n");
}

fn callees(change: &BreakingChange, html: &mut Html) {
    match (&change.callee_before, &change.callee_after) {
        (Some(before), Some(after)) if before != after => {
            html.raw("<p class=\"muted\">It calls ")
                .code(after)
                .raw(" now, and called ")
                .code(before)
                .raw(".</p>\n");
        }
        (Some(callee), None) => {
            html.raw("<p class=\"muted\">It called ").code(callee).raw(".</p>\n");
        }
        (_, Some(callee)) => {
            html.raw("<p class=\"muted\">It calls ").code(callee).raw(".</p>\n");
        }
        (None, None) => {}
    }
}

/// Both sides, with what differs set off.
fn marked(before: &str, after: &str) -> (Html, Html) {
    let (before, after) = (shortened(before), shortened(after));
    let (old, new) = (tokens(&before), tokens(&after));
    let (mut left, mut right) = (Html::default(), Html::default());
    if old.is_empty() || new.is_empty() || old.len().max(new.len()) > MOST_TOKENS {
        left.block(&before);
        right.block(&after);
        return (left, right);
    }
    for part in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let (gone, came) = (old[part.old_range()].concat(), new[part.new_range()].concat());
        for (side, text, tag) in [(&mut left, gone, "<del>"), (&mut right, came, "<ins>")] {
            if text.is_empty() {
                continue;
            }
            if part.tag() == DiffTag::Equal {
                side.block(&text);
            } else {
                side.raw(tag).block(&text).raw(if tag == "<del>" { "</del>" } else { "</ins>" });
            }
        }
    }
    (left, right)
}

fn shortened(text: &str) -> String {
    let all: Vec<&str> = text.lines().collect();
    let shown = all[..all.len().min(MOST_LINES)].join("\n");
    match all.len().checked_sub(MOST_LINES) {
        None | Some(0) => shown,
        Some(more) => format!("{shown}\n… {}", plural(more, "more line")),
    }
}

/// A diff, line by line.
pub(super) fn of_diff(diff: &str, html: &mut Html) {
    html.raw("<pre class=\"diff\" tabindex=\"0\">");
    let count = diff.lines().count();
    for line in diff.lines().take(MOST_OF_DIFF) {
        let class = match line.as_bytes().first() {
            _ if line.starts_with("diff --git") => "<span class=\"file\">",
            _ if line.starts_with("--- ") || line.starts_with("+++ ") || line.starts_with("index ") => {
                "<span class=\"muted\">"
            }
            Some(b'+') => "<span class=\"add\">",
            Some(b'-') => "<span class=\"del\">",
            Some(b'@') => "<span class=\"hunk\">",
            _ => "<span>",
        };
        html.raw(class).block(line).raw("</span>\n");
    }
    if let Some(more) = count.checked_sub(MOST_OF_DIFF).filter(|more| *more > 0) {
        html.raw("<span class=\"muted\">… ").text(&plural(more, "more line")).raw("</span>\n");
    }
    html.raw("</pre>\n");
}
