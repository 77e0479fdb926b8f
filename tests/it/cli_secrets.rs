//! Secrets in a history: what is shown of it has none of them, and what is applied has all.

use crate::support::{TestRepo, User};

/// In a commit's subject, its code, and what its failure says.
const SECRET: &str = "hunter2x9Qz";

fn history() -> (TestRepo, Vec<String>) {
    let mut repo = TestRepo::new();
    repo.write("smoke.py", "import app\nassert app.load('[1]') == [1]\n");
    let reads = |call: &str, token: &str| {
        format!(
            "import json\n\n\ndef load(text):\n    api_token = \"{token}\"\n    value = json.{call}(text)\n    return value if api_token else None\n"
        )
    };
    repo.write("app.py", reads("loads", "old"));
    let mut ids = vec![repo.commit("Read JSON").to_string()];
    ids.push(repo.write("notes.md", "a\n").commit("Note something").to_string());
    let subject = format!("Read faster with token={SECRET} of the gateway");
    ids.push(repo.write("app.py", reads("load", SECRET)).commit(&subject).to_string());
    ids.push(repo.write("notes.md", "a\nb\n").commit("Note more").to_string());
    repo.check_out();
    repo.git(&["config", "user.name", "Eve"]);
    repo.git(&["config", "user.email", "eve@example.org"]);
    (repo, ids)
}

#[test]
fn what_is_shown_has_no_secret_and_what_is_applied_is_exact() {
    let (repo, ids) = history();
    let user = User::new();
    let smoke = ["--", "python3", "smoke.py"];
    let log = user.home().join("error.log");
    std::fs::write(
        &log,
        "Traceback (most recent call last):\n  File \"app.py\", line 6, in load\n    value = json.load(text)\nAttributeError: 'str' object has no attribute 'read'\n",
    )
    .unwrap();
    let patch = user.home().join("fix.patch");
    let (log, patch_name) = (log.to_str().unwrap(), patch.to_str().unwrap());
    let range = format!("{}..", ids[0]);
    let good = ["find", "--good", &ids[0]];
    let runs: Vec<(Vec<&str>, &[i32])> = vec![
        ([&good[..], &smoke].concat(), &[0]),
        ([&good[..], &["--json", "-"], &smoke].concat(), &[0]),
        (vec!["show"], &[0]),
        (vec!["show", "--full"], &[0]),
        (vec!["show", "--edits"], &[0]),
        (vec!["show", "--markdown"], &[0]),
        (vec!["show", "--html"], &[0]),
        (vec!["log"], &[0]),
        (vec!["fix", "-o", patch_name, "--branch", "mended"], &[0]),
        (vec!["fix", "--json", "-"], &[0]),
        (vec!["calls", &range, "--each"], &[0]),
        (vec!["calls", &range, "--format", "json"], &[0]),
        (vec!["calls", &range, "--format", "markdown"], &[0]),
        (vec!["calls", &range, "--format", "sarif"], &[0]),
        (vec!["suspects", &range, "--log", log], &[0]),
        (vec!["suspects", &range, "--log", log, "--format", "json"], &[0]),
        (vec!["suspects", &range, "--log", log, "--format", "markdown"], &[0]),
        ([&["check", &range], &smoke[..]].concat(), &[0, 10]),
        ([&["check", &range, "--format", "json"], &smoke[..]].concat(), &[0, 10]),
    ];
    let mut masked = 0;
    for (arguments, codes) in runs {
        let ran = user.run(repo.path(), &arguments);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(ran.code.is_some_and(|code| codes.contains(&code)), "{arguments:?}: {said}");
        assert!(!said.contains(SECRET), "{arguments:?}:\n{said}");
        masked += usize::from(said.contains("[redacted]"));
    }
    assert!(masked >= 9, "{masked}");
    let applied = std::fs::read_to_string(&patch).unwrap();
    assert!(applied.contains(&format!("     api_token = \"{SECRET}\"\n")), "{applied}");
    let mended = repo.git(&["show", "mended:app.py"]);
    assert!(mended.contains(SECRET) && mended.contains("json.loads"), "{mended}");
}
