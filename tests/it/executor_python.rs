//! Python in the slots: bytecode is warm where it may be, and never stale.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use pybisect::executor::Executor as _;
use pybisect::model::{CancelToken, Termination, TrialSpec};

use crate::support::repo_builder::hermetic;
use crate::support::trials::{recipe, trial};
use crate::support::{Bench, TestRepo};

const PRINT: &str = "python3 -c 'import app; print(app.value)'";

/// Sources of the same size that differ in one letter.
fn versions() -> Vec<String> {
    (0..8).map(|number| format!("value = {number}\n")).collect()
}

fn python() -> Command {
    hermetic("python3", "/".as_ref())
}

/// The hazard itself, so that the test below is known to test something: the same size, the same second, the
/// old code.
#[test]
fn a_plain_checkout_within_one_second_runs_stale_bytecode() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("app.py");
    let second = SystemTime::UNIX_EPOCH + Duration::from_secs(1_704_067_200);
    let run = |text: &str| {
        fs::write(&source, text).unwrap();
        fs::File::options().write(true).open(&source).unwrap().set_modified(second).unwrap();
        let output =
            python().current_dir(folder.path()).args(["-c", "import app; print(app.value)"]).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    assert_eq!(run("value = 1\n"), "1\n");
    assert_eq!(
        run("value = 2\n"),
        "1\n",
        "CPython no longer trusts time and size: is the cure still needed?"
    );
}

#[test]
fn moving_between_sources_of_the_same_size_always_runs_the_right_one() {
    let versions = versions();
    let (repo, ids) = TestRepo::with_versions(&versions.iter().map(String::as_str).collect::<Vec<_>>());
    let bench = Bench::new(repo.path(), 1);
    // Bytecode goes to the prefix, or, for old interpreters and test runners, into the tree.
    let beside =
        TrialSpec { command: recipe(&format!("unset PYTHONPYCACHEPREFIX; {PRINT}")).command, ..recipe("") };
    for recipe in [recipe(PRINT), beside] {
        for step in 0..8 {
            let at = step * 5 % ids.len();
            let output = bench.trial(ids[at], &recipe);
            assert_eq!(output.stdout.text, format!("{at}\n"), "{}", output.stderr.text);
        }
    }
}

#[test]
fn a_generated_module_is_not_remembered() {
    let (repo, ids) = TestRepo::with_versions(&["import _version; value = _version.value\n"]);
    let bench = Bench::new(repo.path(), 1);
    // Both the same size, and with the same time, as a build tool with a fixed epoch would have it.
    for (value, prefix) in
        [(1, ""), (2, ""), (3, "unset PYTHONPYCACHEPREFIX; "), (4, "unset PYTHONPYCACHEPREFIX; ")]
    {
        let script = format!(
            "{prefix}echo 'value = {value}' > _version.py; touch -d @1700000000 _version.py; {PRINT}"
        );
        assert_eq!(bench.shell(ids[0], &script).stdout.text, format!("{value}\n"));
    }
}

#[test]
fn a_source_that_a_trial_changed_is_not_remembered() {
    let (repo, ids) = TestRepo::with_versions(&["value = 0\n"]);
    let bench = Bench::new(repo.path(), 1);
    for value in [1, 2] {
        let script = format!("echo 'value = {value}' > app.py; touch -d @1700000000 app.py; {PRINT}");
        assert_eq!(bench.shell(ids[0], &script).stdout.text, format!("{value}\n"));
        assert_eq!(bench.shell(ids[0], PRINT).stdout.text, "0\n");
    }
}

#[test]
fn bytecode_of_files_that_did_not_change_is_warm() {
    let mut repo = TestRepo::new();
    repo.write("steady.py", "x = 1\n");
    let first = repo.write("app.py", "import steady; value = 1\n").commit("1");
    let second = repo.write("app.py", "import steady; value = 2\n").commit("2");
    let bench = Bench::new(repo.path(), 1);
    bench.shell(first, PRINT);
    let output = bench.shell(second, &PRINT.replace("python3", "python3 -v"));
    assert_eq!(output.stdout.text, "2\n");
    assert_eq!(created(&output.stderr.text), ["app"], "{}", output.stderr.text);
}

#[test]
fn what_one_slot_compiled_is_warm_in_another() {
    let mut repo = TestRepo::new();
    repo.write("steady.py", "x = 1\n");
    let first = repo.write("app.py", "import steady; value = 1\n").commit("1");
    let second = repo.write("app.py", "import steady; value = 2\n").commit("2");
    let bench = Bench::new(repo.path(), 2);
    let signs = tempfile::tempdir().unwrap();
    let sign = |name: &str| signs.path().join(name);
    std::thread::scope(|scope| {
        bench.shell(first, PRINT);
        // This one holds the slot that is warm.
        let (here, go) = (sign("here"), sign("go"));
        let wait = format!("touch {}; until [ -e {} ]; do sleep 0.01; done", here.display(), go.display());
        let holding = trial(first, bench.user.tree_of(first).unwrap(), &recipe(&wait));
        let executor = &bench.executor;
        let holder = scope.spawn(move || executor.run(&holding, &CancelToken::new()).unwrap());
        while !here.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let verbose = PRINT.replace("python3", "python3 -v");
        let [new, old] = [second, first].map(|id| bench.shell(id, &verbose));
        fs::write(&go, "").unwrap();
        holder.join().unwrap();
        assert_eq!((new.stdout.text.as_str(), old.stdout.text.as_str()), ("2\n", "1\n"));
        // What is not the tree's, each slot compiles for itself.
        let of_tree = |output: &str| -> Vec<String> {
            let all = created(output).into_iter().filter(|name| ["app", "steady"].contains(name));
            all.map(str::to_owned).collect()
        };
        assert_eq!(of_tree(&new.stderr.text), ["app"], "{}", new.stderr.text);
        assert_eq!(of_tree(&old.stderr.text), [""; 0], "both versions are known: {}", old.stderr.text);
    });
}

#[test]
fn code_from_another_slot_knows_where_it_is() {
    let mut repo = TestRepo::new();
    let id = repo.write("app.py", "def where():\n    return where.__code__.co_filename\n").commit("1");
    let bench = Bench::new(repo.path(), 2);
    let where_it_is = "python3 -c 'import app, os; print(app.where() == os.path.abspath(\"app.py\"))'";
    let barrier = tempfile::tempdir().unwrap();
    bench.shell(id, where_it_is);
    // Each waits for the other, so both slots are in use.
    let script = |mine: &str, other: &str| {
        let sign = |name: &str| barrier.path().join(name).display().to_string();
        format!("touch {}; until [ -e {} ]; do sleep 0.01; done; {where_it_is}", sign(mine), sign(other))
    };
    std::thread::scope(|scope| {
        let waiting = trial(id, bench.user.tree_of(id).unwrap(), &recipe(&script("a", "b")));
        let executor = &bench.executor;
        let one = scope.spawn(move || executor.run(&waiting, &CancelToken::new()).unwrap());
        let two = bench.shell(id, &script("b", "a"));
        assert_eq!((one.join().unwrap().stdout.text, two.stdout.text), ("True\n".into(), "True\n".into()));
    });
}

/// The modules for which Python, when it is verbose, says that it wrote bytecode.
fn created(verbose: &str) -> Vec<&str> {
    let files = verbose.lines().filter_map(|line| line.strip_prefix("# created '"));
    files.filter_map(|file| file.rsplit('/').next()?.split('.').next()).collect()
}

#[test]
fn a_seeded_prefix_spares_python_the_standard_library() {
    // A library of its own, so that the test does not depend on how Python is installed here.
    let library = tempfile::tempdir().unwrap();
    let library = library.path().canonicalize().unwrap();
    fs::write(library.join("heavy.py"), "weight = 1\n").unwrap();
    assert!(python().args(["-m", "compileall", "-q"]).arg(&library).status().unwrap().success());
    let (repo, ids) = TestRepo::with_versions(&["import heavy; value = heavy.weight\n"]);
    let bench = Bench::new(repo.path(), 1);
    bench.executor.seed(vec![library.clone()]);
    let with_library = |script: &str| TrialSpec {
        tree_paths: [("PYTHONPATH".to_owned(), vec![PathBuf::from("."), library.clone()])].into(),
        ..recipe(script)
    };
    let verbose = PRINT.replace("python3", "python3 -v");
    let output = bench.trial(ids[0], &with_library(&verbose));
    assert_eq!(output.ending, Termination::Exited { code: 0 });
    // The interpreter's own library is not seeded here.
    let written = created(&output.stderr.text);
    assert!(written.contains(&"app") && !written.contains(&"heavy"), "{}", output.stderr.text);
    // A stale seed is replaced, and the original stays as it is.
    let seed = fs::read_dir(library.join("__pycache__")).unwrap().next().unwrap().unwrap().path();
    let before = fs::read(&seed).unwrap();
    fs::write(library.join("heavy.py"), "weight = 12\n").unwrap();
    assert_eq!(bench.trial(ids[0], &with_library(PRINT)).stdout.text, "12\n");
    assert_eq!(fs::read(&seed).unwrap(), before);
}
