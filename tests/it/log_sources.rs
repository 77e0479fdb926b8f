//! Where `pybisect logs` takes logs from: the journal, and files that are compressed.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use flate2::write::GzEncoder;
use serde_json::Value;

use crate::support::User;

const TRACEBACK: &str = "Traceback (most recent call last):
  File \"/srv/kiosk/kiosk/ledger.py\", line 8, in parse_rate
    raise ValueError(text)
ValueError: not a rate: four
";

/// What journald gives of a traceback: each line a record; one is not UTF-8, and comes as numbers.
fn journal() -> String {
    let record = |message: &Value, process: u32| {
        let fields = serde_json::json!({
            "MESSAGE": message, "PRIORITY": "3", "_PID": process.to_string(), "_SYSTEMD_UNIT": "shop.service",
            "SYSLOG_IDENTIFIER": "shop", "__REALTIME_TIMESTAMP": "1795860002000000",
        });
        format!("{fields}\n")
    };
    let mut out = String::new();
    for line in TRACEBACK.lines() {
        // Two workers at once.
        out += &record(&line.into(), 411);
        out += &record(&line.as_bytes().into(), 412);
    }
    out
}

/// A `journalctl` that writes down how it was called, and gives the journal.
fn journalctl(folder: &Path, end: &str) {
    let program = folder.join("journalctl");
    fs::write(folder.join("journal"), journal()).unwrap();
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > '{0}/called'\ncat '{0}/journal'\n{end}\n",
        folder.display()
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
}

fn with_journal(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let user = User::new();
    let all: Vec<&str> = ["logs", "--json", "-"].iter().chain(arguments).copied().collect();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let output = user.command(folder, &all).env("PATH", path).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_journal_of_a_unit_is_read() {
    let folder = tempfile::tempdir().unwrap();
    journalctl(folder.path(), "");
    let (code, out, err) =
        with_journal(folder.path(), &["--journal", "shop.service", "--since", "2026-11-28 10:00"]);
    assert_eq!(code, Some(0), "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["groups"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(report["groups"][0]["title"], "ValueError: not a rate: four");
    assert_eq!(report["groups"][0]["count"], 2);
    assert_eq!(report["groups"][0]["frames"][0]["line"], 8);
    let called = fs::read_to_string(folder.path().join("called")).unwrap();
    for argument in ["--unit=shop.service", "--since=@1795860000", "--output=json", "--no-pager"] {
        assert!(called.lines().any(|line| line == argument), "{argument} in {called}");
    }
    assert!(!called.contains("--follow"));
}

#[test]
fn the_journal_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    journalctl(folder.path(), "");
    let (code, out, err) = with_journal(folder.path(), &["--follow", "--journal", "shop.service"]);
    assert_eq!(code, Some(0), "{err}");
    let groups: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(groups.len(), 1, "{out}");
    let called = fs::read_to_string(folder.path().join("called")).unwrap();
    assert!(called.lines().any(|line| line == "--follow"), "{called}");
}

#[test]
fn a_journal_that_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    journalctl(folder.path(), "echo 'No journal files were opened' >&2; exit 1");
    let (code, out, err) = with_journal(folder.path(), &["--journal", "shop.service"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, Some(0));
    assert!(err.contains("No journal files"), "{err}");
    assert!(report["notes"][0].as_str().unwrap().contains("exit status: 1"), "{report}");

    let user = User::new();
    let none = tempfile::tempdir().unwrap();
    let arguments = ["logs", "--journal", "shop.service"];
    let output = user.command(folder.path(), &arguments).env("PATH", none.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("journalctl") && err.contains("pybisect logs"), "{err}");
}

/// A traceback above noise that packs badly.
fn log() -> Vec<u8> {
    let noise: String =
        (0..20_000).map(|number| format!("INFO sold {} of mint\n", number * 7919 % 10_007)).collect();
    [TRACEBACK.as_bytes(), noise.as_bytes()].concat()
}

fn packed(name: &str, bytes: &[u8]) -> Vec<u8> {
    match name {
        "gz" => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "zst" => zstd::encode_all(bytes, 3).unwrap(),
        _ => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
    }
}

#[test]
fn compressed_logs_are_read_to_their_last_member_and_as_far_as_they_go() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str, bytes: &[u8]| -> Value {
        // The bytes tell, whatever the name.
        let name = format!("{name}.log");
        fs::write(folder.path().join(&name), bytes).unwrap();
        let ran = User::new().run(folder.path(), &["logs", "--json", "-", &name]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        serde_json::from_str(&ran.stdout).unwrap()
    };
    for form in ["gz", "zst", "xz"] {
        let one = packed(form, &log());
        let whole = read(form, &one);
        assert_eq!(whole["groups"][0]["count"], 1, "{form}: {whole}");
        assert_eq!(whole["notes"], serde_json::json!([]), "{form}");

        let several = read(form, &[one.clone(), one.clone(), one.clone()].concat());
        assert_eq!(several["groups"][0]["count"], 3, "{form}: {several}");
        assert_eq!(several["scanned"]["sources"][0]["lines"], 3 * 20_004, "{form}");

        let cut = read(form, &[one.clone(), one[..one.len() - 40].to_vec()].concat());
        assert_eq!(cut["groups"][0]["count"], 2, "{form}: {cut}");
        let note = cut["notes"][0].as_str().unwrap();
        assert!(note.contains("ends early") && note.contains("what came before was read"), "{form}: {note}");

        let mut broken = one.clone();
        let middle = broken.len() / 2;
        for byte in &mut broken[middle..middle + 40] {
            *byte ^= 0x5a;
        }
        let broken = read(form, &broken);
        assert!(broken["notes"].as_array().is_some_and(|notes| notes.len() == 1), "{form}: {broken}");
    }
}
