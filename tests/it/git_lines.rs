//! The lines that commits change.

use pybisect::git::Repository;

use crate::support::TestRepo;

const TEN: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";

fn changed(lines: &[pybisect::git::ChangedLine]) -> Vec<(u32, &str)> {
    lines.iter().map(|line| (line.number, line.text.as_str())).collect()
}

#[test]
fn a_renamed_file_shows_the_lines_that_differ_and_both_paths() {
    let mut repo = TestRepo::new();
    let first = repo.write("a.py", TEN).write("text.md", "x\n").commit("first");
    repo.remove("a.py").write("pkg/b.py", TEN.replace("three", "3")).write("text.md", "y\n");
    let second = repo.commit("second");
    let repository = Repository::open(repo.path()).unwrap();

    let root = repository.line_changes(first, |_| true).unwrap();
    assert_eq!(root.iter().map(|file| file.added.len()).collect::<Vec<_>>(), [10, 1]);

    let files = repository.line_changes(second, |path| path.ends_with(".py")).unwrap();
    let [code, text] = &files[..] else { panic!("{files:?}") };
    assert_eq!((code.path.as_str(), code.old_path.as_deref()), ("pkg/b.py", Some("a.py")));
    assert_eq!((changed(&code.removed), changed(&code.added)), (vec![(3, "three")], vec![(3, "3")]));
    assert_eq!(code.old, TEN.as_bytes());
    // What was not asked for is named, and no more.
    assert_eq!((text.path.as_str(), &text.added[..], &text.new[..]), ("text.md", &[][..], &[][..]));
}

#[test]
fn a_merge_has_only_what_it_changed_itself() {
    let mut repo = TestRepo::new();
    let base = repo.write("a.py", TEN).write("b.py", TEN).commit("base");
    let side = repo.write("a.py", TEN.replace("one", "1")).commit("side");
    repo.go_to(base).write("b.py", TEN.replace("ten", "10")).commit("main");
    repo.write("a.py", TEN.replace("one", "1"));
    let clean = repo.merge(side, "merge");
    let other = repo.go_to(clean).write("a.py", TEN).commit("other");
    repo.go_to(clean).write("b.py", TEN).commit("back");
    repo.write("a.py", TEN.replace("one", "I")).write("b.py", TEN);
    let own = repo.merge(other, "merge with a change of its own");
    let repository = Repository::open(repo.path()).unwrap();
    assert_eq!(repository.line_changes(clean, |_| true).unwrap(), []);
    let files = repository.line_changes(own, |_| true).unwrap();
    let [file] = &files[..] else { panic!("{files:?}") };
    assert_eq!((file.path.as_str(), changed(&file.added)), ("a.py", vec![(1, "I")]));
}

#[test]
fn binary_files_have_no_lines() {
    let mut repo = TestRepo::new();
    repo.write("a.py", "x = 1\n").commit("one");
    let id = repo.write("a.py", b"\0\xff\0x = 2\n").commit("two");
    let files = Repository::open(repo.path()).unwrap().line_changes(id, |_| true).unwrap();
    assert!(files[0].added.is_empty() && files[0].removed.is_empty());
}
