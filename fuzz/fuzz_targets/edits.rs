//! Any bytes as two versions of a file: none of their edits is the old one, all of them are the new one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pybisect::minimize::{EditList, EditSet, FileContent, FilePair, FileSide};
use pybisect::model::BlobId;

fn side(number: u8, path: &str, text: &[u8]) -> FileSide {
    let id = BlobId::from_bytes([number; 20]);
    FileSide { path: path.as_bytes().to_vec(), mode: 0o100_644, id, text: Some(text.to_vec()) }
}

fuzz_target!(|versions: (bool, &[u8], &[u8])| {
    let (is_python, old, new) = versions;
    if old == new {
        return;
    }
    let path = if is_python { "app.py" } else { "urls.json" };
    let list = EditList::new(vec![FilePair { old: Some(side(1, path, old)), new: Some(side(2, path, new)) }]);
    let count = list.edits.len();
    assert!(list.partial(&EditSet::default()).is_empty());
    let whole = list.partial(&EditSet::all(count));
    assert_eq!(whole.len(), 1, "{whole:?}");
    match &whole[0].entry {
        Some((_, FileContent::Text(text))) => assert_eq!(text, new),
        Some((_, FileContent::As(id))) => assert_eq!(*id, BlobId::from_bytes([2; 20])),
        None => panic!("the file went"),
    }
    for edit in 0..count.min(8) {
        let _ = list.partial(&std::iter::once(edit).collect());
    }
});
