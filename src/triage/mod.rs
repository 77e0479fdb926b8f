//! Reading failures: what a test run, a script or a server's log says went wrong.
//!
//! Pure: text in, data out. Nothing here opens a file or asks the clock.
//!
//! | file | reads |
//! |---|---|
//! | [`mod@advice`] | what an output asks for, to be told as a hint |
//! | [`ansi`] | colour codes, to remove them |
//! | [`traceback`] | Python tracebacks, as the interpreter and the test runners print them |
//! | [`pytest_options`] | which version of pytest a command needs |
//! | [`runners`] | test runners' own words: counts, failing tests, what did not start |
//! | [`closing`] | the closing lines of a run whose failure no reader knows |
//! | [`mentions`] | the files, modules and settings that an output speaks of |
//! | [`message_shape`] | messages, to compare them without their numbers, paths and values |
//! | [`redact`] | secrets, to mask them |
//! | [`log`] | server logs, as a stream: error events, grouped |
//! | `assertion` | failed assertions: whether two of one test are the same statement |
//! | [`signature`] | a trial's output, for the failures in it |
//! | [`mod@sameness`] | two failures: whether they are the same one, and how sure that is |
//! | `identity` | two ids of tests: whether they name the same one |
//! | `logged` | exceptions that were logged while a test ran: several may be behind one assertion |
//! | `baseline` | what fails beside the target, at good as well or at bad only |
//! | [`denied_access`] | failures that come of the isolation of trials |
//! | [`junit`] | the failing tests of a JUnit report |
//! | `undecorated` | what a wrapper writes in front of each line, to take it away |
//! | `reasons` | what a trial shows, in words |
//! | [`oracle`] | [`Oracle`]: what a trial says about its commit |

pub mod advice;
pub mod ansi;
mod assertion;
mod baseline;
pub mod closing;
pub mod denied_access;
mod identity;
pub mod junit;
pub mod log;
mod logged;
pub mod mentions;
pub mod message_shape;
pub mod oracle;
pub mod pytest_options;
mod reasons;
pub mod redact;
pub mod runners;
pub mod sameness;
pub mod signature;
pub mod traceback;
mod undecorated;

pub use baseline::{Baseline, of_tests};
pub use identity::is_of;
pub use oracle::{Oracle, Target, TargetError, TargetOracle};
pub use runners::{CommandFacts, starts_no_python};
pub use sameness::{
    Sameness, cannot_be_chance, is_scripts_assertion, same_failure, sameness, says_otherwise,
};
pub use signature::{ParsedOutput, passes, read};
