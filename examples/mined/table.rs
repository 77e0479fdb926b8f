//! What came of it, for people.

use super::history::{Record, Side, Word};

/// Print the table's head.
pub(crate) fn print_head() {
    println!(
        "{:<52} {:>7} {:>5} {:>5}  {:<8} {:>6} {:>6} {:>8}  {:<8} {:>6} {:>8}",
        "history",
        "commits",
        "faces",
        "most",
        "pybisect",
        "trials",
        "edits",
        "seconds",
        "git",
        "trials",
        "seconds"
    );
}

/// Trials that a search with one worker may take where nothing is skipped or flaky.
fn most_trials(commits: usize) -> usize {
    let halvings = usize::try_from(commits.max(1).next_power_of_two().trailing_zeros()).unwrap_or(0);
    halvings + 3
}

/// Print a history.
pub(crate) fn print_row(record: &Record) {
    let (Some(history), Some(git), Some(ours)) = (&record.history, &record.git, &record.pybisect) else {
        return;
    };
    println!(
        "{:<52} {:>7} {:>5} {:>5}  {:<8} {:>6} {:>6} {:>8.1}  {:<8} {:>6} {:>8.1}",
        record.name,
        history.commits,
        record.truth.as_ref().map_or(0, |truth| truth.faces.len()),
        most_trials(history.commits),
        record.word(ours).text(),
        ours.trials,
        ours.narrowing,
        ours.seconds,
        record.word(git).text(),
        git.trials,
        git.seconds,
    );
}

/// Print the table and the totals. Whether pybisect was right wherever git was.
pub(crate) fn print(records: &[Record]) -> bool {
    print_head();
    records.iter().for_each(print_row);
    print_totals(records)
}

/// Print the totals. Whether pybisect was right wherever git was.
pub(crate) fn print_totals(records: &[Record]) -> bool {
    let sides = |record: &Record| Some((record.git.clone()?, record.pybisect.clone()?));
    let all: Vec<(&Record, Side, Side)> =
        records.iter().filter_map(|record| sides(record).map(|(git, ours)| (record, git, ours))).collect();
    let words: Vec<(Word, Word)> =
        all.iter().map(|(record, git, ours)| (record.word(git), record.word(ours))).collect();
    print_words("git", &words.iter().map(|(git, _)| *git).collect::<Vec<_>>());
    print_words("pybisect", &words.iter().map(|(_, ours)| *ours).collect::<Vec<_>>());
    let worse = words
        .iter()
        .filter(|(git, ours)| *git == Word::Right && !matches!(ours, Word::Right | Word::First))
        .count();
    let better = words.iter().filter(|(git, ours)| *git != Word::Right && *ours == Word::Right).count();
    let trials = all.iter().fold((0, 0), |sum, (_, git, ours)| (sum.0 + git.trials, sum.1 + ours.trials));
    let over = all
        .iter()
        .filter(|(record, _, ours)| {
            let most = record.history.as_ref().map_or(0, |history| most_trials(history.commits));
            ours.trials > most && record.truth.as_ref().is_some_and(|truth| truth.otherwise == 0)
        })
        .count();
    println!(
        "{} histories: git right and pybisect not {worse}, pybisect right and git not {better}; trials {} against \
         git's {}; above log2 + 3 though all failures are alike {over}",
        all.len(),
        trials.1,
        trials.0
    );
    print_suspects(&all);
    worse == 0
}

/// How often each word was said.
fn print_words(name: &str, own: &[Word]) {
    let kinds = [Word::Right, Word::First, Word::Face, Word::Set, Word::None, Word::Wrong, Word::Unknown];
    let count = |kind: Word| own.iter().filter(|word| **word == kind).count();
    let counts: Vec<String> =
        kinds.into_iter().map(|kind| format!("{} {}", count(kind), kind.text())).collect();
    println!("{name}: {}", counts.join(", "));
}

/// How well what is said of suspects beforehand holds.
fn print_suspects(all: &[(&Record, Side, Side)]) {
    for (least, most) in [(0.0, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 0.85), (0.85, 1.01)] {
        let (mut said, mut sum, mut right) = (0, 0.0, 0);
        for (record, _, ours) in all {
            for (commit, p) in ours.suspects.iter().filter(|(_, p)| (least..most).contains(p)) {
                let Some(is_true) = record.is_true(commit) else { continue };
                said += 1;
                sum += p;
                right += usize::from(is_true);
            }
        }
        println!(
            "suspects said to be {:>3.0} to {:>3.0} %: {said}, {sum:.1} expected, {right} right",
            least * 100.0,
            most * 100.0
        );
    }
}
