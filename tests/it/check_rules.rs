//! `pybisect check`: rules that need no run of their own, and the forms of the output.

use std::collections::HashSet;

use serde_json::Value;

use super::check_inputs::{Reviewer, findings};
use super::support::TestRepo;
use super::support::run::Ran;

const GOOD: &str = "import json\n\n\ndef read(f):\n    return json.load(f)\n";

fn bad() -> String {
    GOOD.replace("json.load(f)", "json.loads(f)")
}

/// The first breakage was mended, and comes again.
fn again() -> (TestRepo, String) {
    let mut repo = TestRepo::new();
    repo.write("app.py", GOOD).commit("first");
    repo.write("app.py", bad()).commit("read it in one go");
    let base = repo.write("app.py", GOOD).commit("Fix reading of urls");
    let head = repo.write("app.py", bad()).commit("simplify");
    (repo, format!("{base}..{head}"))
}

#[test]
fn a_change_that_was_taken_back_before_is_found() {
    let (reviewer, (repo, range)) = (Reviewer::new(), again());
    let (code, report) = reviewer.json(repo.path(), &[&range, "--types", "off"]);
    assert_eq!((code, findings(&report)), (Some(0), vec!["warning repeated-change app.py:5".to_owned()]));
    let evidence = report["findings"][0]["evidence"].to_string();
    assert!(evidence.contains("Fix reading of urls"), "{evidence}");
    let first = reviewer.json(repo.path(), &["main~3..main~2", "--types", "off"]).1;
    assert_eq!(findings(&first).len(), 0);
    // Beside a weightier finding at the same call it is evidence.
    let (_, report) = reviewer.json(repo.path(), &[&range]);
    assert_eq!(findings(&report), ["error type-error app.py:5"]);
    assert!(report["findings"][0]["evidence"].to_string().contains("taken back by"), "{report:#}");
}

#[test]
fn a_change_where_a_revert_was_is_noted_once_and_one_elsewhere_is_not() {
    let (reviewer, mut repo) = (Reviewer::new(), TestRepo::new());
    let text = |first: &str, second: &str| {
        format!("def save(x):\n    store({first})\n    print(1)\n\n\ndef load(x):\n    store({second})\n")
    };
    repo.write("app.py", text("x", "x")).commit("first");
    repo.write("app.py", text("x, bulk=True", "x")).commit("Store in bulk");
    let base = repo.write("app.py", text("x", "x")).commit("Revert \"Store in bulk\"");
    let head = repo.write("app.py", text("x, 100", "x")).commit("Store by 100");
    let (code, report) = reviewer.json(repo.path(), &[&format!("{base}..{head}"), "--types", "off"]);
    assert_eq!((code, findings(&report)), (Some(0), vec!["note reverted-before app.py:2".to_owned()]));
    assert!(report["findings"][0]["evidence"].to_string().contains("Store in bulk"), "{report:#}");
    // Another call of the function, and the same call in another function.
    for other in [text("x", "x, 100"), text("x", "x").replace("print(1)", "print(2)")] {
        repo.go_to(base);
        let head = repo.write("app.py", other).commit("elsewhere");
        let (_, report) = reviewer.json(repo.path(), &[&format!("{base}..{head}"), "--types", "off"]);
        assert_eq!(findings(&report).len(), 0, "{report:#}");
    }
}

#[test]
fn a_changed_call_that_no_test_executes_is_found() {
    let (reviewer, (repo, range)) = (Reviewer::new(), again());
    let file = repo.path().join("lcov.info");
    let name = file.to_str().unwrap();
    let run = |data: &str, weight: &str| {
        std::fs::write(&file, data).unwrap();
        let words = [&range, "--types", "off", "--coverage", name, "--require-tested", weight];
        reviewer.json(repo.path(), &words)
    };
    let (code, report) = run("SF:app.py\nDA:4,1\nDA:5,0\nend_of_record\n", "error");
    // The other finding at this call is there already, and weighs as much as the heavier now.
    assert_eq!((code, findings(&report)), (Some(10), vec!["error repeated-change app.py:5".to_owned()]));
    assert!(report["findings"][0]["evidence"].to_string().contains("no test executes"), "{report:#}");
    let (_, report) = run("SF:app.py\nDA:4,1\nDA:5,2\nend_of_record\n", "error");
    assert_eq!(findings(&report), ["warning repeated-change app.py:5"]);
    let (_, report) = run("SF:other.py\nDA:5,0\nend_of_record\n", "warn");
    assert_eq!(findings(&report), ["warning repeated-change app.py:5"]);
    let ran = reviewer.check(repo.path(), &[&range, "--coverage", "/nonexistent"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("/nonexistent"), "{}", ran.stderr);
}

#[test]
fn a_changed_call_whose_failure_reaches_the_user_is_found_where_that_is_asked_for() {
    let (reviewer, mut repo) = (Reviewer::new(), TestRepo::new());
    let text = |call: &str, around: &str| {
        format!(
            "import json\n\n\n@app.route('/your-url')\ndef your_url():\n    try:\n        return {call}\n    {around}\n\n\ndef \
             helper(urls):\n    return {call}\n"
        )
    };
    let (open, guarded) = ("finally:\n        close()", "except ValueError:\n        return 'sorry'");
    let base = repo.write("app.py", text("json.load(urls)", open)).commit("first");
    let head = repo.write("app.py", text("json.loads(urls)", open)).commit("second");
    let range = format!("{base}..{head}");
    let look =
        |range: &str, more: &[&str]| reviewer.json(repo.path(), &[&[range, "--types", "off"], more].concat());
    let (code, report) = look(&range, &["--require-guarded", "error"]);
    assert_eq!((code, findings(&report)), (Some(10), vec!["error unguarded-call app.py:7".to_owned()]));
    let message = report["findings"][0]["message"].as_str().unwrap();
    assert_eq!(message, "a failure of `json.loads(urls)` reaches the user of your_url (@app.route)");
    let (code, report) = look(&range, &["--require-guarded", "warn"]);
    assert_eq!((code, findings(&report)), (Some(0), vec!["warning unguarded-call app.py:7".to_owned()]));
    let (_, report) = look(&range, &[]);
    assert_eq!(findings(&report).len(), 0, "off by default");
    repo.go_to(base);
    let head = repo.write("app.py", text("json.loads(urls)", guarded)).commit("caught");
    let (_, report) = reviewer
        .json(repo.path(), &[&format!("{base}..{head}"), "--types", "off", "--require-guarded", "error"]);
    assert_eq!(findings(&report).len(), 0, "{report:#}");
}

fn output(format: &str) -> String {
    let (reviewer, (repo, range)) = (Reviewer::new(), again());
    let ran = reviewer.check(repo.path(), &[&range, "--format", format]);
    assert_eq!(ran.code, Some(10), "{}", ran.stderr);
    ran.stdout
}

/// A workflow command, read by the documented rules.
fn workflow_command(line: &str) -> (String, Vec<(String, String)>, String) {
    let plain = |text: &str| {
        let text = text.replace("%3A", ":").replace("%2C", ",");
        text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    };
    let (head, message) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
    let (name, properties) = head.split_once(' ').unwrap();
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap();
        (key.to_owned(), plain(value))
    };
    (name.to_owned(), properties.split(',').map(pair).collect(), plain(message))
}

#[test]
fn github_commands_can_be_read_back_and_the_summary_has_the_rest() {
    let (reviewer, (repo, range)) = (Reviewer::new(), again());
    let summary = repo.path().join("summary.md");
    let mut command = reviewer.command(repo.path(), &[&range, "--format", "github"]);
    let ran: Ran = command.env("GITHUB_STEP_SUMMARY", &summary).output().unwrap().into();
    let (name, properties, message) = workflow_command(ran.stdout.lines().next().unwrap());
    assert_eq!(name, "error");
    let of = |key: &str| properties.iter().find(|(name, _)| name == key).unwrap().1.as_str();
    assert_eq!((of("file"), of("line"), of("endLine")), ("app.py", "5", "5"));
    assert!(message.contains("found `TextIOWrapper`\n"), "{message}");
    let summary = std::fs::read_to_string(summary).unwrap();
    assert!(summary.contains("app.py:5") && summary.contains("1 error"), "{summary}");
}

#[test]
fn sarif_keeps_the_rules_of_its_schema() {
    let log: Value = serde_json::from_str(&output("sarif")).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let ids: HashSet<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rules.len(), "each rule once");
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.contains([' ', '\\']) && !uri.starts_with('/'), "{uri}");
        let base = place["artifactLocation"]["uriBaseId"].as_str().unwrap();
        assert!(run["originalUriBaseIds"][base].is_object());
        let line = |key: &str| place["region"][key].as_u64().unwrap();
        assert!(1 <= line("startLine") && line("startLine") <= line("endLine"));
    }
}

#[test]
fn gitlab_and_rdjson_keep_theirs() {
    let issues: Value = serde_json::from_str(&output("gitlab")).unwrap();
    for issue in issues.as_array().unwrap() {
        for key in ["description", "check_name", "fingerprint"] {
            assert!(!issue[key].as_str().unwrap().is_empty(), "{issue}");
        }
        let severity = issue["severity"].as_str().unwrap();
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&severity));
        assert!(!issue["location"]["path"].as_str().unwrap().starts_with("./"));
        assert!(issue["location"]["lines"]["begin"].as_u64().unwrap() >= 1);
    }
    let result: Value = serde_json::from_str(&output("rdjson")).unwrap();
    assert_eq!(result["source"]["name"], "pybisect");
    for diagnostic in result["diagnostics"].as_array().unwrap() {
        assert!(["ERROR", "WARNING", "INFO"].contains(&diagnostic["severity"].as_str().unwrap()));
        assert!(diagnostic["message"].is_string() && diagnostic["location"]["path"].is_string());
        assert!(diagnostic["location"]["range"]["start"]["line"].as_u64().unwrap() >= 1);
    }
}

#[test]
fn junit_is_xml_that_a_parser_takes() {
    let xml = output("junit");
    let script = "import sys, xml.etree.ElementTree as tree\n\
                  suites = tree.fromstring(sys.stdin.buffer.read())\n\
                  suite = suites.find('testsuite')\n\
                  cases = suite.findall('testcase')\n\
                  failed = [case for case in cases if case.find('failure') is not None]\n\
                  assert suites.tag == 'testsuites' and all(case.get('name') and case.get('classname') for case in cases)\n\
                  assert int(suite.get('tests')) == len(cases) and int(suite.get('failures')) == len(failed) == 1\n";
    let mut python = std::process::Command::new("python3")
        .args(["-c", script])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut python.stdin.take().unwrap(), xml.as_bytes()).unwrap();
    assert!(python.wait().unwrap().success(), "{xml}");
}
