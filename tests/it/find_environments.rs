//! `find --env auto`: each commit in the environment of its day.

use pybisect::model::CommitId;
use serde_json::Value;

use crate::support::registry::{Registry, Served, user_with_environments};
use crate::support::{TestRepo, User, culprit, report_of};

/// 2024-06-01 and, between two releases, 2024-09-01.
const JUNE: i64 = 1_717_200_000;
const SEPTEMBER: i64 = 1_725_148_800;
const DAY: i64 = 86_400;

const SMOKE: &str = "import app\nassert app.hello() == 'hello Ada', app.hello()\n";

fn find(user: &User, repo: &TestRepo, registry: &Served, arguments: &[&str]) -> (Option<i32>, Value) {
    let smoke = user.cache().with_file_name("smoke.py");
    std::fs::write(&smoke, SMOKE).unwrap();
    let overlay = format!("{}:smoke.py", smoke.display());
    let mut all = vec!["find", "--json", "-", "--with-file", &overlay];
    all.extend_from_slice(arguments);
    all.extend_from_slice(&["--", "python", "smoke.py"]);
    let mut command = user.command(repo.path(), &all);
    command.envs(registry.variables()).env_remove("VIRTUAL_ENV");
    report_of(&mut command)
}

/// `greeting` 2 has another interface; it came in July.
fn greeting() -> Registry {
    let mut registry = Registry::new();
    registry.release(
        "greeting",
        "1.0",
        "2023-01-01T00:00:00Z",
        "",
        "def greet(name): return 'hello ' + name\n",
    );
    registry.release(
        "greeting",
        "2.0",
        "2024-07-01T00:00:00Z",
        "",
        "def greet(*, who): return 'hello ' + who\n",
    );
    registry
}

/// Commits of `app.py` around July, each day with one of these calls; then one of a text.
fn history(days: &[(i64, &str)]) -> (TestRepo, Vec<CommitId>) {
    let mut repo = TestRepo::new();
    repo.write("requirements.txt", "greeting\n");
    let mut ids = Vec::new();
    for (day, (start, call)) in (0..).zip(days) {
        let text = format!("import greeting\ndef hello(): return greeting.greet({call})\n# {day}\n");
        repo.at(start + day * DAY).write("app.py", text);
        ids.push(repo.commit("edit app.py"));
    }
    repo.write("README", "text");
    ids.push(repo.commit("write a text"));
    (repo, ids)
}

fn made(user: &User) -> usize {
    let folder = user.cache().join("environments/made");
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "complete")).count()
}

#[test]
fn old_commits_run_with_the_packages_of_their_day() {
    let Some(user) = user_with_environments() else { return };
    let registry = greeting().serve();
    // It breaks in June, and adapts to `greeting` 2 in September: the proof is of commits of June.
    let broken = [(JUNE, "'Bob'"), (SEPTEMBER, "who='Bob'"), (SEPTEMBER, "who='Bob'")];
    let (repo, ids) = history(&[vec![(JUNE, "'Ada'"); 4], broken.to_vec()].concat());
    let good = ids[0].to_string();
    let (code, report) = find(&user, &repo, &registry, &["--env", "auto", "--good", &good, "--jobs", "4"]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(culprit(&report), ids[4].to_string());
    let packages: Vec<&str> = report["environments"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|environment| environment["packages"].as_array().unwrap())
        .filter_map(Value::as_str)
        .filter(|package| package.starts_with("greeting"))
        .collect();
    assert!(packages.contains(&"greeting==1.0") && packages.contains(&"greeting==2.0"), "{packages:?}");
    assert_eq!(made(&user), 2, "many dates share an environment");

    // Everything is there the second time.
    let (code, report) =
        find(&user, &repo, &registry, &["--env", "auto", "--good", &good, "--jobs", "4", "--fresh"]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(made(&user), 2);
}

#[test]
fn without_time_travel_commits_run_with_todays_packages() {
    let Some(user) = user_with_environments() else { return };
    let registry = greeting().serve();
    // It adapts to `greeting` 2 in September, and breaks by itself right after.
    let later = vec![(SEPTEMBER, "who='Ada'"); 4];
    let (repo, ids) = history(&[vec![(JUNE, "'Ada'"); 4], later, vec![(SEPTEMBER, "who='Bob'")]].concat());
    let (good, adapted) = (ids[0].to_string(), ids[4].to_string());
    let today = ["--env", "auto", "--no-time-travel", "--good", &good];
    let (code, report) = find(&user, &repo, &registry, &today);
    assert_eq!((code, culprit(&report)), (Some(0), ids[8].to_string().as_str()), "{report:#}");
    assert!(!report["environments"].to_string().contains("greeting==1.0"), "{report:#}");
    // What passed in its day fails today, and that is told of the end which the answer would rest on.
    let today = ["--env", "auto", "--no-time-travel", "--good", &good, "--bad", &adapted];
    let (code, report) = find(&user, &repo, &registry, &today);
    assert_eq!(code, Some(4), "{report:#}");

    // As of a date before the release, the first commit that fails is the one that adapts to it.
    let (code, report) = find(&user, &repo, &registry, &["--as-of", "2024-06-15", "--good", &good]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(culprit(&report), adapted);
}

#[test]
fn an_environment_that_cannot_be_made_is_a_skip_and_tried_once() {
    let Some(user) = user_with_environments() else { return };
    let registry = greeting().serve();
    let mut repo = TestRepo::new();
    let mut ids = Vec::new();
    for day in 0..12 {
        let name = if day >= 8 { "Bob" } else { "Ada" };
        let list = if (5..8).contains(&day) { "no-such-package\n" } else { "greeting\n" };
        repo.at(SEPTEMBER + day * DAY).write("requirements.txt", list).write(
            "app.py",
            format!("import greeting\ndef hello(): return greeting.greet(who='{name}') # {day}\n"),
        );
        ids.push(repo.commit("edit"));
    }
    let (code, report) = find(&user, &repo, &registry, &["--good", &ids[0].to_string(), "--jobs", "1"]);
    // Whether it broke at the commit or in the stretch before it, no trial can tell.
    assert_eq!(code, Some(3), "{report:#}");
    let set: Vec<&str> =
        report["culprits"].as_array().unwrap().iter().filter_map(|one| one["commit"].as_str()).collect();
    let mut expected: Vec<String> = ids[5..9].iter().map(ToString::to_string).collect();
    let mut set: Vec<String> = set.into_iter().map(str::to_owned).collect();
    expected.sort();
    set.sort();
    assert_eq!(set, expected, "{report:#}");
    let skipped = report["skipped"].as_array().unwrap();
    assert!(!skipped.is_empty(), "{report:#}");
    for skip in skipped {
        assert!(skip["reason"].as_str().unwrap().contains("no-such-package"), "{skip:#}");
    }
}

#[test]
fn a_small_cache_is_enough_for_many_environments() {
    let Some(user) = user_with_environments() else { return };
    const COUNT: i64 = 20;
    /// Room for a few of them.
    const LIMIT: u64 = 400_000;
    let mut registry = greeting();
    for version in 0..COUNT {
        let source = format!("#{}\n", "x".repeat(50_000));
        registry.release("other", &format!("{version}.0"), "2023-01-01T00:00:00Z", "", &source);
    }
    let registry = registry.serve();
    let mut repo = TestRepo::new();
    let mut ids = Vec::new();
    for version in 0..COUNT {
        let name = if version >= 13 { "Bob" } else { "Ada" };
        repo.at(SEPTEMBER + version * DAY)
            .write("requirements.txt", format!("greeting\nother=={version}.0\n"))
            .write("app.py", format!("import greeting\ndef hello(): return greeting.greet(who='{name}')\n"));
        ids.push(repo.commit("edit"));
    }
    let limit = LIMIT.to_string();
    let good = ids[0].to_string();
    let arguments = ["--good", &good, "--env-cache", &limit];
    let (code, report) = find(&user, &repo, &registry, &arguments);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(culprit(&report), ids[13].to_string());

    // All of them are too much, and each by itself is not.
    for id in ids.iter().step_by(3) {
        let (code, report) =
            find(&user, &repo, &registry, &["--bad", &id.to_string(), "--env-cache", &limit, "--fresh"]);
        assert!([Some(0), Some(4)].contains(&code), "{report:#}");
        assert!(report["skipped"].as_array().unwrap().is_empty(), "{report:#}");
    }
    let kept = sizes(&user);
    assert!((1..=8).contains(&kept.len()), "{kept:?}");
    // The last one that was made is never removed for its own sake.
    assert!(kept.iter().sum::<u64>() <= LIMIT + kept.iter().max().unwrap(), "{kept:?}");
}

/// The sizes of the environments that are kept.
fn sizes(user: &User) -> Vec<u64> {
    let folder = user.cache().join("environments/made");
    let paths = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let complete = paths.filter(|path| path.extension().is_some_and(|ending| ending == "complete"));
    complete.map(|path| std::fs::read_to_string(path).unwrap().parse().unwrap()).collect()
}

#[test]
fn an_endpoint_without_an_environment_ends_the_search_with_its_own_status() {
    let Some(user) = user_with_environments() else { return };
    let registry = greeting().serve();
    let mut repo = TestRepo::new();
    repo.at(SEPTEMBER).write("app.py", APP).write("requirements.txt", "no-such-package\n");
    let first = repo.commit("want what is not there");
    repo.write("requirements.txt", "greeting\n");
    let second = repo.commit("want what is there");
    repo.write("requirements.txt", "no-such-package\n");
    let third = repo.commit("want it again");
    for (good, bad) in [(first, second), (second, third)] {
        let (good, bad) = (good.to_string(), bad.to_string());
        let (code, report) = find(&user, &repo, &registry, &["--good", &good, "--bad", &bad]);
        assert_eq!(code, Some(5), "{report:#}");
        assert_eq!(report["status"], "not-reproduced");
        assert!(report["reason"].as_str().unwrap().contains("no-such-package"), "{report:#}");
        assert!(report["hint"].as_str().unwrap().contains("--python"), "{report:#}");
    }
}

/// A registry of five packages with a new version each, of which one breaks the app; it went wrong at 2.2.
fn five() -> Registry {
    let mut registry = Registry::new();
    let greet = "def greet(name): return 'hello ' + name\n";
    let hail = "def greet(name): return 'hail ' + name\n";
    let versions = [("2.0", greet), ("2.1", greet), ("2.2", hail), ("2.3", hail)];
    for (day, (version, source)) in versions.iter().enumerate() {
        let uploaded = format!("2024-07-{:02}T00:00:00Z", day + 1);
        registry.release("greeting", version, &uploaded, "", source);
    }
    registry.release("greeting", "1.0", "2023-01-01T00:00:00Z", "", greet);
    for name in ["alpha", "beta", "gamma", "delta"] {
        registry.release(name, "1.0", "2023-01-01T00:00:00Z", "", "");
        registry.release(name, "1.1", "2024-07-02T00:00:00Z", "", "");
    }
    registry
}

const APP: &str = "import greeting\ndef hello(): return greeting.greet('Ada')\n";

fn named_package(report: &Value) -> &Value {
    let packages = report["packages"].as_array().unwrap();
    assert_eq!(packages.len(), 1, "{report:#}");
    let package = &packages[0];
    assert_eq!(package["name"], "greeting");
    assert_eq!(package["last_good"], "2.1", "{package:#}");
    assert_eq!(package["first_bad"], "2.2", "{package:#}");
    assert_eq!(package["constraint"], "greeting<2.2");
    for proof in ["sufficient", "necessary", "constraint_passed"] {
        assert_eq!(package[proof], true, "{package:#}");
    }
    package
}

#[test]
fn of_five_bumped_packages_the_one_that_breaks_is_named_with_its_first_bad_version() {
    let Some(user) = user_with_environments() else { return };
    let registry = five().serve();
    let mut repo = TestRepo::new();
    let list = |version: &str, others: &str| {
        format!("greeting=={version}\nalpha=={others}\nbeta=={others}\ngamma=={others}\ndelta=={others}\n")
    };
    repo.at(SEPTEMBER).write("app.py", APP).write("requirements.txt", list("1.0", "1.0"));
    let mut ids = vec![repo.commit("start")];
    for day in 1..4 {
        ids.push(repo.write("README", format!("day {day}")).commit("write"));
    }
    ids.push(repo.write("requirements.txt", list("2.3", "1.1")).commit("bump everything"));
    ids.push(repo.write("README", "done").commit("write"));
    let (code, report) = find(&user, &repo, &registry, &["--env", "auto", "--good", &ids[0].to_string()]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(culprit(&report), ids[4].to_string());
    let package = named_package(&report);
    assert_eq!((&package["before"], &package["after"]), (&"1.0".into(), &"2.3".into()));
}

#[test]
fn a_commit_on_the_day_of_a_release_is_innocent() {
    let Some(user) = user_with_environments() else { return };
    let registry = five().serve();
    let mut repo = TestRepo::new();
    repo.write("app.py", APP).write("requirements.txt", "greeting\nalpha\nbeta\ngamma\ndelta\n");
    let ids: Vec<CommitId> = (0..10)
        .map(|day| repo.at(JUNE + (day + 25) * DAY).write("README", format!("day {day}")).commit("write"))
        .collect();
    let (code, report) = find(&user, &repo, &registry, &["--env", "auto", "--good", &ids[0].to_string()]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(report["culprits"].as_array().unwrap().len(), 0, "{report:#}");
    named_package(&report);
}

/// Commits of June, before the releases of July.
fn before_the_releases() -> (TestRepo, Vec<CommitId>) {
    let mut repo = TestRepo::new();
    repo.write("app.py", APP).write("requirements.txt", "greeting\nalpha\nbeta\ngamma\ndelta\n");
    let ids = (0..4)
        .map(|day| repo.at(JUNE + day * DAY).write("README", format!("day {day}")).commit("write"))
        .collect();
    (repo, ids)
}

#[test]
fn where_the_good_commit_fails_today_as_well_the_packages_are_searched() {
    let Some(user) = user_with_environments() else { return };
    let registry = five().serve();
    let (repo, ids) = before_the_releases();
    let good = ids[0].to_string();
    for arguments in [vec!["--good", good.as_str()], vec![]] {
        let arguments = [&["--no-time-travel"], arguments.as_slice()].concat();
        let (code, report) = find(&user, &repo, &registry, &arguments);
        assert_eq!(code, Some(0), "{report:#}");
        assert_eq!(report["culprits"].as_array().unwrap().len(), 0, "{report:#}");
        // The days around the release are looked for first.
        let package = named_package(&report);
        assert_eq!((&package["before"], &package["after"]), (&"2.1".into(), &"2.2".into()));
    }
}

#[test]
fn where_the_bad_commit_passes_as_of_its_date_todays_packages_are_searched() {
    let Some(user) = user_with_environments() else { return };
    let registry = five().serve();
    let (repo, ids) = before_the_releases();
    let (code, report) = find(&user, &repo, &registry, &["--good", &ids[0].to_string()]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(report["culprits"].as_array().unwrap().len(), 0, "{report:#}");
    assert_eq!(report["last_good"], Value::Null, "{report:#}");
    named_package(&report);

    // What passes with all packages is not reproduced.
    let (repo, ids) = {
        let mut repo = TestRepo::new();
        repo.at(JUNE)
            .write("requirements.txt", "greeting\n")
            .write("app.py", "def hello(): return 'hello Ada'\n");
        let ids = [repo.commit("start"), repo.write("README", "text").commit("write")];
        (repo, ids)
    };
    let (code, report) = find(&user, &repo, &registry, &["--good", &ids[0].to_string()]);
    assert_eq!(code, Some(4), "{report:#}");
    assert!(report["reason"].as_str().unwrap().contains("the command passes"), "{report:#}");
    assert!(report["hint"].as_str().unwrap().contains("with yours: --env current"), "{report:#}");
}

#[test]
fn what_broke_first_is_named_where_later_packages_fail_otherwise() {
    let Some(user) = user_with_environments() else { return };
    let mut registry = five();
    registry.release("greeting", "3.0", "2024-08-15T00:00:00Z", "", "def greet(*, who): return 'hello'\n");
    registry.release("alpha", "2.0", "2024-08-20T00:00:00Z", "", "");
    let registry = registry.serve();
    let (repo, _) = before_the_releases();
    let (code, report) = find(&user, &repo, &registry, &[]);
    assert_eq!(code, Some(0), "{report:#}");
    let of = |at: usize, key: &str| report["packages"][at][key].as_str().unwrap_or_default().to_owned();
    assert_eq!([of(0, "name"), of(0, "first_bad"), of(0, "constraint")], ["greeting", "2.2", "greeting<2.2"]);
    assert!(of(0, "failure").contains("AssertionError"), "{report:#}");
    // What is seen today came later, and is gone with the same constraint.
    assert_eq!([of(1, "name"), of(1, "first_bad"), of(1, "constraint")], ["greeting", "3.0", "greeting<2.2"]);
    assert!(of(1, "failure").contains("TypeError"), "{report:#}");
    assert!(report["failure"]["kind"].to_string().contains("TypeError"), "{report:#}");
    let notes = report["notes"].to_string();
    assert!(
        notes.contains("passes with the packages of 2024-07-02") && notes.contains("fails otherwise"),
        "{notes}"
    );
}

#[test]
fn packages_that_broke_one_after_the_other_are_named_with_what_mends_it_together() {
    let Some(user) = user_with_environments() else { return };
    let mut registry = five();
    registry.release("alpha", "2.0", "2024-08-20T00:00:00Z", "", "raise ImportError('no word in alpha')\n");
    let registry = registry.serve();
    let mut repo = TestRepo::new();
    repo.write("app.py", format!("import alpha\n{APP}")).write("requirements.txt", "greeting\nalpha\n");
    repo.at(JUNE).write("README", "text").commit("write");
    let (code, report) = find(&user, &repo, &registry, &[]);
    assert_eq!(code, Some(0), "{report:#}");
    let packages = report["packages"].as_array().unwrap();
    let constraints: Vec<&str> =
        packages.iter().filter_map(|package| package["constraint"].as_str()).collect();
    assert_eq!(constraints, ["greeting<2.2", "alpha<2.0"], "{report:#}");
    for package in packages {
        assert_eq!(package["constraint_passed"], true, "{package:#}");
        assert_eq!(
            package["tested_together"],
            serde_json::json!(["alpha<2.0", "greeting<2.2"]),
            "{package:#}"
        );
    }
    assert!(packages[1]["failure"].as_str().unwrap().contains("no word in alpha"), "{report:#}");
}

#[test]
fn which_environment_is_the_default_depends_on_what_is_active() {
    let user = User::new();
    let mut repo = TestRepo::new();
    repo.write("requirements.txt", "greeting\n").write("smoke.py", "assert False\n");
    let good = repo.commit("start").to_string();
    repo.write("README", "text");
    repo.commit("write");
    let active = user.cache().with_file_name("active");
    std::fs::create_dir_all(&active).unwrap();
    std::fs::write(active.join("pyvenv.cfg"), "").unwrap();
    let python = which::which("python3").unwrap();
    let python = python.to_str().unwrap();
    for (program, active, because) in
        [("python3", Some(&active), "is active"), (python, None, "names the interpreter")]
    {
        let arguments = ["find", "--json", "-", "--good", &good, "--", program, "smoke.py"];
        let mut command = user.command(repo.path(), &arguments);
        command.env_remove("VIRTUAL_ENV").env_remove("CONDA_DEFAULT_ENV");
        command.envs(active.map(|folder| ("VIRTUAL_ENV", folder)));
        let output = command.output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["environment"]["env"], "current", "{report:#}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let line = stderr.lines().find(|line| line.starts_with("environment: ")).unwrap_or_default();
        let is_virtual = line.contains("runs in the virtual environment");
        assert!(is_virtual || line.contains(because), "{stderr}");
        assert!(line.contains("--env auto"), "{stderr}");
    }
}
