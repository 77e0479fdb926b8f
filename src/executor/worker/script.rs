//! The script that a worker runs: it sets up what the command sees, and writes down that the command began, and how it
//! ended.
//!
//! Whatever goes wrong before that is written down is the worker's doing, also when it looks like an exit status of the
//! command. Workers lay the inputs out wherever they like, so that the script finds out where it is.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use crate::model::TrialSpec;

/// The folder of the tree.
pub(in crate::executor) const TREE: &str = "w";
/// The folder of the script, and of the files in the command's home.
pub(in crate::executor) const OWN: &str = "p";
/// The folder of the trial's inputs.
pub(in crate::executor) const INPUTS: &str = "i";
/// The script, in its folder.
pub(in crate::executor) const SCRIPT: &str = "run";
/// The folder of what belongs in the home.
pub(in crate::executor) const HOME: &str = "home";
/// What the script writes down, from the top.
pub(in crate::executor) const STATE: &str = "o/state";
/// The status with which a set-up that failed ends the script.
const FAILED: &str = "1";

/// What the script wrote down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::executor) enum State {
    /// The command ended, with this status.
    Ended(i32),
    /// The command began, and the script did not see its end.
    Began,
    /// The set-up ended with this status.
    SetupFailed(i32),
    /// The set-up began, and the script did not see its end.
    SettingUp,
    /// There is no such folder in this tree.
    NoFolder,
    /// Nothing that the script writes.
    Nothing,
}

impl State {
    pub(in crate::executor) fn parse(text: &str) -> Self {
        let last = text.lines().last().unwrap_or_default();
        let (word, rest) = last.split_once(' ').unwrap_or((last, ""));
        match (word, rest.parse().ok()) {
            ("ended", Some(code)) => Self::Ended(code),
            ("setup-failed", Some(code)) => Self::SetupFailed(code),
            ("began", None) => Self::Began,
            ("setup", None) => Self::SettingUp,
            ("no-folder", None) => Self::NoFolder,
            _ => Self::Nothing,
        }
    }

    /// The folder in which the worker laid the inputs out, unless that is the top of all.
    pub(in crate::executor) fn place(text: &str) -> Option<&str> {
        text.lines().next()?.strip_prefix("top ").filter(|place| place.len() > 1)
    }

    /// What the script writes at the top of all, for a command that ends with this status.
    pub(in crate::executor) fn text_of_end(has_setup: bool, code: i32) -> String {
        let setup = if has_setup { "setup\n" } else { "" };
        format!("{setup}began\nended {code}\n")
    }
}

/// The script for trials of a recipe.
pub(in crate::executor) fn script(recipe: &TrialSpec) -> Vec<u8> {
    let mut text = Vec::new();
    let mut line = |parts: &[&[u8]]| {
        parts.iter().for_each(|part| text.extend_from_slice(part));
        text.push(b'\n');
    };
    line(&[b"#!/bin/sh\n# Runs a trial of pybisect."]);
    line(&[b"top=$(pwd -P) || exit 1; [ \"$top\" != / ] || top="]);
    line(&[b"mkdir -p \"$top/o\" \"$top/h\" \"$top/t\" || exit 1"]);
    if !recipe.home.is_empty() {
        line(&[b"cp -R \"$top/p/home/.\" \"$top/h/\" || exit 1"]);
    }
    for output in &recipe.outputs {
        line(&[b"mkdir -p \"$top/i\"/", &quoted(output.as_os_str()), b" || exit 1"]);
    }
    line(&[b"HOME=$top/h TMPDIR=$top/t TEMP=$top/t TMP=$top/t XDG_CACHE_HOME=$top/h/.cache"]);
    line(&[b"XDG_CONFIG_HOME=$top/h/.config XDG_DATA_HOME=$top/h/.local/share"]);
    line(&[b"XDG_STATE_HOME=$top/h/.local/state GIT_CEILING_DIRECTORIES=$top"]);
    line(&[b"export HOME TMPDIR TEMP TMP XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME"]);
    line(&[b"export GIT_CEILING_DIRECTORIES"]);
    for (name, places) in &recipe.tree_paths {
        let places: Vec<Vec<u8>> = places.iter().map(|place| in_tree(place)).collect();
        let value = places.join(&b':');
        line(&[b"export ", name.as_bytes(), b"=", &value]);
    }
    for (name, place) in &recipe.input_paths {
        let place = [&b"\"$top/i\"/"[..], &quoted(place.as_os_str())].concat();
        if name == "PYTHONPATH" {
            line(&[b"export PYTHONPATH=", &place, b"${PYTHONPATH:+:$PYTHONPATH}"]);
        } else {
            line(&[b"export ", name.as_bytes(), b"=", &place]);
        }
    }
    line(&[b"[ -z \"$top\" ] || echo \"top $top\" > \"$top/o/state\" || exit 1"]);
    line(&[
        b"cd ",
        &in_tree(&recipe.subdir),
        b" 2>/dev/null || { echo no-folder >> \"$top/o/state\"; exit 127; }",
    ]);
    line(&[b"unset OLDPWD"]);
    if let Some(setup) = &recipe.setup {
        line(&[b"echo setup >> \"$top/o/state\" || exit 1"]);
        line(&[b"sh -c ", &quoted(OsStr::new(setup))]);
        line(&[
            b"code=$?; if [ $code != 0 ]; then echo \"setup-failed $code\" >> \"$top/o/state\"; exit ",
            FAILED.as_bytes(),
            b"; fi",
        ]);
    }
    line(&[b"echo began >> \"$top/o/state\" || exit 1"]);
    let words: Vec<Vec<u8>> = recipe.command.iter().map(|word| quoted(word)).collect();
    line(&[&words.join(&b' ')]);
    line(&[b"code=$?; echo \"ended $code\" >> \"$top/o/state\"; exit $code"]);
    text
}

/// A place in the tree, or elsewhere when it is absolute, as a word of the script.
fn in_tree(place: &Path) -> Vec<u8> {
    if place.is_absolute() {
        return quoted(place.as_os_str());
    }
    let mut word = b"\"$top/w\"".to_vec();
    for part in place.components() {
        if let Component::Normal(_) | Component::ParentDir = part {
            word.push(b'/');
            word.extend(quoted(part.as_os_str()));
        }
    }
    word
}

/// A word that the shell takes as it is.
pub(in crate::executor) fn quoted(word: &OsStr) -> Vec<u8> {
    let mut quoted = b"'".to_vec();
    for &byte in word.as_bytes() {
        match byte {
            b'\'' => quoted.extend_from_slice(b"'\\''"),
            _ => quoted.push(byte),
        }
    }
    quoted.push(b'\'');
    quoted
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::model::InputFile;

    /// Run the script as a worker does; its status, what it printed, and what it wrote down.
    fn run(recipe: &TrialSpec, folder: &Path) -> (Option<i32>, String, State) {
        for name in [TREE, OWN, INPUTS] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        std::fs::write(folder.join("p/run"), script(recipe)).unwrap();
        let ran = Command::new("/bin/sh").arg("p/run").current_dir(folder).output().unwrap();
        let state = std::fs::read_to_string(folder.join(STATE)).unwrap_or_default();
        (ran.status.code(), String::from_utf8(ran.stdout).unwrap(), State::parse(&state))
    }

    fn recipe(words: &[&str]) -> TrialSpec {
        TrialSpec { command: words.iter().map(Into::into).collect(), ..TrialSpec::default() }
    }

    #[test]
    fn the_command_gets_its_words_as_they_are_and_its_end_is_written_down() {
        let folder = tempfile::tempdir().unwrap();
        let odd = "it's $HOME `x` \"y\" \\ *\n;";
        let (status, printed, state) = run(&recipe(&["printf", "%s|", odd, ""]), folder.path());
        assert_eq!(
            (status, printed.as_str(), state),
            (Some(0), format!("{odd}||").as_str(), State::Ended(0))
        );
        let (status, _, state) = run(&recipe(&["sh", "-c", "exit 7"]), tempfile::tempdir().unwrap().path());
        assert_eq!((status, state), (Some(7), State::Ended(7)));
        let (status, _, state) = run(&recipe(&["no-such-program"]), tempfile::tempdir().unwrap().path());
        assert_eq!((status, state), (Some(127), State::Ended(127)));
        for code in [0, 3] {
            let text = State::text_of_end(false, code);
            assert_eq!(State::parse(&text), State::Ended(code));
        }
    }

    #[test]
    fn what_is_not_the_commands_doing_is_told_from_what_is() {
        let without = |folder: &Path| {
            let recipe = TrialSpec { subdir: "no/such".into(), ..recipe(&["true"]) };
            run(&recipe, folder)
        };
        assert_eq!(without(tempfile::tempdir().unwrap().path()).2, State::NoFolder);
        let failing = TrialSpec { setup: Some("echo set; exit 4".to_owned()), ..recipe(&["echo", "no"]) };
        let (status, printed, state) = run(&failing, tempfile::tempdir().unwrap().path());
        assert_eq!((status, printed.as_str(), state), (Some(1), "set\n", State::SetupFailed(4)));
        let well = TrialSpec { setup: Some("touch made".to_owned()), ..recipe(&["ls"]) };
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(run(&well, folder.path()).1, "made\n");
        let text = std::fs::read_to_string(folder.path().join(STATE)).unwrap();
        let place = std::fs::canonicalize(folder.path()).unwrap();
        assert_eq!(text, format!("top {}\n{}", place.display(), State::text_of_end(true, 0)));
        assert_eq!(State::place(&text), place.to_str());
        assert_eq!(State::place(&State::text_of_end(true, 0)), None);
        for text in ["", "began\nended\n", "ended x\n", "Segmentation fault\n", "began 1\n"] {
            assert_eq!(State::parse(text), State::Nothing, "{text}");
        }
        assert_eq!(State::parse("setup\nbegan\n"), State::Began);
    }

    #[test]
    fn paths_lead_into_the_tree_and_the_inputs_wherever_the_worker_put_them() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join("a worker's place");
        std::fs::create_dir_all(top.join("w/sub dir")).unwrap();
        let mut recipe =
            recipe(&["sh", "-c", "echo $PYTHONPATH; echo $OUT; pwd; echo $HOME; echo x > $OUT/y"]);
        recipe.subdir = "sub dir".into();
        recipe.tree_paths.insert("PYTHONPATH".to_owned(), vec![".".into(), "src".into(), "/opt".into()]);
        recipe.input_paths.insert("PYTHONPATH".to_owned(), "shim".into());
        recipe.input_paths.insert("OUT".to_owned(), "out".into());
        recipe.inputs.push(InputFile { path: "shim/a".into(), content: Vec::new() });
        recipe.outputs.push("out".into());
        let (status, printed, state) = run(&recipe, &top);
        assert_eq!((status, state), (Some(0), State::Ended(0)));
        let top = std::fs::canonicalize(&top).unwrap();
        let at = |rest: &str| top.join(rest).display().to_string();
        let path = [at("i/shim"), at("w"), at("w/src"), "/opt".to_owned()].join(":");
        assert_eq!(printed, [path, at("i/out"), at("w/sub dir"), at("h"), String::new()].join("\n"));
        assert_eq!(std::fs::read_to_string(top.join("i/out/y")).unwrap(), "x\n");
    }
}
