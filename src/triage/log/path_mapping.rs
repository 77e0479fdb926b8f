//! Which of the repository's files a path on a server is.

use std::collections::HashMap;

/// The repository's files, to look paths up in.
#[derive(Debug, Clone, Default)]
pub struct RepositoryFiles {
    by_name: HashMap<String, Vec<String>>,
}

/// Where installed packages and the standard library lie.
const LIBRARIES: [&str; 3] = ["site-packages", "dist-packages", "lib-dynload"];

impl RepositoryFiles {
    /// Files, as paths from the repository's root with `/`.
    #[must_use]
    pub fn new(paths: impl IntoIterator<Item = String>) -> Self {
        let mut by_name: HashMap<String, Vec<String>> = HashMap::new();
        for path in paths {
            let name = path.rsplit('/').next().unwrap_or_default().to_owned();
            by_name.entry(name).or_default().push(path);
        }
        Self { by_name }
    }

    /// Whether no file is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// All of them.
    pub fn paths(&self) -> impl Iterator<Item = &String> {
        self.by_name.values().flatten()
    }

    /// The file with the longest common suffix. A file below the root needs more than its name in
    /// common; two equally good ones are none. A path in an installed package is one of the repository's
    /// only when all of it behind `site-packages/` is.
    #[must_use]
    pub fn find(&self, server_path: &str) -> Option<&str> {
        let path = server_path.replace('\\', "/");
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        let installed = parts.iter().rposition(|part| LIBRARIES.contains(part)).map(|at| at + 1);
        if installed.is_none() && standard_library(&parts).is_some() {
            return None;
        }
        let candidates = self.by_name.get(*parts.last()?)?;
        let scored = candidates.iter().filter_map(|file| {
            let common = file.rsplit('/').zip(parts.iter().rev()).take_while(|(a, b)| a == *b).count();
            let whole = file.split('/').count() == common;
            let enough = match installed {
                Some(start) => common == parts.len() - start && !self.in_package(file, common),
                None => whole || common >= 2,
            };
            enough.then_some(((common, whole), file))
        });
        let scored: Vec<_> = scored.collect();
        let best = scored.iter().map(|(score, _)| *score).max()?;
        let mut leaders = scored.iter().filter(|(score, _)| *score == best);
        match (leaders.next(), leaders.next()) {
            (Some((_, only)), None) => Some(only),
            _ => None,
        }
    }

    /// Whether the folder above the last `parts` parts is a package: they cannot be installed by themselves.
    fn in_package(&self, file: &str, parts: usize) -> bool {
        let above: Vec<&str> = file.rsplit('/').skip(parts).collect();
        let above: Vec<&str> = above.into_iter().rev().chain(["__init__.py"]).collect();
        let marker = above.join("/");
        self.by_name.get("__init__.py").is_some_and(|files| files.contains(&marker))
    }

    /// Whether the path is the application's own code: a file of the repository or, when no file is
    /// known, neither an installed package nor the standard library nor generated code.
    #[must_use]
    pub fn own(&self, path: &str) -> bool {
        if self.is_empty() { !is_library(path) } else { self.find(path).is_some() }
    }
}

/// Installed packages, the standard library, and what has no file.
fn is_library(path: &str) -> bool {
    let path = path.replace('\\', "/");
    let parts: Vec<&str> = path.split('/').collect();
    path.starts_with('<')
        || parts.iter().any(|part| LIBRARIES.contains(part))
        || standard_library(&parts).is_some()
}

/// Index behind `lib/python3.12`.
fn standard_library(parts: &[&str]) -> Option<usize> {
    let versioned = |name: &str| {
        name.strip_prefix("python").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let pairs = parts.windows(2);
    let at = pairs
        .into_iter()
        .position(|pair| matches!(pair[0], "lib" | "lib64" | "Lib") && versioned(pair[1]))?;
    Some(at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> RepositoryFiles {
        let paths = [
            "application.py",
            "src/shop/models.py",
            "src/shop/__init__.py",
            "src/shop/json/__init__.py",
            "a/views.py",
            "b/views.py",
        ];
        RepositoryFiles::new(paths.map(str::to_owned))
    }

    #[test]
    fn the_servers_root_does_not_matter() {
        let files = files();
        assert_eq!(files.find("/var/app/current/application.py"), Some("application.py"));
        assert_eq!(files.find("application.py"), Some("application.py"));
        assert_eq!(files.find("C:\\work\\shop\\models.py"), Some("src/shop/models.py"));
        assert_eq!(files.find("/srv/x/b/views.py"), Some("b/views.py"));
    }

    #[test]
    fn a_doubtful_file_is_none() {
        let files = files();
        assert_eq!(files.find("/srv/views.py"), None);
        assert_eq!(files.find("/srv/elsewhere/models.py"), None);
        assert_eq!(files.find("/usr/lib/python3.12/json/__init__.py"), None);
        assert_eq!(files.find("/v/lib/python3.12/site-packages/flask/application.py"), None);
        assert_eq!(files.find("/v/lib/python3.12/site-packages/json/__init__.py"), None);
        assert_eq!(files.find(""), None);
    }

    #[test]
    fn an_installed_copy_of_the_repository_is_its_own() {
        let path = "/v/lib/python3.12/site-packages/shop/models.py";
        assert_eq!(files().find(path), Some("src/shop/models.py"));
    }

    #[test]
    fn without_a_repository_libraries_are_told_by_their_place() {
        let none = RepositoryFiles::default();
        assert!(none.own("/srv/app/x.py"));
        assert!(!none.own("/usr/lib/python3.12/json/__init__.py"));
        assert!(!none.own("/v/lib/python3.12/site-packages/flask/app.py"));
        assert!(!none.own("<frozen importlib._bootstrap>"));
    }
}
