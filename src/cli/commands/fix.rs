//! `pybisect fix`.

use crate::setup::{Prepared, StoredRequest};
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::config_args::ConfigArgs;
use super::find;
use super::isolation_args::IsolationArgs;
use super::masked::{masked, masked_text};
use crate::cli::terminal::{stderr_style, stdout_style};
use crate::cli::{CliError, ExitStatus};
use crate::git::Repository;
use crate::model::{CancelToken, CandidateFix, CommitId, FixKind, PackageChange, Report, TreeId};
use crate::report::FixText;
use crate::session::{self, FixRequest, Fixes, SignalListener};
use crate::setup::cache_dir;
use crate::store::{SessionRow, SessionState, Store};

/// The longest time for a push.
const PUSH: Duration = Duration::from_secs(300);

/// Test ways to fix what the last search found
///
/// Candidates are made on top of HEAD: the breaking edit undone, the same correction elsewhere, the commit
/// reverted, the file restored. All are tested at the same time, in private work trees; the smallest that passes
/// is written as a patch. Your work tree, index and branch stay as they are.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
Examples:
  pybisect fix
  pybisect fix --verify 'python -m pytest -q' --branch hotfix/json-load --commit
  pybisect fix --push origin

Exit status: 0 a fix passes (or none is needed), 3 none passes, 6 the push failed, 130 interrupted")]
pub(crate) struct Args {
    /// Session to fix, by the beginning of its id [default: the last finished one of this repository]
    #[arg(value_name = "SESSION")]
    pub(crate) session: Option<String>,
    /// Repository [default: the one you stand in]
    #[arg(long, value_name = "DIR")]
    pub(crate) repo: Option<PathBuf>,
    /// Commit to put the fix on top of
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub(crate) onto: String,
    /// A wider command that the fix has to pass too, such as the whole test suite
    #[arg(long, value_name = "COMMAND")]
    pub(crate) verify: Option<String>,
    /// Trials at the same time [default: number of cores]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub(crate) jobs: Option<u16>,
    #[command(flatten)]
    pub(crate) isolation: IsolationArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Where to write the patch [default: in the cache folder]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Commit the fix on this new branch, which is not checked out
    #[arg(long, value_name = "NAME")]
    pub(crate) branch: Option<String>,
    /// Commit the fix on a new branch [its name: pybisect/fix-COMMIT]
    #[arg(long)]
    pub(crate) commit: bool,
    /// Commit the fix on a new branch and push that
    #[arg(long, value_name = "REMOTE")]
    pub(crate) push: Option<String>,
    /// Take a fix that puts files back as they were last good, though it undoes later commits of them
    #[arg(long)]
    pub(crate) allow_restore: bool,
    /// Show the result only, not the progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Write the result as JSON to a file, or to standard output with -
    #[arg(long, value_name = "FILE|-")]
    pub(crate) json: Option<PathBuf>,
    /// Whether it is shown, not used: then what could be done next is left out.
    #[arg(skip)]
    pub(crate) is_shown: bool,
    /// Taken only to say that the command is that of the search
    #[arg(last = true, hide = true)]
    pub(crate) command: Vec<String>,
}

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, CliError> {
    if !args.command.is_empty() {
        let command = shell_words::join(&args.command);
        return Err(CliError::usage("the command is that of the search, and need not be given").hinted(
            format!("to test a wider one as well: pybisect fix --verify {}", shell_words::quote(&command)),
        ));
    }
    let cancel = CancelToken::new();
    let listener = SignalListener::new(&cancel).map_err(CliError::internal)?;
    let mut said = |text: &str| {
        if !args.quiet {
            say(&masked_text(text).unwrap_or_else(|| text.to_owned()));
        }
    };
    let tested = tested(args, &cancel, &mut said)?;
    drop(listener);
    let Some(tested) = tested else {
        let again = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
        find::print_resume_hint(&cancel, again);
        return Ok(ExitStatus::Interrupted);
    };
    tell(args, &tested)
}

/// Candidates that were tested, and what it takes to make a commit of one.
pub(super) struct Tested {
    prepared: Prepared,
    /// The report of the search.
    found: Report,
    pub(super) fixes: Fixes,
    /// The name of the branch, when one is wanted.
    branch: Option<String>,
    /// Whether a fix may take back later commits of its files.
    allows_restore: bool,
}

/// Test the candidates. What ran before is answered from the record. `None` when the user stopped it.
pub(super) fn tested(
    args: &Args,
    cancel: &CancelToken,
    said: &mut dyn FnMut(&str),
) -> Result<Option<Tested>, CliError> {
    let place = match &args.repo {
        Some(place) => place.clone(),
        None => std::env::current_dir().map_err(CliError::internal)?,
    };
    let repository = Repository::open(&place)?;
    let store = Store::open(&cache_dir::cache()?)?;
    let (row, found) = last_session(args, &repository, &store)?;
    let onto = repository.resolve(&args.onto)?.id;
    let branch = branch(args, &found, &repository)?;
    let (_, prepared) = StoredRequest::of_session(&store, row.id.as_str())?.prepare(|request| {
        request.jobs = args.jobs.or(request.jobs);
        request.isolation = args.isolation.options().or(&request.isolation);
        request.no_config |= args.config.no_config;
    })?;
    let verify = args.verify.as_ref().map(|script| ["sh", "-c", script].map(OsString::from).to_vec());
    let request = FixRequest { report: found, onto, verify };
    let workshop = prepared.workshop(cancel);
    let fixes = session::fix(&prepared.plan, &workshop, &request, said)?;
    if let Some(fixes) = &fixes {
        prepared.store.keep_fixes(row.id.as_str(), &fixes.report)?;
    }
    let found = request.report;
    Ok(fixes.map(|fixes| Tested { prepared, found, fixes, branch, allows_restore: args.allow_restore }))
}

impl Tested {
    /// The best candidate, when one passes and is needed; what takes back other commits' work as well is one only when
    /// that is allowed.
    pub(super) fn best(&self) -> Option<(&CandidateFix, TreeId)> {
        if self.fixes.report.mended_already {
            return None;
        }
        let mut all = self.fixes.report.fixes.iter().zip(&self.fixes.made);
        let is_wanted = |fix: &CandidateFix| fix.is_clean() || fix.passed && self.allows_restore;
        all.find(|(fix, _)| is_wanted(fix)).map(|(fix, (tree, _))| (fix, *tree))
    }

    /// Commit a candidate on a new branch, which is not checked out; one that has exactly that is taken as it is.
    pub(super) fn commit(
        &self,
        (fix, tree): (&CandidateFix, TreeId),
        name: &str,
        verify: Option<&str>,
    ) -> Result<CommitId, CliError> {
        let repository = &self.prepared.repository;
        let onto = self.fixes.report.onto;
        let onto = onto.ok_or_else(|| CliError::usage("there is no commit to build on"))?;
        if repository.has_branch(name) {
            let tip = repository.resolve(&format!("refs/heads/{name}"))?;
            if tip.tree == tree && tip.parents == [onto] {
                return Ok(tip.id);
            }
            return Err(CliError::usage(format!("there is a branch '{name}' already"))
                .hinted("choose another: --branch NAME"));
        }
        let (author, email) = author(repository)?;
        let message = message(&self.found, fix, verify);
        let shadow = &self.prepared.bench.shadow;
        let id = shadow.commit(tree, onto, (&author, &email), &message)?;
        repository.import_branch(shadow, name)?;
        Ok(id)
    }
}

/// Write the patch, make the branch, and show what came of it.
fn tell(args: &Args, tested: &Tested) -> Result<ExitStatus, CliError> {
    let Tested { prepared, fixes, .. } = tested;
    let repository = &prepared.repository;
    let shown = masked(&fixes.report);
    let mut patch = None;
    let mut committed = None;
    if let Some((fix, tree)) = tested.best() {
        let file = match &args.output {
            Some(file) => file.clone(),
            None => cache_dir::cache()?.join("fixes").join(format!("{}.patch", fixes.report.session)),
        };
        if let Some((_, made)) = fixes.made.iter().find(|(made, _)| *made == tree) {
            write(&file, &made.bytes)?;
            warn_of_uncommitted(repository, &made.paths);
        }
        patch = Some(file);
        if let Some(name) = &tested.branch {
            let id = tested.commit((fix, tree), name, args.verify.as_deref())?;
            committed = Some((name.clone(), id));
        }
    }
    let json_on_stdout = args.json.as_deref() == Some(Path::new("-"));
    if let Some(file) = &args.json {
        let mut text = serde_json::to_vec_pretty(&shown).map_err(CliError::internal)?;
        text.push(b'\n');
        if json_on_stdout { super::print(&text).map(drop)? } else { write(file, &text)? }
    }
    if !json_on_stdout {
        let here = std::env::current_dir().ok().and_then(|here| here.canonicalize().ok());
        let top = repository.workdir().and_then(|top| top.canonicalize().ok());
        let view = FixText {
            style: stdout_style(),
            patch: patch.as_deref(),
            top: top.as_deref().filter(|top| here.as_deref() != Some(*top)),
            committed: committed.as_ref(),
            says_next: !args.is_shown,
            allows_restore: args.allow_restore,
        };
        let mut text = Vec::new();
        view.render(&shown, &mut text).map_err(CliError::internal)?;
        super::print_text(&text)?;
    }
    if let (Some(remote), Some((name, _))) = (&args.push, &committed) {
        if let Err(error) = repository.push_branch(remote, name, PUSH) {
            say(&format!("{error}"));
            return Ok(ExitStatus::Response);
        }
        say(&format!("pushed {name} to {remote}"));
    }
    Ok(exit(tested))
}

/// Candidates are on top of a commit: what the user changed since is not in them.
fn warn_of_uncommitted(repository: &Repository, paths: &[PathBuf]) {
    for path in paths.iter().filter(|path| repository.is_uncommitted(path)) {
        let path = path.display();
        say(&format!(
            "note: your uncommitted changes of {path} were not tested; the patch may not apply to them"
        ));
    }
}

fn exit(tested: &Tested) -> ExitStatus {
    let good = tested.fixes.report.mended_already || tested.best().is_some();
    if good { ExitStatus::Success } else { ExitStatus::Inconclusive }
}

/// The session to mend, with its report.
fn last_session(
    args: &Args,
    repository: &Repository,
    store: &Store,
) -> Result<(SessionRow, Report), CliError> {
    let none = |what: String| CliError::usage(what).hinted("first: pybisect find --good REV -- COMMAND");
    let row = match &args.session {
        Some(prefix) => store.session(prefix)?.ok_or_else(|| {
            CliError::usage(format!("no single session begins with '{prefix}'")).hinted("pybisect sessions")
        })?,
        None => {
            let folder = repository.folder().to_string_lossy().into_owned();
            let rows = store.sessions(Some(&folder))?;
            // A look at a branch searches as well, but not for something to mend here: it leaves no request.
            let mut found = None;
            for row in rows.into_iter().filter(|row| row.state == SessionState::Finished) {
                if store.request(row.id.as_str())?.is_some() {
                    found = Some(row);
                    break;
                }
            }
            found.ok_or_else(|| none("no search has finished in this repository".to_owned()))?
        }
    };
    let report = Report::from_events(&store.events(&row.id)?);
    let has_cause =
        report.culprits.len() == 1 || !report.breaking_changes.is_empty() || !report.packages.is_empty();
    if report.find_fix || !has_cause {
        return Err(none(format!("session {} did not find what to fix", row.id)));
    }
    Ok((row, report))
}

/// The name of the branch, when one is wanted.
fn branch(args: &Args, report: &Report, repository: &Repository) -> Result<Option<String>, CliError> {
    if args.branch.is_none() && !args.commit && args.push.is_none() {
        return Ok(None);
    }
    let culprit = report.culprits.first().map(|culprit| culprit.commit.id.short()).unwrap_or_default();
    let name = args.branch.clone().unwrap_or_else(|| format!("pybisect/fix-{culprit}"));
    if !Repository::can_be_a_branch(&name) {
        return Err(CliError::usage(format!("a branch cannot be called '{name}'"))
            .hinted("no spaces, no '..', none of ~^:?*[\\; choose another: --branch NAME"));
    }
    if let Some(remote) = &args.push {
        known_remote(repository, remote)?;
    }
    author(repository)?;
    if repository.has_branch(&name) {
        return Err(CliError::usage(format!("there is a branch '{name}' already"))
            .hinted("choose another: --branch NAME"));
    }
    Ok(Some(name))
}

/// Who commits.
fn author(repository: &Repository) -> Result<(String, String), CliError> {
    repository.author().ok_or_else(|| {
        CliError::usage("git does not know your name").hinted(
            "git config --global user.name 'Your Name'; git config --global user.email you@example.com",
        )
    })
}

/// A remote is a name that git knows, or an address.
fn known_remote(repository: &Repository, remote: &str) -> Result<(), CliError> {
    let known = repository.remotes()?;
    if known.iter().any(|name| name == remote) || remote.contains(['/', ':']) {
        return Ok(());
    }
    let hint = match known.as_slice() {
        [] => "git remote add NAME URL".to_owned(),
        names => format!("there are: {}", names.join(", ")),
    };
    Err(CliError::usage(format!("no remote is called '{remote}'")).hinted(hint))
}

/// The commit message: what is done, why, and how one knows.
fn message(found: &Report, fix: &CandidateFix, verify: Option<&str>) -> String {
    let culprit = found.culprits.first();
    let short = culprit.map(|culprit| culprit.commit.id.short()).unwrap_or_default();
    let subject = culprit.map(|culprit| culprit.commit.subject.clone()).unwrap_or_default();
    let change = found.breaking_changes.first();
    let undone = change.filter(|_| fix.kind != FixKind::FollowOtherSide);
    if let (FixKind::HoldBack, Some(package)) = (fix.kind, found.packages.first()) {
        return held_back(found, package, verify.filter(|_| fix.verified.is_some()));
    }
    let title = match undone.map(|change| (&change.before, &change.after)) {
        Some((Some(before), Some(after))) if !before.contains('\n') && before.len() + after.len() < 50 => {
            format!("Fix: {} back to {}", after.trim(), before.trim())
        }
        _ => format!("Fix the failure that {short} brought"),
    };
    let mut lines = vec![title, String::new()];
    lines.push(format!("{short} (\"{subject}\") broke it:"));
    lines.extend(
        found
            .failure
            .as_ref()
            .map(|failure| format!("  {}", failure.to_string().lines().next().unwrap_or_default())),
    );
    lines.push(String::new());
    if let Some(change) = change {
        lines.push(format!("The cause is in {}:{}.", change.path, change.line));
        let what = if found.breaking_changes.len() == 1 { "that edit" } else { "the breaking edits" };
        if change.sufficient {
            lines.push(format!("The last good version with {what} alone fails in the same way."));
        }
        if change.necessary {
            let them = if found.breaking_changes.len() == 1 { "it" } else { "them" };
            lines.push(format!("The first bad version without {them} passes."));
        }
    }
    lines.push(format!("This commit: {}. Tested with:", fix.kind.phrase()));
    lines.push(format!("  {}", found.command));
    lines.extend(verify.filter(|_| fix.verified.is_some()).map(|verify| format!("  {verify}")));
    lines.push(String::new());
    lines.join("\n")
}

/// The message of a commit that holds packages back.
fn held_back(found: &Report, package: &PackageChange, verify: Option<&str>) -> String {
    let held: Vec<&str> = found.packages.iter().filter_map(|package| package.constraint.as_deref()).collect();
    let mut lines = vec![format!("Hold back {}", held.join(", ")), String::new()];
    let version = package.first_bad.as_ref().or(package.after.as_ref());
    lines.push(format!("{} {} broke it:", package.name, version.map_or("", String::as_str)));
    lines.extend(package.failure.as_ref().map(|failure| format!("  {failure}")));
    lines.extend(["", "Tested with:"].map(str::to_owned));
    lines.push(format!("  {}", found.command));
    lines.extend(verify.map(|verify| format!("  {verify}")));
    lines.push(String::new());
    lines.join("\n")
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), CliError> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(CliError::internal)?;
    }
    std::fs::write(file, bytes)
        .map_err(|error| CliError::usage(format!("failed to write {}: {error}", file.display())))
}

fn say(text: &str) {
    drop(writeln!(anstream::stderr(), "{}", stderr_style().dim(text)));
}
