//! A look at a branch before its merge: which changed calls are wrong, and on what evidence.
//!
//! | file | what it does |
//! |---|---|
//! | `request` | what a check is asked |
//! | `steps` | the check, step by step |
//! | `merge_check` | both sides merged in memory, their changed calls, and the report as it grows |
//! | `smoke` | the smoke command on both sides, and whether a failure is new |
//! | `red_base` | a base that fails already: which tests fail on the merge result only |
//! | `breaking` | the smallest set of the branch's changes without which the command passes |
//! | `types` | the type checker on both sides |
//! | `merge_sides` | what is merged into what |
//! | `rules` | the rules with their documentation |
//! | `findings` | from what is wrong to findings: places, fingerprints, order |
//! | `type_findings` | what a type checker says of the merge result only, at changed calls |
//! | `type_checker` | finding, installing and running the type checker |
//! | `settings` | the type checker's settings without what is code |
//! | `coverage` | which changed calls no test executes |
//! | `unguarded` | which changed calls fail in the face of a user |
//! | `reverted_before` | changes that were made before and taken back |
//! | `ddmin` | which changes make the command fail: those without which it passes |
//! | `ignore` | comments that silence findings |
//! | `baseline` | findings that are accepted |
//!
//! # False alarms
//!
//! `examples/check_alarms.rs` checks each of the last 300 commits of a repository that are no merges and change
//! Python files against its parent, without a smoke command. With ty 0.0.107, and Flask 2.2 for its packages:
//!
//! | repository | commits with errors | with warnings only |
//! |---|---|---|
//! | arrow | 1 (0.3 %) | 24 |
//! | marshmallow | 1 (0.3 %) | 7 |
//! | werkzeug | 3 (1.0 %) | 26 |
//!
//! What the errors are:
//!
//! - marshmallow 2c937af34 calls `datetime.datetime.now(datetime.UTC)`: right, as the project supports Python 3.8
//!   and this name came with 3.11.
//! - arrow bba2b315a has both `from datetime import datetime` and `import datetime`: `datetime.date(…)`, of which it
//!   is said, works; the lines do break `datetime.fromtimestamp` above it, which no call changed.
//! - werkzeug 0294d88b9 merges stubs into sources: `dict` of `V` is used with lists of `V`. The program is right, its
//!   annotations are not; a limit.
//! - werkzeug dfb646570 assigns bytes to a parameter that is annotated as `str`. The same; a limit.
//! - werkzeug 591b1150c subclasses `typing.BinaryIO`, whose methods the checker takes for abstract; a limit.
//!
//! Before errors were held to what does not depend on values (see `types`), 87 commits of arrow had some: its tests
//! use attributes that a fixture sets, of which a checker knows nothing.
//!
//! # Time
//!
//! `examples/check_time.rs` measures a check beside the type checker alone. On three changes of 9 and 10 files in a
//! repository of 1,600 (sympy), with everything in the cache, a check without a command took 0.7 to 1.2 s of CPU, of
//! which 0.03 to 0.09 s were its own; the rest is ty, on both sides at the same time. When all sources were written
//! anew each time, its own part was 0.5 to 1.6 s: the making of thousands of files.

mod baseline;
mod breaking;
mod coverage;
mod ddmin;
mod findings;
mod ignore;
mod merge_check;
mod merge_sides;
mod red_base;
mod request;
mod reverted_before;
mod rules;
mod settings;
mod smoke;
mod steps;
mod type_checker;
mod type_findings;
mod types;
mod unguarded;

pub use baseline::{BaselineError, FindingsBaseline};
pub use coverage::{Coverage, CoverageError, lines_to_test, untested};
pub use ddmin::{ddmin, suggestion};
pub use findings::{ChangedCall, finding_at, finding_on_call, merge_findings, quoted, sort_findings, stale};
pub use ignore::is_ignored;
pub use merge_sides::{MergeSides, SidesError, TARGET_VARIABLES};
pub use request::{CheckRequest, Weight};
pub use reverted_before::find_repeated_changes;
pub use rules::*;
pub use steps::check;
pub(crate) use steps::watched_check;
pub use type_checker::{Around, CheckerKind, ToolError, TypeChecker};
pub use type_findings::{Diagnostic, read_diagnostics, type_findings};
