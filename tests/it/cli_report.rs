//! The report of a session in each of its forms, and of a JSON report by its file.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::{TestRepo, User};

/// A history whose third commit breaks the call that the smoke test makes; a fix for it was tested.
fn searched(user: &User) -> (TestRepo, Vec<pybisect::model::CommitId>) {
    let mut repo = TestRepo::new();
    repo.write("smoke.py", "import app\nprint('reads')\nassert app.load('[1]') == [1]\n");
    let reads = |call: &str| format!("import json\n\n\ndef load(text):\n    return json.{call}(text)\n");
    repo.write("app.py", reads("loads"));
    let mut ids = vec![repo.commit("Read JSON"), repo.write("notes.md", "a\n").commit("Note something")];
    ids.push(repo.write("app.py", reads("load")).commit("Read <b>faster</b>"));
    ids.push(repo.write("notes.md", "a\nb\n").commit("Note more"));
    repo.check_out();
    let ran = user.run(repo.path(), &["find", "--good", &ids[0].to_string(), "--", "python3", "smoke.py"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    (repo, ids)
}

fn file(user: &User, name: &str) -> (PathBuf, String) {
    let file = user.home().join(name);
    let name = file.to_string_lossy().into_owned();
    (file, name)
}

#[test]
fn a_session_is_told_as_a_page_a_ticket_json_and_text() {
    let user = User::new();
    let (repo, ids) = searched(&user);
    let fixed = user.run(repo.path(), &["fix"]);
    assert_eq!(fixed.code, Some(0), "{}", fixed.stderr);
    let (page, name) = file(&user, "report.html");
    let ran = user.run(repo.path(), &["report", "-o", &name]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{}", ran.stderr);
    let page = std::fs::read_to_string(page).unwrap();
    let culprit = ids[2].short();
    for part in [
        &format!("<h1><code>{culprit}</code> broke it</h1>"),
        "Read &lt;b&gt;faster&lt;/b&gt;",
        "<del>loads</del>",
        "<ins>load</ins>",
        "4 commits, ",
        "undo the breaking edit",
        &format!("pybisect find --fresh --good {} --bad {culprit} -- python3 smoke.py", ids[1].short()),
        "<code>smoke.py</code> was there already and fails since",
        "AttributeError",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let ticket = user.run(repo.path(), &["report", "latest", "--format", "markdown"]).stdout;
    assert!(ticket.starts_with(&format!("# `{culprit}` broke it\n")), "{ticket}");
    for part in [
        "**Proven by trials.**",
        "## Five whys",
        "- [ ] ",
        "- json.loads(text)",
        "| undo the breaking edit | passes",
    ] {
        assert!(ticket.contains(part), "{part} in {ticket}");
    }
    let text = user.run(repo.path(), &["report"]).stdout;
    assert!(text.contains("verified by trials that ran"), "{text}");
    let json = user.run(repo.path(), &["report", "--format", "json"]).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["culprits"][0]["commit"], ids[2].to_string());
    // By the page that `show` makes as well.
    assert!(user.run(repo.path(), &["show", "--html"]).stdout.contains("<del>loads</del>"));
}

#[test]
fn a_json_report_is_told_by_its_file_with_what_the_repository_knows() {
    let user = User::new();
    let (repo, ids) = searched(&user);
    let (_, name) = file(&user, "report.json");
    assert_eq!(user.run(repo.path(), &["report", "-o", &name]).code, Some(0));
    let here = user.run(repo.path(), &["report", &name, "--format", "html"]).stdout;
    assert!(here.contains(&format!("<code>{}</code> broke it", ids[2].short())), "{here}");
    assert!(here.contains("id=\"history\"") && here.contains("Proven by trials"));
    // Elsewhere there is no history to be drawn.
    let elsewhere = tempfile::tempdir().unwrap();
    let there = user.run(elsewhere.path(), &["report", &name, "--format", "html"]).stdout;
    assert!(there.contains("Proven by trials") && !there.contains("id=\"history\""), "{there}");
}

#[test]
fn what_is_no_report_is_told_apart() {
    let user = User::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let (path, name) = file(&user, "other.json");
    let wrong = |arguments: &[&str], part: &str| {
        let ran = user.run(elsewhere.path(), arguments);
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
        assert!(ran.stderr.contains(part) && ran.stderr.contains("hint:"), "{}", ran.stderr);
    };
    wrong(&["report", "no-such.json"], "failed to read no-such.json");
    std::fs::write(&path, "{\"schema\": \"other/1\"}").unwrap();
    wrong(&["report", &name], "it is a 'other/1'");
    std::fs::write(&path, "PNG").unwrap();
    wrong(&["report", &name], "it is not JSON");
    wrong(&["report", "abcdef"], "no session is called 'abcdef'");
    wrong(&["report"], "");
}

/// The published schema, as it is or with no other keys allowed; what of a report is not as it says.
fn wrong_by_schema(report: &Value, is_closed: bool) -> Option<String> {
    fn close(value: &mut Value) {
        match value {
            Value::Object(map) => {
                if map.contains_key("properties") {
                    map.insert("additionalProperties".to_owned(), false.into());
                }
                map.values_mut().for_each(close);
            }
            Value::Array(items) => items.iter_mut().for_each(close),
            _ => {}
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.schema.json");
    let mut schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    if is_closed {
        close(&mut schema);
    }
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("report.schema.json", schema).unwrap();
    let schema = compiler.compile("report.schema.json", &mut schemas).unwrap();
    schemas.validate(report, schema).err().map(|error| format!("{error:#}"))
}

fn assert_valid(report: &Value) {
    for is_closed in [false, true] {
        if let Some(wrong) = wrong_by_schema(report, is_closed) {
            panic!("{wrong}\n{report:#}");
        }
    }
}

#[test]
fn the_json_is_as_the_published_schema_says() {
    let user = User::new();
    let (repo, ids) = searched(&user);
    let report = |arguments: &[&str]| {
        let ran = user.run(repo.path(), arguments);
        serde_json::from_str::<Value>(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr))
    };
    assert_valid(&report(&["report", "--format", "json"]));
    let good = ids[0].to_string();
    for (command, status) in [
        (["sh", "-c", "true"], "not-reproduced"),
        (["sh", "-c", "grep -q loads app.py || { echo no; exit 1; }"], "found"),
        (["sh", "-c", "[ $(wc -l < notes.md) = 2 ] && exit 1; [ ! -e notes.md ] || exit 125"], "ambiguous"),
    ] {
        let told = report(&[&["find", "--json", "-", "--good", &good, "--"], &command[..]].concat());
        assert_eq!(told["status"], status, "{told:#}");
        assert_valid(&told);
    }
    let mut wrong = report(&["report", "--format", "json"]);
    wrong["status"] = "sure".into();
    assert!(wrong_by_schema(&wrong, false).is_some());
}

/// Secrets in the forms in which they are met, each with what must not be told of it.
const SECRETS: [(&str, &str); 14] = [
    ("https://ada:hunter2secret@git.example.com/x.git", "hunter2secret"),
    ("postgres://shop:pa55wordpa55@db.example.com/shop", "pa55wordpa55"),
    ("Authorization: Bearer abcdefghijkl0123456789", "abcdefghijkl0123456789"),
    ("Authorization: Basic YWRhOmh1bnRlcjI=", "YWRhOmh1bnRlcjI="),
    ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "0123456789abcdefghij"),
    ("github_pat_11ABCDEFG0123456789_abcdefghijklmnop", "0123456789_abcdefghijklmnop"),
    ("glpat-abcdefghij0123456789", "abcdefghij0123456789"),
    ("xoxb-123456789012-abcdefghijkl", "123456789012-abcdefghijkl"),
    ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ("aws_secret_access_key=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMIK7MDENG"),
    (
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "dozjgNryP4J3jVmNHl0w5N",
    ),
    ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "4eC39HqLyjWDarjtT1zdp7dc"),
    ("password=correcthorsebattery1", "correcthorsebattery1"),
    (
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAxyz0123\n-----END RSA PRIVATE KEY-----",
        "MIIEpAIBAAKCAQEAxyz0123",
    ),
];

#[test]
fn no_form_holds_a_secret() {
    let mut repo = TestRepo::new();
    let all: Vec<&str> = SECRETS.iter().map(|(form, _)| *form).collect();
    let all = all.join("\n");
    // In what is printed, in the failure, in subjects, in the change itself; and the value of a variable that is withheld.
    let told = format!("{all}\ndeploy with winter-sun-4711");
    repo.write("told.txt", told.clone());
    repo.write(
        "smoke.py",
        "import app\nprint(open('told.txt').read())\nassert app.value < 2, open('told.txt').read()\n",
    );
    let mut ids = Vec::new();
    for (number, (form, _)) in SECRETS.iter().enumerate() {
        repo.write("app.py", format!("value = {}\nTOLD = '''\n{told}'''\n", number / 4));
        ids.push(repo.commit(&format!("Use {}", form.replace('\n', " "))));
    }
    repo.check_out();
    let user = User::new();
    let run = |arguments: &[&str]| {
        let mut command = user.command(repo.path(), arguments);
        crate::support::run::Ran::from(command.env("DEPLOY_KEY", "winter-sun-4711").output().unwrap())
    };
    let ran = run(&["find", "--good", &ids[0].to_string(), "--", "python3", "smoke.py"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for form in ["html", "markdown", "json", "text"] {
        let told = run(&["report", "--format", form]).stdout;
        assert!(told.contains("[redacted]"), "{form}: {told}");
        for (_, secret) in SECRETS {
            assert!(!told.contains(secret), "{form}: {secret}");
        }
        assert!(!told.contains("winter-sun-4711"), "{form}");
    }
}
