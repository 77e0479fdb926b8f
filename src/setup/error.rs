//! Errors as the user sees them: what is wrong, and what to type about it.

use rusqlite::ErrorCode;

use crate::git::GitError;
use crate::session::SessionError;
use crate::store::StoreError;

/// What kind of error it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The user's words or configuration.
    Usage,
    /// The machine, or a fault of pybisect.
    Internal,
    /// An environment could not be prepared.
    Environment,
    /// The command does not fail where it should.
    NotReproduced,
    /// The user did not want to wait.
    Interrupted,
}

/// Why pybisect cannot do what it was asked, and what can be done about that.
///
/// Its text is the chain of causes in one line.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    source: anyhow::Error,
    hints: Vec<String>,
}

impl Error {
    /// The user said something that cannot be.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Usage, source: anyhow::anyhow!(message.into()), hints: Vec::new() }
    }

    /// A mistake in the usage, said by another error.
    pub fn usage_of(source: impl Into<anyhow::Error>) -> Self {
        Self { kind: ErrorKind::Usage, source: source.into(), hints: Vec::new() }
    }

    /// The command does not fail where it should.
    pub fn not_reproduced(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::NotReproduced, source: anyhow::anyhow!(message.into()), hints: Vec::new() }
    }

    /// An environment cannot be prepared.
    pub fn environment(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Environment, source: anyhow::anyhow!(message.into()), hints: Vec::new() }
    }

    /// The user did not want to wait for something.
    pub fn interrupted(source: impl Into<anyhow::Error>) -> Self {
        Self { kind: ErrorKind::Interrupted, source: source.into(), hints: Vec::new() }
    }

    /// Something that is not the user's fault.
    pub fn internal(source: impl Into<anyhow::Error>) -> Self {
        Self { kind: ErrorKind::Internal, source: source.into(), hints: Vec::new() }
    }

    /// With what to do about it.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// What kind of error it is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What to do about it, the likeliest first.
    #[must_use]
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// In one line: the chain of causes, and the first hint.
    #[must_use]
    pub fn told(&self) -> String {
        let hint = self.hints.first().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{}{hint}", self)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let causes: Vec<String> = self.source.chain().map(ToString::to_string).collect();
        f.write_str(&causes.join(": "))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // What it says holds its causes.
        None
    }
}

impl From<GitError> for Error {
    fn from(error: GitError) -> Self {
        let error = match error {
            GitError::Library(error) if error.code() == git2::ErrorCode::NotFound => {
                let id =
                    error.message().rsplit('(').next().unwrap_or_default().trim_end_matches(')').to_owned();
                GitError::Lacking { id }
            }
            other => other,
        };
        let hint = match &error {
            GitError::NotARepository(_) => Some("go to the repository, or name it with --repo DIR"),
            GitError::BadInGood { .. } => {
                Some("good comes before bad; to look for the commit that fixed something: --find-fix")
            }
            GitError::NoCommits => {
                Some("commit something first; a clone of nothing has to be fetched: git fetch")
            }
            GitError::UnknownRevision { nearest, .. } if nearest.is_empty() => {
                Some("see `git branch -a` and `git tag`; a new remote branch needs `git fetch` first")
            }
            GitError::UnknownInShallow { .. } => Some(
                "git fetch --unshallow --tags (or a part of the rest: git fetch --deepen=500), then the same \
                 pybisect command again",
            ),
            GitError::Reftable(_) => Some(
                "in a copy: git clone --ref-format=files . ../copy; or as it stands: git refs migrate --ref-format=files \
                 --no-reflog (git 2.50 or later; before it, without any reflog)",
            ),
            GitError::Sha256(_) => Some(
                "in a copy with SHA-1 names: git init --object-format=sha1 ../sha1 && git fast-export --all \
                 --signed-tags=strip | git -C ../sha1 fast-import && git -C ../sha1 switch BRANCH",
            ),
            GitError::Lacking { .. } => Some(
                "in a partial clone: git fetch --refetch --no-filter; in a shallow one: git fetch --unshallow; otherwise \
                 git fsck tells what is broken",
            ),
            GitError::NotFetched { .. } => Some(
                "fetch it with git: git fetch --refetch --no-filter (all of the history), or check that its remote can \
                 be reached",
            ),
            GitError::Shallow(_) => Some("then run the same pybisect command again"),
            _ => None,
        };
        let kind = match &error {
            GitError::GitCommand { .. } | GitError::Shadow { .. } | GitError::Library(_) => {
                ErrorKind::Internal
            }
            _ => ErrorKind::Usage,
        };
        Self { kind, source: error.into(), hints: hint.into_iter().map(str::to_owned).collect() }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        if let StoreError::Database { source, .. } = &error
            && source
                .sqlite_error_code()
                .is_some_and(|code| matches!(code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
        {
            return Self::internal(error).hinted("another program uses it: try again when that has ended");
        }
        Self::internal(error)
            .hinted("another place for it: set PYBISECT_CACHE_DIR to a folder that can be written")
    }
}

impl From<SessionError> for Error {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Git(error) => error.into(),
            SessionError::Store(error) => error.into(),
            SessionError::Executor(error) => Self::internal(error),
        }
    }
}
