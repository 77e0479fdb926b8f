//! `find --env auto` where a release of a package is the cause, and no commit is.

use std::fs;

use serde_json::Value;

use crate::support::registry::{Registry, Served, user_with_environments};
use crate::support::{TestRepo, User, report_of};

/// 2024-06-01.
const START: i64 = 1_717_200_000;
const DAY: i64 = 86_400;
/// Commits, one every ten days.
const COMMITS: i64 = 12;

/// A project of these files, and commits after it that change nothing which matters.
fn project(files: &[(&str, &str)]) -> (TestRepo, String) {
    let mut repo = TestRepo::new();
    repo.at(START);
    for (path, text) in files {
        repo.write(path, text);
    }
    let good = repo.commit("start").to_string();
    for step in 1..COMMITS {
        repo.at(START + step * 10 * DAY).write("steps.py", format!("STEP = {step}\n")).commit("step");
    }
    (repo, good)
}

fn find(user: &User, repo: &TestRepo, registry: &Served, good: &str) -> (Option<i32>, Value, String) {
    let shown = user.cache().with_file_name("report.json");
    let json = shown.to_str().unwrap();
    let arguments = ["find", "--env", "auto", "--json", json, "--good", good, "--", "python", "smoke.py"];
    let mut command = user.command(repo.path(), &arguments);
    let output = command.envs(registry.variables()).env_remove("VIRTUAL_ENV").output().unwrap();
    let text = fs::read_to_string(&shown).unwrap_or_default();
    let report = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), report, String::from_utf8_lossy(&output.stdout).into_owned())
}

fn named(report: &Value) -> Vec<(String, String)> {
    let text = |package: &Value, key: &str| package[key].as_str().unwrap_or_default().to_owned();
    let packages = report["packages"].as_array().into_iter().flatten();
    packages.map(|package| (text(package, "name"), text(package, "constraint"))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|&(name, constraint)| (name.to_owned(), constraint.to_owned())).collect()
}

/// Each commit between the two releases fails otherwise than the last: helpers that nobody calls are no cause of it.
#[test]
fn no_edit_is_sufficient_where_the_good_version_fails_with_the_packages_of_the_day() {
    let Some(user) = user_with_environments() else { return };
    let mut registry = Registry::new();
    registry.release("runner", "1.0", "2023-01-01T00:00:00Z", "", "");
    registry.release("runner", "2.0", "2024-07-15T00:00:00Z", "", "raise ValueError('argument')\n");
    registry.release("runner", "2.1", "2024-08-20T00:00:00Z", "", "raise TypeError('hook')\n");
    let registry = registry.serve();
    let (repo, good) = project(&[
        ("requirements.txt", "runner\n"),
        ("smoke.py", "import runner\nimport steps\n"),
        ("steps.py", "STEP = 0\n"),
    ]);
    let (code, report, text) = find(&user, &repo, &registry, &good);
    assert_eq!(code, Some(0), "{report:#}");
    assert!(report["breaking_changes"].as_array().is_none_or(Vec::is_empty), "{report:#}");
    assert!(report["culprits"].as_array().unwrap().is_empty(), "{report:#}");
    assert_eq!(named(&report), pairs(&[("runner", "runner<2.0"), ("runner", "runner<2.0")]), "{report:#}");
    let of = |at: usize, key: &str| report["packages"][at][key].as_str().unwrap_or_default().to_owned();
    assert_eq!([of(0, "first_bad"), of(1, "first_bad")], ["2.0", "2.1"]);
    assert!(of(0, "failure").contains("argument") && of(1, "failure").contains("hook"), "{report:#}");
    let next = text.rsplit("\nnext").next().unwrap();
    assert!(text.contains("requirements.txt:1  runner<2.0   # run: the bad commit passes"), "{text}");
    assert!(next.trim_start().starts_with("pybisect fix "), "{text}");
    assert!(!next.contains("git switch"), "{text}");
}

#[test]
fn what_is_gone_because_its_requirer_dropped_it_is_told_of_with_the_requirer() {
    let Some(user) = user_with_environments() else { return };
    let mut registry = Registry::new();
    registry.release("leaf", "1.0", "2023-01-01T00:00:00Z", "", "x = 1\n");
    registry.release("middle", "1.0", "2023-01-01T00:00:00Z", "leaf", "");
    registry.release("core", "1.0", "2023-01-01T00:00:00Z", "middle", "");
    registry.release("core", "1.1", "2024-06-20T00:00:00Z", "middle", "");
    registry.release("core", "2.0", "2024-07-20T00:00:00Z", "leaf; extra == 'all'", "");
    registry.release("core", "2.1", "2024-07-21T00:00:00Z", "", "");
    let registry = registry.serve();
    let smoke = "import core\nfrom leaf import x\n";
    let manifest = "[project]\nname = 'demo'\nversion = '1'\ndependencies = ['core']\n";
    let (repo, good) = project(&[("pyproject.toml", manifest), ("smoke.py", smoke)]);
    let (code, report, _) = find(&user, &repo, &registry, &good);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(named(&report), pairs(&[("core", "core<2.0")]), "{report:#}");
    let package = &report["packages"][0];
    assert_eq!((&package["first_bad"], &package["last_good"]), (&"2.0".into(), &"1.1".into()), "{package:#}");
    assert_eq!(package["constraint_passed"], true, "{package:#}");
    let dropped: Vec<&str> =
        package["dropped"].as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
    assert!(dropped.contains(&"leaf"), "{package:#}");
    assert_eq!(package["edit"]["after"], "core<2.0", "{package:#}");
}

#[test]
fn pre_releases_are_no_candidates_and_named_by_no_constraint() {
    let Some(user) = user_with_environments() else { return };
    let (fine, other) = ("def greet(): return 'hello'\n", "def greet(): return 'hail'\n");
    let mut registry = Registry::new();
    registry.release("greeting", "1.0", "2023-01-01T00:00:00Z", "", fine);
    registry.release("greeting", "2.0rc1", "2024-07-10T00:00:00Z", "", other);
    registry.release("greeting", "2.0", "2024-07-20T00:00:00Z", "", other);
    // Of this one there are no others.
    registry.release("early", "1.0b1", "2023-01-01T00:00:00Z", "", fine);
    registry.release("early", "2.0b1", "2024-07-20T00:00:00Z", "", other);
    let registry = registry.serve();
    for name in ["greeting", "early"] {
        let smoke = format!("import {name}\nassert {name}.greet() == 'hello'\n");
        let list = format!("{name}\n");
        let (repo, good) = project(&[("requirements.txt", &list), ("smoke.py", &smoke)]);
        let (code, report, _) = find(&user, &repo, &registry, &good);
        assert_eq!(code, Some(0), "{report:#}");
        assert_eq!(named(&report), pairs(&[(name, &format!("{name}<2.0"))]), "{report:#}");
        assert_eq!(report["packages"][0]["constraint_passed"], true, "{report:#}");
    }
}

#[test]
fn the_constraint_is_a_fix_where_the_package_is_declared() {
    let Some(user) = user_with_environments() else { return };
    let mut registry = Registry::new();
    registry.release("greeting", "1.0", "2023-01-01T00:00:00Z", "", "");
    registry.release("greeting", "2.0", "2024-07-20T00:00:00Z", "", "raise ImportError('gone')\n");
    let registry = registry.serve();
    let (repo, good) =
        project(&[("requirements.txt", "# web\ngreeting>=1  # hello\n"), ("smoke.py", "import greeting\n")]);
    let (code, report, text) = find(&user, &repo, &registry, &good);
    assert_eq!(code, Some(0), "{report:#}");
    assert!(
        text.contains("  requirements.txt:2  greeting>=1,<2.0   # run: the bad commit passes with it\n"),
        "{text}"
    );
    let next: Vec<&str> = text.rsplit("\nnext ").next().unwrap().lines().map(str::trim).collect();
    assert_eq!(
        next,
        [
            "pybisect fix   # with greeting<2.0, tried on HEAD",
            "pybisect show  # what the test printed, good beside bad"
        ]
    );
    assert_eq!(user.run(repo.path(), &["show"]).code, Some(0));
    let mut command = user.command(repo.path(), &["fix", "--json", "-"]);
    let (code, fixes) = report_of(command.envs(registry.variables()).env_remove("VIRTUAL_ENV"));
    assert_eq!(code, Some(0), "{fixes:#}");
    let fix = &fixes["fixes"][0];
    assert_eq!((&fix["kind"], &fix["passed"]), (&"hold-back".into(), &true.into()), "{fixes:#}");
    assert!(fix["patch"].as_str().unwrap().contains("+greeting>=1,<2.0  # hello"), "{fixes:#}");
}
