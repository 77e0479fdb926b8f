//! Reading failures: what a test run, a script or a server's log says went wrong.
//!
//! Pure: text in, data out. Nothing here opens a file or asks the clock.
//!
//! | file | reads |
//! |---|---|
//! | [`ansi`] | colour codes, to remove them |
//! | [`traceback`] | Python tracebacks, as the interpreter and the test runners print them |
//! | [`runner`] | the counts and the failing tests of pytest and unittest |
//! | [`normalise`] | messages, to compare them without their numbers, paths and values |

pub mod ansi;
pub mod normalise;
pub mod runner;
pub mod traceback;
