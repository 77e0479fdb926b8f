//! `pybisect logs` as a command.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::support::{TestRepo, User};

fn shortener() -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tracebacks/servers/shortener.txt");
    std::fs::read(file).unwrap()
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn json(user: &User, folder: &Path, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = ["logs", "--json", "-"].iter().chain(arguments).copied().collect();
    let ran = user.run(folder, &arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn a_servers_path_becomes_the_repositorys_file() {
    let mut repo = TestRepo::new();
    repo.write("application.py", "x = 1\n").write("docs/index.md", "x\n").commit("first");
    let logs = tempfile::tempdir().unwrap();
    std::fs::write(logs.path().join("web.log"), shortener()).unwrap();
    let log = logs.path().join("web.log");
    let report = json(&User::new(), repo.path(), &[log.to_str().unwrap()]);
    assert_eq!(report["schema"], "pybisect.logs/1");
    let frames = report["groups"][0]["frames"].as_array().unwrap();
    let own: Vec<&Value> = frames.iter().filter(|frame| frame["own"] == true).collect();
    assert_eq!(own.len(), 1);
    assert_eq!(
        (&own[0]["file"], &own[0]["function"]),
        (&Value::from("application.py"), &Value::from("your_url"))
    );

    let text = User::new().run(repo.path(), &["logs", log.to_str().unwrap()]);
    assert!(
        text.stdout.contains("application.py:21 in your_url: urls = json.loads(urls_file)"),
        "{}",
        text.stdout
    );
}

#[test]
fn before_the_first_commit_the_work_tree_tells() {
    let folder = tempfile::tempdir().unwrap();
    git2::Repository::init(folder.path()).unwrap();
    std::fs::write(folder.path().join("application.py"), "x = 1\n").unwrap();
    let log = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(log.path(), shortener()).unwrap();
    let report = json(&User::new(), folder.path(), &[log.path().to_str().unwrap()]);
    let frames = report["groups"][0]["frames"].as_array().unwrap();
    assert!(frames.iter().any(|frame| frame["file"] == "application.py"), "{frames:?}");
}

#[test]
fn files_folders_compressed_ones_and_a_command_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    std::fs::write(logs.join("a.log"), shortener()).unwrap();
    std::fs::write(logs.join("b.log.gz"), compressed(&shortener())).unwrap();
    let user = User::new();
    let both = json(&user, folder.path(), &["logs"]);
    assert_eq!(both["scanned"]["sources"].as_array().unwrap().len(), 2);
    let counts = |report: &Value| -> Vec<u64> {
        report["groups"].as_array().unwrap().iter().map(|group| group["count"].as_u64().unwrap()).collect()
    };
    assert_eq!(counts(&both), [4]);
    let one = json(&user, folder.path(), &["logs/a.log"]);
    let packed = json(&user, folder.path(), &["logs/b.log.gz"]);
    let command = json(&user, folder.path(), &["--command", "cat logs/a.log"]);
    assert_eq!(counts(&one), [2]);
    assert_eq!((counts(&packed), counts(&command)), (counts(&one), counts(&one)));
    let failing = json(&user, folder.path(), &["--command", "cat logs/a.log; exit 3"]);
    assert_eq!(counts(&failing), counts(&one));
    assert!(failing["notes"][0].as_str().unwrap().contains("exit status: 3"), "{failing}");
}

#[test]
fn a_truncated_gzip_is_read_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let noise: String =
        (0..20_000).map(|number| format!("INFO request {} ok\n", number * 7919 % 10_007)).collect();
    let mut whole = shortener();
    whole.extend(noise.as_bytes());
    let packed = compressed(&whole);
    std::fs::write(folder.path().join("cut.gz"), &packed[..packed.len() / 2]).unwrap();
    let report = json(&User::new(), folder.path(), &["cut.gz"]);
    assert_eq!(report["groups"][0]["count"], 2);
    assert!(
        report["notes"][0].as_str().unwrap().contains("ends early (it is cut off)"),
        "{}",
        report["notes"]
    );
}

#[test]
fn nothing_found_says_what_was_scanned_and_a_missing_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty.log"), "").unwrap();
    let user = User::new();
    let empty = user.run(folder.path(), &["logs", "empty.log"]);
    assert_eq!(empty.code, Some(0));
    assert_eq!(empty.stdout, "no errors found\nscanned 0 lines (0 bytes) of empty.log\n");
    let missing = user.run(folder.path(), &["logs", "missing.log"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.stderr.contains("missing.log"), "{}", missing.stderr);
    let wrong = user.run(folder.path(), &["logs", "--since", "soon", "empty.log"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("10 min ago"), "{}", wrong.stderr);
}

#[test]
fn new_since_takes_a_commit() {
    let (repo, commits) = TestRepo::with_versions(&["a", "b"]);
    let time = repo.git(&["show", "-s", "--format=%ct", &commits[1].to_string()]);
    let committed = jiff::Timestamp::from_second(time.trim().parse().unwrap()).unwrap();
    let at = |minutes: i64| committed.checked_add(jiff::Span::new().minutes(minutes)).unwrap();
    let text = format!("{} ERROR old\n{} ERROR new\n", at(-5), at(5));
    std::fs::write(repo.path().join("app.log"), text).unwrap();
    let report = json(&User::new(), repo.path(), &["app.log", "--new-since", &commits[1].to_string()]);
    let facts: Vec<(&Value, &Value)> =
        report["groups"].as_array().unwrap().iter().map(|group| (&group["title"], &group["new"])).collect();
    assert_eq!(
        facts,
        [(&Value::from("new"), &Value::from(true)), (&Value::from("old"), &Value::from(false))]
    );
}

/// `pybisect logs .` where a repository is: what git and editors hide there is no log.
#[test]
fn what_is_hidden_in_a_folder_is_left_out_and_many_files_without_text_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join(".git/hooks")).unwrap();
    std::fs::write(folder.path().join(".git/hooks/sample"), "die \"Error: no hook\"\n").unwrap();
    std::fs::write(folder.path().join("web.log"), shortener()).unwrap();
    for at in 0..9 {
        std::fs::write(folder.path().join(format!("image{at}.bin")), [0, 1, 2, 0]).unwrap();
    }
    let alone = json(&User::new(), folder.path(), &["web.log"]);
    let all = json(&User::new(), folder.path(), &["."]);
    let kinds = |report: &Value| report["groups"].as_array().unwrap().len();
    assert_eq!(kinds(&all), kinds(&alone), "{all:#}");
    let notes = all["notes"].as_array().unwrap();
    assert_eq!(notes.len(), 4, "{notes:?}");
    assert_eq!(notes[3], "6 more are not text, and were left out");
}
