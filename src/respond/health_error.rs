//! Why a service cannot be asked.

/// A health check cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HealthError {
    /// It is no expression, path or name.
    #[error("'{text}' is no header's name, no path such as $.version, and no regular expression: {error}")]
    Version {
        /// The text.
        text: String,
        /// Why it is no expression.
        error: String,
    },
    /// It begins as a path, and is none.
    #[error("'{0}' is no path in JSON: such as $.version, $.build.commit or $.apps[0].version")]
    Path(String),
    /// A command has no headers.
    #[error(
        "a command has no header '{0}'; its output can be read by a path such as $.version, or a regular expression"
    )]
    NoHeader(String),
    /// It has no words.
    #[error("what is asked is empty")]
    Empty,
    /// It looks like an address, and would be run as a command.
    #[error("'{0}' is no address without http:// or https://")]
    NoScheme(String),
}
