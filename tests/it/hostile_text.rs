//! Names, subjects and messages of others in every form of output: nothing of them ends a line of ours, moves a cursor, or
//! is a command for what reads it.

use crate::support::repo_builder::TestRepo;
use crate::support::run::User;

/// In a file's name, a subject, and what a test says.
const HOSTILE: &str =
    "x\n::error::from-a-name\r\u{1b}[2J\u{1b}]0;t\u{7} @ada [a](https://x.example) `|`<b> ##[group]z";

/// Lines that a build server would take for a command, but for those that pybisect means.
fn commands(text: &str) -> Vec<&str> {
    let is_foreign = |line: &&str| {
        let line = line.trim_start();
        (line.starts_with("::") && !line.contains("title=pybisect")) || line.starts_with("##[")
    };
    text.lines().filter(is_foreign).collect()
}

/// Characters that move a cursor or set a title.
fn controls(text: &str) -> Vec<char> {
    text.chars().filter(|&c| c.is_control() && c != '\n' && c != '\t').collect()
}

fn history() -> (TestRepo, Vec<String>) {
    let mut repo = TestRepo::new();
    let name = format!("{HOSTILE}.py");
    let name = name.replace('/', "_");
    let mut ids = Vec::new();
    for (number, call) in ["json.load(f)", "json.loads(f)", "json.loads(f, 1)"].iter().enumerate() {
        repo.write_as(
            name.as_bytes(),
            format!("import json\n{call}\n").as_bytes(),
            crate::support::repo_builder::FILE,
        );
        repo.write("n", number.to_string());
        ids.push(repo.commit(HOSTILE).to_string());
    }
    (repo, ids)
}

fn look(what: &str, text: &str) {
    assert_eq!(commands(text), Vec::<&str>::new(), "{what}:\n{text}");
    assert_eq!(controls(text), Vec::<char>::new(), "{what}:\n{text:?}");
}

/// The control: the checks above see what they are for.
#[test]
fn the_hostile_text_would_be_seen() {
    assert!(matches!(commands(HOSTILE)[..], [line] if line.starts_with("::error::from-a-name")));
    assert_eq!(controls(HOSTILE).len(), 4);
}

#[test]
fn no_form_of_output_hands_a_foreign_text_on_as_it_is() {
    let (repo, ids) = history();
    let user = User::new();
    let range = format!("{}..{}", ids[0], ids[2]);
    let script = format!("printf '%s' '{HOSTILE}' >&2; [ $(cat n) -lt 1 ]");
    let run = |arguments: &[&str]| {
        let ran = user.run(repo.path(), arguments);
        let what = arguments.join(" ");
        look(&format!("{what} (out)"), &ran.stdout);
        look(&format!("{what} (err)"), &ran.stderr);
        assert_ne!(ran.code, Some(1), "{what}: {}", ran.stderr);
        assert_ne!(ran.code, Some(2), "{what}: {}", ran.stderr);
        ran.stdout
    };
    for format in ["text", "json", "github", "sarif", "gitlab", "rdjson", "markdown"] {
        let said = run(&["calls", &range, "--format", format]);
        assert!(said.contains("from-a-name"), "{format}: {said}");
        run(&["calls", &range, "--each", "--format", format]
            .map(|word| if word == "--each" { "--no-cache" } else { word }));
        run(&["suspects", &range, "--format", format, "--", "sh", "-c", &script]);
    }
    for format in ["text", "json", "github", "sarif", "gitlab", "rdjson", "markdown", "junit"] {
        run(&["check", &range, "--types", "off", "--verbose", "--format", format, "--", "sh", "-c", &script]);
    }
    for more in [&[][..], &["--quiet"], &["--fresh", "--json", "-"]] {
        let mut arguments = vec!["find", "--good", ids[0].as_str()];
        arguments.extend(more);
        arguments.extend(["--", "sh", "-c", &script]);
        let said = run(&arguments);
        assert!(said.contains("from-a-name"), "{said}");
    }
    run(&["fix"]);
    run(&["sessions"]);
    for form in [&[][..], &["--full"], &["--edits"], &["--markdown"]] {
        run(&[&["show"], form].concat());
    }
    for form in ["text", "json", "markdown", "html"] {
        let said = run(&["report", "--format", form]);
        assert!(said.contains("from-a-name"), "{form}: {said}");
    }
    let page = run(&["show", "--html"]);
    assert!(page.contains("&lt;b&gt; ##[group]z") && !page.contains("<b> ##"), "{page}");
    let log = run(&["log"]);
    assert!(log.lines().all(|line| line.starts_with("# ") || line.starts_with("git bisect ")), "{log}");
    let file = user.home().join("app.log");
    std::fs::write(&file, format!("ERROR {HOSTILE}\nTraceback (most recent call last):\n  File \"a\u{1b}[2J.py\", line 1, in f\nValueError: {HOSTILE}\n")).unwrap();
    let file = file.to_string_lossy().into_owned();
    run(&["logs", &file]);
    run(&["logs", &file, "--json", "-"]);
    run(&["suspects", &range, "--log", &file]);
}

#[test]
fn the_job_summary_holds_no_markup_of_others() {
    let (repo, ids) = history();
    let user = User::new();
    let summary = user.home().join("summary.md");
    let range = format!("{}..{}", ids[0], ids[2]);
    let script = format!("printf '%s' '{HOSTILE}' >&2; [ $(cat n) -lt 1 ]");
    let mut command = user.command(
        repo.path(),
        &["check", &range, "--types", "off", "--format", "github", "--", "sh", "-c", &script],
    );
    let ran = command.env("GITHUB_STEP_SUMMARY", &summary).output().unwrap();
    assert!(ran.status.code().is_some_and(|code| code != 1));
    let text = std::fs::read_to_string(&summary).unwrap();
    look("summary", &text);
    // Outside of code, neither a link nor a mention nor HTML.
    let code = regex::Regex::new(r"``` .*? ```|``.*?``|`[^`]*`").unwrap();
    for line in text.lines() {
        let prose = code.replace_all(line, "");
        let links = prose.replace("\\]", "").contains("](");
        assert!(!prose.contains("@ada") && !links && !prose.contains("<b>"), "{line}");
        assert!(!prose.contains("https://"), "{line}");
    }
}
