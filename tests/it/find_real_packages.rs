//! A dependency that breaks the program, among real packages from the registry.

use std::process::Command;

use crate::support::{TestRepo, User, culprit};

/// 2023-06-01 and 2023-10-01.
const JUNE: i64 = 1_685_577_600;
const OCTOBER: i64 = 1_696_118_400;
const DAY: i64 = 86_400;

const BEFORE: &str = "Flask==2.2.5\nWerkzeug==2.2.3\nJinja2==3.0.3\nitsdangerous==2.0.1\nclick==8.0.4\n";

/// What is missing for these tests, if anything.
fn missing(user: &User) -> Option<String> {
    if which::which("uv").is_err() {
        return Some("there is no uv".to_owned());
    }
    let list = user.cache().with_file_name("reachable.in");
    std::fs::write(&list, "itsdangerous==2.0.1\n").unwrap();
    let output = Command::new("uv")
        .args(["pip", "compile", "--quiet", "--no-deps"])
        .arg(&list)
        .env("UV_CACHE_DIR", user.cache().join("uv"))
        .env("UV_HTTP_TIMEOUT", "10")
        .env("UV_PYTHON_DOWNLOADS", "never")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    (!output.status.success()).then(|| format!("the registry is not reached: {}", said.trim()))
}

/// One of five bumped packages breaks the smoke test: which, from which version on, and what mends it. `Err` says why
/// that cannot be tested here.
fn names(import: &str, name: &str, bumped: &str, expected: (&str, &str, &str)) -> Result<(), String> {
    let user = User::new();
    missing(&user).map_or(Ok(()), Err)?;
    let mut repo = TestRepo::new();
    let app = format!(
        "from flask import Flask\n{import}\napp = Flask(__name__)\n@app.route('/')\ndef hello(): return '<b>%s</b>' % {name}('hello')\n"
    );
    let smoke = "from app import app\nassert app.test_client().get('/').data == b'<b>hello</b>'\n";
    repo.at(JUNE).write("app.py", app).write("smoke.py", smoke).write("requirements.txt", BEFORE);
    let mut ids = vec![repo.commit("start")];
    for day in 1..4 {
        ids.push(repo.at(JUNE + day * DAY).write("README", format!("day {day}")).commit("write"));
    }
    ids.push(repo.at(OCTOBER).write("requirements.txt", bumped).commit("bump everything"));
    ids.push(repo.at(OCTOBER + DAY).write("README", "done").commit("write"));

    let good = ids[0].to_string();
    let arguments = ["find", "--json", "-", "--env", "auto", "--good", &good, "--", "python", "smoke.py"];
    let output = user.command(repo.path(), &arguments).env_remove("VIRTUAL_ENV").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let report: serde_json::Value = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}\n{text}\n{}", String::from_utf8_lossy(&output.stderr)));
    if output.status.code() == Some(5) {
        return Err(report["reason"].to_string());
    }
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert_eq!(culprit(&report), ids[4].to_string());
    let packages = report["packages"].as_array().unwrap();
    assert_eq!(packages.len(), 1, "{report:#}");
    let package = &packages[0];
    assert_eq!(package["name"], expected.0, "{package:#}");
    assert_eq!(package["last_good"], expected.1, "{package:#}");
    assert_eq!(package["first_bad"], expected.2, "{package:#}");
    assert_eq!(package["constraint"], format!("{}<{}", expected.0, expected.2));
    for proof in ["sufficient", "necessary", "constraint_passed"] {
        assert_eq!(package[proof], true, "{package:#}");
    }
    Ok(())
}

#[test]
fn a_name_that_went_away_is_found_by_package_and_version() {
    let bumped = "Flask==2.3.3\nWerkzeug==2.3.7\nJinja2==3.1.2\nitsdangerous==2.1.2\nclick==8.1.7\n";
    let named = names("from jinja2 import escape", "escape", bumped, ("jinja2", "3.0.3", "3.1.0"));
    named.unwrap_or_else(|why| println!("not tested: {why}"));
}

/// Neither works with the old version of the other: what one requires has to go along.
#[test]
fn packages_that_need_one_another_are_told_apart() {
    let bumped = "Flask==3.0.0\nWerkzeug==3.0.0\nJinja2==3.1.2\nitsdangerous==2.1.2\nclick==8.1.7\n";
    let import = "from werkzeug.urls import url_quote";
    let named = names(import, "url_quote", bumped, ("werkzeug", "2.3.7", "3.0.0"));
    named.unwrap_or_else(|why| println!("not tested: {why}"));
}
