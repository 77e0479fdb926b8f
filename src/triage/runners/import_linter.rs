//! import-linter: contracts about imports. Each chain of imports that breaks one is a complaint of its own.

use std::sync::LazyLock;

use regex::Regex;

use super::checkers::id;
use super::lines::{number, pattern};
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner};

/// import-linter.
pub(super) struct ImportLinter;

static COUNTS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^Contracts: (\d+) kept, (\d+) broken(?:, \d+ warnings?)?\.$"));
/// What it says where it cannot begin.
static REFUSED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(?:Could not find package '.*' in your Python path\.|Could not read any configuration\.)$")
});
/// Where an import stands in its file, and how many there are: they move.
static PLACE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\((?:(?:l\.[\d?]+(?:, )?)+|\d+ imports?)\)|\b\d+\b"));

/// The rule of a complaint.
const CONTRACT: &str = "contract";
/// Lines are broken here, also within a word.
const WIDTH: usize = 80;

impl ReadRunner for ImportLinter {
    fn runner(&self) -> Runner {
        Runner::Checker
    }

    fn versions(&self) -> &'static str {
        "2.17"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        let Some(at) = lines.iter().rposition(|line| COUNTS.is_match(line)) else {
            let (at, said) = lines.iter().enumerate().rfind(|(_, line)| !line.is_empty())?;
            let mut run = RunSummary::new(Runner::Checker, at);
            run.not_started = REFUSED.is_match(said).then(|| (*said).to_owned());
            return run.not_started.is_some().then_some(run);
        };
        let found = COUNTS.captures(lines[at])?;
        let mut run = RunSummary::new(Runner::Checker, at);
        run.add(number(&found[1]), Count::Passed);
        run.add(number(&found[2]), Count::Failed);
        for (contract, words) in complaints(&lines[at + 1..]) {
            run.fail(&id(&contract, CONTRACT, &words), CONTRACT, &words);
        }
        // That a contract is broken is something that was checked.
        run.add(1, Count::Passed);
        Some(run)
    }
}

/// Each with the name of its contract, as they stand below it: what is not allowed, and the imports by which it is done.
fn complaints(lines: &[&str]) -> Vec<(String, String)> {
    let is_ruler = |line: &str| line.len() > 2 && line.bytes().all(|byte| byte == b'-');
    let mut complaints = Vec::new();
    let (mut contract, mut said) = ("", String::new());
    let mut at = 0;
    while at < lines.len() {
        let below = lines.get(at + 1).copied().unwrap_or_default();
        if is_ruler(below) && !lines[at].is_empty() && !is_ruler(lines[at]) {
            (contract, said) = (lines[at], String::new());
            at += 2;
            continue;
        }
        let count = lines[at..].iter().take_while(|line| !line.is_empty()).count();
        let words = joined(&lines[at..at + count]);
        if words.starts_with("- ") {
            // Several may stand without a blank line between them.
            let items = words.split(" - ").map(|item| item.trim_start_matches("- ").trim());
            complaints
                .extend(items.map(|item| (contract.to_owned(), format!("{said} {item}").trim().to_owned())));
        } else if words.ends_with(':') {
            said = words;
        } else if !words.is_empty() && !is_ruler(lines[at]) {
            complaints.push((contract.to_owned(), words));
        }
        at += count.max(1);
    }
    complaints.retain(|(contract, _)| !contract.is_empty() && contract != "Broken contracts");
    complaints
}

/// The words of lines that were broken.
fn joined(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(line);
        if line.chars().count() < WIDTH {
            text.push(' ');
        }
    }
    PLACE.replace_all(&text, "").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::{CommandFacts, read};
    use super::*;

    #[test]
    fn each_chain_of_imports_is_a_complaint() {
        let text = "\
Contracts: 1 kept, 3 broken.


----------------
Broken contracts
----------------

Pages know no books: at all
---------------------------

shop.pages is not allowed to import shop.books:

-   shop.pages -> shop.mid (l.1)
    shop.mid -> shop.books (l.12, l.20)

-   shop.pages -> shop.tills (l.2)
    shop.tills -> 
shop.a_module_with_a_name_that_is_too_long_to_stand_in_a_line_of_the_terminal_as
_it_is (l.1)


shop.mid is not allowed to import shop.books:

- shop.mid -> shop.books (l.1)


Siblings
--------

No cycles are allowed in shop.
It could be made acyclic by removing 2 dependencies:

- .b -> .a (1 import)
- .mid -> .books (1 import)

Own rule
--------

This is not right
at all.

";
        let run = read(text, &CommandFacts::default()).unwrap();
        assert_eq!((run.runner, run.failed, run.nothing_passed()), (Runner::Checker, 3, false));
        let told: Vec<String> = run.failures.iter().map(|one| one.message.clone()).collect();
        let pages = "shop.pages is not allowed to import shop.books: shop.pages ->";
        let cycles = "No cycles are allowed in shop. It could be made acyclic by removing dependencies:";
        assert_eq!(
            told,
            [
                format!("{pages} shop.mid shop.mid -> shop.books"),
                format!(
                    "{pages} shop.tills shop.tills -> \
                     shop.a_module_with_a_name_that_is_too_long_to_stand_in_a_line_of_the_terminal_as_it_is"
                ),
                "shop.mid is not allowed to import shop.books: shop.mid -> shop.books".to_owned(),
                format!("{cycles} .b -> .a"),
                format!("{cycles} .mid -> .books"),
                "This is not right at all.".to_owned(),
            ]
        );
        assert_eq!(run.failed_tests[0], "Own rule::contract This is not right at all");
        assert!(
            run.failed_tests
                .iter()
                .any(|id| id.starts_with("Pages know no books: at all::contract shop mid is not"))
        );
    }
}
