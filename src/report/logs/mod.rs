//! What was found in logs: for people ([`LogText`]) and as JSON ([`LogJson`]).

mod json;
mod text;

pub use json::LogJson;
pub use text::LogText;
