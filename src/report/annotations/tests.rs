use insta::assert_snapshot;
use serde_json::Value;

use super::*;
use crate::model::{Rule, Severity, Suggestion};

fn sample() -> Vec<Annotation> {
    let one = Annotation {
        rule: Rule { id: "callee-changed".to_owned(), summary: "Another function is called".to_owned() },
        severity: Severity::Note,
        path: "a b/ü,x:1.py".to_owned(),
        line: 20,
        column: 16,
        end_line: 20,
        end_column: 37,
        in_old_version: false,
        message: "callee changed in f, 100%\nbefore: json.load(f)\r\nafter: json.loads(f)".to_owned(),
        evidence: Vec::new(),
        suggestion: None,
        fingerprint: "00c0ffee".to_owned(),
    };
    let stale = Annotation {
        rule: Rule { id: "stale-call".to_owned(), summary: "A call does not fit".to_owned() },
        severity: Severity::Warning,
        path: "app.py".to_owned(),
        line: 3,
        end_line: 5,
        end_column: 2,
        message: "stale: call".to_owned(),
        ..one.clone()
    };
    let mendable = Annotation {
        severity: Severity::Error,
        evidence: vec!["ty: no attribute `routes`".to_owned()],
        suggestion: Some(Suggestion {
            title: "call it as before".to_owned(),
            line: 20,
            end_line: 20,
            old: "    urls = json.loads(f)  # ü𝄞".to_owned(),
            new: "    urls = json.load(f)  # ü𝄞".to_owned(),
            tested: true,
        }),
        ..one.clone()
    };
    let gone = Annotation { in_old_version: true, severity: Severity::Error, ..one.clone() };
    vec![one, stale, gone, mendable]
}

fn rendered(renderer: impl AnnotationRenderer, annotations: &[Annotation]) -> String {
    let mut out = Vec::new();
    renderer.render(annotations, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn github() {
    assert_snapshot!(rendered(Github, &sample()));
    let many = vec![sample().remove(0); 11];
    assert!(
        rendered(Github, &many)
            .ends_with("pybisect: 11 notice annotations; GitHub shows the first 10 of a step\n")
    );
}

#[test]
fn gitlab() {
    let text = rendered(Gitlab, &sample());
    assert_snapshot!(text);
    let issues: Vec<Value> = serde_json::from_str(&text).unwrap();
    let fingerprints: std::collections::HashSet<&str> =
        issues.iter().map(|issue| issue["fingerprint"].as_str().unwrap()).collect();
    assert_eq!(fingerprints.len(), issues.len());
}

#[test]
fn rdjson() {
    assert_snapshot!(rendered(Rdjson, &sample()));
}

#[test]
fn sarif() {
    let text = rendered(Sarif, &sample());
    assert_snapshot!(text.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    let log: Value = serde_json::from_str(&text).unwrap();
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
    }
}
