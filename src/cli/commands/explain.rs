//! `pybisect explain`.

use crate::check::{RULES, RuleDoc, rule};
use crate::cli::terminal::{columns, stdout_style};
use crate::cli::{Error, ExitStatus, print};
use crate::report::wrapped;

/// Explain a rule of check: when it speaks, on what evidence, and what to do
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The rule; without it, all are listed
    #[arg(value_name = "RULE")]
    rule: Option<String>,
}

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    let text = match &args.rule {
        None => list(),
        Some(id) => explanation(rule(id).ok_or_else(|| unknown(id))?),
    };
    print::print_text(text.as_bytes())
}

fn unknown(id: &str) -> Error {
    let nearest = RULES
        .iter()
        .max_by(|a, b| strsim::jaro_winkler(a.id, id).total_cmp(&strsim::jaro_winkler(b.id, id)))
        .map_or("", |rule| rule.id);
    Error::usage(format!("there is no rule '{id}'"))
        .hinted(format!("the nearest is '{nearest}'; `pybisect explain` lists all"))
}

fn list() -> String {
    let style = stdout_style();
    let width = RULES.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let line = |rule: &RuleDoc| {
        let id = style.bold(format!("{:width$}", rule.id));
        [id.as_str(), "  ", rule.summary, "\n"].concat()
    };
    RULES.iter().map(line).collect()
}

fn explanation(rule: &RuleDoc) -> String {
    let style = stdout_style();
    let silence = format!("`# pybisect: ignore[{}]` on the line, or --baseline FILE", rule.id);
    let parts = [
        ("weight", rule.weight),
        ("evidence", rule.evidence),
        ("what to do", rule.remedy),
        ("example", rule.example),
        ("to silence it", &silence),
    ];
    let told: String = parts
        .iter()
        .map(|(title, words)| ["\n", &style.bold(title), "\n", &set_in(words)].concat())
        .collect();
    format!("{}: {}\n{told}", style.bold(rule.id), rule.summary)
}

/// Lines that fit the terminal and the eye, set in by two.
fn set_in(words: &str) -> String {
    const WIDTH: usize = 94;
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    wrapped(&words, WIDTH.min(columns() - 2)).iter().map(|line| format!("  {line}\n")).collect()
}
