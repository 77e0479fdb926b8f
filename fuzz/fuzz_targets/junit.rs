//! Any text as a JUnit file: the tests that failed, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pybisect::triage::junit::failures;

fuzz_target!(|text: &str| {
    for failure in failures(text).into_iter().flatten() {
        let _ = failure.dotted();
        let _ = failure.pytest_id(&|path| path.len() % 2 == 0);
    }
});
