//! Forms of what was found.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::cli::Format;

/// A shared form, or one that only a check has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CheckFormat {
    /// One of those that other subcommands have too.
    Of(Format),
    /// JUnit XML.
    Junit,
}

impl Default for CheckFormat {
    fn default() -> Self {
        Self::Of(Format::Text)
    }
}

impl ValueEnum for CheckFormat {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Of(Format::Text),
            Self::Of(Format::Json),
            Self::Of(Format::Github),
            Self::Of(Format::Sarif),
            Self::Of(Format::Gitlab),
            Self::Of(Format::Rdjson),
            Self::Junit,
            Self::Of(Format::Markdown),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Of(format) => format.to_possible_value(),
            Self::Junit => Some(PossibleValue::new("junit").help("JUnit XML")),
        }
    }
}
