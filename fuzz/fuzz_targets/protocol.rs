//! Any bytes from the other end of the line to a launcher: messages, and then an end or a refusal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pybisect::process::sandbox::messages_in;

fuzz_target!(|bytes: &[u8]| {
    let count = messages_in(bytes);
    assert!(count <= bytes.iter().filter(|byte| **byte == b'\n').count());
});
