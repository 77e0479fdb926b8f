//! Ways to deploy a version.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::template::{Template, TemplateError, check_names, filled};
use crate::git::{GitError, Repository};
use crate::model::{Action, CancelToken, CommitId, DeployedVersion, Termination};
use crate::process::{Acting, ActionSpec, act, act_as};

/// Bytes of a command's output that are kept in the report.
const MOST_OUTPUT: u64 = 4096;

/// The longest wait for a remote without which nothing can be deployed.
const REMOTE_LIMIT: Duration = Duration::from_secs(60);

/// A version cannot be deployed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The command cannot be used.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A link is to lead to a folder that is not there.
    #[error("there is no folder {}", .0.display())]
    NoRelease(PathBuf),
    /// The link's place is taken by something else.
    #[error("{} is not a symbolic link", .0.display())]
    NotALink(PathBuf),
    /// The words after `symlink:` or `git:` say too little.
    #[error("'{0}' is no way to deploy")]
    Unknown(String),
    /// There is no such remote.
    #[error("git knows no remote '{remote}' here: {known}")]
    NoRemote {
        /// Its name.
        remote: String,
        /// Those that it knows.
        known: String,
    },
    /// A remote has no such branch.
    #[error("'{remote}' has no branch '{branch}'")]
    NoBranch {
        /// The remote.
        remote: String,
        /// The branch.
        branch: String,
    },
    /// What a branch leads to is not known here, so that nothing can be put on top of it.
    #[error("{branch} of '{remote}' leads to {}, which is not here: git fetch {remote}", .tip.short())]
    NotFetched {
        /// The remote.
        remote: String,
        /// The branch.
        branch: String,
        /// The commit.
        tip: CommitId,
    },
    /// Nobody is the author of a commit.
    #[error(
        "who makes the commit? git config user.name 'Your Name' and git config user.email you@example.com"
    )]
    NoAuthor,
    /// Git refused.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The system refused.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: String,
        /// Why not.
        error: io::Error,
    },
}

/// A way to deploy.
#[derive(Debug, Clone)]
pub enum Deploy {
    /// A command.
    Command(Template),
    /// A symbolic link that leads to the folder of a release, changed in one step.
    Symlink {
        /// The link.
        link: PathBuf,
        /// Where it is to lead, with places for the version.
        release: String,
    },
    /// A branch of a remote, from which something else deploys.
    Branch {
        /// The remote.
        remote: String,
        /// The branch.
        branch: String,
    },
    /// A commit with the version's files on top of such a branch, so that its history stays.
    Revert {
        /// The remote.
        remote: String,
        /// The branch.
        branch: String,
    },
}

/// Where a deploy runs, and what it may take.
pub(super) struct Surroundings<'a> {
    pub(super) repository: &'a Repository,
    pub(super) folder: &'a Path,
    pub(super) limit: Duration,
    pub(super) cancel: &'a CancelToken,
}

/// Hears which process a command is, before anything else happens.
pub(super) type Began<'a> = &'a mut dyn FnMut(Acting) -> io::Result<()>;

impl Deploy {
    /// A command, `symlink:LINK:RELEASE` (`symlink:/srv/app/current:/srv/app/releases/{short}`), `git:REMOTE/BRANCH`, or
    /// `git-revert:REMOTE/BRANCH`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str) -> Result<Self, DeployError> {
        let unknown = || DeployError::Unknown(text.to_owned());
        if let Some(rest) = text.strip_prefix("symlink:") {
            let (link, release) = rest.split_once(':').ok_or_else(unknown)?;
            check_names(release)?;
            if link.is_empty() || !release.contains('{') {
                return Err(unknown());
            }
            return Ok(Self::Symlink { link: link.into(), release: release.to_owned() });
        }
        let reverts = text.strip_prefix("git-revert:");
        if let Some(rest) = reverts.or_else(|| text.strip_prefix("git:")) {
            let (remote, branch) = rest.split_once('/').ok_or_else(unknown)?;
            if remote.is_empty() || remote.starts_with('-') || !Repository::can_be_a_branch(branch) {
                return Err(unknown());
            }
            let (remote, branch) = (remote.to_owned(), branch.to_owned());
            let is_kept = reverts.is_some();
            return Ok(if is_kept {
                Self::Revert { remote, branch }
            } else {
                Self::Branch { remote, branch }
            });
        }
        Ok(Self::Command(Template::parse(text)?))
    }

    /// Whether what it names is here, as far as that can be seen without doing anything.
    ///
    /// # Errors
    /// When a remote is not known to git, or nobody would be the author of a commit.
    pub fn check(&self, repository: &Repository) -> Result<(), DeployError> {
        match self {
            Self::Branch { remote, .. } => check_remote(remote, repository),
            Self::Revert { remote, .. } => {
                check_remote(remote, repository)?;
                repository.author().map(drop).ok_or(DeployError::NoAuthor)
            }
            Self::Command(_) | Self::Symlink { .. } => Ok(()),
        }
    }

    /// What the branch leads to that something else deploys from; `None` where there is no such branch.
    ///
    /// # Errors
    /// When the remote cannot be asked.
    pub fn branch_tip(&self, repository: &Repository) -> Result<Option<CommitId>, GitError> {
        /// Nothing rests on it, and a service is down.
        const LIMIT: Duration = Duration::from_secs(5);
        match self {
            Self::Branch { remote, branch } | Self::Revert { remote, branch } => {
                repository.remote_tip(remote, branch, LIMIT)
            }
            Self::Command(_) | Self::Symlink { .. } => Ok(None),
        }
    }

    /// Whether the deploy needs the version's files in a folder.
    #[must_use]
    pub fn wants_worktree(&self) -> bool {
        matches!(self, Self::Command(template) if template.wants_worktree())
    }

    /// The version as it will be deployed: with the commit that a branch gets, which is made for it.
    ///
    /// # Errors
    /// When it cannot be made: what the branch leads to is not here, or nobody is its author.
    pub(super) fn prepared(
        &self,
        version: &DeployedVersion,
        repository: &Repository,
    ) -> Result<DeployedVersion, DeployError> {
        let Self::Revert { remote, branch } = self else { return Ok(version.clone()) };
        let (remote, branch) = (remote.clone(), branch.clone());
        let Some(tip) = repository.remote_tip(&remote, &branch, REMOTE_LIMIT)? else {
            return Err(DeployError::NoBranch { remote, branch });
        };
        if repository.info(tip).is_err() {
            return Err(DeployError::NotFetched { remote, branch, tip });
        }
        let (name, email) = repository.author().ok_or(DeployError::NoAuthor)?;
        let commits = match repository.commits_since(tip, version.commit)? {
            1 => "commit".to_owned(),
            count => format!("{count} commits"),
        };
        let (name_of_it, commit) = (version.name(), version.commit);
        let message = if repository.is_ancestor(commit, tip)? {
            format!(
                "Roll back to {name_of_it}\n\nThe files are those of {commit} again, without the last {commits} of {branch}.\n"
            )
        } else {
            format!("Roll out {name_of_it}\n\nThe files are those of {commit}.\n")
        };
        let made = repository.commit_files_of(version.commit, tip, (&name, &email), &message)?;
        Ok(DeployedVersion { as_commit: Some(made), ..version.clone() })
    }

    /// What would be done, for people; an error when it could not.
    ///
    /// # Errors
    /// When a value is missing or could mean something to a shell, or there is no such release.
    pub fn shown(&self, version: &DeployedVersion, worktree: Option<&Path>) -> Result<String, DeployError> {
        match self {
            Self::Command(template) => Ok(template.shown(version, worktree)?),
            Self::Symlink { link, release } => {
                let release = found_release(link, &filled(release, version, None)?)?;
                if link.symlink_metadata().is_ok_and(|facts| !facts.is_symlink()) {
                    return Err(DeployError::NotALink(link.clone()));
                }
                Ok(format!("{} -> {}", link.display(), release.display()))
            }
            Self::Branch { remote, branch } => Ok(format!(
                "git push --force-with-lease {remote} {}:refs/heads/{branch}",
                version.commit.short()
            )),
            Self::Revert { remote, branch } => Ok(format!(
                "git push {remote} (a commit with the files of {}):refs/heads/{branch}",
                version.commit.short()
            )),
        }
    }

    /// Do it. What a command prints goes to `output`.
    pub(super) fn carry_out(
        &self,
        version: &DeployedVersion,
        worktree: Option<&Path>,
        output: File,
        around: &Surroundings<'_>,
        began: Began<'_>,
    ) -> Result<(Termination, Duration), DeployError> {
        let started = std::time::Instant::now();
        let done = |started: std::time::Instant| (Termination::Exited { code: 0 }, started.elapsed());
        match self {
            Self::Command(template) => command(template, version, worktree, output, around, began),
            Self::Symlink { link, release } => {
                lead(link, &found_release(link, &filled(release, version, None)?)?)?;
                Ok(done(started))
            }
            Self::Branch { remote, branch } => {
                around.repository.move_remote_branch(remote, branch, version.commit)?;
                Ok(done(started))
            }
            Self::Revert { remote, branch } => {
                let made = version.as_commit.unwrap_or(version.commit);
                around.repository.push_commit(remote, branch, made)?;
                Ok(done(started))
            }
        }
    }
}

/// Whether git knows a remote, by its name or as an address.
///
/// # Errors
/// When it does not.
pub fn check_remote(remote: &str, repository: &Repository) -> Result<(), DeployError> {
    let known = repository.remotes()?;
    // `git push` takes addresses and folders as well.
    if known.iter().any(|name| name == remote) || remote.contains([':', '/']) {
        return Ok(());
    }
    let known = if known.is_empty() { "it knows none".to_owned() } else { known.join(", ") };
    Err(DeployError::NoRemote { remote: remote.to_owned(), known })
}

/// Run a command for a version.
pub(super) fn command(
    template: &Template,
    version: &DeployedVersion,
    worktree: Option<&Path>,
    output: File,
    around: &Surroundings<'_>,
    began: Began<'_>,
) -> Result<(Termination, Duration), DeployError> {
    let words = template.words(version, worktree)?;
    let folder = around.folder.to_owned();
    let spec = ActionSpec {
        words: &words,
        folder,
        variables: variables(version, worktree),
        limit: around.limit,
        output,
    };
    act_as(&spec, around.cancel, began)
        .map_err(|error| DeployError::System { what: "run the command".to_owned(), error })
}

/// Run a command that deploys nothing, for a version: one that puts something in front of a service, or takes it away.
///
/// # Errors
/// When it cannot be run.
pub fn run_once(
    (kind, template): (&str, &Template),
    version: &DeployedVersion,
    (folder, limit): (&Path, Duration),
    cancel: &CancelToken,
) -> Result<Action, DeployError> {
    let system = |error| DeployError::System { what: format!("run the {kind}"), error };
    let words = template.words(version, None)?;
    let mut output = tempfile::tempfile().map_err(system)?;
    let spec = ActionSpec {
        words: &words,
        folder: folder.to_owned(),
        variables: variables(version, None),
        limit,
        output: output.try_clone().map_err(system)?,
    };
    let (ending, took) = act(&spec, cancel).map_err(system)?;
    Ok(Action {
        kind: kind.to_owned(),
        command: template.shown(version, None)?,
        ending: Some(ending),
        seconds: took.as_secs_f64(),
        output: last_lines(&mut output),
    })
}

/// The values of a version, for commands that read them.
fn variables(version: &DeployedVersion, worktree: Option<&Path>) -> Vec<(&'static str, OsString)> {
    let mut variables: Vec<(&'static str, OsString)> = vec![
        ("PYBISECT_COMMIT", version.commit.to_string().into()),
        ("PYBISECT_VERSION", version.number().into()),
    ];
    variables.extend(version.tag.as_ref().map(|tag| ("PYBISECT_TAG", OsString::from(tag))));
    variables.extend(worktree.map(|folder| ("PYBISECT_WORKTREE", folder.as_os_str().to_owned())));
    variables
}

/// The end of what a command printed.
pub(super) fn last_lines(output: &mut File) -> String {
    let mut read = || -> io::Result<Vec<u8>> {
        let length = output.seek(SeekFrom::End(0))?;
        output.seek(SeekFrom::Start(length.saturating_sub(MOST_OUTPUT)))?;
        let mut bytes = Vec::new();
        output.take(MOST_OUTPUT).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

/// The folder that a link is to lead to, which has to be there. Relative to the link's own.
fn found_release(link: &Path, release: &str) -> Result<PathBuf, DeployError> {
    let release = PathBuf::from(release);
    let beside = link.parent().unwrap_or(Path::new("")).join(&release);
    if beside.is_dir() { Ok(release) } else { Err(DeployError::NoRelease(beside)) }
}

/// Have a link lead elsewhere, in one step: whoever looks finds the old folder or the new one.
fn lead(link: &Path, release: &Path) -> Result<(), DeployError> {
    let system = |error| DeployError::System { what: format!("change {}", link.display()), error };
    let folder = link.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = link.file_name().unwrap_or_default().to_string_lossy();
    let next = folder.join(format!(".{name}.{}", std::process::id()));
    // Left by one that was killed.
    let _none = std::fs::remove_file(&next);
    std::os::unix::fs::symlink(release, &next).map_err(system)?;
    std::fs::rename(&next, link).map_err(system)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version() -> DeployedVersion {
        DeployedVersion {
            commit: "aa".repeat(20).parse().unwrap(),
            tag: Some("v1".to_owned()),
            subject: String::new(),
            as_commit: None,
        }
    }

    #[test]
    fn ways_to_deploy_are_told_by_their_beginning() {
        assert!(matches!(Deploy::parse("./deploy {commit}"), Ok(Deploy::Command(_))));
        assert!(
            matches!(Deploy::parse("git:origin/deploy/web"), Ok(Deploy::Branch { branch, .. }) if branch == "deploy/web")
        );
        assert!(
            matches!(Deploy::parse("git-revert:origin/main"), Ok(Deploy::Revert { branch, .. }) if branch == "main")
        );
        assert!(matches!(
            Deploy::parse("symlink:/srv/current:/srv/releases/{tag}"),
            Ok(Deploy::Symlink { .. })
        ));
        for wrong in ["git:origin", "git:/x", "git:-x/y", "git:origin/..", "symlink:/a", "symlink:/a:/b", ""]
        {
            assert!(Deploy::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_link_leads_to_a_release_that_is_there() {
        let top = tempfile::tempdir().unwrap();
        let link = top.path().join("current");
        let deploy = Deploy::parse(&format!("symlink:{}:releases/{{tag}}", link.display())).unwrap();
        assert!(matches!(deploy.shown(&version(), None), Err(DeployError::NoRelease(_))));
        std::fs::create_dir_all(top.path().join("releases/v1")).unwrap();
        assert!(deploy.shown(&version(), None).unwrap().ends_with("current -> releases/v1"));
        lead(&link, Path::new("releases/v1")).unwrap();
        assert_eq!(std::fs::read_link(&link).unwrap(), Path::new("releases/v1"));
        std::fs::remove_file(&link).unwrap();
        std::fs::create_dir(&link).unwrap();
        assert!(matches!(deploy.shown(&version(), None), Err(DeployError::NotALink(_))));
    }
}
