//! Failures that come of a trial's isolation, and not of its commit.
//!
//! A trial that wanted the internet, a service of this machine, a variable or a file that it is kept from says nothing
//! about its commit. What it wanted is read from what it printed.

use crate::model::event::Isolation;
use crate::model::{Termination, TrialOutput};

/// What a trial wanted and did not get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeniedAccess {
    /// In words, to be read after "the command ".
    pub what: String,
    /// The option that gives it.
    pub option: String,
}

impl std::fmt::Display for DeniedAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the command {} (if it is to have it: {})", self.what, self.option)
    }
}

/// What programs say that cannot reach the network, by any library and tool.
const NO_NETWORK: [&str; 9] = [
    "Temporary failure in name resolution",
    "Name or service not known",
    "No address associated with hostname",
    "Network is unreachable",
    "Could not resolve host",
    "Failed to resolve '",
    "NameResolutionError",
    "net::ERR_INTERNET_DISCONNECTED",
    "Cannot assign requested address",
];

/// What installers say that find no package.
const INSTALLS: [&str; 4] = [
    "No matching distribution found for",
    "Could not find a version that satisfies the requirement",
    "Failed to fetch: `http",
    "hint: Packages were unavailable because the network was disabled",
];
/// What they say when nobody serves on a port.
const NO_SERVER: [&str; 2] = ["Connection refused", "ConnectionRefusedError"];
const READ_ONLY: [&str; 2] = ["Read-only file system", "EROFS"];
const NO_FILE: [&str; 9] = [
    "No such file or directory",
    "FileNotFoundError",
    "does not exist",
    // Of shells, for a program.
    ": not found",
    ": command not found",
    ": cannot execute",
    "bad interpreter",
    "Unknown command",
    "ENOENT",
];
const TOO_LARGE: [&str; 2] = ["File too large", "EFBIG"];
const NO_PROCESS: [&str; 8] = [
    "can't start new thread",
    "fork: Resource temporarily unavailable",
    "fork: retry: Resource temporarily",
    "Cannot fork",
    "pthread_create failed",
    "unable to create native thread",
    "failed to spawn thread",
    "uv_thread_create",
];
/// What Python says when it cannot fork, which others say too, and where it says so.
const NOTHING_NOW: [&str; 2] =
    ["BlockingIOError: [Errno 11] Resource temporarily unavailable", "OSError: [Errno 11]"];
const WHERE_IT_FORKS: [&str; 5] = ["fork(", "fork_exec(", "posix_spawn", "forkpty(", "Popen("];

/// What a trial that failed wanted and was kept from; `None` when nothing tells of that. `is_there` says whether there
/// is such a path outside.
#[must_use]
pub fn denied_access(
    output: &TrialOutput,
    isolation: &Isolation,
    is_there: &dyn Fn(&str) -> bool,
) -> Option<DeniedAccess> {
    if matches!(output.ending, Termination::Exited { code: 0 } | Termination::Cancelled)
        || !isolation.is_any()
    {
        return None;
    }
    let texts = [output.stderr.text.as_str(), output.stdout.text.as_str()];
    let says = |words: &[&str]| texts.iter().any(|text| words.iter().any(|word| text.contains(word)));
    let want = |what: String, option: &str| Some(DeniedAccess { what, option: option.to_owned() });
    if says(&[".envrc is blocked"]) {
        return want(
            "wants direnv to load an .envrc, which is allowed in your checkout only".to_owned(),
            "direnv exec . pybisect …, the command without direnv, and --pass-env NAME for each variable that it sets",
        );
    }
    if isolation.network != "host" {
        if says(&INSTALLS) {
            return want(
                "installs packages, and its trials have no network".to_owned(),
                "--network host; or name a program of an environment that is there, as .tox/py/bin/pytest, and not what \
                 makes environments",
            );
        }
        if says(&NO_NETWORK) {
            return want("wants a network that its trials do not have".to_owned(), "--network host");
        }
        if says(&NO_SERVER)
            && let Some(port) = isolation
                .services
                .iter()
                .find(|port| texts.iter().any(|text| has_word(text, &port.to_string())))
        {
            return want(format!("wants the service on port {port} of this machine"), "--network host");
        }
    }
    if let Some(name) = isolation.withheld.iter().find(|name| texts.iter().any(|text| asks_for(text, name))) {
        return want(
            format!("wants the variable {name}, which its trials do not get"),
            &format!("--pass-env {name}"),
        );
    }
    if isolation.hides_files() {
        // Who warns of it went on: pytest of its cache.
        let mut lines = texts.iter().flat_map(|text| text.lines()).filter(|line| !line.contains("Warning"));
        if lines.any(|line| READ_ONLY.iter().any(|word| line.contains(word))) {
            return want("writes outside of its own folders".to_owned(), "--isolation off");
        }
        let lines = || texts.iter().flat_map(|text| text.lines());
        let denied = lines().filter(|line| isolation.is_fenced() && line.contains("Permission denied"));
        if let Some(path) = denied.flat_map(paths).find(|path| !is_hidden(path, isolation) || is_there(path))
        {
            let option = if is_there(path) { to_see(path) } else { "--isolation off".to_owned() };
            return want(format!("wants {path}, which is denied to its trials"), &option);
        }
        let lines = lines();
        let lines = lines.filter(|line| NO_FILE.iter().any(|word| line.contains(word)));
        if let Some(path) = lines.flat_map(paths).find(|path| is_hidden(path, isolation) && is_there(path)) {
            return want(format!("wants {path}, which is hidden from its trials"), &to_see(path));
        }
    }
    if isolation.has_limits() {
        if says(&TOO_LARGE) {
            return want("writes a file that is larger than the limit".to_owned(), "--max-file-size none");
        }
        if let Some(most) = isolation.limits.processes
            && (says(&NO_PROCESS) || says(&NOTHING_NOW) && says(&WHERE_IT_FORKS))
        {
            let what = format!("reached --max-processes: it has {most} processes and threads at most");
            return want(what, "--max-processes none");
        }
    }
    None
}

/// The options that let a trial read a path.
fn to_see(path: &str) -> String {
    format!("--see {}, or --isolation off", shell_words::quote(path))
}

/// Whether a text asks for a variable: names it in quotes where it speaks of a key or of the environment, as an error of
/// `os.environ` does, or as one that is not set. What is quoted elsewhere may be any text of the program.
fn asks_for(text: &str, name: &str) -> bool {
    // The shell's own: nobody has to hand them on.
    const OF_SHELLS: [&str; 5] = ["_", "SHLVL", "PWD", "OLDPWD", "PS1"];
    const WANTS: [&str; 9] = [
        "KeyError",
        "environ",
        "getenv",
        "variable",
        "required",
        "missing",
        "not set",
        "not found",
        "onfigur",
    ];
    const UNSET: [&str; 4] = ["environment variable", "not set", "unbound variable", "not defined"];
    if OF_SHELLS.contains(&name) || !text.contains(name) {
        return false;
    }
    let quoted = ['\'', '"'].map(|quote| format!("{quote}{name}{quote}"));
    text.lines().filter(|line| line.contains(name)).any(|line| {
        let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
        (quoted.iter().any(|quoted| line.contains(quoted)) && has(&WANTS))
            || (has_word(line, name) && has(&UNSET))
    })
}

/// Whether a word stands in a text by itself.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part))
}

/// Absolute paths in a line.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| letter.is_whitespace() || "'\"`,;()[]<>".contains(letter))
        .map(|part| part.trim_end_matches([':', '.']))
        .filter(|part| part.len() > 1 && part.starts_with('/'))
}

fn is_hidden(path: &str, isolation: &Isolation) -> bool {
    let hidden = isolation.hidden.iter().map(String::as_str).chain(["/dev", "/run", "/var/run"]);
    hidden.into_iter().any(|folder| std::path::Path::new(path).starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::TrialLimits;
    use crate::model::{Captured, Timing};

    fn said(text: &str) -> TrialOutput {
        let stderr = Captured { text: text.to_owned(), bytes: 0 };
        let (stdout, timing) = (Captured::default(), Timing::default());
        TrialOutput {
            ending: Termination::Exited { code: 1 },
            stdout,
            stderr,
            timing,
            leftovers: 0,
            notes: Vec::new(),
            files: Vec::new(),
        }
    }

    fn isolation(network: &str) -> Isolation {
        let in_force = ["clean-environment", "read-only-files", "network-namespace", "limits"];
        Isolation {
            in_force: in_force.map(str::to_owned).to_vec(),
            network: network.to_owned(),
            hidden: vec!["/home/ada".to_owned()],
            limits: TrialLimits { processes: Some(100), ..TrialLimits::default() },
            withheld: vec!["API_URL".to_owned(), "EDITOR".to_owned()],
            services: vec![5432],
            ..Isolation::default()
        }
    }

    fn option(text: &str, network: &str) -> Option<String> {
        denied_access(&said(text), &isolation(network), &|path| path.ends_with("data.csv"))
            .map(|want| want.option)
    }

    #[test]
    fn who_warns_of_a_read_only_place_wants_nothing() {
        let text = "x.py:4: PytestCacheWarning: cache could not write path /e/v: [Errno 30] Read-only file system: '/e'";
        assert_eq!(option(text, "none"), None);
        assert!(
            option("ERROR: No matching distribution found for pytest", "none")
                .unwrap()
                .contains("--network host")
        );
    }

    #[test]
    fn what_a_trial_was_kept_from_is_read_from_what_it_says() {
        let cases = [
            ("socket.gaierror: [Errno -3] Temporary failure in name resolution", "--network host"),
            ("OSError: [Errno 101] Network is unreachable", "--network host"),
            ("connection to server at \"localhost\", port 5432 failed: Connection refused", "--network host"),
            ("KeyError: 'API_URL'", "--pass-env API_URL"),
            ("Set the API_URL environment variable", "--pass-env API_URL"),
            ("sh: 1: API_URL: parameter not set", "--pass-env API_URL"),
            ("OSError: [Errno 30] Read-only file system: '/usr/share/x'", "--isolation off"),
            (
                "FileNotFoundError: [Errno 2] No such file or directory: '/home/ada/data.csv'",
                "--see /home/ada/data.csv, or --isolation off",
            ),
            ("./smoke.sh: 2: /home/ada/data.csv: not found", "--see /home/ada/data.csv, or --isolation off"),
            (
                "bash: ./x: /home/ada/data.csv: bad interpreter: No such file or directory",
                "--see /home/ada/data.csv, or --isolation off",
            ),
            ("RuntimeError: can't start new thread", "--max-processes none"),
            (
                "direnv: error /x/.envrc is blocked. Run `direnv allow` to approve its content",
                "direnv exec . pybisect …, the command without direnv, and --pass-env NAME for each variable that it sets",
            ),
            ("sh: 1: Cannot fork", "--max-processes none"),
            (
                "    pid = os.fork()\nBlockingIOError: [Errno 11] Resource temporarily unavailable",
                "--max-processes none",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(option(text, "loopback").as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn failures_of_the_program_are_its_own() {
        let cases = [
            "ConnectionRefusedError: [Errno 111] Connection refused",
            "AssertionError: expected 25432 rows; Connection refused",
            "KeyError: 'API_URLS'",
            "ValueError: the EDITOR opens files",
            "        if kind == 'API_URL':\nAssertionError: 'API_URL' != 'API_KEY'",
            "FileNotFoundError: [Errno 2] No such file or directory: '/home/ada/missing.txt'",
            "FileNotFoundError: [Errno 2] No such file or directory: 'data.csv'",
            "    sock.recv(1)\nBlockingIOError: [Errno 11] Resource temporarily unavailable",
        ];
        for text in cases {
            assert_eq!(option(text, "loopback"), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_isolated_is_not_to_blame() {
        assert_eq!(option("Network is unreachable", "host"), None);
        let open = Isolation { network: "host".to_owned(), ..Isolation::default() };
        assert_eq!(
            denied_access(&said("KeyError: 'API_URL'; Read-only file system"), &open, &|_| true),
            None
        );
        let passed =
            TrialOutput { ending: Termination::Exited { code: 0 }, ..said("Network is unreachable") };
        assert_eq!(denied_access(&passed, &isolation("loopback"), &|_| true), None);
    }
}
