//! Any bytes as two versions of a Python file, and as a patch: an answer, no panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pybisect::calls::{Paths, diff_files, parse_patch};

fuzz_target!(|versions: (&[u8], &[u8])| {
    let (old, new) = versions;
    let _ = diff_files(Some(old), Some(new), Paths::same("x.py"));
    let _ = parse_patch(old);
});
