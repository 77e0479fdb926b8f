//! docs/security.md names a test for each threat: each is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The sources of modules, by their paths: `pyenv::netrc`, and for the tests here `trust`.
fn modules() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut modules: BTreeMap<String, String> = BTreeMap::new();
    for top in ["src", "tests/it", "tests/services"] {
        for entry in walkdir::WalkDir::new(root.join(top)).into_iter().map(Result::unwrap) {
            let path = entry.path().strip_prefix(root.join(top)).unwrap();
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let name = path.with_extension("").to_str().unwrap().replace('/', "::");
            let name = name.trim_end_matches("::mod").trim_end_matches("::tests");
            modules.entry(name.to_owned()).or_default().push_str(&fs::read_to_string(entry.path()).unwrap());
        }
    }
    modules
}

/// Whether a name is a test's, or that of a module with tests.
fn is_test(modules: &BTreeMap<String, String>, name: &str) -> bool {
    let name = name.trim_end_matches("::*").replace("::tests", "");
    let below = format!("{name}::");
    let has_tests = |(module, text): (&String, &String)| {
        (*module == name || module.starts_with(&below)) && text.contains("#[test]")
    };
    if modules.iter().any(has_tests) {
        return true;
    }
    let Some((module, function)) = name.rsplit_once("::") else { return false };
    let head = format!("fn {function}(");
    modules.get(module).is_some_and(|text| {
        let attribute = text.find(&head).map(|at| text[..at].trim_end());
        attribute.is_some_and(|before| before.rsplit('\n').take(3).any(|line| line.trim() == "#[test]"))
    })
}

#[test]
fn each_threat_is_tested_where_the_page_says() {
    let modules = modules();
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security.md")).unwrap();
    let begin = page.find("\n| threat |").unwrap();
    let rows = page[begin..].trim().lines().take_while(|line| line.starts_with('|')).skip(2);
    let mut count = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        assert_eq!(cells.len(), 5, "{row}");
        let names: Vec<&str> = cells[4].split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty() || cells[4].trim().starts_with("the same"), "no test: {row}");
        for name in names {
            assert!(is_test(&modules, name), "there is no test {name}");
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
    // And it can tell.
    for wrong in ["trust::no_such_test", "no_such_module", "trust::history", "pyenv::no_such_module"] {
        assert!(!is_test(&modules, wrong), "{wrong}");
    }
}
