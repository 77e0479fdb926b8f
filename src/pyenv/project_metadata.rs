//! The project's name, version and entry points in an environment that does not hold the project.

use std::fs;
use std::path::Path;

use super::declared::Wanted;

/// The project's own metadata and programs, in an environment that does not hold the project itself: its source is
/// on the path, in the tree under test.
pub(super) fn project_metadata(folder: &Path, wanted: &Wanted) -> std::io::Result<()> {
    let Some(name) = &wanted.name else { return Ok(()) };
    let version = wanted.version.as_deref().unwrap_or("0.0.0");
    let plain = name.replace(['-', '.', ' '], "_");
    let place = folder.join("project").join(format!("{plain}-{version}.dist-info"));
    fs::create_dir_all(&place)?;
    fs::write(place.join("METADATA"), format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"))?;
    let mut text = String::new();
    let mut group = "";
    for point in &wanted.entry_points {
        if point.group != group {
            group = &point.group;
            text.push_str(&format!("[{group}]\n").replace('\r', ""));
        }
        text.push_str(&point.line);
        text.push('\n');
        if point.group == "console_scripts"
            && let Some((program, target)) = point.line.split_once('=')
        {
            write_program(&folder.join("bin"), program.trim(), target.trim())?;
        }
    }
    fs::write(place.join("entry_points.txt"), text)
}

fn write_program(bin: &Path, name: &str, target: &str) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let target = target.split('[').next().unwrap_or(target).trim();
    let Some((module, function)) = target.split_once(':') else { return Ok(()) };
    let is_plain =
        |text: &str| text.chars().all(|c| c.is_alphanumeric() || "._-".contains(c)) && !text.is_empty();
    let path = bin.join(name);
    if !is_plain(name) || !is_plain(module) || !is_plain(function) || path.exists() {
        return Ok(());
    }
    let python = bin.join("python");
    let first = function.split('.').next().unwrap_or(function);
    let text = format!(
        "#!{}\nimport sys\nfrom {module} import {first}\nif __name__ == '__main__':\n    sys.exit({function}())\n",
        python.display()
    );
    fs::write(&path, text)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
}
