//! mypy's settings without what is code: plugins are imported from the tree under test, and an interpreter is started.

use std::path::Path;

use toml::{Table, Value};

use crate::dirfd::Folder;
use crate::pyenv::ini;

/// What a tree's settings come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// The name of the file that they are given in: it tells the format.
    pub(super) name: &'static str,
    pub(super) text: String,
    /// Whether something that would run was left out.
    pub(super) is_without_code: bool,
}

/// The files that mypy reads, in its order.
const FILES: [&str; 4] = ["mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg"];

/// The settings of a tree; `None` when it has none.
pub(super) fn of_mypy(folder: &Path) -> Option<Settings> {
    const LARGEST: u64 = 4 << 20;
    // They came with a commit, links too.
    let folder = Folder::open(folder).ok()?;
    FILES.iter().find_map(|name| {
        let text = String::from_utf8(folder.read_over_links(name.as_ref(), LARGEST).ok()?).ok()?;
        if *name == "pyproject.toml" { of_toml(&text) } else { of_ini(&text, *name == "setup.cfg") }
    })
}

/// What runs, or writes elsewhere. Where files lie is told on the command line.
fn is_left_out(key: &str) -> bool {
    matches!(key, "plugins" | "python_executable" | "cache_dir" | "files" | "junit_xml")
        || key.ends_with("_report")
}

const fn runs(key: &str) -> bool {
    matches!(key.as_bytes(), b"plugins" | b"python_executable")
}

fn of_toml(text: &str) -> Option<Settings> {
    let table = text.parse::<Table>().ok()?;
    let mut mypy = table.get("tool")?.get("mypy")?.as_table()?.clone();
    let is_without_code = mypy.keys().any(|key| runs(key));
    mypy.retain(|key, _| !is_left_out(key));
    let tool = Table::from_iter([("mypy".to_owned(), Value::Table(mypy))]);
    let text = Table::from_iter([("tool".to_owned(), Value::Table(tool))]).to_string();
    Some(Settings { name: "pyproject.toml", text, is_without_code })
}

/// Read and written anew, so that mypy reads what was read here.
fn of_ini(text: &str, is_shared: bool) -> Option<Settings> {
    let sections = ini(text);
    if is_shared && !sections.contains_key("mypy") {
        return None;
    }
    let mut settings = Settings { name: "mypy.ini", ..Settings::default() };
    for (section, keys) in sections {
        let is_mypys = section == "mypy" || section.starts_with("mypy-");
        if !is_mypys || section.contains(|c: char| c == ']' || c.is_control()) {
            continue;
        }
        settings.text.extend(["[", &section, "]\n"]);
        for (key, lines) in keys {
            settings.is_without_code |= runs(&key);
            let is_plain =
                key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            if is_left_out(&key) || !is_plain {
                continue;
            }
            settings.text.extend([&key, " ="]);
            for line in &lines {
                settings.text.extend(["\n    ", line]);
            }
            settings.text.push('\n');
        }
    }
    Some(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_left_out_however_they_are_written() {
        for text in [
            "[mypy]\nstrict = True\nplugins = evil.py\n",
            "[mypy]\nPlugins: evil.py\nstrict = True\n",
            "[mypy]\nplugins =\n  evil.py,\n  other\nstrict = True\n",
            "[mypy]\nstrict = True\n[mypy-x]\nignore_errors = True\n[mypy]\nPLUGINS=evil\n",
        ] {
            let settings = of_ini(text, false).unwrap();
            assert!(settings.is_without_code, "{text}");
            assert!(
                !settings.text.contains("evil") && settings.text.contains("strict =\n    True\n"),
                "{}",
                settings.text
            );
        }
        let settings = of_toml("[tool.mypy]\nplugins = ['evil']\npython_executable = './x'\nstrict = true\n[[tool.mypy.overrides]]\nmodule = 'a'\nignore_errors = true\n").unwrap();
        assert!(
            settings.is_without_code && !settings.text.contains("evil") && !settings.text.contains("./x")
        );
        assert!(settings.text.contains("strict = true") && settings.text.contains("ignore_errors = true"));
    }

    #[test]
    fn the_first_file_with_settings_counts() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(of_mypy(folder.path()), None);
        std::fs::write(folder.path().join("setup.cfg"), "[metadata]\nname = x\n[mypy]\nstrict = True\n")
            .unwrap();
        let settings = of_mypy(folder.path()).unwrap();
        assert_eq!(
            (settings.text.as_str(), settings.is_without_code),
            ("[mypy]\nstrict =\n    True\n", false)
        );
        std::fs::write(folder.path().join("pyproject.toml"), "[tool.mypy]\npretty = true\n").unwrap();
        assert!(of_mypy(folder.path()).unwrap().text.contains("pretty"));
    }
}
