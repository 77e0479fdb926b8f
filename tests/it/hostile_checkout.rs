//! What lies in a checkout came with the repository: a link in it leads neither to the user's files nor to a device without end,
//! whether it is read or written.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::repo_builder::snapshot;
use crate::support::{TestRepo, User};

fn repository() -> (TestRepo, String) {
    let mut repo = TestRepo::new();
    let first = repo.write("app.py", "v = 1\n").commit("one").to_string();
    repo.write("app.py", "v = 2\n").write("test_app.py", "def test(): pass\n").commit("two");
    repo.check_out();
    (repo, first)
}

fn fifo(at: &Path) {
    rustix::fs::mknodat(rustix::fs::CWD, at, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
}

/// What is said of a file that is not there to be read beside its patch.
const PATCH_ONLY: &str = "only the lines of the patch were looked at";

/// What was said, as one line.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// No line of a file outside is in an error, no pipe is waited for, and what has no end is not read to its end.
#[test]
fn a_configuration_is_read_over_links_that_stay_inside_and_over_no_others() {
    let (repo, first) = repository();
    let user = User::new();
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    fs::write(&secret, "planted = is no configuration\n").unwrap();
    fs::create_dir(repo.path().join("conf")).unwrap();
    let shared = repo.path().join("conf/shared.toml");
    fs::write(&shared, "command = ['python3', '-c', 'import app; assert app.v < 2']\n").unwrap();
    let find = || {
        let ran = user.run(repo.path(), &["find", "--no-narrow", "--quiet", "--good", &first]);
        (ran.code, words(&ran.stderr))
    };
    for name in ["pybisect.toml", "pyproject.toml"] {
        let at = repo.path().join(name);
        for to in [secret.as_path(), Path::new("/dev/zero"), Path::new("/proc/self/environ")] {
            symlink(to, &at).unwrap();
            let (code, said) = find();
            assert_eq!(code, Some(2), "{name} -> {}: {said}", to.display());
            assert!(said.contains("it is a link that leads outside"), "{said}");
            assert!(said.contains(name) && said.contains("--no-config"), "{said}");
            assert!(!said.contains("planted"), "{said}");
            fs::remove_file(&at).unwrap();
        }
        fifo(&at);
        let (code, said) = find();
        assert!(code == Some(2) && said.contains("it is not a regular file"), "{said}");
        fs::remove_file(&at).unwrap();
    }
    // The control: such a link inside is followed, and a file that is broken says its line.
    symlink("conf/shared.toml", repo.path().join("pybisect.toml")).unwrap();
    let (code, said) = find();
    assert_eq!(code, Some(0), "{said}");
    fs::copy(&secret, &shared).unwrap();
    let (_, said) = find();
    assert!(said.contains("planted"), "{said}");
}

#[test]
fn sources_of_a_work_tree_are_read_over_no_link_that_leads_outside() {
    let (mut repo, _) = repository();
    repo.write("use.py", "import json\njson.loads('{}')\n").commit("three");
    repo.check_out();
    let user = User::new();
    let outside = tempfile::tempdir().unwrap();
    let other = outside.path().join("other.py");
    fs::write(&other, "import json\njson.loads('planted', strict=False)\n").unwrap();
    let source = repo.path().join("use.py");
    let calls = || {
        let ran = user.run(repo.path(), &["calls"]);
        assert!(ran.code == Some(0) || ran.code == Some(3), "{:?}: {}", ran.code, ran.stderr);
        ran.stdout
    };
    for to in [other.as_path(), Path::new("/dev/zero")] {
        fs::remove_file(&source).unwrap();
        symlink(to, &source).unwrap();
        assert!(!calls().contains("planted"));
    }
    // The control: what is there itself is shown.
    fs::remove_file(&source).unwrap();
    fs::copy(&other, &source).unwrap();
    assert!(calls().contains("planted"));
    // A patch names what it likes: what it does not show of a file outside is not found there.
    let whole = "import json\nunseen = json.dumps('unseen')\njson.loads('{}')\n";
    fs::write(&other, whole).unwrap();
    fs::write(repo.path().join("own.py"), whole).unwrap();
    let calls_of = |name: &str| {
        let patch =
            format!("--- a/{name}\n+++ b/{name}\n@@ -3 +3 @@\n-json.loads('{{}}')\n+json.loads('[]')\n");
        let file = outside.path().join("change.patch");
        fs::write(&file, patch).unwrap();
        user.run(repo.path(), &["calls", "--format", "json", "--patch", file.to_str().unwrap()]).stdout
    };
    let of_own = calls_of("own.py");
    let place = other.display().to_string();
    for name in [place.clone(), format!("{}{}", "../".repeat(20), &place[1..])] {
        let of_other = calls_of(&name);
        assert!(of_other.contains(PATCH_ONLY) && !of_own.contains(PATCH_ONLY), "{of_other} {of_own}");
    }
}

/// A link in the place of a file that is not there yet, of one that is, and of a folder.
#[test]
fn what_init_writes_stays_in_the_work_tree() {
    let user = User::new();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("mine"), "mine\n").unwrap();
    let before = snapshot(outside.path());
    for (to, at, written) in
        [("new", "pybisect.toml", true), ("mine", "pybisect.toml", true), ("", ".github", false)]
    {
        let (repo, _) = repository();
        symlink(outside.path().join(to), repo.path().join(at)).unwrap();
        let plain = user.run(repo.path(), &["init", "--smoke", "python smoke.py"]);
        let forced = user.run(repo.path(), &["init", "--smoke", "python smoke.py", "--force"]);
        assert!(snapshot(outside.path()) == before, "{at} -> {to}: {} {}", plain.stderr, forced.stderr);
        assert_eq!(forced.code, Some(if written { 0 } else { 2 }), "{}", forced.stderr);
        // With --force a link to a file gives way, and one to a folder is in the way.
        let there = repo.path().join(at).symlink_metadata().unwrap();
        assert_eq!(there.is_file(), written);
        assert_eq!(forced.stderr.contains("in the way"), !written, "{}", forced.stderr);
    }
    // The control: where nothing is in the way, all of it is written.
    let (repo, _) = repository();
    assert_eq!(user.run(repo.path(), &["init", "--smoke", "python smoke.py"]).code, Some(0));
    assert!(repo.path().join("pybisect.toml").is_file());
    assert!(repo.path().join(".github/workflows/pybisect.yml").is_file());
}
