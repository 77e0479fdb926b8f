//! Against what a command may leave in a folder, and what it may put in the place of one.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use tempfile::TempDir;

use super::*;

/// A folder to work in, and one beside it in which nothing may change.
struct Scene {
    _all: TempDir,
    outside: PathBuf,
    path: PathBuf,
    folder: Folder,
}

impl Scene {
    fn new() -> Self {
        Self::in_folder(tempfile::tempdir().unwrap())
    }

    fn in_folder(all: TempDir) -> Self {
        let [outside, path] = ["outside", "inside"].map(|name| all.path().join(name));
        for folder in [&outside, &path] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(outside.join("mine"), "mine").unwrap();
        let folder = Folder::open(&path).unwrap();
        Self { _all: all, outside, path, folder }
    }

    fn assert_outside_is_as_before(&self) {
        let names: Vec<_> =
            fs::read_dir(&self.outside).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [OsStr::new("mine")]);
        assert_eq!(fs::read_to_string(self.outside.join("mine")).unwrap(), "mine");
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(120)
}

/// Folders one in the other, far longer than any path may be.
fn dig(top: &Path, depth: usize) {
    let mut here = openat(CWD, top, OFlags::PATH, Mode::empty()).unwrap();
    for _ in 0..depth {
        mkdirat(&here, "d", Mode::RWXU).unwrap();
        here = openat(&here, "d", OFlags::PATH, Mode::empty()).unwrap();
    }
}

#[test]
fn nothing_is_done_over_a_link_wherever_it_stands_in_a_path() {
    let scene = Scene::new();
    symlink(&scene.outside, scene.path.join("link")).unwrap();
    let there = Path::new("link/mine");
    let folder = &scene.folder;
    assert!(folder.facts(there).is_err());
    assert!(folder.open_file(there).is_err() && folder.overwrite(there).is_err());
    assert!(folder.create(Path::new("link/new"), 0o666).is_err());
    assert!(folder.link(Path::new("x"), Path::new("link/new")).is_err());
    assert!(folder.folder(Path::new("link")).is_err() && folder.opened_up(Path::new("link")).is_err());
    assert!(!folder.leads_to_folder(Path::new("link")), "not outside");
    assert!(folder.remove(there, soon()).is_err() || scene.outside.join("mine").exists());
    for outside in ["../outside/mine", "/etc/passwd", "..", "x/../../outside/mine"] {
        assert!(folder.open_file(Path::new(outside)).is_err(), "{outside}");
        assert!(folder.create(Path::new(outside), 0o666).is_err(), "{outside}");
        drop(folder.remove(Path::new(outside), soon()));
    }
    scene.assert_outside_is_as_before();
    folder.remove(Path::new("link"), soon()).unwrap();
    assert!(scene.path.join("link").symlink_metadata().is_err(), "the link itself goes");
    scene.assert_outside_is_as_before();
}

#[test]
fn a_folder_that_was_replaced_is_told_from_the_one_that_was_made() {
    let scene = Scene::new();
    let made = scene.folder.new_folder("tree").unwrap();
    assert!(scene.folder.has("tree", &made));
    fs::rename(scene.path.join("tree"), scene.path.join("old")).unwrap();
    assert!(!scene.folder.has("tree", &made));
    symlink("old", scene.path.join("tree")).unwrap();
    assert!(!scene.folder.has("tree", &made), "a link to it is not it");
    fs::remove_file(scene.path.join("tree")).unwrap();
    fs::create_dir(scene.path.join("tree")).unwrap();
    assert!(!scene.folder.has("tree", &made));
    // What is done in it is done in the old one, wherever that is now.
    made.create(Path::new("x"), 0o666).unwrap();
    assert!(scene.path.join("old/x").exists() && !scene.path.join("tree/x").exists());
}

#[test]
fn folders_are_made_and_what_is_in_the_way_goes() {
    let scene = Scene::new();
    fs::create_dir(scene.path.join("a")).unwrap();
    symlink(&scene.outside, scene.path.join("a/b")).unwrap();
    scene.folder.make_folders(Path::new("a/b/c"), soon()).unwrap();
    assert!(scene.path.join("a/b/c").is_dir());
    fs::write(scene.path.join("file"), "").unwrap();
    scene.folder.make_folders(Path::new("file/x"), soon()).unwrap();
    assert!(scene.path.join("file/x").is_dir());
    scene.assert_outside_is_as_before();
}

#[test]
fn whatever_its_modes_and_kinds_it_is_removed() {
    let scene = Scene::new();
    let top = scene.path.join("top");
    fs::create_dir_all(top.join("locked/inner/more")).unwrap();
    fs::write(top.join("locked/inner/file"), "x").unwrap();
    symlink(&scene.outside, top.join("locked/link")).unwrap();
    symlink("loop", top.join("loop")).unwrap();
    rustix::fs::mknodat(CWD, top.join("fifo"), rustix::fs::FileType::Fifo, Mode::RWXU, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(top.join("socket")).unwrap();
    fs::hard_link(scene.outside.join("mine"), top.join("hard")).unwrap();
    for folder in ["locked/inner/more", "locked/inner", "locked", ""] {
        fs::set_permissions(top.join(folder), Permissions::from_mode(0o000)).unwrap();
    }
    scene.folder.remove(Path::new("top"), soon()).unwrap();
    assert!(scene.folder.entries().unwrap().is_empty());
    scene.folder.remove(Path::new("top"), soon()).unwrap();
    scene.assert_outside_is_as_before();
}

#[test]
fn thousands_of_folders_one_in_the_other_go_with_little_stack() {
    // On some disks a folder takes milliseconds to remove.
    const DEPTH: usize = 30_000;
    let memory = Path::new("/dev/shm");
    let all = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let scene = Scene::in_folder(all);
    let top = scene.path.join("top");
    fs::create_dir(&top).unwrap();
    dig(&top, DEPTH);
    fs::create_dir_all(top.join("wide/a/b")).unwrap();
    let path = scene.path.clone();
    // A call for each would not fit in this stack.
    let small = std::thread::Builder::new().stack_size(256 << 10);
    let removed = small.spawn(move || Folder::open(&path).unwrap().remove(Path::new("top"), soon())).unwrap();
    removed.join().unwrap().unwrap();
    assert!(scene.folder.entries().unwrap().is_empty());
}

#[test]
fn a_removal_ends_in_time_and_another_one_goes_on() {
    let scene = Scene::new();
    let top = scene.path.join("top");
    fs::create_dir(&top).unwrap();
    dig(&top, 50);
    let error = scene.folder.remove(Path::new("top"), Instant::now()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    scene.folder.remove(Path::new("top"), soon()).unwrap();
    assert!(!top.exists());
}

#[test]
fn a_pipe_in_the_place_of_a_file_is_not_waited_for() {
    let scene = Scene::new();
    let fifo = scene.path.join("x");
    rustix::fs::mknodat(CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RWXU, 0).unwrap();
    assert!(scene.folder.open_file(Path::new("x")).is_err());
    assert!(scene.folder.overwrite(Path::new("x")).is_err());
}

#[test]
fn a_file_of_anothers_tree_is_read_over_links_that_stay_inside_and_no_others() {
    let scene = Scene::new();
    fs::create_dir(scene.path.join("deep")).unwrap();
    fs::write(scene.path.join("deep/real"), "text").unwrap();
    for (to, name) in [
        (Path::new("deep/real"), "inside"),
        (Path::new("../outside/mine"), "above"),
        (&scene.outside.join("mine"), "absolute"),
        (Path::new("/dev/zero"), "endless"),
        (Path::new("/proc/self/environ"), "own"),
        (Path::new("loop"), "loop"),
        (Path::new("deep"), "folder"),
    ] {
        symlink(to, scene.path.join(name)).unwrap();
    }
    rustix::fs::mknodat(CWD, scene.path.join("fifo"), rustix::fs::FileType::Fifo, Mode::RWXU, 0).unwrap();
    let read = |name: &str, most| scene.folder.read_over_links(name.as_ref(), most);
    assert_eq!(read("inside", 4).unwrap(), b"text");
    assert_eq!(read("deep/real", 100).unwrap(), b"text");
    assert!(read("inside", 3).is_err(), "too large");
    for name in
        ["above", "absolute", "endless", "own", "loop", "folder", "fifo", "../outside/mine", "nothing"]
    {
        assert!(read(name, 100).is_err(), "{name}");
    }
    assert_eq!(read("nothing", 1).unwrap_err().kind(), std::io::ErrorKind::NotFound);
    // The control: by path all but the last few are read.
    assert!(fs::read(scene.path.join("above")).is_ok() && fs::read(scene.path.join("absolute")).is_ok());
}

#[test]
fn attributes_of_a_folder_are_put_back() {
    let scene = Scene::new();
    let made = scene.folder.attributes().unwrap();
    let at = |name: &str| scene.path.join(name);
    fs::create_dir(at("x")).unwrap();
    fs::set_permissions(&scene.path, Permissions::from_mode(0o1707)).unwrap();
    let noted = rustix::fs::setxattr(&scene.path, "user.note", b"left", rustix::fs::XattrFlags::empty());
    assert!(noted.is_ok() || noted == Err(rustix::io::Errno::OPNOTSUPP), "{noted:?}");
    assert_ne!(scene.folder.attributes().unwrap(), made);
    scene.folder.put_back(&made).unwrap();
    assert_eq!(scene.folder.attributes().unwrap(), made);
    assert_eq!(fs::metadata(&scene.path).unwrap().permissions().mode() & 0o7777, 0o755);
    assert!(at("x").is_dir(), "what lies in it stays");
}
