//! One `--format` and `--output` for all, and a word at the end.

use serde_json::Value;

use super::support::{TestRepo, User};

fn searched() -> (User, TestRepo, String) {
    let (user, (repo, ids)) = (User::new(), TestRepo::with_versions(&["a = 1\n", "a = 2\n", "a = 3\n"]));
    repo.check_out();
    (user, repo, ids[0].to_string())
}

const COMMAND: [&str; 4] = ["--", "python3", "-c", "import app; assert app.a < 2"];

#[test]
fn a_search_is_json_where_it_is_asked_for_by_either_name() {
    let (user, repo, good) = searched();
    let find = |options: &[&str]| {
        let mut all = vec!["find", "--good", &good];
        all.extend_from_slice(options);
        all.extend(COMMAND);
        user.run(repo.path(), &all)
    };
    let status = |text: &str| serde_json::from_str::<Value>(text).unwrap()["status"].clone();
    assert_eq!(status(&find(&["--format", "json"]).stdout), "found");
    let file = user.home().join("report.json");
    let name = file.to_str().unwrap();
    for options in [&["--format", "json", "--output", name][..], &["--json", name]] {
        let ran = find(options);
        assert!(ran.stdout.contains("broke it"), "{}", ran.stdout);
        assert_eq!(status(&std::fs::read_to_string(&file).unwrap()), "found");
        std::fs::remove_file(&file).unwrap();
    }
    assert_eq!(find(&["--format", "json", "--json", name]).code, Some(2));
    let text = find(&["--format", "text", "--output", name]);
    assert!(text.code == Some(2) && text.stderr.contains("--format json"), "{}", text.stderr);
}

#[test]
fn what_is_rendered_goes_to_a_file_when_that_is_named() {
    let (user, repo, good) = searched();
    let range = format!("{good}..");
    let log = user.home().join("error.log");
    std::fs::write(
        &log,
        "Traceback (most recent call last):\n  File \"app.py\", line 1, in f\nKeyError: 'a'\n",
    )
    .unwrap();
    let log = log.to_str().unwrap();
    let file = user.home().join("out");
    let name = file.to_str().unwrap();
    let cases: [&[&str]; 3] =
        [&["suspects", "--log", log, &range], &["calls", &range], &["check", "--types", "off", &range]];
    for arguments in cases {
        for format in ["text", "json"] {
            let mut plain = arguments.to_vec();
            plain.extend(["--format", format]);
            let printed = user.run(repo.path(), &plain).stdout;
            plain.extend(["--color", "always", "--output", name]);
            let ran = user.run(repo.path(), &plain);
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{arguments:?} {}", ran.stderr);
            assert_eq!(std::fs::read_to_string(&file).unwrap(), printed, "{arguments:?}");
        }
    }
    let logs = user.run(repo.path(), &["logs", "--format", "json", "--output", name, log]);
    assert_eq!(logs.code, Some(0), "{}", logs.stderr);
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert!(written["groups"].as_array().is_some_and(|groups| groups.len() == 1), "{written:#}");
}

#[test]
fn a_command_is_told_of_the_end() {
    let (user, repo, good) = searched();
    let told = user.home().join("told");
    let find = |how: &str| {
        let mut all = vec!["find", "--good", &good, "--notify", how];
        all.extend(COMMAND);
        user.run(repo.path(), &all)
    };
    let ran = find(&format!("echo \"$PYBISECT_STATUS: $PYBISECT_SUMMARY\" > {}", told.display()));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let text = std::fs::read_to_string(&told).unwrap();
    assert!(text.starts_with("found: ") && text.contains("broke it: edit app.py"), "{text}");
    let failed = find("exit 3");
    assert_eq!(failed.code, Some(0), "the answer stays");
    assert!(failed.stderr.contains("--notify 'exit 3' ended with exit status: 3"), "{}", failed.stderr);
    assert!(find("bell").stderr.contains('\x07'));
}
