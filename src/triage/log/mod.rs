//! Server logs: error events, grouped by what they are, in bounded memory.
//!
//! [`LogReader`] takes sources one after the other, as anything that can be read line by line, and gives a
//! [`LogReport`](crate::model::LogReport).
//!
//! | file | does |
//! |---|---|
//! | `reader`, `encoding`, `octet_counts` | blocks of bytes; passes over every line that has none of a few words in it |
//! | `window`, `raw` | a line and the text around it; lines kept for showing |
//! | **records** | |
//! | `streams` | each line to its stream: what opens, goes on and ends there |
//! | `beginning` | what begins, and whether it was read before |
//! | `prefix` | the marks of Docker, Kubernetes, syslog … and the level |
//! | `partial`, `cut` | lines that a runtime cuts, and says so, or not |
//! | `marks` | marks that no list knows, learned where a header stands behind them |
//! | `forms` | how this stream's records begin, learned from their repetition |
//! | `timestamps` | timestamps |
//! | `quick` | byte tests before any of their patterns |
//! | **embeddings** | |
//! | `json`, `structured` | records that are JSON objects; tracebacks in their fields |
//! | `severities` | levels that a collector gives to each line |
//! | `logfmt` | records that are pairs |
//! | `embedded` | the lines that a record holds |
//! | `pretty`, `several` | objects over several lines; objects that list many records |
//! | `csv`, `flat` | the quotes of a field; lines without their indentation |
//! | `journal_fields` | journald's export and verbose forms |
//! | `json_glance` | which of them need not be built |
//! | `markup` | no-break spaces, XML and HTML |
//! | **layouts** | see [`traceback`](super::traceback) |
//! | `classify` | what one line is |
//! | `open_block` | tracebacks whose lines are still coming |
//! | `repeats` | tracebacks that were read before |
//! | `reports` | reports of test runners whose lines are still coming |
//! | `message` | how far an exception's message goes |
//! | **joining** | |
//! | `leads` | records that may introduce a traceback |
//! | `unrelated` | lines that speak of an error and are no event |
//! | `retelling` | lines that tell again of what was just counted |
//! | `http_errors` | 5xx answers and the failures behind them |
//! | `counting` | events on their way into groups |
//! | `groups` | events with the same signature, counted |
//! | `excerpts` | the lines around the first event of each group |
//! | `path_mapping` | which of the repository's files a server's path is |
//! | `explain` | one sentence for a group |
//! | `settings` | how logs are read |

mod beginning;
mod classify;
mod counting;
mod csv;
mod cut;
mod embedded;
mod encoding;
mod excerpts;
mod explain;
mod flat;
mod fluent;
mod forms;
mod groups;
mod http_errors;
mod journal_fields;
mod json;
mod json_glance;
mod leads;
mod logfmt;
mod marks;
mod markup;
mod message;
mod octet_counts;
mod open_block;
mod partial;
mod path_mapping;
mod prefix;
mod pretty;
mod python_literal;
mod quick;
mod raw;
mod reader;
mod repeats;
mod reports;
mod retelling;
mod retold_parts;
mod settings;
mod several;
mod severities;
mod streams;
mod string_pieces;
mod structured;
mod timestamps;
mod unrelated;
mod window;

pub use groups::masked_code;
pub use path_mapping::RepositoryFiles;
pub use reader::{LogOptions, LogReader};
pub use timestamps::Clock;
