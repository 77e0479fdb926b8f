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
//! | [`trial_queue`] | trials by commit: known, running, recorded |
//! | [`journal`] | events: stored and handed on |
//! | `find` | from a plan to a conclusion |
//! | `ending` | what a search came to, and the last word |
//! | `resume` | what makes two sessions the same one |
//! | `missing_files` | files of the user's that trials lack |
//! | `deciding_output` | what the deciding runs printed, where there is no answer |
//! | `secrets` | secrets in what trials print, masked before it is kept |
//! | `newer_tests` | tests that are newer than what broke them |
//! | `missing_modules` | a bad end that comes to no test for want of a foreign module |
//! | `target` | which failure is searched for |
//! | `selection` | trials of the search run the failing tests only |
//! | `sharing` | trials of the search run with packages that are there |
//! | `joint_search` | what a trial tells of the other failing tests counts, too |
//! | `targets` | each test that newly fails gets its culprit, by the trials of all |
//! | `target_vote` | which failure it is, when bad shows more than one |
//! | `time_limits` | how long trials may take |
//! | [`endpoints`] | bad has to fail and good to pass |
//! | `pass_evidence` | passes that are taken back, once the command is known to count tests |
//! | `failure_history` | a failure that looks otherwise at older commits: by trials, whether it is the same fault |
//! | `line_revert` | a version without what an older commit changed |
//! | `environments` | environments of versions: foreseen, told of |
//! | [`find_good`] | looking for a good commit, backwards |
//! | [`commit_search`] | the loop around the strategy |
//! | [`read_changes`](mod@read_changes) | what the commits of a range changed, for the suspects |
//! | [`isolation_skip`] | trials that fail for want of what they are kept from |
//! | [`prior`] | where the search begins |
//! | [`call_evidence`] | what a suspect did to a call of which the failure speaks |
//! | [`rank_suspects`] | a range ranked for a failure |
//! | [`function_tracer`] | watching which functions a trial executes |
//! | [`line_tracer`] | watching which of some lines a trial executes |
//! | [`traced_run`] | the failing run is watched, and what rests on that is confirmed |
//! | [`verification`] | each commit that an answer names runs, and what decides runs again |
//! | [`revert_check`] | commits that look like a revert of the would-be culprit |
//! | `package_blame` | whether the packages are the cause, rather than a commit |
//! | `releases` | releases that broke it one after the other, and what holds them back together |
//! | `package_bisect` | which packages they are, and from which version on |
//! | `package_pins` | where packages are declared, and the files with some held back |
//! | `dropped_requirers` | packages that are gone because the one that required them does so no more |
//! | `package_order` | the order of a package's versions, and constraints |
//! | [`narrow`] | from the commit to the edits that broke it |
//! | [`narrowing_result`] | what is narrowed, and what came of it |
//! | `speculation` | narrowing of a suspect while the search still runs |
//! | `hints` | what can be done about an endpoint that is not as expected |
//! | [`masking`] | which edits of a culprit hide the failure that it brought |
//! | [`merge_culprit`] | culprits that are merges |
//! | [`attribution`] | which commit of a set brought an edit |
//! | [`breaking_change`] | edits in the words of the report |
//! | `partial_tree` | versions between two others |
//! | [`fix`](fix()), [`fix_candidates`] | what might mend it, all tested at the same time |
//! | [`tree_runs`] | runs of given trees, for commands that do not search |
//! | [`newest_passing`](mod@newest_passing) | the newest of some versions that passes |
//! | [`revert_set`] | a version without some of what it changed |
//! | [`judge`] | one commit judged by itself, for `git bisect run` |
//! | [`signals`] | signals |
//! | `context` | what a session works with |
//! | `endpoint_state` | what was seen at the ends of the range, against what was said of them |
//! | `error` | why a session cannot go on, or ends early |
//! | `finished_trial` | a trial that came to an end, as the session sees it |
//! | `fix_task` | what is to be fixed, and which candidates are wanted |
//! | `history_state` | where the trials stand that tell how a failure looked at older commits |
//! | `package_trial` | a trial of a version with the packages of another, and what it showed |
//! | `range` | the range that is searched, with what was seen in it |
//! | `selection_state` | which tests the trials of the search run |
//! | `state` | the state of a session, one field for each question that is still open |
//! | `target_state` | the tests that newly fail, and where the search for each stands |
//!
//! [`Strategy`]: crate::search::Strategy
//! [`Executor`]: crate::executor::Executor
//! [`Oracle`]: crate::triage::Oracle
//! [`Event`]: crate::model::Event

mod attribution;
mod breaking_change;
mod call_evidence;
mod commit_search;
mod context;
mod deciding_output;
mod dispatcher;
mod dropped_requirers;
mod ending;
mod endpoint_state;
mod endpoints;
mod environments;
mod error;
mod failure_history;
mod find;
mod find_good;
mod finished_trial;
mod fix;
mod fix_candidates;
mod fix_task;
mod function_tracer;
mod hints;
mod history_state;
mod isolation_skip;
mod joint_search;
mod journal;
mod judging;
mod line_revert;
mod line_tracer;
mod masking;
mod merge_culprit;
mod missing_files;
mod missing_modules;
mod narrow;
mod narrowing_result;
mod newer_tests;
mod newest_passing;
mod overlay;
mod package_bisect;
mod package_blame;
mod package_order;
mod package_pins;
mod package_trial;
mod partial_tree;
mod pass_evidence;
mod plan;
mod prior;
mod range;
mod rank_suspects;
mod read_changes;
mod releases;
mod resume;
mod revert_check;
mod revert_set;
mod secrets;
mod selection;
mod selection_state;
mod sharing;
mod sharing_state;
mod signals;
mod speculation;
mod state;
mod target;
mod target_state;
mod target_vote;
mod targets;
mod time_limits;
mod traced_run;
mod tree_runs;
mod trial_queue;
mod verification;

pub use call_evidence::ChangedCalls;
pub use context::SessionContext;
pub use error::SessionError;
pub use find::find;
pub use fix::{Fixes, fix};
pub use fix_task::FixTask;
pub use function_tracer::FunctionTracer;
pub use isolation_skip::isolation_failure;
pub use judging::{Judgement, Unjudged, judge};
pub use line_tracer::{LineCoverage, LineTracer, LinesByFile};
pub use newest_passing::{Judged, newest_passing};
pub use overlay::OverlayError;
pub use partial_tree::{difference_between, partial_tree};
pub use plan::OnlyFailing;
pub use plan::{Matching, OverlayFile, Plan, TestChoice};
pub use rank_suspects::{RangeChanges, add_calls, failure_of, run_bad_commit};
pub use read_changes::{FailingTree, read_changes};
pub use revert_set::{BeforeAfter, RevertSet};
pub use secrets::Secrets;
pub use signals::SignalListener;
pub use tree_runs::{JournalOf, TreeRun, TreeRuns, with_tree_runs};

pub(crate) use overlay::Trees;
