//! Any text with or without tracebacks: every place that is told lies in the text, and secrets stay masked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pybisect::triage::traceback::parse;
use pybisect::triage::{message_shape, redact};

fuzz_target!(|text: &str| {
    let lines = text.lines().count();
    for read in parse(text) {
        assert!(read.at < lines && read.at + read.lines <= lines, "{} + {} of {lines}", read.at, read.lines);
        for one in read.chain() {
            let shape = message_shape::shape(&one.message);
            assert_eq!(message_shape::shape(&shape), shape);
        }
    }
    let masked = redact::redact(text);
    assert!(masked.len() <= text.len() * 12);
});
