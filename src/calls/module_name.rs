//! The dotted name of the module that a file is, from its path alone.

/// A module's place among packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ModuleName {
    parts: Vec<String>,
    is_package: bool,
}

impl ModuleName {
    /// `src/pkg/mod.py` is `pkg.mod`: a leading `src` or `lib` is where projects keep their packages.
    pub(super) fn of(path: &str) -> Self {
        let stem = path.strip_suffix(".py").or_else(|| path.strip_suffix(".pyi")).unwrap_or(path);
        let stem = stem.strip_suffix(".pyw").unwrap_or(stem);
        let mut parts: Vec<String> =
            stem.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect();
        if parts.len() > 1 && (parts[0] == "src" || parts[0] == "lib") {
            parts.remove(0);
        }
        let is_package = parts.last().is_some_and(|last| last == "__init__");
        if is_package {
            parts.pop();
        }
        Self { parts, is_package }
    }

    /// The dotted name.
    pub(super) fn dotted(&self) -> String {
        self.parts.join(".")
    }

    /// The dotted name of something in this module.
    pub(super) fn member(&self, path: &str) -> String {
        if self.parts.is_empty() { path.to_owned() } else { format!("{}.{path}", self.dotted()) }
    }

    /// The absolute name of a relative one (`..a.b`); as written when it leads out of the tree.
    pub(super) fn absolute(&self, relative: &str) -> String {
        let name = relative.trim_start_matches('.');
        let dots = relative.len() - name.len();
        let up = if self.is_package { dots.saturating_sub(1) } else { dots };
        match self.parts.len().checked_sub(up) {
            Some(0) => name.to_owned(),
            Some(kept) => format!("{}.{name}", self.parts[..kept].join(".")),
            None => relative.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_names_count_from_the_package() {
        let module = ModuleName::of("src/pkg/sub/mod.py");
        assert_eq!(module.dotted(), "pkg.sub.mod");
        assert_eq!(module.absolute(".a.f"), "pkg.sub.a.f");
        assert_eq!(module.absolute("..a"), "pkg.a");
        assert_eq!(module.absolute("....a"), "....a");
        let package = ModuleName::of("pkg/__init__.py");
        assert_eq!(package.absolute(".a"), "pkg.a");
        assert_eq!(package.member("f"), "pkg.f");
        assert_eq!(ModuleName::of("setup.py").absolute(".x"), "x");
    }
}
