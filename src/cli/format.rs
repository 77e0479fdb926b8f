//! Forms of output that several subcommands share.

use clap::ValueEnum;

use crate::report::{AnnotationRenderer, Github, Gitlab, Rdjson, Sarif};

/// Output format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON object
    Json,
    /// GitHub workflow commands
    Github,
    /// SARIF 2.1.0
    Sarif,
    /// GitLab's code quality report
    Gitlab,
    /// reviewdog's diagnostic format
    Rdjson,
    /// For a comment
    Markdown,
}

impl Format {
    /// What renders remarks on places in files; `None` for the forms that each subcommand has its own of.
    pub(crate) const fn annotations(self) -> Option<&'static dyn AnnotationRenderer> {
        match self {
            Self::Github => Some(&Github),
            Self::Sarif => Some(&Sarif),
            Self::Gitlab => Some(&Gitlab),
            Self::Rdjson => Some(&Rdjson),
            Self::Text | Self::Json | Self::Markdown => None,
        }
    }
}
