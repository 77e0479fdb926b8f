//! `pybisect mcp`, spoken to in the protocol's own lines.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use super::support::{TestRepo, User};

/// A client of one server.
struct Client {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    requests: u64,
    /// What came that was no answer.
    notices: Vec<Value>,
}

impl Client {
    fn new(user: &User, folder: &Path, arguments: &[&str]) -> Self {
        let mut all = vec!["mcp"];
        all.extend_from_slice(arguments);
        let mut command = user.command(folder, &all);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut client = Self { child, stdin, stdout, requests: 0, notices: Vec::new() };
        let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {},
                            "clientInfo": { "name": "test", "version": "1" } });
        let welcome = client.ask("initialize", hello);
        assert_eq!(welcome["result"]["serverInfo"]["name"], "pybisect", "{welcome:#}");
        client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        client
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.stdin, "{message}").unwrap();
    }

    /// Send a request without waiting; its number.
    fn request(&mut self, method: &str, parameters: Value) -> u64 {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": parameters }));
        id
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        assert!(self.stdout.read_line(&mut line).unwrap() > 0, "the server is gone");
        serde_json::from_str(&line).unwrap()
    }

    fn answer(&mut self, id: u64) -> Value {
        loop {
            let message = self.next();
            if message["id"] == id {
                return message;
            }
            self.notices.push(message);
        }
    }

    fn ask(&mut self, method: &str, parameters: Value) -> Value {
        let id = self.request(method, parameters);
        self.answer(id)
    }

    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let parameters = json!({ "name": tool, "arguments": arguments, "_meta": { "progressToken": tool } });
        self.ask("tools/call", parameters)["result"].clone()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn history() -> (TestRepo, Vec<pybisect::model::CommitId>) {
    let (repo, ids) = TestRepo::with_versions(&[
        "a = 1\n",
        "a = 1  # one\n",
        "a = 2\n",
        "a = 2  # two\n",
        "a = 2  # three\n",
    ]);
    repo.check_out();
    (repo, ids)
}

const TEST: &str = "import app\nassert app.a == 1, app.a\n";

#[test]
fn an_agent_finds_the_commit_and_reads_of_it() {
    let (user, (repo, ids)) = (User::new(), history());
    let mut client = Client::new(&user, repo.path(), &[]);
    let tools = client.ask("tools/list", json!({}));
    let names: Vec<&str> = tools["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|tool| tool["name"].as_str())
        .collect();
    assert_eq!(names, ["find", "suspects", "calls", "check", "logs", "fix", "report"]);

    let arguments = json!({ "command": ["python3", "probe.py"], "good": ids[0].to_string(), "files": { "probe.py": TEST } });
    let found = client.call("find", arguments);
    assert_eq!(found["structuredContent"]["culprits"][0]["commit"], ids[2].to_string(), "{found:#}");
    let progress = client.notices.iter().filter(|notice| notice["method"] == "notifications/progress");
    assert!(progress.count() > 0, "{:#?}", client.notices);
    let report = client.call("report", json!({}));
    let text = report["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("AssertionError: 2"), "{text}");
    let wrong = client.call("find", json!({ "command": ["true"], "good": "v9" }));
    assert_eq!(wrong["isError"], true);
    assert!(wrong["content"][0]["text"].as_str().unwrap().contains("no commit is called 'v9'"), "{wrong:#}");
    let branch = client.call("fix", json!({ "branch": "b" }));
    assert_eq!(branch["isError"], true, "{branch:#}");
}

#[test]
fn a_call_that_is_cancelled_ends_its_trials() {
    let (user, (repo, ids)) = (User::new(), history());
    let mut client = Client::new(&user, repo.path(), &[]);
    let script = "import app, time; time.sleep(0 if app.a == 1 else 600)";
    let arguments = json!({ "command": ["python3", "-c", script], "good": ids[0].to_string() });
    let parameters = json!({ "name": "find", "arguments": arguments, "_meta": { "progressToken": 1 } });
    let id = client.request("tools/call", parameters);
    // It runs, and hears of signals.
    while !client.next()["params"]["message"].as_str().is_some_and(|line| line.contains("commits (")) {}
    let cancelled =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } });
    client.send(&cancelled);
    let sessions = || user.run(repo.path(), &["sessions"]).stdout;
    while !sessions().contains("stopped before the end") {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    // And the server goes on.
    let calls = client.call("calls", json!({ "what": format!("{}..{}", ids[0], ids[2]) }));
    assert_eq!(calls["isError"], false, "{calls:#}");
}
