use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;

fn side(path: &str, text: &str) -> FileSide {
    let id = BlobId::from_bytes([u8::try_from(text.len() % 251).unwrap(); 20]);
    FileSide { path: path.into(), mode: 0o100_644, id, text: Some(text.into()) }
}

fn pair(path: &str, old: &str, new: &str) -> FilePair {
    FilePair { old: Some(side(path, old)), new: Some(side(path, new)) }
}

fn text_with(difference: &EditList, applied: &EditSet) -> String {
    match difference.partial(applied).pop().and_then(|written| written.entry) {
        Some((_, FileContent::Text(text))) => String::from_utf8(text).unwrap(),
        _ => String::from_utf8(difference.files[0].old_text().to_vec()).unwrap(),
    }
}

fn shown(difference: &EditList) -> Vec<(String, String, bool)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    difference.edits.iter().map(|edit| (text(&edit.old), text(&edit.new), edit.is_call)).collect()
}

fn strings(edits: &[(&str, &str, bool)]) -> Vec<(String, String, bool)> {
    edits.iter().map(|&(old, new, is_call)| (old.to_owned(), new.to_owned(), is_call)).collect()
}

#[test]
fn each_call_change_is_an_edit_by_itself() {
    let old = "import json\n\ndef read(f, g):\n    data = json.load(f)\n    more = len(g)\n    return data\n";
    let new =
        "import json\n\ndef read(f, g):\n    data = json.loads(f)\n    more = max(g)\n    return data\n";
    let difference = EditList::new(vec![pair("app.py", old, new)]);
    assert_eq!(
        shown(&difference),
        strings(&[("json.load(f)", "json.loads(f)", true), ("len(g)", "max(g)", true)])
    );
    let first = &difference.edits[0];
    assert_eq!((first.lines.clone(), difference.function_of(first).as_deref()), (4..5, Some("read")));
    assert!(text_with(&difference, &[0].into_iter().collect()).contains("json.loads(f)\n    more = len(g)"));
}

#[test]
fn what_does_not_parse_alone_goes_together() {
    let old = "x = 1\ny = 2\nz = 3\n";
    let new = "if x:\n    x = 1\ny = 2\nz = 4\n";
    assert_eq!(EditList::new(vec![pair("a.py", old, new)]).edits.len(), 2);
    // The bracket is opened in one place and closed in another.
    let difference = EditList::new(vec![pair("a.py", "x = 1\ny\nz\n", "x = (1 +\ny\n+ 3)\n")]);
    assert_eq!(difference.edits.len(), 1, "{:?}", shown(&difference));
}

#[test]
fn a_long_hunk_is_cut_at_its_statements() {
    let lines = |word: &str| (0..8).map(|n| format!("    {word}_{n} = {n}\n")).collect::<String>();
    let old = format!("def f():\n{}    return 1\n", lines("old"));
    let new = format!("def f():\n{}    return 2\n", lines("new"));
    let difference = EditList::new(vec![pair("a.py", &old, &new)]);
    assert!(difference.edits.len() >= 9, "{:?}", shown(&difference));
    assert_eq!(text_with(&difference, &EditSet::all(difference.edits.len())), new);
}

#[test]
fn the_most_suspicious_edit_is_tried_first() {
    let old = "def a(f):\n    return load(f)\n\n\ndef b(f):\n    return load(f)\n";
    let new = old.replace("load(f)", "loads(f)");
    let difference = EditList::new(vec![pair("app.py", old, &new), pair("README.md", "a\n", "b\n")]);
    let frame =
        crate::model::Frame { path: "app.py".into(), line: 6, function: Some("b".into()), code: None };
    let failure = FailureSignature {
        frames: vec![frame],
        ..FailureSignature::bare(crate::model::FailureKind::Exception("TypeError".into()))
    };
    let search = difference.search(Some(&failure), &|_, _| 1.0);
    let first = search.next_sets(&search.initial_outcomes(), 1).remove(0);
    assert_eq!(first.iter().collect::<Vec<_>>(), [1]);
}

#[test]
fn files_that_change_places_do_so_together() {
    let moved = |from: &str, to: &str, text: &str| FilePair {
        old: Some(side(from, text)),
        new: Some(side(to, text)),
    };
    let files = vec![
        moved("a.py", "b.py", "x = 1\n"),
        moved("b.py", "a.py", "y = 22\n"),
        moved("c.py", "d.py", "z\n"),
    ];
    let difference = EditList::new(files);
    assert_eq!(difference.edits.len(), 2);
    let written = difference.partial(&[0].into_iter().collect());
    let paths: Vec<(&[u8], bool)> = written.iter().map(|one| (&one.path[..], one.entry.is_some())).collect();
    assert_eq!(paths, [(&b"a.py"[..], false), (b"b.py", false), (b"b.py", true), (b"a.py", true)]);
}

/// Random edits of random lines: everything applied is the new text, nothing the old one.
#[test]
fn all_edits_give_the_new_text_and_none_the_old_one() {
    let words = [
        "x = f(1)\n",
        "y = g(x, 2)\r\n",
        "if x:\n    y()\n",
        "\n",
        "# caf\u{e9}\n",
        "def f(a):\n    return a\n",
        "z",
        "  odd\n",
    ];
    for seed in 0..500 {
        let mut rng = StdRng::seed_from_u64(seed);
        let lines = |rng: &mut StdRng| -> Vec<&str> {
            (0..rng.random_range(0..30)).map(|_| words[rng.random_range(0..words.len())]).collect()
        };
        let old = lines(&mut rng);
        let mut new = old.clone();
        for _ in 0..rng.random_range(1..6) {
            let at = rng.random_range(0..=new.len());
            let end = (at + rng.random_range(0..4)).min(new.len());
            new.splice(at..end, lines(&mut rng).into_iter().take(6));
        }
        let (old, new) = (old.concat(), new.concat());
        let path = if seed % 3 == 0 { "a.txt" } else { "a.py" };
        let difference = EditList::new(vec![pair(path, &old, &new)]);
        let all = EditSet::all(difference.edits.len());
        assert_eq!(text_with(&difference, &all), new, "seed {seed}");
        assert_eq!(text_with(&difference, &EditSet::default()), old, "seed {seed}");
        assert_eq!(difference.edits.is_empty(), old == new, "seed {seed}");
    }
}
