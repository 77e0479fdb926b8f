//! `pybisect suspects --log`: whoever wraps a failure, the commits rank as with the bare traceback.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::{TestRepo, User};

const LEDGER: &str = "\
\"\"\"Rates of the kiosk.\"\"\"

BOOK = {'mint': '4'}


def parse_rate(text):
    return int(text)


def rate_of(item):
    return parse_rate(BOOK[item])
";

/// A kiosk with a change of `parse_rate` among others, and where it fails: line and function from outside.
fn kiosk() -> (TestRepo, String, String) {
    let mut repo = TestRepo::new();
    let web =
        "from kiosk.ledger import rate_of\n\n\ndef show_rate(request):\n    return str(rate_of(request))\n";
    repo.write("kiosk/__init__.py", "").write("kiosk/web.py", web).write("kiosk/pool.py", "WORKERS = 2\n");
    let first = repo.write("kiosk/ledger.py", LEDGER).commit("The kiosk");
    let mut culprit = String::new();
    for number in 0..5 {
        repo.write("README.md", format!("Version {number}\n")).commit("Write about it");
        repo.write("kiosk/pool.py", format!("WORKERS = {number}\n\n\ndef run(job):\n    return job()\n"));
        repo.commit("Another number of workers");
        if number == 2 {
            let strict = LEDGER.replace("return int(text)", "return float.fromhex(text, 16)");
            culprit = repo.write("kiosk/ledger.py", strict).commit("Rates may be hexadecimal").to_string();
        }
        repo.write("kiosk/web.py", web.replace("str(", &format!("str({number} + "))).commit("Another page");
    }
    repo.check_out();
    (repo, first.to_string(), culprit)
}

const FRAMES: &str = "  File \"/srv/kiosk/kiosk/web.py\", line 5, in show_rate
    return str(4 + rate_of(request))
  File \"/srv/kiosk/kiosk/ledger.py\", line 11, in rate_of
    return parse_rate(BOOK[item])
  File \"/srv/kiosk/kiosk/ledger.py\", line 7, in parse_rate
    return float.fromhex(text, 16)
";
const LAST: &str = "TypeError: float.fromhex() takes exactly one argument (2 given)\n";
const HEADER: &str = "Traceback (most recent call last):\n";

fn bare() -> String {
    format!("{HEADER}{FRAMES}{LAST}")
}

/// What the parent prints below a worker's failure: its own frames are of the repository, too.
fn parent(program: &str) -> String {
    format!(
        "\nThe above exception was the direct cause of the following exception:\n\n{HEADER}  File \
         \"/srv/kiosk/kiosk/pool.py\", line 5, in run\n    return job()\n  File \"/usr/lib/python3.11/{program}\", \
         line 456, in result\n    raise self._exception\n{LAST}"
    )
}

/// The traceback as a program writes it.
fn wrapped() -> Vec<(&'static str, String)> {
    let pool = |name: &str, program: &str| {
        format!(
            "2026-11-28 10:00:01,500 ERROR kiosk no page\n{name}: \n\"\"\"\n{}\"\"\"\n{}",
            bare(),
            parent(program)
        )
    };
    let json = |key: &str| {
        let record = serde_json::json!({
            "levelname": "ERROR", "message": "no page", key: bare().trim_end(), "asctime": "2026-11-28 10:00:01,500",
        });
        format!("{{\"levelname\": \"INFO\", \"message\": \"sold\"}}\n{record}\n")
    };
    let behind = |mark: &str| {
        let mut out = String::new();
        for line in bare().lines() {
            writeln!(out, "{mark}{line}").unwrap();
        }
        out
    };
    let celery = "[2026-11-28 10:00:01,500: ERROR/ForkPoolWorker-1] Task kiosk.rate[f0bcd3bb-4ce0-47b4-b305-7c2c7e2f887f] \
                  raised unexpected: TypeError('float.fromhex() takes exactly one argument (2 given)')\n";
    let task = format!(
        "{HEADER}  File \"/opt/kiosk/lib/python3.11/site-packages/celery/app/trace.py\", line 453, in trace_task\n    \
         R = retval = fun(*args, **kwargs)\n{FRAMES}{LAST}"
    );
    let ray: String = bare().lines().skip(1).fold(String::new(), |mut out, line| {
        writeln!(out, "{line}").unwrap();
        out
    });
    let docker: String = bare().lines().fold(String::new(), |mut out, line| {
        let record = serde_json::json!({
            "log": format!("{line}\n"), "stream": "stderr", "time": "2026-11-28T10:00:01.500000001Z",
        });
        writeln!(out, "{record}").unwrap();
        out
    });
    vec![
        (
            "concurrent.futures",
            pool("concurrent.futures.process._RemoteTraceback", "concurrent/futures/_base.py"),
        ),
        ("multiprocessing.Pool", pool("multiprocessing.pool.RemoteTraceback", "multiprocessing/pool.py")),
        (
            "joblib",
            pool("joblib.externals.loky.process_executor._RemoteTraceback", "concurrent/futures/_base.py"),
        ),
        (
            "ray",
            format!(
                "{HEADER}  File \"/srv/kiosk/kiosk/pool.py\", line 5, in run\n    return job()\nray.exceptions.RayTaskError\
                 (TypeError): \x1b[36mray::rate()\x1b[39m (pid=411, ip=10.0.0.7)\n{ray}"
            ),
        ),
        (
            "celery",
            format!("{celery}{task}[2026-11-28 10:00:02,500: INFO/MainProcess] Task kiosk.rate received\n"),
        ),
        ("python-json-logger", json("exc_info")),
        ("structlog", json("exception")),
        ("kubectl", behind("[pod/kiosk-7d9f8b6c5-x2x9q/app] ")),
        ("compose", behind("web-1  | ")),
        ("syslog", behind("Nov 28 10:00:01 host-7 kiosk[411]: ")),
        ("the container runtime", behind("2026-11-28T10:00:01.500000001Z stderr F ")),
        ("docker's files", docker),
    ]
}

fn ranking(repo: &TestRepo, range: &str, log: &str) -> (Vec<String>, Value) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), log).unwrap();
    let path = file.path().to_str().unwrap();
    let arguments = ["suspects", "--format", "json", "--top", "0", "--log", path, range];
    let ran = User::new().run(repo.path(), &arguments);
    assert_eq!(ran.code, Some(0), "{}\n{log}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let list = report["suspects"].as_array().unwrap();
    let named = |one: &Value| {
        let odds = (one["probability"].as_f64().unwrap() * 1000.0).round();
        format!("{} {odds}", one["commit"]["id"].as_str().unwrap())
    };
    (list.iter().map(named).collect(), report)
}

#[test]
fn a_wrapped_failure_ranks_as_the_bare_one() {
    let (repo, first, culprit) = kiosk();
    let range = format!("{first}..");
    let (right, report) = ranking(&repo, &range, &bare());
    assert!(right[0].starts_with(&culprit), "{report}");
    assert!(report["suspects"][0]["probability"].as_f64().unwrap() > 0.6, "{report}");
    let mut wrong = String::new();
    for (program, log) in wrapped() {
        let (found, report) = ranking(&repo, &range, &log);
        if found != right {
            writeln!(wrong, "{program}: {found:#?}\nnot {right:#?}\n{report:#}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
