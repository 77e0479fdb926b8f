//! `pybisect check`: what is merged into what, and input that is not as it should be.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::support::repo_builder::{TestRepo, git_in};
use super::support::run::{Ran, User};

/// A stand-in for ty: it knows one mistake, which a line below shows on the base too.
const CHECKER: &str = r#"#!/bin/sh
test "$1" = --version && { echo "ty 0"; exit 0; }
for word; do
    case $word in *.py) grep -n -o -b 'json.loads(' "$word" | while IFS=: read -r line offset text; do
        column=$(sed -n "${line}p" "$word" | grep -o '^.*json.loads(' | wc -c)
        echo "$word:$line:$column: error[invalid-argument-type] Argument to function \`loads\` is incorrect: Expected \`str\`, found \`TextIOWrapper\`"
    done ;; esac
done
"#;

pub(crate) struct Reviewer {
    user: User,
    tools: tempfile::TempDir,
}

impl Reviewer {
    pub(crate) fn new() -> Self {
        let tools = tempfile::tempdir().unwrap();
        let program = tools.path().join("ty");
        std::fs::write(&program, CHECKER).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { user: User::new(), tools }
    }

    pub(crate) fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut all = vec!["check"];
        all.extend_from_slice(arguments);
        let mut command = self.user.command(folder, &all);
        let path = format!("{}:{}", self.tools.path().display(), std::env::var("PATH").unwrap());
        command.env("PATH", path);
        command
    }

    /// Another command of the same user.
    pub(crate) fn run(&self, folder: &Path, arguments: &[&str]) -> Ran {
        self.user.run(folder, arguments)
    }

    pub(crate) fn check(&self, folder: &Path, arguments: &[&str]) -> Ran {
        self.command(folder, arguments).output().unwrap().into()
    }

    pub(crate) fn json(&self, folder: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
        let mut all = arguments.to_vec();
        all.extend(["--format", "json"]);
        let ran = self.check(folder, &all);
        let report = serde_json::from_str(&ran.stdout);
        (ran.code, report.unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr)))
    }
}

const GOOD: &str =
    "import json\n\n\ndef read(f):\n    return json.load(f)\n\n\ndef old(f):\n    return json.loads(f)\n";

fn bad() -> String {
    GOOD.replace("json.load(f)", "json.loads(f)")
}

pub(crate) fn findings(report: &Value) -> Vec<String> {
    let line = |finding: &Value| {
        let text = |key: &str| finding[key].to_string().replace('"', "");
        format!("{} {} {}:{}", text("severity"), text("rule"), text("path"), text("line"))
    };
    report["findings"].as_array().unwrap().iter().map(line).collect()
}

/// `main`, and a branch `feature` that breaks a call; the checkout is at `feature`.
fn incident() -> TestRepo {
    let mut repo = TestRepo::new();
    let base = repo.write("app.py", GOOD).commit("first");
    let head = repo.write("app.py", bad()).commit("read it in one go");
    repo.branch("feature", head);
    repo.branch("main", base);
    repo.git(&["symbolic-ref", "HEAD", "refs/heads/feature"]);
    repo.check_out();
    repo
}

#[test]
fn a_new_type_error_at_a_changed_call_is_found_and_an_old_one_is_not() {
    let (reviewer, repo) = (Reviewer::new(), incident());
    let (code, report) = reviewer.json(repo.path(), &[]);
    assert_eq!((code, findings(&report)), (Some(10), vec!["error type-error app.py:5".to_owned()]));
    assert_eq!(report["base"]["name"], "main");
    assert_eq!(reviewer.check(repo.path(), &["--fail-on", "never"]).code, Some(0));
    assert_eq!(reviewer.check(repo.path(), &["--types", "off"]).code, Some(0));
    assert!(reviewer.check(repo.path(), &[]).stdout.contains("app.py:5:12: error[type-error]"));
}

#[test]
fn what_is_uncommitted_counts_also_in_new_files_and_the_repository_stays_as_it_is() {
    let reviewer = Reviewer::new();
    let (repo, _) = TestRepo::with_versions(&[GOOD]);
    repo.check_out();
    assert_eq!(reviewer.json(repo.path(), &[]).0, Some(0));
    std::fs::write(repo.path().join("app.py"), bad()).unwrap();
    std::fs::write(repo.path().join("new.py"), "import json\nx = json.loads(open('x'))\n").unwrap();
    let before = super::support::repo_builder::snapshot(repo.path());
    let (code, report) = reviewer.json(repo.path(), &[]);
    let found = vec!["error type-error app.py:5".to_owned(), "warning type-error new.py:2".to_owned()];
    assert_eq!((code, findings(&report)), (Some(10), found));
    assert_eq!(report["head"]["uncommitted"], true);
    assert_eq!(super::support::repo_builder::snapshot(repo.path()), before);
}

#[test]
fn comments_and_a_baseline_silence_a_finding() {
    let (reviewer, mut repo) = (Reviewer::new(), TestRepo::new());
    let base = repo.write("app.py", GOOD).commit("first");
    let broken = repo.write("app.py", bad()).commit("break");
    let moved = repo.write("app.py", format!("# a comment\n{}", bad())).commit("comment");
    let silent = bad().replacen("json.loads(f)", "json.loads(f)  # pybisect: ignore[type-error]", 1);
    let silent = repo.write("app.py", silent).commit("silence");
    let file = repo.path().join("accepted.json");
    let file = file.to_str().unwrap();
    let ran = reviewer.check(repo.path(), &[&format!("{base}..{broken}"), "--write-baseline", file]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    // The line moves; the finding is the same.
    let range = format!("{base}..{moved}");
    assert_eq!(reviewer.check(repo.path(), &[&range]).code, Some(10));
    let (code, report) = reviewer.json(repo.path(), &[&range, "--baseline", file]);
    assert_eq!((code, &report["hidden"]["baseline"]), (Some(0), &Value::from(1)));
    let (code, report) = reviewer.json(repo.path(), &[&format!("{base}..{silent}")]);
    assert_eq!((code, &report["hidden"]["ignored"]), (Some(0), &Value::from(1)));
    std::fs::write(file, "{}").unwrap();
    let ran = reviewer.check(repo.path(), &[&range, "--baseline", file]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("no baseline"), "{}", ran.stderr);
}

#[test]
fn a_call_elsewhere_that_no_longer_fits_is_found() {
    let (reviewer, mut repo) = (Reviewer::new(), TestRepo::new());
    repo.write("lib.py", "def save(user, force=False):\n    pass\n");
    let base = repo.write("views.py", "from lib import save\n\nsave('u', True)\n").commit("first");
    let head = repo.write("lib.py", "def save(user, *, force=False):\n    pass\n").commit("keyword only");
    let (code, report) = reviewer.json(repo.path(), &[&format!("{base}..{head}")]);
    assert_eq!((code, findings(&report)), (Some(10), vec!["error stale-call views.py:3".to_owned()]));
}

#[test]
fn the_merge_result_is_looked_at_and_not_the_head() {
    let (reviewer, mut repo) = (Reviewer::new(), TestRepo::new());
    repo.write("lib.py", "def save(user, force=False):\n    pass\n");
    let fork = repo.write("views.py", "import lib\n").commit("first");
    let main = repo.write("lib.py", "def save(user, *, force=False):\n    pass\n").commit("keyword only");
    repo.go_to(fork);
    let head = repo.write("views.py", "from lib import save\n\nsave('u', True)\n").commit("a call");
    // Neither side is wrong by itself: the stale call comes with the merge. It is new, so that only a type
    // checker or a run can tell; but both sides of the merge have to be in what is looked at.
    let (_, report) = reviewer.json(repo.path(), &[&format!("{main}..{head}")]);
    assert_eq!(report["changed_calls"], 1);
    assert_eq!(report["files"], 1, "what only the base changed is not the branch's");
    let (_, report) = reviewer.json(repo.path(), &[&format!("{head}..{main}")]);
    assert_eq!(findings(&report), ["error stale-call views.py:3"]);
}

#[test]
fn conflicts_are_said() {
    let (reviewer, mut repo) = (Reviewer::new(), TestRepo::new());
    let fork = repo.write("app.py", GOOD).commit("first");
    let main = repo.write("app.py", GOOD.replace("(f)", "(g)")).commit("rename");
    repo.go_to(fork);
    let head = repo.write("app.py", bad()).commit("break");
    let (code, report) = reviewer.json(repo.path(), &[&format!("{main}..{head}")]);
    assert_eq!(code, Some(10));
    assert_eq!(report["conflicts"], serde_json::json!(["app.py"]));
    assert_eq!(findings(&report), ["error merge-conflict app.py:1", "error type-error app.py:5"]);
}

#[test]
fn sides_that_cannot_be_are_refused_with_a_hint() {
    let (reviewer, mut repo) = (Reviewer::new(), incident());
    let ran = reviewer.check(repo.path(), &["mian.."]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("did you mean") && ran.stderr.contains("'main'"), "{}", ran.stderr);
    let ran: Ran =
        reviewer.command(repo.path(), &[]).env("GITHUB_BASE_REF", "release").output().unwrap().into();
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("origin/release"), "{}", ran.stderr);

    let other = repo.orphan("app.py", GOOD);
    repo.branch("other", other);
    let ran = reviewer.check(repo.path(), &["other..feature"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("share no history"), "{}", ran.stderr);

    let empty = tempfile::tempdir().unwrap();
    git_in(empty.path(), &["init", "-q"]);
    let ran = reviewer.check(empty.path(), &["main..HEAD"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    // The hook before the first commit.
    let ran = reviewer.check(empty.path(), &["--no-smoke", "HEAD"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("no commit yet"), "{}", ran.stderr);
}

#[test]
fn a_shallow_clone_is_told_how_to_get_the_rest() {
    let (reviewer, mut repo) = (Reviewer::new(), incident());
    repo.write("app.py", GOOD.to_owned() + "\n").commit("on main");
    let main = repo.last();
    repo.branch("main", main);
    let clone = tempfile::tempdir().unwrap();
    let url = format!("file://{}", repo.path().display());
    git_in(clone.path(), &["clone", "-q", "--depth=1", "--no-single-branch", "--branch=feature", &url, "."]);
    let ran = reviewer.check(clone.path(), &["origin/main.."]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    assert!(ran.stderr.contains("shallow") && ran.stderr.contains("fetch-depth"), "{}", ran.stderr);
}

#[test]
fn a_head_that_deletes_everything_and_one_without_python_are_no_finding() {
    let (reviewer, mut repo) = (Reviewer::new(), TestRepo::new());
    let base = repo.write("app.py", GOOD).write("README.md", "a").commit("first");
    let words = repo.write("README.md", "b").commit("words");
    let empty = repo.remove("app.py").remove("README.md").commit("away with it");
    let (code, report) = reviewer.json(repo.path(), &[&format!("{base}..{empty}")]);
    assert_eq!((code, findings(&report).len()), (Some(0), 0));
    let range = format!("{base}..{words}");
    let ran = reviewer.check(repo.path(), &[&range]);
    let nothing = "nothing found in 0 changed calls (0 Python files)\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), nothing, ""));
}

#[test]
fn without_a_type_checker_the_rest_is_looked_at() {
    let (reviewer, repo) = (Reviewer::new(), incident());
    let folder = tempfile::tempdir().unwrap();
    let mut command = reviewer.command(repo.path(), &[]);
    let ran: Ran = command.env("PATH", folder.path()).output().unwrap().into();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("no type evidence: ty is not on PATH"), "{}", ran.stdout);
    let mut command = reviewer.command(repo.path(), &["--types", "mypy"]);
    let ran: Ran = command.env("PATH", folder.path()).output().unwrap().into();
    assert!(ran.stdout.contains("no type evidence: mypy is not on PATH"), "{}", ran.stdout);
}

#[test]
fn words_in_the_wrong_place_are_answered_with_the_right_line() {
    let (reviewer, repo) = (Reviewer::new(), incident());
    let ran = reviewer.check(repo.path(), &["main", "feature"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("pybisect check main..feature"), "{}", ran.stderr);
    let ran = reviewer.check(repo.path(), &["main", "python", "smoke.py"]);
    assert!(ran.stderr.contains("pybisect check main -- python smoke.py"), "{}", ran.stderr);
    let ran = reviewer.check(repo.path(), &["main", "--python", "3.99"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    assert!(ran.stderr.contains("no such interpreter"), "{}", ran.stderr);
}

/// Programs on a `PATH` with nothing else but git.
fn programs(list: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for tool in ["git", "mkdir", "cp", "cat", "chmod", "grep", "sed", "wc"] {
        std::os::unix::fs::symlink(which::which(tool).unwrap(), folder.path().join(tool)).unwrap();
    }
    for (name, text) in list {
        let program = folder.path().join(name);
        std::fs::write(&program, text).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

#[test]
fn the_type_checker_is_installed_once_into_the_cache() {
    let (reviewer, repo) = (Reviewer::new(), incident());
    // It carries what it installs: where it runs, it sees nothing of temporary folders.
    let checker = std::fs::read_to_string(reviewer.tools.path().join("ty")).unwrap();
    let uv = format!(
        "#!/bin/sh\nwhile test \"$1\" != --target; do shift; done\nmkdir -p \"$2/bin\"\ncat > \"$2/bin/ty\" <<'END'\n{checker}\nEND\n\
         chmod +x \"$2/bin/ty\"\necho >> \"${{2%/*}}/installed\"\n"
    );
    let tools = programs(&[("uv", &uv)]);
    for _ in 0..2 {
        let mut command = reviewer.command(repo.path(), &[]);
        let ran: Ran = command.env("PATH", tools.path()).output().unwrap().into();
        assert_eq!(ran.code, Some(10), "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains("error[type-error]"), "{}", ran.stdout);
    }
    let installed = reviewer.user.cache().join("tools/installed");
    assert_eq!(std::fs::read_to_string(installed).unwrap(), "\n");
}

#[test]
fn a_type_checker_that_cannot_be_installed_is_said_with_the_reason() {
    let (reviewer, repo) = (Reviewer::new(), incident());
    let uv = "#!/bin/sh\necho 'error: no route to the registry' >&2\necho 'hint: try later' >&2\nexit 2\n";
    let tools = programs(&[("uv", uv), ("python3", "#!/bin/sh\nexit 1\n")]);
    let mut command = reviewer.command(repo.path(), &[]);
    let ran: Ran = command.env("PATH", tools.path()).output().unwrap().into();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let said = "ty is not on PATH, and uv could not install it: failed: error: no route to the registry; \
                pip could not install it: exited with status 1";
    assert!(ran.stdout.contains(said), "{}", ran.stdout);
    assert_eq!(
        std::fs::read_dir(reviewer.user.cache().join("tools")).unwrap().count(),
        0,
        "nothing half is left"
    );
}

#[test]
fn rules_are_explained() {
    let user = User::new();
    let folder = tempfile::tempdir().unwrap();
    let ran = user.run(folder.path(), &["explain", "stale-call"]);
    assert!(ran.stdout.contains("pybisect: ignore[stale-call]"), "{}", ran.stdout);
    assert!(user.run(folder.path(), &["explain"]).stdout.contains("type-error"));
    let ran = user.run(folder.path(), &["explain", "type-eror"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("type-error"), "{}", ran.stderr);
}
