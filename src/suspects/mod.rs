//! Which commit of a range is to be suspected, before anything runs. Pure: no input or output.
//!
//! A commit is read once, as a [`CommitChange`]; a failure as a [`FailureEvidence`], from the text that it left
//! and, when it was watched, from what it executed ([`Trace`](trace::Trace)). [`Ranking`] puts both together:
//! [`Features`] are the evidence for each commit as numbers, their sum under the [`Weights`] becomes a
//! probability by softmax, and a twentieth of all belief is spread evenly, so that no commit is impossible.
//!
//! # Signals and weights
//!
//! The weights are fitted to real regressions of public projects (`examples/real_cases --suspects` prints
//! them): maximum likelihood with a small penalty on large weights, cases with the same culprit or the same
//! small repository counting as one. They are two sets: when the failing run was watched, and when only a
//! text tells of it.
//!
//! | signal | what it is | watched | text |
//! |---|---|---:|---:|
//! | `ran` | share of the changed definitions that ran beneath the failing test, rarely changed ones and near ones more | 0.55 | |
//! | `frame` | share of the definitions on the traceback, inner ones more | 0.09 | 0.31 |
//! | `line` | brought a line of the traceback, by its text, so that moved lines and renamed files count | 0.15 | 0.10 |
//! | `called` | share of the definitions that the traceback's lines, the message or the failing test call | 0.34 | 0.57 |
//! | `tokens` | words of the changed lines that the failure speaks of too | 0.82 | 1.40 |
//! | `message` | the same for the commit's message | 2.20 | 2.25 |
//! | `harmless` | only tests and text changed | −0.53 | −1.06 |
//! | `merge` | a merge; only what it changed itself counts for the other signals | −0.62 | −0.59 |
//! | `unreached` | nothing that changed is executed: text, comments, annotations, layout; or, when watched, what the failing run did not reach | −2.71 | −2.27 |
//!
//! A definition counts as changed when it does something else than before, as far as that is seen without running it
//! ([`equivalence`]); a commit that documents a failing function is no suspect.
//!
//! # How much it tells
//!
//! Measured in bits, the mean of −log2 of what the culprit got, over 17 cases with 7 to 4793 commits: a flat
//! prior 7.4; watched 2.6 with the weights above and 3.2 with each case left out of the fit in turn; from
//! text 2.9 and 3.4. The culprit is among the first five in 15 of 17 cases when the run was watched, in 13 from text.
//!
//! Two cases miss. Both are plain assertions on a result, deep inside of an engine that every test runs
//! through: a parser of SQL whose grouping functions all run for each statement, where the culprit changes
//! one word of one of them; and an object mapper where a wrong cache key shows as a wrong number, in code
//! that neither the test nor the message names. What ran is the same for many commits there, and the words
//! are those of the test's own setting.

mod change;
mod definition_diff;
mod definition_map;
mod equivalence;
mod failure_evidence;
mod feature_weights;
mod features;
mod file_edit;
mod own_frame;
mod rank;
mod reachability;
mod reasons;
mod source_reader;
mod sources_of_chance;
mod tokens;
mod trace;

pub use change::{ChangedFile, CommitChange, FileKind, is_python};
pub use definition_map::{Definitions, MODULE};
pub use failure_evidence::FailureEvidence;
pub use feature_weights::Weights;
pub use features::Features;
pub use file_edit::FileEdit;
pub use own_frame::OwnFrame;
pub use rank::{Ranking, Suspicion, of_values};
pub use source_reader::RepositoryView;
pub use sources_of_chance::{SourceOfChance, source_of_chance};
pub use tokens::BagOfWords;
