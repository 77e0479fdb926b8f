//! `find --env auto`: trials of the search share packages, and what is shared never decides.

use pybisect::model::CommitId;
use serde_json::Value;

use crate::support::registry::{Registry, Served, user_with_environments};
use crate::support::{TestRepo, User, culprit, report_of};

/// 2024-06-01.
const JUNE: i64 = 1_717_200_000;
const DAY: i64 = 86_400;
/// Commits, and days, of a history.
const DAYS: i64 = 24;
const BROKEN: i64 = 13;

fn find(user: &User, repo: &TestRepo, registry: &Served, good: CommitId) -> (Option<i32>, Value) {
    let good = good.to_string();
    let arguments =
        ["find", "--json", "-", "--env", "auto", "--jobs", "2", "--good", &good, "--", "python", "smoke.py"];
    let mut command = user.command(repo.path(), &arguments);
    command.envs(registry.variables()).env_remove("VIRTUAL_ENV");
    report_of(&mut command)
}

fn made(user: &User) -> usize {
    let entries = std::fs::read_dir(user.cache().join("environments/made")).unwrap().flatten();
    entries.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "complete")).count()
}

/// `linter` has a release on each day, `greeting` one before all of them.
fn releases() -> Registry {
    let mut registry = Registry::new();
    let greet = "def greet(name): return 'hello ' + name\n";
    registry.release("greeting", "1.0", "2023-01-01T00:00:00Z", "", greet);
    for day in 0..=DAYS {
        let uploaded = format!("2024-06-{:02}T00:00:00Z", day + 1);
        registry.release("linter", &format!("{day}.0"), &uploaded, "", "");
    }
    registry
}

/// A commit a day, each with what it declares; one of them breaks the app.
fn history(declares: impl Fn(i64) -> String) -> (TestRepo, Vec<CommitId>) {
    let mut repo = TestRepo::new();
    repo.write("smoke.py", "import app\nassert app.hello() == 'hello Ada', app.hello()\n");
    let commit = |day: i64, repo: &mut TestRepo| {
        let name = if day < BROKEN { "Ada" } else { "Bob" };
        repo.at(JUNE + day * DAY + DAY / 2)
            .write("requirements.txt", declares(day))
            .write(
                "app.py",
                format!("import greeting\ndef hello(): return greeting.greet('{name}')\n# {day}\n"),
            )
            .commit("edit")
    };
    let ids = (0..DAYS).map(|day| commit(day, &mut repo)).collect();
    (repo, ids)
}

#[test]
fn what_no_trial_imports_causes_no_new_environment() {
    let declarations: [fn(i64) -> String; 2] =
        [|_| "greeting\nlinter\n".to_owned(), |day| format!("greeting\nlinter=={day}.0\n")];
    for declares in declarations {
        let Some(user) = user_with_environments() else { return };
        let registry = releases().serve();
        let (repo, ids) = history(declares);
        let (code, report) = find(&user, &repo, &registry, ids[0]);
        assert_eq!(code, Some(0), "{report:#}");
        assert_eq!(culprit(&report), ids[13].to_string());
        // Those of bad, of the culprit and of its parent, and one made ahead: each of these days has another linter.
        assert!(made(&user) <= 4, "{}: {report:#}", made(&user));
        let versions: Vec<String> = report["environments"].as_array().unwrap().iter().map(linter).collect();
        assert!(versions.contains(&"linter==13.0".to_owned()), "{versions:?}: the culprit ran with its own");
        assert!(versions.contains(&"linter==12.0".to_owned()), "{versions:?}: so did its parent");
    }
}

fn linter(environment: &Value) -> String {
    let packages = environment["packages"].as_array().unwrap().iter().filter_map(Value::as_str);
    packages.filter(|package| package.starts_with("linter")).collect()
}

/// With the packages of bad, each commit fails in the way that is looked for: what decides are those of the commit.
#[test]
fn a_failure_that_shared_packages_bring_everywhere_is_not_taken_for_the_commits() {
    let Some(user) = user_with_environments() else { return };
    let mut registry = releases();
    let bob = "def greet(name): return 'hello Bob'\n";
    registry.release("greeting", "2.0", "2024-06-20T00:00:00Z", "", bob);
    let registry = registry.serve();
    let (repo, ids) = history(|_| "greeting\nlinter\n".to_owned());
    let (code, report) = find(&user, &repo, &registry, ids[0]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(culprit(&report), ids[13].to_string(), "{report:#}");
    assert!(report["notes"].to_string().contains("say something else than its own"), "{report:#}");
}

/// The release alone does it: no commit does.
#[test]
fn where_the_failure_follows_the_packages_that_is_seen_at_once() {
    let Some(user) = user_with_environments() else { return };
    let mut registry = Registry::new();
    for (version, day, text) in [("1.0", 1, "hello"), ("2.0", 14, "hail"), ("2.1", 16, "hail")] {
        let source = format!("def greet(name): return '{text} ' + name\n");
        registry.release("greeting", version, &format!("2024-06-{day:02}T00:00:00Z"), "", &source);
    }
    let registry = registry.serve();
    let mut repo = TestRepo::new();
    repo.write("smoke.py", "import app\nassert app.hello() == 'hello Ada', app.hello()\n")
        .write("requirements.txt", "greeting\n")
        .write("app.py", "import greeting\ndef hello(): return greeting.greet('Ada')\n");
    let commits =
        (1..DAYS).map(|day| repo.at(JUNE + day * DAY).write("README", format!("{day}")).commit("write"));
    let ids: Vec<CommitId> = commits.collect();
    let (code, report) = find(&user, &repo, &registry, ids[0]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(report["culprits"].as_array().unwrap().len(), 0, "{report:#}");
    let package = &report["packages"][0];
    assert_eq!([&package["name"], &package["first_bad"]], ["greeting", "2.0"], "{report:#}");
    assert_eq!(package["constraint"], "greeting<2.0", "{report:#}");
}
