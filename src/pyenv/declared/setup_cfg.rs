//! `setup.cfg`, as far as it declares something.

use std::collections::BTreeMap;

use super::project_files::ProjectFiles;
use super::requirements::Lines;

/// Sections of an INI file as `configparser` reads it: keys to lines.
pub(in crate::pyenv) type Sections = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// Read an INI file as `configparser` does. Continued lines are indented; comments begin with `#` or `;`.
#[must_use]
pub fn read(text: &str) -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    let mut sections = Sections::new();
    let mut section = String::new();
    let mut key: Option<String> = None;
    for line in text.lines() {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        let is_indented = line.starts_with([' ', '\t']);
        if let Some(name) =
            content.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).filter(|_| !is_indented)
        {
            name.trim().clone_into(&mut section);
            key = None;
        } else if let Some(key) = key.as_ref().filter(|_| is_indented) {
            let lines = sections.entry(section.clone()).or_default().entry(key.clone()).or_default();
            lines.push(content.to_owned());
        } else if let Some(at) = content.find(['=', ':']) {
            let name = content[..at].trim().to_lowercase().replace('-', "_");
            let value = content[at + 1..].trim();
            let lines = sections.entry(section.clone()).or_default().entry(name.clone()).or_default();
            lines.clear();
            if !value.is_empty() {
                lines.push(value.to_owned());
            }
            key = Some(name);
        }
    }
    sections
}

/// A list of requirements: one a line, or in the files that `file:` names.
pub(super) fn requirements(files: &dyn ProjectFiles, lines: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    for line in lines {
        match line.strip_prefix("file:") {
            Some(paths) => {
                let mut read = Lines::default();
                paths.split(',').for_each(|path| read.read(files, path.trim()));
                all.extend(read.requirements);
            }
            None => all.push(line.split(" #").next().unwrap_or(line).trim().to_owned()),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continued_lines_and_comments_are_understood() {
        let sections = read(
            "[metadata]\nname = demo\n[options]\npython_requires = >=3.6\npackage_dir =\n    = src\ninstall_requires =\n    # web\n    flask >= 1\n    six; python_version < '3'\n[options.extras_require]\ntest = pytest\n",
        );
        assert_eq!(sections["options"]["install_requires"], ["flask >= 1", "six; python_version < '3'"]);
        assert_eq!(sections["options"]["package_dir"], ["= src"]);
        assert_eq!(sections["options"]["python_requires"], [">=3.6"]);
        assert_eq!(sections["options.extras_require"]["test"], ["pytest"]);
    }
}
