//! What trials printed is kept, without secrets, and shown again.

use crate::support::{TestRepo, User};

const SMOKE: &str = "import app, os\nprint('value is', app.value)\nprint('token=abcdef123456')\n\
                     print('key', os.environ.get('APP_KEY'))\nprint('\\x1b[31mred\\x1b[0m')\nassert app.value < 2, app.value\n";

fn searched(user: &User) -> (TestRepo, Vec<pybisect::model::CommitId>) {
    let mut repo = TestRepo::new();
    repo.write("smoke.py", SMOKE);
    let ids: Vec<_> =
        (0..4).map(|n| repo.write("app.py", format!("value = {n}\n")).commit(&format!("c{n}"))).collect();
    repo.check_out();
    let ran = user
        .command(
            repo.path(),
            &["find", "--good", &ids[0].to_string(), "--pass-env", "APP_KEY", "--", "python3", "smoke.py"],
        )
        .env("APP_KEY", "plainvalue4711x")
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
    (repo, ids)
}

#[test]
fn good_and_bad_are_shown_beside_each_other_and_a_commit_by_itself() {
    let user = User::new();
    let (repo, ids) = searched(&user);
    let shown = user.run(repo.path(), &["show"]);
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    let good = shown.stdout.find(&format!("{} (its parent) passes", ids[1].short())).unwrap();
    let bad =
        shown.stdout.find(&format!("{} (the commit found) fails: exit status 1", ids[2].short())).unwrap();
    assert!(good < bad, "{}", shown.stdout);
    assert!(
        shown.stdout.contains("value is 1") && shown.stdout.contains("AssertionError: 2"),
        "{}",
        shown.stdout
    );
    assert!(!shown.stdout.contains('\u{1b}'), "{:?}", shown.stdout);
    let one = user.run(repo.path(), &["show", &ids[3].short()]);
    assert!(one.stdout.contains("value is 3") && !one.stdout.contains("value is 1"), "{}", one.stdout);
    let edits = user.run(repo.path(), &["show", "--edits"]);
    assert!(edits.stdout.contains("+ value = 2"), "{}", edits.stdout);
    let full = user.run(repo.path(), &["show", "--full"]);
    assert!(full.stdout.contains("verified by trials that ran"), "{}", full.stdout);
    let page = user.run(repo.path(), &["show", "--html"]);
    assert!(page.stdout.contains("<h2") && page.stdout.contains("AssertionError: 2"), "{}", page.stdout);
    let wrong = user.run(repo.path(), &["show", "v9"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("pybisect sessions"), "{}", wrong.stderr);
    let elsewhere = tempfile::tempdir().unwrap();
    let nowhere = user.run(elsewhere.path(), &["show"]);
    assert_eq!(nowhere.code, Some(2), "{}{}", nowhere.stdout, nowhere.stderr);
}

#[test]
fn nothing_that_is_kept_holds_a_secret() {
    let user = User::new();
    let (repo, ids) = searched(&user);
    let shown = user.run(repo.path(), &["show", &ids[2].to_string()]);
    assert!(
        shown.stdout.contains("token=[redacted]") && shown.stdout.contains("key [redacted]"),
        "{}",
        shown.stdout
    );
    for entry in std::fs::read_dir(user.cache()).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_file() {
            let content = std::fs::read(&entry).unwrap();
            for secret in ["abcdef123456", "plainvalue4711x"] {
                let is_in = content.windows(secret.len()).any(|part| part == secret.as_bytes());
                assert!(!is_in, "{secret} in {}", entry.display());
            }
        }
    }
    // What is known from before is judged as before.
    let again = user
        .command(
            repo.path(),
            &[
                "find",
                "--json",
                "-",
                "--good",
                &ids[0].to_string(),
                "--pass-env",
                "APP_KEY",
                "--",
                "python3",
                "smoke.py",
            ],
        )
        .env("APP_KEY", "plainvalue4711x")
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(report["culprits"][0]["commit"], ids[2].to_string(), "{report:#}");
    assert_eq!(report["trials"]["run"], 0, "{report:#}");
}
