//! The conductor: endpoints, the search loop, confirmation, the journal, cancellation.
//!
//! [`find`](find()) is the whole of it: it asks the [`Strategy`] what to test, hands the trials to the
//! [`Executor`], lets the [`Oracle`] judge what came of them, and says all that happens as
//! [`Event`]s, in order, from one thread. It prints nothing.
//!
//! | file | step |
//! |---|---|
//! | [`plan`] | the resolved inputs |
//! | [`dispatcher`] | threads that run trials |
//! | [`trials`] | trials by commit: known, running, recorded |
//! | [`journal`] | events: stored and handed on |
//! | `find` | from a plan to a conclusion |
//! | `ending` | what a search came to, and the last word |
//! | `earlier` | what makes two sessions the same one |
//! | `lacks` | files of the user's that trials lack |
//! | `printed` | what the deciding runs printed, where there is no answer |
//! | `secrets` | secrets in what trials print, masked before it is kept |
//! | `wants` | a bad end that comes to no test for want of a foreign module |
//! | `target` | which failure is searched for |
//! | `selection` | trials of the search run the failing tests only |
//! | `sum` | what a trial tells of the other failing tests counts, too |
//! | `targets` | each test that newly fails gets its culprit, by the trials of all |
//! | `vote` | which failure it is, when bad shows more than one |
//! | `pace` | how long trials may take |
//! | [`endpoints`] | bad has to fail and good to pass |
//! | `evidence` | passes that are taken back, once the command is known to count tests |
//! | `faces` | a failure that looks otherwise at older commits: by trials, whether it is the same fault |
//! | `undo` | a version without what an older commit changed |
//! | `environments` | environments of versions: foreseen, told of |
//! | [`gallop`] | looking for a good commit, backwards |
//! | [`search`] | the loop around the strategy |
//! | [`range_changes`] | what the commits of a range changed, for the suspects |
//! | [`isolation`] | trials that fail for want of what they are kept from |
//! | [`prior`] | where the search begins |
//! | [`call_reasons`] | what a suspect did to a call of which the failure speaks |
//! | [`suspects`] | a range ranked for a failure |
//! | [`tracing`] | watching which functions a trial executes |
//! | [`line_watch`] | watching which of some lines a trial executes |
//! | [`watching`] | the failing run is watched, and what rests on that is confirmed |
//! | [`proving`] | each commit that an answer names runs, and what decides runs again |
//! | [`menders`] | commits that look like a revert of the would-be culprit |
//! | `packages` | whether the packages are the cause, rather than a commit |
//! | `releases` | releases that broke it one after the other, and what holds them back together |
//! | `package_set` | which packages they are, and from which version on |
//! | `holding` | where packages are declared, and the files with some held back |
//! | `requirers` | packages that are gone because the one that required them does so no more |
//! | `package_order` | the order of a package's versions, and constraints |
//! | [`narrow`] | from the commit to the edits that broke it |
//! | `ahead` | narrowing of a suspect while the search still runs |
//! | `hints` | what can be done about an endpoint that is not as expected |
//! | [`hiding`] | which edits of a culprit hide the failure that it brought |
//! | [`merges`] | culprits that are merges |
//! | [`bringer`] | which commit of a set brought an edit |
//! | [`breaking`] | edits in the words of the report |
//! | `versions` | versions between two others |
//! | [`fix`](fix()), [`candidates`] | what might mend it, all tested at the same time |
//! | [`judge`] | one commit judged by itself, for `git bisect run` |
//! | [`newest_passing`] | the newest of some versions that passes |
//! | [`taken_back`] | a version without some of what it changed |
//! | [`cancel`] | signals |
//!
//! [`Strategy`]: crate::search::Strategy
//! [`Executor`]: crate::executor::Executor
//! [`Oracle`]: crate::triage::Oracle
//! [`Event`]: crate::model::Event

mod ahead;
mod breaking;
mod bringer;
mod call_reasons;
mod cancel;
mod candidates;
mod dispatcher;
mod earlier;
mod ending;
mod endpoints;
mod environments;
mod evidence;
mod faces;
mod find;
mod fix;
mod gallop;
mod hiding;
mod hints;
mod holding;
mod isolation;
mod journal;
mod judging;
mod lacks;
mod line_watch;
mod menders;
mod merges;
mod narrow;
mod pace;
mod package_order;
mod package_set;
mod packages;
mod passing;
mod plan;
mod printed;
mod prior;
mod proving;
mod range_changes;
mod releases;
mod requirers;
mod search;
mod secrets;
mod selection;
mod sum;
mod suspects;
mod taken_back;
mod target;
mod targets;
mod tracing;
mod trees;
mod trials;
mod undo;
mod versions;
mod vote;
mod wants;
mod watching;

pub use cancel::SignalListener;
pub use find::{SessionError, Workshop, find};
pub use fix::{FixRequest, Fixes, fix};
pub use isolation::kept_from;
pub use judging::{Judgement, Unjudged, judge};
pub use line_watch::{LineWatch, LinesByFile, Watched};
pub use passing::{Judged, newest_passing};
pub use plan::{Matching, OverlayFile, Plan, TestChoice};
pub use range_changes::{FailingTree, read_changes};
pub use secrets::Secrets;
pub use selection::OnlyFailing;
pub use suspects::{RangeChanges, add_calls, failure_of, run_at_bad};
pub use taken_back::{BothTexts, TakenBack};
pub use tracing::Tracing;
pub use trees::OverlayError;
pub use versions::{difference_between, partial_tree};

pub(crate) use trees::Trees;
