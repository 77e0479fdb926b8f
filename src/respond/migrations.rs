//! Files that change a database's schema.

use std::path::Path;

/// Whether a file that came with a version is a migration: one of Django's (`migrations/0002_NAME.py`), of Alembic's
/// (a file under `versions` with a `down_revision`), or of another tool's under a folder of migrations (`.sql`, or Python).
#[must_use]
pub fn is_migration(path: &Path, text: &[u8]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folders: Vec<String> = path
        .parent()
        .into_iter()
        .flat_map(Path::components)
        .map(|part| part.as_os_str().to_string_lossy().to_lowercase())
        .collect();
    if name == "__init__.py" {
        return false;
    }
    let is_python = name.ends_with(".py");
    let is_under = |wanted: &str| folders.iter().any(|folder| folder == wanted);
    if is_under("migrations") || is_under("migration") {
        return is_python || name.to_lowercase().ends_with(".sql");
    }
    is_python && is_under("versions") && memchr::memmem::find(text, b"down_revision").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_of_the_usual_tools_are_known() {
        for (path, text, expected) in [
            ("shop/migrations/0002_price.py", "", true),
            ("shop/migrations/__init__.py", "", false),
            ("db/migrations/20261128_price.sql", "", true),
            ("alembic/versions/3f2a_price.py", "down_revision = None\n", true),
            ("app/versions/one.py", "class Version: ...\n", false),
            ("docs/migrations/README.md", "", false),
            ("shop/models.py", "down_revision", false),
        ] {
            assert_eq!(is_migration(Path::new(path), text.as_bytes()), expected, "{path}");
        }
    }
}
