//! What a change did, in Python calls.

use serde::{Deserialize, Serialize};

use super::CommitId;

/// Where a piece of a file lies. Bytes count from 0, lines and columns from 1, columns in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallSpan {
    /// First byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// Line of the first byte.
    pub line: u32,
    /// Column of the first byte.
    pub column: u32,
    /// Line of the last byte.
    pub end_line: u32,
    /// The column after the last byte.
    pub end_column: u32,
}

/// One side of a change: a call as it stands in one version of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallSite {
    /// The source text, as written. For a decorator with its `@`.
    pub text: String,
    /// The called function, through imports and aliases (`json.load`), or as written where that
    /// cannot be told. None when this side is no call: the `x` of `x` → `f(x)`.
    pub callee: Option<String>,
    /// The innermost function or class around it, by its path in the file (`ArrowFactory.get`), or
    /// `<module>`. A decorator belongs to what it decorates.
    pub function: String,
    /// Where the call is.
    pub span: CallSpan,
}

/// What happened to a call, the weightiest first, in the terms of the single-statement-bug literature
/// ([TSSB-3M](https://arxiv.org/abs/2201.12046), [PySStuBs](https://arxiv.org/abs/2103.15668)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// A decorator changed.
    DecoratorChanged,
    /// Another function is called (wrong function name).
    CalleeChanged,
    /// The same method of another object is called (wrong caller).
    ReceiverChanged,
    /// The text is the same, but an import makes it mean another function.
    ImportChanged,
    /// Two positional arguments changed places.
    ArgumentsSwapped,
    /// A value goes to another keyword.
    KeywordRenamed,
    /// A positional argument went.
    ArgumentRemoved,
    /// A positional argument came.
    ArgumentAdded,
    /// A keyword argument went.
    KeywordRemoved,
    /// A keyword argument came.
    KeywordAdded,
    /// An argument has another value.
    ValueChanged,
    /// The call is awaited now.
    AwaitAdded,
    /// The call is no longer awaited.
    AwaitRemoved,
    /// An expression became an argument, or the receiver, of a new call.
    CallWrapped,
    /// A call was replaced by its argument, or by its receiver.
    CallUnwrapped,
    /// A call came.
    CallAdded,
    /// A call went.
    CallRemoved,
    /// The call did not change, but the definition that it calls did, and they no longer fit.
    StaleCall,
}

impl ChangeKind {
    /// All kinds.
    pub const ALL: [Self; 18] = [
        Self::DecoratorChanged,
        Self::CalleeChanged,
        Self::ReceiverChanged,
        Self::ImportChanged,
        Self::ArgumentsSwapped,
        Self::KeywordRenamed,
        Self::ArgumentRemoved,
        Self::ArgumentAdded,
        Self::KeywordRemoved,
        Self::KeywordAdded,
        Self::ValueChanged,
        Self::AwaitAdded,
        Self::AwaitRemoved,
        Self::CallWrapped,
        Self::CallUnwrapped,
        Self::CallAdded,
        Self::CallRemoved,
        Self::StaleCall,
    ];

    /// The word that JSON and `--kind` use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::CalleeChanged => "callee-changed",
            Self::ReceiverChanged => "receiver-changed",
            Self::ArgumentAdded => "argument-added",
            Self::ArgumentRemoved => "argument-removed",
            Self::ArgumentsSwapped => "arguments-swapped",
            Self::ValueChanged => "value-changed",
            Self::KeywordAdded => "keyword-added",
            Self::KeywordRemoved => "keyword-removed",
            Self::KeywordRenamed => "keyword-renamed",
            Self::CallAdded => "call-added",
            Self::CallRemoved => "call-removed",
            Self::CallWrapped => "call-wrapped",
            Self::CallUnwrapped => "call-unwrapped",
            Self::AwaitAdded => "await-added",
            Self::AwaitRemoved => "await-removed",
            Self::DecoratorChanged => "decorator-changed",
            Self::ImportChanged => "import-changed",
            Self::StaleCall => "stale-call",
        }
    }

    /// For people: `argument added`.
    #[must_use]
    pub fn phrase(self) -> String {
        self.word().replace('-', " ")
    }

    /// The kind of the same change read from new to old.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        match self {
            Self::ArgumentAdded => Self::ArgumentRemoved,
            Self::ArgumentRemoved => Self::ArgumentAdded,
            Self::KeywordAdded => Self::KeywordRemoved,
            Self::KeywordRemoved => Self::KeywordAdded,
            Self::CallAdded => Self::CallRemoved,
            Self::CallRemoved => Self::CallAdded,
            Self::CallWrapped => Self::CallUnwrapped,
            Self::CallUnwrapped => Self::CallWrapped,
            Self::AwaitAdded => Self::AwaitRemoved,
            Self::AwaitRemoved => Self::AwaitAdded,
            Self::CalleeChanged
            | Self::ReceiverChanged
            | Self::ArgumentsSwapped
            | Self::ValueChanged
            | Self::KeywordRenamed
            | Self::DecoratorChanged
            | Self::ImportChanged
            | Self::StaleCall => self,
        }
    }
}

/// Why a call no longer fits: the definition that changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StaleReason {
    /// The file of the definition: its new path, or the old one when it went.
    pub path: String,
    /// The definition's qualified name, before the change.
    pub name: String,
    /// The definition's line: the new one, or the old one when it went.
    pub line: u32,
    /// `def f(a, b)`, before.
    pub before: String,
    /// The signature after; None when the definition went.
    pub after: Option<String>,
    /// What does not fit, for people.
    pub problem: String,
}

/// One edit of one call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallChange {
    /// What happened; when the edit did several things to one call, the weightiest.
    pub kind: ChangeKind,
    /// The other things that the same edit did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<ChangeKind>,
    /// The call before; None when it came.
    pub before: Option<CallSite>,
    /// The call after; None when it went.
    pub after: Option<CallSite>,
    /// Callees of the calls inside of `before` that went with this edit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
    /// Callees of the calls inside of `after` that came with this edit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub came: Vec<String>,
    /// For a stale call, the definition that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<StaleReason>,
}

impl CallChange {
    /// The kind and the other things that the edit did.
    pub fn kinds(&self) -> impl Iterator<Item = ChangeKind> + '_ {
        std::iter::once(self.kind).chain(self.also.iter().copied())
    }

    /// Every callee that this edit touches, before and after, repeated names included.
    pub fn callees(&self) -> impl Iterator<Item = &str> {
        let sides =
            [&self.before, &self.after].into_iter().flatten().filter_map(|site| site.callee.as_deref());
        sides.chain(self.gone.iter().chain(&self.came).map(String::as_str))
    }

    /// The side to point at: the new one, or the old one when the call went.
    #[must_use]
    pub fn place(&self) -> Option<&CallSite> {
        self.after.as_ref().or(self.before.as_ref())
    }

    /// This change read from new to old.
    #[must_use]
    pub fn mirrored(self) -> Self {
        let mut kinds: Vec<ChangeKind> = self.kinds().map(ChangeKind::mirrored).collect();
        kinds.sort_unstable();
        let kind = kinds.remove(0);
        Self {
            kind,
            also: kinds,
            before: self.after,
            after: self.before,
            gone: self.came,
            came: self.gone,
            stale: self.stale,
        }
    }
}

/// How a parameter takes its argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParameterKind {
    /// By position only (before `/`).
    Positional,
    /// By position or keyword.
    Either,
    /// By keyword only (after `*`).
    Keyword,
    /// `*args`.
    Star,
    /// `**kwargs`.
    DoubleStar,
}

/// One parameter of a function.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Parameter {
    /// The parameter's name, without stars.
    pub name: String,
    /// How the parameter is given.
    pub kind: ParameterKind,
    /// Whether the parameter may be left out.
    pub has_default: bool,
}

/// A function as a caller sees it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Signature {
    /// The signature's parameters; without the first of a method, which the receiver fills.
    pub parameters: Vec<Parameter>,
    /// `def f(a, *, b=1)` on one line.
    pub text: String,
    /// The line of its `def`, from 1.
    pub line: u32,
}

/// A definition whose callers may no longer fit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DefinitionChange {
    /// The definition's path in the old file: `function` or `Class.method`.
    pub name: String,
    /// What the definition was.
    pub before: Signature,
    /// What the definition is; None when it went or has another name.
    pub after: Option<Signature>,
    /// The definition's new path in the file, when it was renamed.
    pub renamed_to: Option<String>,
}

/// Why a file could not be read in full.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "why")]
pub enum PartlyParsed {
    /// A part that matters is not Python as the grammar knows it.
    Syntax {
        /// The first line of it, from 1.
        line: u32,
    },
    /// Calls in calls, so deep that nobody wrote them: the inner ones are left out.
    TooDeep {
        /// The line of the first that was left out, from 1.
        line: u32,
    },
    /// More calls alike in one function than can be compared one by one: some were matched by what they call and their order.
    TooMany,
    /// Too large or too deep to be parsed: only the changed lines were looked at.
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
    },
    /// Its content is not in the repository.
    Missing,
    /// Only what a patch shows of it was there to read.
    PatchOnly,
}

impl std::fmt::Display for PartlyParsed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Syntax { line } => write!(f, "not Python as the grammar knows it, first at line {line}"),
            Self::TooDeep { line } => {
                write!(f, "calls in calls, too deep to be compared one by one, first at line {line}")
            }
            Self::TooLarge { bytes } => {
                write!(f, "too large to be parsed ({bytes} bytes): only the changed lines were looked at")
            }
            Self::TooMany => f.write_str(
                "more calls alike than can be compared one by one: some were matched by what they call and their order",
            ),
            Self::Missing => f.write_str("its content is not in the repository"),
            Self::PatchOnly => {
                f.write_str("neither version is at hand: only the lines of the patch were looked at")
            }
        }
    }
}

/// The calls that changed between two versions of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCalls {
    /// The changes, in the order of the new file.
    pub changes: Vec<CallChange>,
    /// The definitions that changed so that a call may no longer fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub definitions: Vec<DefinitionChange>,
    /// What the old version could not be read for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partly_before: Option<PartlyParsed>,
    /// What the new version could not be read for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partly_after: Option<PartlyParsed>,
}

impl FileCalls {
    /// Whether either version was read in part only.
    #[must_use]
    pub const fn partly_parsed(&self) -> bool {
        self.partly_before.is_some() || self.partly_after.is_some()
    }
}

/// A change with its commit and file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocatedChange {
    /// The commit that made it; None between two trees or files.
    pub commit: Option<CommitId>,
    /// The first line of the commit's message.
    pub subject: Option<String>,
    /// The file's path: the new one, or the old one when the file went.
    pub path: String,
    /// The path before.
    pub old_path: Option<String>,
    /// What changed.
    pub change: CallChange,
}

/// A file that was read in part only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PartlyParsedFile {
    /// The file's path.
    pub path: String,
    /// Why, for people.
    pub why: String,
}

/// What `pybisect calls` found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallReport {
    /// Newest commit first when there are several; inside of a commit by path and line.
    pub changes: Vec<LocatedChange>,
    /// Python files that were compared.
    pub files: usize,
    /// Files that were read in part only, each once.
    pub partly_parsed: Vec<PartlyParsedFile>,
}
