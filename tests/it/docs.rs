//! The documentation leads to what is there.

use std::path::Path;

use regex::Regex;

/// Every page: the front page, what it links to, and how to report.
fn pages() -> Vec<std::path::PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md"), root.join("SECURITY.md")];
    let docs = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    pages.extend(docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    pages
}

/// GitHub's anchor of a heading: lower case, dashes for blanks, other marks gone.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn every_link_between_pages_leads_to_a_file_and_a_heading() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut seen = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for found in link.captures_iter(&text).filter(|found| !found[1].contains("://")) {
            seen += 1;
            let (file, heading) = found[1].split_once('#').unwrap_or((&found[1], ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {}", page.display(), &found[1]);
            if !heading.is_empty() {
                let text = std::fs::read_to_string(&target).unwrap();
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                assert!(headings.any(|line| anchor(line) == heading), "{}: {}", page.display(), &found[1]);
            }
        }
    }
    assert!(seen > 20, "{seen} links");
}

#[test]
fn the_files_that_pages_name_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = Regex::new(r"`((?:src|tests|fixtures|examples|fuzz|docs|ci)/[\w./-]+)`").unwrap();
    let mut seen = 0;
    for page in pages().into_iter().chain([root.join("CONTRIBUTING.md")]) {
        let text = std::fs::read_to_string(&page).unwrap();
        for found in path.captures_iter(&text) {
            seen += 1;
            assert!(root.join(&found[1]).exists(), "{}: {}", page.display(), &found[1]);
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn the_front_page_leads_to_every_page() {
    let front = std::fs::read_to_string(pages()[0].as_path()).unwrap();
    for page in pages().iter().skip(1) {
        let name = page.file_name().unwrap().to_str().unwrap();
        assert!(front.contains(&format!("{name})")), "{name} is not linked");
    }
    assert!(front.lines().count() <= 150, "the front page is longer than can be taken in");
}

/// Beginnings of a sentence whose subject stands in another one.
const WITHOUT_SUBJECT: [&str; 16] = [
    "It ",
    "Its ",
    "They ",
    "Their ",
    "The same",
    "Those ",
    "These ",
    "That ",
    "As ",
    "Of ",
    "Also ",
    "Whether it ",
    "Where it ",
    "When it ",
    "How it ",
    "What it ",
];

/// What is public with the first line of its docs, by line number.
fn first_lines(source: &str) -> Vec<(usize, &str)> {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let is_doc = |at: usize| lines[at].starts_with("///");
    let mut found = Vec::new();
    for at in (0..lines.len()).filter(|&at| is_doc(at) && (at == 0 || !is_doc(at - 1))) {
        let item = lines[at..].iter().find(|line| !line.starts_with("///") && !line.starts_with("#["));
        if item.is_some_and(|item| item.starts_with("pub ")) {
            found.push((at + 1, lines[at].trim_start_matches('/').trim()));
        }
    }
    found
}

#[test]
fn first_lines_of_public_docs_stand_alone() {
    let source = "/// Its name.\n#[serde(skip)]\npub name: u8,\n/// The name.\npub(crate) fn a() {}\n";
    assert_eq!(first_lines(source), [(1, "Its name.")]);
    let mut seen = 0;
    let mut wrong = Vec::new();
    for entry in walkdir::WalkDir::new("src").into_iter().map(Result::unwrap) {
        if entry.path().extension().is_none_or(|end| end != "rs") {
            continue;
        }
        let source = std::fs::read_to_string(entry.path()).unwrap();
        for (number, line) in first_lines(&source) {
            seen += 1;
            if WITHOUT_SUBJECT.iter().any(|word| line.starts_with(word)) {
                wrong.push(format!("{}:{number}: {line}", entry.path().display()));
            }
        }
    }
    assert!(seen > 1000, "{seen}");
    assert!(wrong.is_empty(), "say of what:\n{}", wrong.join("\n"));
}
