//! Rooms import only from the rooms that the table allows, and files stay small.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex::Regex;

const MOST_LINES: usize = 500;

/// Each room and the rooms that it imports from, by the table of `src/lib.rs`.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let row = Regex::new(r"(?m)^//! \| \[`(?:mod@)?(\w+)`\] \| .* \|([^|]*)\|$").unwrap();
    let rooms = |list: &str| {
        list.split(',').map(|room| room.trim().to_owned()).filter(|room| !room.is_empty()).collect()
    };
    row.captures_iter(&source).map(|row| (row[1].to_owned(), rooms(&row[2]))).collect()
}

pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    files.sort();
    files
}

/// First segments after `crate::`, in plain paths and in groups.
fn imported_rooms(source: &str) -> BTreeSet<String> {
    let path = Regex::new(r"\bcrate::([a-z_]+)").unwrap();
    let group = Regex::new(r"\bcrate::\{([^;]*)\};").unwrap();
    let member = Regex::new(r"(?:^|,)\s*([a-z_]+)").unwrap();
    let mut rooms: BTreeSet<String> = path.captures_iter(source).map(|found| found[1].to_owned()).collect();
    for found in group.captures_iter(source) {
        let mut depth = 0_i32;
        let outer: String = found[1]
            .chars()
            .filter(|c| {
                depth += match c {
                    '{' => 1,
                    '}' => -1,
                    _ => 0,
                };
                depth == 0
            })
            .collect();
        rooms.extend(member.captures_iter(&outer).map(|room| room[1].to_owned()));
    }
    rooms
}

#[test]
fn rooms_import_what_the_table_says_and_no_more() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in rust_files(&root) {
        let relative = file.strip_prefix(&root).unwrap();
        let room = relative.components().next().unwrap().as_os_str().to_str().unwrap().to_owned();
        if room.ends_with(".rs") {
            continue; // lib.rs and main.rs
        }
        // A doc comment may link to any room, and a test may use any.
        let source = std::fs::read_to_string(&file).unwrap();
        let code: String = source
            .split("#[cfg(test)]")
            .next()
            .unwrap_or_default()
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .flat_map(|line| [line, "\n"])
            .collect();
        let rooms = found.entry(room.clone()).or_default();
        if !relative.ends_with("tests.rs") {
            rooms.extend(imported_rooms(&code).into_iter().filter(|imported| *imported != room));
        }
    }
    let table = table();
    for (room, imported) in &found {
        assert_eq!(Some(imported), table.get(room), "what {room} imports, and what src/lib.rs says of it");
    }
    assert_eq!(found.len(), table.len(), "rooms, and rows of the table");
}

/// What reaches into a slot goes through a descriptor: by path it would be led wherever a link leads that a trial left.
#[test]
fn slots_are_not_reached_by_path() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let by_path = Regex::new(
        r"\bfs::\w+|\bFile::(open|create|options)|\bOpenOptions\b|\b(remove_tree|canonicalize)\(|\.(exists|is_dir|is_file|is_symlink|symlink_metadata|read_dir|read_link)\(\)",
    )
    .unwrap();
    // The folder of a run, which is made before there are slots; libraries of interpreters; the shadow repository.
    let allowed = [
        // It is filled before a trial sees it.
        ("executor/local/input_folder.rs", vec!["fs::create_dir_all", "fs::write"]),
        ("executor/local/run_dir.rs", vec!["fs::statfs", "fs::statvfs", "canonicalize("]),
        ("executor/local/pycache.rs", vec!["fs::read_dir", ".is_dir()"]),
        ("git/trial_repository.rs", vec!["fs::read"]),
    ];
    let mut files = rust_files(&root.join("executor/local"));
    files.push(root.join("git/trial_repository.rs"));
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap().to_str().unwrap();
        let may = allowed.iter().find(|(name, _)| *name == relative).map_or(&[][..], |(_, may)| may);
        let source = std::fs::read_to_string(&file).unwrap();
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        for line in
            code.lines().filter(|line| !line.trim_start().starts_with("//") && !line.starts_with("use "))
        {
            let found = by_path.find_iter(line).map(|found| found.as_str());
            wrong.extend(
                found.filter(|found| !may.contains(found)).map(|found| format!("{relative}: {found}")),
            );
        }
    }
    assert!(wrong.is_empty(), "by descriptor, please (`dirfd::Folder`):\n{}", wrong.join("\n"));
}

#[test]
fn files_stay_small() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let long: Vec<String> = ["src", "tests", "benches", "examples"]
        .iter()
        .map(|folder| root.join(folder))
        .filter(|folder| folder.exists())
        .flat_map(|folder| rust_files(&folder))
        .filter_map(|file| {
            let lines = std::fs::read_to_string(&file).unwrap().lines().count();
            (lines > MOST_LINES).then(|| format!("{}: {lines} lines", file.display()))
        })
        .collect();
    assert!(long.is_empty(), "split these:\n{}", long.join("\n"));
}

#[test]
fn no_test_file_is_forgotten() {
    for tests in ["tests/it", "tests/services"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(tests);
        let main = std::fs::read_to_string(folder.join("main.rs")).unwrap();
        for file in std::fs::read_dir(&folder).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            let module = name.trim_end_matches(".rs");
            if module != "main" {
                assert!(
                    main.contains(&format!("mod {module};")),
                    "{tests}/main.rs does not declare {module}"
                );
            }
        }
    }
}

#[test]
fn the_reader_of_imports_sees_groups() {
    let rooms = imported_rooms("use crate::{model::{A, B}, graph::Node};\nlet x = crate::git::open();");
    assert_eq!(rooms.into_iter().collect::<Vec<_>>(), ["git", "graph", "model"]);
}

/// What is compiled in from outside of `src` is in the package, too, or it could not be built.
#[test]
fn what_is_compiled_in_is_packaged() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest: toml::Table = std::fs::read_to_string(root.join("Cargo.toml")).unwrap().parse().unwrap();
    let packaged = manifest["package"]["include"].as_array().unwrap();
    let packaged: Vec<&str> =
        packaged.iter().map(|path| path.as_str().unwrap().trim_start_matches('/')).collect();
    let included = Regex::new(r#"include_(?:str|bytes)!\(\s*"(\.\./[^"]+)""#).unwrap();
    let mut seen = 0;
    for file in rust_files(&root.join("src")) {
        let source = std::fs::read_to_string(&file).unwrap();
        // Of unit tests' files nothing is compiled in.
        let code = source.split("#[cfg(test)]").next().unwrap();
        for found in
            included.captures_iter(code).filter(|_| file.file_stem().is_some_and(|name| name != "tests"))
        {
            let path = file.parent().unwrap().join(&found[1]).canonicalize().unwrap();
            let path = path.strip_prefix(root.canonicalize().unwrap()).unwrap().to_owned();
            assert!(
                packaged.iter().any(|folder| path.starts_with(folder)),
                "{} is not packaged",
                path.display()
            );
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen}");
}
