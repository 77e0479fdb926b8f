//! Any text as the configuration of a repository: remarks, or an error that says where.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pybisect::setup::remarks_on;

fuzz_target!(|text: &str| match remarks_on(text) {
    Ok(remarks) => assert!(remarks.iter().all(|remark| !remark.is_empty())),
    Err(error) => assert!(error.to_string().starts_with("pybisect.toml: "), "{error}"),
});
