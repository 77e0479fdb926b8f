//! Items of pytest that are no functions: cells of a notebook, files that a checker reads, whatever else a plugin collects.
//!
//! They tell of a failure in words of their own, below a heading that need not name the test as the summary does, and the
//! summary's line may be the same for all (nbval's). The order of the two is one.

use super::parsed::{ParsedTraceback, TracebackForm, exception_line};
use super::pytest;

/// What pytest calls a failure that is no exception.
const FAILED: &str = "Failed";
/// Where nbval shows a cell's source, and where it ends: another source is no other failure.
const SOURCE: [&str; 2] = ["Input:", "Traceback:"];

/// The failures that are told in words alone.
pub(super) fn told(lines: &[&str], found: &[ParsedTraceback]) -> Vec<ParsedTraceback> {
    let blocks = blocks(lines);
    let summaries: Vec<_> = lines
        .iter()
        .filter_map(|line| pytest::summary_line(line))
        .filter(pytest::Summary::is_failure)
        .collect();
    if blocks.len() != summaries.len() {
        return Vec::new();
    }
    let is_read = |(at, end): (usize, usize)| {
        let read = found.iter().filter(|one| one.form != TracebackForm::PytestSummary && !one.captured);
        read.into_iter().any(|one| (at..end).contains(&one.at))
    };
    let told = blocks.iter().zip(summaries).filter(|(block, _)| !is_read(**block));
    told.filter_map(|(&(at, end), summary)| {
        let words = words(&lines[at + 1..end]);
        let first = words.first()?;
        let mut read = ParsedTraceback::empty(TracebackForm::Pytest, at);
        (read.kind, read.message) = match exception_line(first) {
            Some((kind, message)) => (Some(kind.to_owned()), [&[message], &words[1..]].concat().join("\n")),
            None => {
                let summed = summary.traceback(at).and_then(|read| read.kind);
                (Some(summed.unwrap_or_else(|| FAILED.to_owned())), words.join("\n"))
            }
        };
        read.test = Some(summary.id().to_owned());
        read.lines = end - at;
        Some(read)
    })
    .collect()
}

/// From each heading in the section of failures to where its words end.
fn blocks(lines: &[&str]) -> Vec<(usize, usize)> {
    let mut blocks: Vec<(usize, usize)> = Vec::new();
    let (mut is_inside, mut is_open) = (false, false);
    for (at, line) in lines.iter().enumerate() {
        if let Some(section) = pytest::section(line) {
            (is_inside, is_open) = (section == "FAILURES", false);
        } else if is_inside && pytest::heading(line).is_some() {
            blocks.push((at, at + 1));
            is_open = true;
        } else if pytest::captured(line) {
            is_open = false;
        } else if let Some(last) = blocks.last_mut().filter(|_| is_open) {
            last.1 = at + 1;
        }
    }
    blocks
}

/// The lines that say something, without the source of what failed.
fn words<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    let from = lines.iter().position(|line| line.trim() == SOURCE[0]);
    let shown = from.map(|from| {
        let rest = lines[from..].iter().position(|line| line.trim() == SOURCE[1]);
        from..rest.map_or(lines.len(), |count| from + count + 1)
    });
    let lines =
        lines.iter().enumerate().filter(|(at, _)| shown.as_ref().is_none_or(|shown| !shown.contains(at)));
    let said = lines.map(|(_, line)| line.trim()).filter(|line| !line.is_empty());
    // The line above is a title, the same for each cell.
    said.skip(usize::from(shown.is_some())).collect()
}

#[cfg(test)]
mod tests {
    use crate::triage::traceback::parse;

    fn told(text: &str) -> Vec<String> {
        let found = parse(text).into_iter();
        found
            .map(|one| [one.test.unwrap_or_default(), one.kind.unwrap_or_default(), one.message].join(" | "))
            .collect()
    }

    /// nbval 0.11 in pytest 9.2.
    fn cells(bodies: &[(&str, &str)]) -> String {
        let ruler = "_".repeat(30);
        let block = |(number, (said, body)): (usize, &(&str, &str))| {
            format!(
                "{ruler} sums.ipynb::Cell {number} {ruler}\nNotebook cell execution failed\nCell {number}: {said}\n\n\
                 Input:\nimport shop  # cell {number}\n\nTraceback:\n{body}\n\n"
            )
        };
        let summary =
            |number: usize| format!("FAILED sums.ipynb::Cell {number} - Notebook cell execution failed\n");
        let blocks: String = bodies.iter().enumerate().map(block).collect();
        let summaries: String = (0..bodies.len()).map(summary).collect();
        format!(
            "FF\n========== FAILURES ==========\n{blocks}========== short test summary info ==========\n{summaries}2 failed in \
             1.21s\n"
        )
    }

    #[test]
    fn cells_of_a_notebook_fail_each_in_its_own_way() {
        let raised = "\n---------------------------------------------------------------------------\n\
                      ModuleNotFoundError                       Traceback (most recent call last)\nCell In[1], line 1\n\
                      ----> 1 import shop\n\nFile ~/project/shop.py:1\n----> 1 import no_such_module\n\n\
                      ModuleNotFoundError: No module named 'no_such_module'\n";
        let differs = " mismatch 'text/plain'\n\n assert reference_output == test_output failed:\n\n  '6' == '5'\n  \n  - 5\n  + 6\n";
        let text = cells(&[("Cell execution caused an exception", raised), ("Cell outputs differ", differs)]);
        assert_eq!(
            told(&text),
            [
                "sums.ipynb::Cell 0 | ModuleNotFoundError | No module named 'no_such_module'",
                "sums.ipynb::Cell 1 | Failed | Cell 1: Cell outputs differ\nmismatch \
                 'text/plain'\nassert reference_output == test_output failed:\n'6' == '5'\n- 5\n+ 6",
            ]
        );
        assert_eq!(parse(&text)[0].frames.last().unwrap().path, "~/project/shop.py");
    }

    /// pytest-mypy 1.1, pytest-notebook 0.11: headings that do not name the test.
    #[test]
    fn a_heading_is_of_the_test_that_the_summary_names_in_its_place() {
        let text = "\
=================================== FAILURES ===================================
________________________________ [mypy] app.py _________________________________
5: error: Incompatible return value type (got \"str\", expected \"int\")  [return-value]
_________________________ notebook: nbregression(sums) _________________________
pytest_notebook.nb_regression.NBRegressionError: 
--- expected
+++ obtained
----------------------------- Captured stderr call -----------------------------
[IPKernelApp] WARNING | no
===================================== mypy =====================================
Found 1 error in 1 file (checked 1 source file)
=========================== short test summary info ============================
FAILED app.py::mypy - 5: error: Incompatible return value type (got \"str\", ex...
FAILED sums.ipynb::nbregression(sums) - pytest_notebook.nb_regression.NBRegre...
2 failed in 0.82s
";
        assert_eq!(
            told(text),
            [
                "app.py::mypy | Failed | 5: error: Incompatible return value type (got \"str\", expected \"int\")  \
                 [return-value]",
                "sums.ipynb::nbregression(sums) | pytest_notebook.nb_regression.NBRegressionError | \n--- expected\n+++ \
                 obtained",
            ]
        );
        // Which heading is whose cannot be told where one is missing.
        let fewer = text.replace("FAILED app.py::mypy", "XFAIL app.py::mypy");
        assert!(!told(&fewer).iter().any(|one| one.contains("Incompatible")), "{:?}", told(&fewer));
    }
}
