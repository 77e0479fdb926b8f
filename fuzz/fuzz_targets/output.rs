//! Any text as what a command printed: a verdict, no panic, and a failure that is the same as itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pybisect::model::{Captured, Termination, TrialOutput, Verdict};
use pybisect::triage::{CommandFacts, Oracle, Target, TargetOracle, passes, read};

const COMMANDS: [&[&str]; 6] = [
    &["python", "-m", "pytest", "-q"],
    &["python", "-m", "unittest", "t"],
    &["python", "manage.py", "test"],
    &["python", "-m", "twisted.trial", "t"],
    &["tox", "-e", "py"],
    &["sh", "-c", "./smoke"],
];

fuzz_target!(|input: (u8, u8, &str)| {
    let (command, code, text) = input;
    let words = COMMANDS[usize::from(command) % COMMANDS.len()];
    let command = CommandFacts::of(&words.iter().map(Into::into).collect::<Vec<_>>());
    let mut output = TrialOutput::without_run(Termination::Exited { code: i32::from(code % 6) });
    output.stdout = Captured { text: text.to_owned(), bytes: u64::try_from(text.len()).unwrap_or(0) };
    let reading = read(&output, &command);
    for failure in &reading.failures {
        assert!(failure.frames.len() <= text.lines().count(), "{failure:?}");
    }
    let judged = TargetOracle::new(Target::AnyFailure, command).judge(&output);
    // Where nothing tells that a test ran, a status of 0 is no verdict.
    match judged {
        Verdict::Good => assert!(passes(&output, &command)),
        Verdict::Bad => assert!(!passes(&output, &command)),
        _ => {}
    }
    // What is looked for in a run is found in the same run.
    if let Ok(target) = TargetOracle::target_of(&output, command) {
        let again = TargetOracle::new(Target::Signature(target.clone()), command).judge(&output);
        assert!(!matches!(again, Verdict::Good), "{target:?}: {again:?}");
    }
});
