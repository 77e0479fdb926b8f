//! `pybisect init`, and the files for build servers that come with it.

use std::path::Path;

use regex::Regex;

use super::support::TestRepo;
use super::support::run::User;

fn flask() -> TestRepo {
    let mut repo = TestRepo::new();
    repo.write("application.py", "from flask import Flask\n\napplication = app = Flask(__name__)\n");
    repo.write("requirements.txt", "flask\n").write("Jenkinsfile", "pipeline {}\n");
    repo.commit("an application");
    repo.check_out();
    repo
}

#[test]
fn it_writes_what_it_shows_and_find_reads_it() {
    let (user, repo) = (User::new(), flask());
    let dry = user.run(repo.path(), &["init", "--dry-run"]);
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    assert!(!repo.path().join("pybisect.toml").exists());
    let ran = user.run(repo.path(), &["init"]);
    assert!(ran.stdout.contains("from application import application"), "{}", ran.stdout);
    assert!(ran.stdout.contains("at HEAD") && !dry.stdout.contains("at HEAD"), "{}", ran.stdout);
    let jenkins = std::fs::read_to_string(repo.path().join("Jenkinsfile.pybisect")).unwrap();
    assert!(jenkins.contains("pip install --quiet -r requirements.txt"), "{jenkins}");
    assert!(!jenkins.contains("{install}") && !jenkins.contains("{command}"), "{jenkins}");
    assert!(!repo.path().join(".github").exists(), "there is no sign of that host");
    let configuration = std::fs::read_to_string(repo.path().join("pybisect.toml")).unwrap();
    assert!(toml_command(&configuration).len() == 3, "{configuration}");

    std::fs::write(repo.path().join("pybisect.toml"), "command = ['true']\n").unwrap();
    let ran = user.run(repo.path(), &["init"]);
    assert!(ran.stdout.contains("pybisect.toml is there already"), "{}", ran.stdout);
    let ran = user.run(repo.path(), &["init", "--force", "--smoke", "python smoke.py 'a b'"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let configuration = std::fs::read_to_string(repo.path().join("pybisect.toml")).unwrap();
    assert_eq!(toml_command(&configuration), ["python", "smoke.py", "a b"]);
}

fn toml_command(text: &str) -> Vec<String> {
    let table: toml::Table = text.parse().unwrap();
    let words = table["command"].as_array().unwrap();
    words.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

#[test]
fn where_nothing_is_known_it_asks() {
    let (user, mut repo) = (User::new(), TestRepo::new());
    repo.write("README.md", "words").commit("words");
    repo.check_out();
    let ran = user.run(repo.path(), &["init"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("pybisect init --smoke"), "{}", ran.stderr);
    let ran = user.run(repo.path(), &["init", "--smoke", "./smoke.sh: 'x'"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let workflow = repo.path().join(".github/workflows/pybisect.yml");
    let workflow = std::fs::read_to_string(workflow).unwrap();
    assert!(
        workflow.contains("SMOKE: \"./smoke.sh: x\"") || workflow.contains("'./smoke.sh: '"),
        "{workflow}"
    );
}

#[test]
fn a_command_of_any_characters_stays_itself_in_every_file() {
    let (user, mut repo) = (User::new(), TestRepo::new());
    repo.write(".gitlab-ci.yml", "").write("Jenkinsfile", "").write(".github/x", "").commit("hosts");
    repo.check_out();
    let command = "sh -c 'echo \"a: b\" # c' d\\\\e \"it's '\"";
    let words = shell_words::split(command).unwrap();
    let ran = user.run(repo.path(), &["init", "--smoke", command]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let read = |path: &str| std::fs::read_to_string(repo.path().join(path)).unwrap();
    let between = |text: &str, start: &str, end: &str| -> String {
        let (_, rest) = text.split_once(start).unwrap();
        rest.split_once(end).unwrap().0.to_owned()
    };
    let gitlab = between(&read(".gitlab/pybisect.yml"), "HEAD -- ", " > gl-code");
    assert_eq!(shell_words::split(&gitlab).unwrap(), words);
    let jenkins = between(&read("Jenkinsfile.pybisect"), "HEAD\" -- ", " > pybisect.xml");
    assert!(!jenkins.contains("'''"), "{jenkins}");
    let jenkins = jenkins.replace("\\'", "'").replace("\\\\", "\\");
    assert_eq!(shell_words::split(&jenkins).unwrap(), words);
    let github = read(".github/workflows/pybisect.yml");
    let github: String = serde_json::from_str(between(&github, "SMOKE: ", "\n").trim()).unwrap();
    assert_eq!(shell_words::split(&github).unwrap(), words);
}

#[test]
fn the_files_for_build_servers_use_what_there_is() {
    let user = User::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let help = user.run(root, &["check", "--help"]).stdout;
    let option = Regex::new(r"--[a-z][a-z-]+").unwrap();
    let known: Vec<&str> = option.find_iter(&help).map(|found| found.as_str()).collect();
    let formats = Regex::new(r"--format (\w+)").unwrap();
    let mut seen = 0;
    for name in ["action.yml", ".pre-commit-hooks.yaml", "ci/github.yml", "ci/gitlab.yml", "ci/Jenkinsfile"] {
        let text = std::fs::read_to_string(root.join(name)).unwrap();
        for line in text.lines().filter(|line| line.contains("pybisect check")) {
            for found in option.find_iter(line) {
                assert!(known.contains(&found.as_str()), "{name}: {line}");
                seen += 1;
            }
            for format in formats.captures_iter(line) {
                assert!(help.contains(&format!("- {}:", &format[1])), "{name}: {line}");
            }
        }
        assert!(!text.contains('\t'), "{name}");
    }
    assert!(seen >= 5, "{seen}");
    let action = std::fs::read_to_string(root.join("action.yml")).unwrap();
    assert!(
        action.contains(concat!("pybisect==", env!("CARGO_PKG_VERSION"))),
        "another version is installed"
    );
}
