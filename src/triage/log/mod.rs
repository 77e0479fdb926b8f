//! Server logs: error events, grouped by what they are, in bounded memory.
//!
//! [`LogReader`] takes sources one after the other, as anything that can be read line by line, and gives a
//! [`LogReport`](crate::model::LogReport).
//!
//! | file | does |
//! |---|---|
//! | `reader` | blocks of bytes; passes over every line that has none of a few words in it |
//! | `streams` | each line to its stream: what opens, goes on and ends there |
//! | `prefix` | the marks of Docker, Kubernetes, syslog … and the level |
//! | `times` | timestamps |
//! | `json` | records that are one JSON object a line |
//! | `classify` | what one line is |
//! | `open` | tracebacks and test reports whose lines are still coming |
//! | `groups` | events with the same signature, counted |
//! | `excerpts` | the lines around the first event of each group |
//! | `files` | which of the repository's files a server's path is |
//! | `meaning` | one sentence for a group |

mod classify;
mod excerpts;
mod files;
mod groups;
mod json;
mod meaning;
mod open;
mod prefix;
mod reader;
mod streams;
mod times;

pub use files::RepositoryFiles;
pub use reader::{LogOptions, LogReader};
pub use times::Clock;
