//! Any text as a coverage file or a type checker's output: an answer or an error.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use pybisect::check::{Coverage, read_diagnostics};

fuzz_target!(|text: &str| {
    if let Ok(coverage) = Coverage::read(text) {
        let _ = coverage.executes("a.py", 1, 3);
    }
    let _ = read_diagnostics(text, Path::new("/srv/kiosk"));
});
