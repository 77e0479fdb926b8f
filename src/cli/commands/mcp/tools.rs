//! The tools: what each takes, and the command line that a call of it is.

use std::collections::BTreeMap;
use std::path::{Component, Path};
use std::sync::Arc;

use rmcp::handler::server::tool::schema_for_type;
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use rmcp::schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;

/// A command line, and what it reads.
#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) words: Vec<String>,
    pub(super) stdin: Option<String>,
    /// Files that it names, until it has ended.
    pub(super) files: Option<TempDir>,
}

/// What a tool does with its arguments. `Err` is for the agent to read.
type Prepare = fn(JsonObject) -> Result<Call, String>;

/// One tool.
pub(super) struct Spec {
    pub(super) name: &'static str,
    title: &'static str,
    description: &'static str,
    schema: fn() -> Arc<JsonObject>,
    pub(super) prepare: Prepare,
}

impl Spec {
    /// As clients see it.
    pub(super) fn tool(&self) -> Tool {
        let annotations = ToolAnnotations::with_title(self.title).read_only(true).open_world(false);
        Tool::new(self.name, self.description, (self.schema)()).with_annotations(annotations)
    }
}

/// The tools; with those that write in the repository, where the user allowed it.
pub(super) fn specs(allows_branches: bool) -> Vec<Spec> {
    let fix: (fn() -> Arc<JsonObject>, Prepare) = if allows_branches {
        (schema_for_type::<FixOnBranch>, prepared::<FixOnBranch>)
    } else {
        (schema_for_type::<Fix>, prepared::<Fix>)
    };
    let spec = |name, title, description, (schema, prepare): (fn() -> Arc<JsonObject>, Prepare)| Spec {
        name,
        title,
        description,
        schema,
        prepare,
    };
    vec![
        spec(
            "find",
            "Find the commit that broke a command",
            "Runs a failing command on commits between a good and a bad one, isolated, several at a time, and answers with the \
             commit that broke it and the edit in it, both proven by trials. The command has to exit with a status other than 0 \
             where it fails. Takes seconds to minutes. `status` is found, ambiguous, inconclusive or not-reproduced; `reason` \
             and `hint` say why it is not found.",
            (schema_for_type::<Find>, prepared::<Find>),
        ),
        spec(
            "suspects",
            "Rank commits by the evidence of a failure",
            "Ranks the commits of a range by a traceback or log, or by one run of the failing command, with a probability and \
             reasons for each. Quick, and no proof.",
            (schema_for_type::<Suspects>, prepared::<Suspects>),
        ),
        spec(
            "calls",
            "Show what changes did to Python calls",
            "What a range of commits did to Python calls: added, removed, other functions, other arguments. Nothing is run.",
            (schema_for_type::<Calls>, prepared::<Calls>),
        ),
        spec(
            "check",
            "Look at a branch before its merge",
            "Which of the calls that a branch changed are wrong, by type evidence and changed definitions, and by a smoke \
             command where one is given.",
            (schema_for_type::<Check>, prepared::<Check>),
        ),
        spec(
            "logs",
            "Read logs",
            "The errors in a log, each kind once, with count, times and their place in the repository.",
            (schema_for_type::<Logs>, prepared::<Logs>),
        ),
        spec(
            "fix",
            "Test ways to fix what find found",
            "Tests candidate fixes of the last search (or of a session) on top of HEAD and answers with the smallest that \
             passes, as a patch. The work tree stays as it is.",
            fix,
        ),
        spec(
            "report",
            "Show a finished search",
            "A finished search as Markdown: the answer, and what the test printed at good and bad.",
            (schema_for_type::<Report>, prepared::<Report>),
        ),
    ]
}

/// Parameters of a tool.
trait Parameters: DeserializeOwned {
    fn call(self) -> Result<Call, String>;
}

fn prepared<P: Parameters>(arguments: JsonObject) -> Result<Call, String> {
    let parameters: P = serde_json::from_value(arguments.into()).map_err(|error| error.to_string())?;
    parameters.call()
}

/// A command line begins with the subcommand; each value stands behind its option's name, so that none can be an option.
fn words(begin: &[&str]) -> Vec<String> {
    begin.iter().map(|&word| word.to_owned()).collect()
}

fn add(words: &mut Vec<String>, option: &str, value: Option<&String>) {
    words.extend(value.map(|value| format!("--{option}={value}")));
}

/// A word that stands by itself.
fn positional(words: &mut Vec<String>, value: Option<&String>) -> Result<(), String> {
    match value {
        Some(value) if value.starts_with('-') => Err(format!("'{value}' is no revision")),
        value => {
            words.extend(value.cloned());
            Ok(())
        }
    }
}

fn command(words: &mut Vec<String>, command: Vec<String>) {
    if !command.is_empty() {
        words.push("--".to_owned());
        words.extend(command);
    }
}

/// Write files into a folder of their own, and name them to be laid over each tree.
fn lay_over(words: &mut Vec<String>, files: &BTreeMap<String, String>) -> Result<Option<TempDir>, String> {
    if files.is_empty() {
        return Ok(None);
    }
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    for (number, (path, content)) in files.iter().enumerate() {
        let is_inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        if path.is_empty() || !is_inside || path.contains(':') {
            return Err(format!("'{path}' is no path in the tree: relative, without '..' and ':'"));
        }
        let file = folder.path().join(number.to_string());
        std::fs::write(&file, content).map_err(|error| error.to_string())?;
        words.push(format!("--with-file={}:{path}", file.display()));
    }
    Ok(Some(folder))
}

/// Parameters of `find`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
struct Find {
    /// The failing command: program and arguments, such as ["python", "-m", "pytest", "-q", "tests/test_app.py::test_load"]
    command: Vec<String>,
    /// A commit on which it passes [default: looked for backwards]
    good: Option<String>,
    /// The commit on which it fails [default: HEAD]
    bad: Option<String>,
    /// Files to lay over every tree, such as a test that is newer than the history: path in the tree, and content
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// Shell command to run before the command in each tree
    setup: Option<String>,
    /// Longest time for one run, such as 90s
    timeout: Option<String>,
    /// Search for this failing test only, by its id
    target: Option<String>,
    /// Stop at the commit, and do not look for the edit in it
    #[serde(default)]
    no_narrow: bool,
}

impl Parameters for Find {
    fn call(self) -> Result<Call, String> {
        if self.command.is_empty() {
            return Err("command is empty".to_owned());
        }
        let mut words = words(&["find", "--json=-"]);
        add(&mut words, "good", self.good.as_ref());
        add(&mut words, "bad", self.bad.as_ref());
        add(&mut words, "setup", self.setup.as_ref());
        add(&mut words, "timeout", self.timeout.as_ref());
        add(&mut words, "target", self.target.as_ref());
        if self.no_narrow {
            words.push("--no-narrow".to_owned());
        }
        let files = lay_over(&mut words, &self.files)?;
        command(&mut words, self.command);
        Ok(Call { words, stdin: None, files })
    }
}

/// Parameters of `suspects`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
struct Suspects {
    /// GOOD..BAD, or GOOD.. for all up to HEAD
    range: String,
    /// A log with the failure
    log: Option<String>,
    /// The failing command, where there is no log
    #[serde(default)]
    command: Vec<String>,
}

impl Parameters for Suspects {
    fn call(self) -> Result<Call, String> {
        let mut words = words(&["suspects", "--format=json"]);
        if self.log.is_some() {
            words.push("--log=-".to_owned());
        }
        positional(&mut words, Some(&self.range))?;
        if self.log.is_none() {
            command(&mut words, self.command);
        }
        Ok(Call { words, stdin: self.log, files: None })
    }
}

/// Parameters of `calls`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
struct Calls {
    /// A range or a commit, such as v1.4..main [default: HEAD against the work tree]
    what: Option<String>,
}

impl Parameters for Calls {
    fn call(self) -> Result<Call, String> {
        let mut words = words(&["calls", "--format=json"]);
        positional(&mut words, self.what.as_ref())?;
        Ok(Call { words, ..Call::default() })
    }
}

/// Parameters of `check`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
struct Check {
    /// BASE..HEAD [default: HEAD, with what is uncommitted, from where it left the default branch]
    what: Option<String>,
    /// A smoke command; without one, nothing is run
    #[serde(default)]
    command: Vec<String>,
}

impl Parameters for Check {
    fn call(self) -> Result<Call, String> {
        let mut words = words(&["check", "--format=json"]);
        if self.command.is_empty() {
            words.push("--no-smoke".to_owned());
        }
        positional(&mut words, self.what.as_ref())?;
        command(&mut words, self.command);
        Ok(Call { words, ..Call::default() })
    }
}

/// Parameters of `logs`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
struct Logs {
    /// The log
    text: String,
    /// Leave out events before this time, such as 2026-11-24 15:07
    since: Option<String>,
}

impl Parameters for Logs {
    fn call(self) -> Result<Call, String> {
        let mut words = words(&["logs", "--json=-"]);
        add(&mut words, "since", self.since.as_ref());
        words.push("-".to_owned());
        Ok(Call { words, stdin: Some(self.text), files: None })
    }
}

/// Parameters of `fix`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
struct Fix {
    /// The session, by its id [default: the last finished search]
    session: Option<String>,
    /// A wider command that the fix has to pass too, such as the whole test suite
    verify: Option<String>,
}

impl Parameters for Fix {
    fn call(self) -> Result<Call, String> {
        let mut words = words(&["fix", "--json=-"]);
        add(&mut words, "verify", self.verify.as_ref());
        positional(&mut words, self.session.as_ref())?;
        Ok(Call { words, ..Call::default() })
    }
}

/// Parameters of `fix`, where it may write.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
struct FixOnBranch {
    /// The session, by its id [default: the last finished search]
    session: Option<String>,
    /// A wider command that the fix has to pass too, such as the whole test suite
    verify: Option<String>,
    /// Commit the fix on this new branch, which is not checked out
    branch: Option<String>,
}

impl Parameters for FixOnBranch {
    fn call(self) -> Result<Call, String> {
        let mut call = Fix { session: self.session, verify: self.verify }.call()?;
        add(&mut call.words, "branch", self.branch.as_ref());
        Ok(call)
    }
}

/// Parameters of `report`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
struct Report {
    /// The session, by its id [default: the latest of this repository]
    session: Option<String>,
}

impl Parameters for Report {
    fn call(self) -> Result<Call, String> {
        let mut words = words(&["show", "--markdown"]);
        positional(&mut words, self.session.as_ref())?;
        Ok(Call { words, ..Call::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(tool: &str, arguments: serde_json::Value) -> Result<Call, String> {
        let specs = specs(false);
        let spec = specs.iter().find(|spec| spec.name == tool).unwrap();
        (spec.prepare)(arguments.as_object().unwrap().clone())
    }

    #[test]
    fn no_value_becomes_an_option() {
        let found =
            call("find", serde_json::json!({ "command": ["true"], "good": "--isolation=off" })).unwrap();
        assert_eq!(found.words, ["find", "--json=-", "--good=--isolation=off", "--", "true"]);
        for (tool, name) in [("calls", "what"), ("check", "what"), ("fix", "session"), ("report", "session")]
        {
            call(tool, serde_json::json!({ name: "--repo=/" })).unwrap_err();
        }
        call("suspects", serde_json::json!({ "range": "--log=/etc/passwd", "log": "x" })).unwrap_err();
        call("find", serde_json::json!({ "command": ["true"], "isolation": "off" })).unwrap_err();
    }

    #[test]
    fn files_lie_in_the_tree_and_nowhere_else() {
        let of =
            |path: &str| call("find", serde_json::json!({ "command": ["true"], "files": { path: "x" } }));
        for path in ["../x", "/etc/x", "", "a:b", "~/../x"] {
            of(path).unwrap_err();
        }
        let found = of("tests/test_a.py").unwrap();
        assert!(found.words[2].ends_with(":tests/test_a.py"), "{:?}", found.words);
    }

    #[test]
    fn a_fix_is_committed_only_where_that_is_allowed() {
        let arguments = serde_json::json!({ "branch": "fixes" });
        call("fix", arguments.clone()).unwrap_err();
        let specs = specs(true);
        let fix = specs.iter().find(|spec| spec.name == "fix").unwrap();
        let found = (fix.prepare)(arguments.as_object().unwrap().clone()).unwrap();
        assert_eq!(found.words, ["fix", "--json=-", "--branch=fixes"]);
    }
}
