//! Everyday set-ups: the environment of the checkout works under the path that the user typed, and what a trial cannot
//! see is named with the option that shows it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::repo_builder::{EXECUTABLE, snapshot};
use crate::support::{TestRepo, User, culprit, report_of};

/// The ways to isolate that every Linux has some of; one that a system lacks leaves trials without it.
const WAYS: [&str; 4] = ["namespaces", "bubblewrap", "landlock", "process-groups"];

/// A virtual environment in a folder, with a module `helper` that only it has.
fn venv(folder: &Path) -> PathBuf {
    let made = Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(folder).status();
    assert!(made.unwrap().success());
    let library = walkdir::WalkDir::new(folder).into_iter().flatten();
    let library = library.into_iter().find(|entry| entry.file_name() == "site-packages").unwrap().into_path();
    fs::write(library.join("helper.py"), "n = 1\n").unwrap();
    library
}

/// Five versions, of which the fourth breaks, and files that call the program by the environment of the checkout.
fn history() -> (TestRepo, Vec<String>) {
    let mut repo = TestRepo::new();
    repo.write(".gitignore", ".venv/\n").write("sub/notes.txt", "");
    repo.write("Makefile", "smoke:\n\t.venv/bin/python app.py\n");
    repo.write_as(b"smoke.sh", b"#!/bin/sh\nexec .venv/bin/python app.py\n", EXECUTABLE);
    let ids = (0..5)
        .map(|n| {
            let failure = if n >= 3 { "raise ValueError(helper.n)" } else { "" };
            repo.write("app.py", format!("import helper\n# {n}\n{failure}\n")).commit("edit").to_string()
        })
        .collect();
    (repo, ids)
}

fn find(user: &User, folder: &Path, by: &str, good: &str, command: &[&str]) -> (Option<i32>, Value) {
    let mut all = vec!["find", "--json", "-", "--no-narrow", "--fresh", "--good", good];
    all.extend_from_slice(command);
    report_of(user.command(folder, &all).env("PYBISECT_ISOLATION_BY", by))
}

#[test]
fn the_environment_of_the_checkout_works_however_it_is_named() {
    let (repo, ids) = history();
    venv(&repo.path().join(".venv"));
    let before = snapshot(repo.path());
    let user = User::new();
    let absolute = format!("{}/.venv/bin/python app.py && true", repo.path().display());
    let commands: [&[&str]; 6] = [
        &["--", ".venv/bin/python", "app.py"],
        &["--shell", ". .venv/bin/activate && python app.py"],
        &["--shell", ".venv/bin/python app.py | cat; .venv/bin/python app.py"],
        &["--shell", &absolute],
        &["--", "make", "smoke"],
        &["--", "./smoke.sh"],
    ];
    for by in WAYS {
        for command in commands {
            let (code, report) = find(&user, repo.path(), by, &ids[0], command);
            assert_eq!(code, Some(0), "{by} {command:?}: {report:#}");
            assert_eq!(culprit(&report), ids[3], "{by} {command:?}: {report:#}");
        }
    }
    assert_eq!(snapshot(repo.path()), before);
}

#[test]
fn an_environment_is_found_from_a_folder_below_and_beside_the_repository() {
    let (repo, ids) = history();
    let user = User::new();
    venv(&repo.path().join(".venv"));
    let below = repo.path().join("sub");
    fs::create_dir_all(&below).unwrap();
    let (code, report) =
        find(&user, &below, "namespaces", &ids[0], &["--", "../.venv/bin/python", "../app.py"]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[3].as_str()), "{report:#}");
    fs::remove_dir_all(repo.path().join(".venv")).unwrap();
    let outside = tempfile::tempdir_in(repo.path().parent().unwrap()).unwrap();
    venv(outside.path());
    let name = outside.path().file_name().unwrap().to_str().unwrap();
    let (code, report) =
        find(&user, repo.path(), "namespaces", &ids[0], &["--", &format!("../{name}/bin/python"), "app.py"]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[3].as_str()), "{report:#}");
    let script = format!("cd . && ../{name}/bin/python app.py");
    let (code, report) = find(&user, repo.path(), "namespaces", &ids[0], &["--shell", &script]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[3].as_str()), "{report:#}");
}

/// An editable install leads into the user's checkout, where the program is mended; trials import their own tree.
#[test]
fn an_editable_install_does_not_let_trials_import_the_users_checkout() {
    let mut repo = TestRepo::new();
    repo.write("app.py", "import pkg\nassert pkg.total() == 6\n");
    let ids: Vec<String> = (0..5)
        .map(|n| {
            let total = if n >= 3 { 5 } else { 6 };
            repo.write("src/pkg/__init__.py", format!("def total():\n    return {total}\n# {n}\n"));
            repo.commit("edit").to_string()
        })
        .collect();
    repo.check_out();
    fs::write(repo.path().join("src/pkg/__init__.py"), "def total():\n    return 6\n").unwrap();
    let library = venv(&repo.path().join(".venv"));
    let user = User::new();
    let source = repo.path().join("src");
    let finder = format!(
        "import sys\nfrom importlib.util import spec_from_file_location as spec\n\
         MAPPING: dict[str, str] = {{'pkg': '{0}/pkg'}}\n\
         class Finder:\n    @classmethod\n    def find_spec(cls, name, path=None, target=None):\n        \
         return spec(name, MAPPING[name] + '/__init__.py') if name in MAPPING else None\n\
         def install():\n    sys.meta_path.append(Finder)\n",
        source.display()
    );
    let installs = [
        ("__editable__.pkg-1.pth", source.display().to_string(), None),
        (
            "__editable__.pkg-2.pth",
            "import __editable___pkg_2_finder; __editable___pkg_2_finder.install()".to_owned(),
            Some(("__editable___pkg_2_finder.py", finder)),
        ),
    ];
    for (name, line, module) in installs {
        fs::write(library.join(name), format!("{line}\n")).unwrap();
        if let Some((name, text)) = &module {
            fs::write(library.join(name), text).unwrap();
        }
        for by in WAYS {
            for command in [
                &["--", ".venv/bin/python", "app.py"][..],
                &["--shell", ". .venv/bin/activate; python app.py"],
            ] {
                let (code, report) = find(&user, repo.path(), by, &ids[0], command);
                assert_eq!((code, culprit(&report)), (Some(0), ids[3].as_str()), "{by} {name}: {report:#}");
            }
        }
        fs::remove_file(library.join(name)).unwrap();
    }
}

/// What git has under a name is never taken from the work tree.
#[test]
fn a_tracked_folder_is_not_replaced_by_an_environment_of_the_same_name() {
    let mut repo = TestRepo::new();
    let ids: Vec<String> = (0..4)
        .map(|n| {
            repo.write("env/settings.py", format!("n = {n}\n"));
            repo.write("app.py", "from env import settings\nassert settings.n < 2\n");
            repo.commit("edit").to_string()
        })
        .collect();
    repo.check_out();
    venv(&repo.path().join("env"));
    let user = User::new();
    let (code, report) = find(&user, repo.path(), "namespaces", &ids[0], &["--", "python3", "app.py"]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[2].as_str()), "{report:#}");
}

#[test]
fn a_hidden_program_of_a_script_is_named_and_can_be_shown() {
    let user = User::new();
    let tool = user.home().join("tools/mypython");
    fs::create_dir_all(tool.parent().unwrap()).unwrap();
    fs::write(&tool, "#!/bin/sh\nexec python3 \"$@\"\n").unwrap();
    fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for shell in ["sh", "bash"] {
        let mut repo = TestRepo::new();
        let script = format!("#!/usr/bin/env {shell}\n{} app.py || exit 1\n", tool.display());
        repo.write_as(b"smoke.sh", script.as_bytes(), EXECUTABLE);
        let ids: Vec<String> = (0..4)
            .map(|n| repo.write("app.py", format!("assert {n} < 2\n")).commit("edit").to_string())
            .collect();
        for by in ["namespaces", "bubblewrap", "landlock"] {
            let (code, report) = find(&user, repo.path(), by, &ids[0], &["--", "./smoke.sh"]);
            assert_eq!(code, Some(4), "{by}: {report:#}");
            let told = format!("{} {}", report["reason"], report["hint"]);
            assert!(told.contains("mypython") && told.contains("--see"), "{by}: {told}");
            assert!(told.contains("--isolation off"), "{by}: {told}");
            let shown = ["--see", tool.to_str().unwrap(), "--", "./smoke.sh"];
            let (code, report) = find(&user, repo.path(), by, &ids[0], &shown);
            assert_eq!((code, culprit(&report)), (Some(0), ids[2].as_str()), "{by}: {report:#}");
        }
    }
}

/// An ignored folder of the work tree, such as what a build left, is had by asking.
#[test]
fn an_ignored_folder_is_shown_where_it_lies() {
    let mut repo = TestRepo::new();
    repo.write("app.py", "");
    let ids: Vec<String> = (0..4)
        .map(|n| {
            let program = format!("assert open('build/out/n').read() == '1' and {n} < 2\n");
            repo.write("app.py", program).commit("edit").to_string()
        })
        .collect();
    fs::create_dir_all(repo.path().join("build/out")).unwrap();
    fs::write(repo.path().join("build/out/n"), "1").unwrap();
    let user = User::new();
    let command = ["--see", "build/out", "--", "python3", "app.py"];
    let (code, report) = find(&user, repo.path(), "namespaces", &ids[0], &command);
    assert_eq!((code, culprit(&report)), (Some(0), ids[2].as_str()), "{report:#}");
    let ran = user.run(repo.path(), &["find", "--good", &ids[0], "--see", "no/such", "--", "true"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("there is no") && ran.stderr.contains("no/such"), "{}", ran.stderr);
}

#[test]
fn a_command_that_compiles_the_sources_itself_runs_as_in_a_checkout() {
    let repo = &mut TestRepo::new();
    let ids: Vec<String> = (0..6)
        .map(|n| {
            repo.write("same.py", "n = 1\n").write("app.py", format!("assert {n} < 4\n"));
            repo.commit("edit").to_string()
        })
        .collect();
    let compiles =
        "python3 -m compileall -q . && python3 -m py_compile same.py && python3 -c 'import same, app'";
    let command = ["--jobs", "1", "--good", &ids[0], "--no-narrow", "--shell", compiles];
    let (code, report) = User::new().find(repo.path(), &command);
    assert_eq!((code, culprit(&report)), (Some(0), ids[4].as_str()), "{report:#}");
    assert_eq!(report["skipped"], serde_json::json!([]), "{report:#}");
}

#[test]
fn what_only_bash_knows_is_said_to_be_so() {
    let (repo, ids) = TestRepo::with_versions(&["", "", "raise SystemExit(1)\n"]);
    let good = ids[0].to_string();
    for script in ["[[ $(python3 app.py) == '' ]] || [[ x == y ]]", "set -o no-such-option; python3 app.py"] {
        let (code, report) = User::new().find(repo.path(), &["--good", &good, "--shell", script]);
        let hint = report["hint"].as_str().unwrap_or_default();
        // Some systems have bash for sh.
        let is_bash = fs::read_link("/bin/sh").is_ok_and(|shell| shell.ends_with("bash"));
        assert!(
            is_bash || matches!(code, Some(4 | 5)) && hint.contains("-- bash -c"),
            "{script}: {report:#}"
        );
    }
}

#[test]
fn an_environment_of_tox_is_a_folder_and_its_notes_are_files() {
    let (mut repo, _) = history();
    // As tox 4.67 looks at it: it takes no link for an environment, reads no note through one, and keeps its logs there.
    let tox = "set -e; e=.tox/py; test ! -L $e; test ! -L $e/.tox-info.json; cat $e/.tox-info.json; mkdir -p $e/log; \
               echo ran > $e/log/1; exec $e/bin/python app.py\n";
    repo.write(".gitignore", ".tox/\n").write("tox.sh", tox);
    let good = repo.write("app.py", "import helper\n").commit("tox").to_string();
    let bad = repo.write("app.py", "import helper\nraise ValueError(helper.n)\n").commit("break").to_string();
    repo.check_out();
    let venv_folder = repo.path().join(".tox/py");
    venv(&venv_folder);
    fs::write(venv_folder.join(".tox-info.json"), "{}").unwrap();
    fs::create_dir(venv_folder.join("log")).unwrap();
    let before = snapshot(repo.path());
    for by in WAYS {
        let (code, report) = find(&User::new(), repo.path(), by, &good, &["--", "sh", "tox.sh"]);
        assert_eq!((code, culprit(&report)), (Some(0), bad.as_str()), "{by}: {report:#}");
    }
    assert_eq!(snapshot(repo.path()), before);
}
