//! From flags and configuration to a plan and the place where it runs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::allowed::{not_without_isolation, stay_inside, unasked};
use super::cluster_place::{cluster_recipe, on_cluster, refuse_own_environment};
use super::ends::{Ends, endpoints};
use super::error::Error;
use super::fingerprint::{environment_key, facts};
use super::isolation::{IsolationRequest, SandboxProbe};
use super::location::Location;
use super::options::FilterDrivers;
use super::overlay::overlay;
use super::preflight::Preflight;
use super::request::Request;
use super::resolved_options::ResolvedOptions;
use super::trial_spec::{command_text, recipe, with_outcomes_told};
use super::venvs::{Venvs, interpreter_around, seen};
use super::visible_files::{TrialSurroundings, view};
use super::with_file::home_files;
use super::workspace::Workspace;
use super::{cache_dir, cluster, config, environments, history, junit, last_failed, named_files};
use crate::git::{Link, Repository};
use crate::model::event::Isolation;
use crate::model::trial::HomeFile;
use crate::model::{CancelToken, CommitId, TrialSpec};
use crate::process::sandbox::Sandbox;
use crate::pyenv;
use crate::pyenv::{Environments, Interpreter, ProbeError, Prober};
use crate::session::{OverlayFile, Plan, SessionContext, TestChoice};
use crate::store::Store;
use crate::triage::starts_no_python;

/// All that a session needs.
pub(crate) struct Prepared {
    pub(crate) repository: Repository,
    pub(crate) plan: Plan,
    pub(crate) bench: Workspace,
    pub(crate) store: Store,
    pub(crate) warnings: Vec<String>,
    /// What a partial clone lacked, until the end.
    _fetched: TempDir,
    /// Which environment was chosen and why, where the user did not say.
    pub(crate) line: Option<String>,
    /// Where what is no trial runs.
    pub(crate) tools: Tools,
}

impl Prepared {
    /// What a session works with, until this is cancelled.
    pub(crate) fn workshop<'a>(&'a self, cancel: &'a CancelToken) -> SessionContext<'a> {
        let Self { repository, bench, store, .. } = self;
        let (shadow, executor, packages) = (&bench.shadow, bench.executor(), bench.packages());
        SessionContext { repository, shadow, executor, packages, store, cancel }
    }
}

/// Sandboxes for what is started beside the trials; `None` where there is none, or none is wanted.
pub(crate) struct Tools {
    /// That of the trials, for programs that read the sources.
    pub(crate) sandbox: Option<Sandbox>,
    /// For interpreters that say what they are.
    pub(crate) questions: Option<Sandbox>,
}

/// Files that trials have and commits do not.
#[derive(Default)]
struct LaidOver {
    /// In the trials' home.
    home: Vec<HomeFile>,
    /// Over each tree.
    overlay: Vec<OverlayFile>,
    /// What to say of them.
    notes: Vec<String>,
}

/// What the command and the set-up name.
fn words_of(recipe: &TrialSpec) -> Vec<OsString> {
    recipe.command.iter().cloned().chain(recipe.setup.iter().map(OsString::from)).collect()
}

/// What is asked for, with the configuration that holds where the user stands.
struct Asked<'r> {
    request: &'r Request,
    here: PathBuf,
    repository: Repository,
    standing: Location,
    config: config::Config,
    merged: ResolvedOptions,
    /// What to say of tests that a file named.
    named_tests: Option<String>,
}

impl<'r> Asked<'r> {
    /// Read the configuration, and what it warns of.
    fn new(request: &'r Request) -> Result<(Self, Vec<String>), Error> {
        let here = std::env::current_dir().map_err(Error::internal)?;
        let place = request.repo.clone().unwrap_or_else(|| here.clone());
        let repository = Repository::open(&place)?;
        let standing = Location::new(&repository, &place);
        let loaded = config::load(&standing.config(&repository, request.config_of), request.no_config)?;
        let mut merged = ResolvedOptions::new(request, &loaded.config)?;
        let mut named_tests =
            request.lf.then(|| last_failed::add(&mut merged.command, &standing)).transpose()?;
        if !request.junit.is_empty() {
            named_tests = Some(junit::add(&mut merged.command, &request.junit, &standing)?);
        }
        let config = loaded.config;
        Ok((Self { request, here, repository, standing, config, merged, named_tests }, loaded.warnings))
    }

    fn top(&self) -> Option<&Path> {
        self.standing.top.as_deref()
    }

    /// The files of `--with-file`, and those that the command names and that are newer here.
    fn laid_over(&self, ends: &[CommitId]) -> Result<LaidOver, Error> {
        let Self { here, repository, standing, merged, .. } = self;
        let top = self.top();
        let (home, in_tree) = home_files(&merged.with_file, here)?;
        let mut laid = LaidOver { home, overlay: overlay(&in_tree, here, top)?, notes: Vec::new() };
        if let Some(top) = top.filter(|_| merged.lays_over_named) {
            let around = named_files::CheckoutAround { repository, top, subdir: &standing.subdir, ends };
            let named = named_files::named_files(&merged.command, &laid.overlay, &around);
            laid.overlay.extend(named.overlay);
            laid.notes = named.notes;
        }
        Ok(laid)
    }

    /// What is wrong with it that can be told before anything runs, where a person typed it.
    fn preflight(
        &self,
        range: &Range,
        python: Option<&Interpreter>,
        makes_environments: bool,
    ) -> Result<(), Error> {
        let Self { request, repository, standing, merged, .. } = self;
        let Some(typed) = request.typed.as_ref() else { return Ok(()) };
        let Range { good, bad, laid, .. } = range;
        let preflight = Preflight {
            repository,
            commit: if request.find_fix { good.first().copied().unwrap_or(*bad) } else { *bad },
            top: self.top(),
            subdir: &standing.subdir,
            overlay: &laid.overlay,
            command: if merged.is_script { &[] } else { &merged.command },
            has_setup: merged.setup.is_some(),
            python,
            has_environments: makes_environments,
            typed,
        };
        preflight.check()
    }
}

/// The ends of the range, and what is laid over its trees.
struct Range {
    good: Vec<CommitId>,
    bad: CommitId,
    /// All of these.
    ends: Vec<CommitId>,
    notes: Vec<String>,
    laid: LaidOver,
    /// What a partial clone lacked, until the end.
    fetched: TempDir,
}

impl Range {
    fn new(asked: &mut Asked<'_>) -> Result<Self, Error> {
        let (request, merged) = (asked.request, &asked.merged);
        let Ends { good, bad, notes } =
            endpoints(&asked.repository, request, merged, request.typed.as_ref())?;
        let fetched = tempfile::tempdir().map_err(Error::internal)?;
        asked.repository.bring_folders(&fetched.path().join("shadow.git"), &good, bad)?;
        stay_inside(&asked.config, request, &asked.here, &asked.standing)?;
        let ends: Vec<CommitId> = good.iter().copied().chain([bad]).collect();
        let laid = asked.laid_over(&ends)?;
        Ok(Self { good, bad, ends, notes, laid, fetched })
    }
}

/// How a command runs on this machine.
struct OnThisMachine {
    python: Option<Interpreter>,
    venvs: Venvs,
    recipe: TrialSpec,
    links: Vec<Link>,
    sandbox: Option<Sandbox>,
    isolation: Isolation,
    added: Option<&'static str>,
    /// What was seen while looking.
    warnings: Vec<String>,
}

/// Find the interpreter, and what of this machine trials see.
fn on_this_machine(
    asked: &Asked<'_>,
    laid: &LaidOver,
    (isolated, offered): (&IsolationRequest, Option<SandboxProbe>),
    prober: &Prober<'_>,
    cache: &Path,
    is_unasked: bool,
) -> Result<OnThisMachine, Error> {
    let Asked { request, standing, merged, repository, .. } = asked;
    let mut warnings = Vec::new();
    let setup = merged.setup.as_ref().map(OsString::from);
    let commands: Vec<OsString> = merged.command.iter().cloned().chain(setup).collect();
    let venvs = Venvs::find(asked.top(), &standing.folder, &commands, prober);
    let python = match interpreter(&merged.command, &standing.folder, &venvs, prober) {
        Err(error @ ProbeError::Tracked { .. }) => {
            warnings.push(error.to_string());
            None
        }
        python => python.ok().flatten(),
    };
    let variables = isolated.variables(std::env::vars_os());
    let mut recipe = recipe(merged, standing, (python.as_ref(), &venvs), variables.kept);
    let added = with_outcomes_told(&mut recipe);
    recipe.home.clone_from(&laid.home);
    let (seen, mut links) = seen(&request.isolation.see, &asked.here, asked.top())?;
    links.extend(venvs.links());
    let view = view(&TrialSurroundings {
        repository,
        top: asked.top(),
        cache,
        python: python.as_ref(),
        variables: &recipe.environment,
        // What a repository names is not shown for that.
        words: if is_unasked { Vec::new() } else { words_of(&recipe) },
        more: venvs.places().into_iter().chain(seen).collect(),
    });
    let (sandbox, isolation) = isolated.sandbox(offered, view, variables.withheld)?;
    Ok(OnThisMachine { python, venvs, recipe, links, sandbox, isolation, added, warnings })
}

/// Resolve flags, configuration and environment.
pub(crate) fn prepare(request: &Request) -> Result<Prepared, Error> {
    let (mut asked, mut warnings) = Asked::new(request)?;
    let range = Range::new(&mut asked)?;
    let (standing, merged, repository) = (&asked.standing, &asked.merged, &asked.repository);
    let isolated = request.isolation.wanted_by(&asked.config, !merged.command.is_empty())?;
    let refuses = |program: &Path| repository.brings(program);
    let offered = isolated.offered(&refuses)?;
    let runs_unasked = unasked(&asked.config, request);
    if let Some(key) = runs_unasked.filter(|_| !offered.as_ref().is_some_and(SandboxProbe::hides_files)) {
        let why = if isolated.is_off() { "with --isolation off" } else { "where no sandbox can be had" };
        return Err(not_without_isolation(key, why));
    }
    let questions = offered.as_ref().and_then(|offered| offered.for_questions(asked.top()));
    let prober = Prober { sandbox: questions.as_ref(), refuses: &refuses };
    let cache = cache_dir::cache()?;
    let confined = (&isolated, offered);
    let mut here = on_this_machine(&asked, &range.laid, confined, &prober, &cache, runs_unasked.is_some())?;
    warnings.append(&mut here.warnings);
    let store = Store::open_for_search(&cache)?;
    warnings.extend(store.note());
    cache_dir::check_runs(&cache)?;

    let runs = !merged.command.is_empty();
    let runs_python = merged.setup.is_some() || !starts_no_python(&merged.command);
    let cluster = cluster::wanted(request, &asked.config, merged.timeout).filter(|_| runs);
    let options = request.environment.wanted_by(&asked.config, runs && runs_python && cluster.is_none());
    if let Some(cluster) = &cluster {
        here.recipe = cluster_recipe(merged, standing, &range.laid.home, cluster, isolated.passed())?;
        here.added = with_outcomes_told(&mut here.recipe);
        refuse_own_environment(request)?;
        here.isolation = cluster.isolation();
        isolated.note_missing(&mut here.isolation, None)?;
        if let Some(key) = runs_unasked.filter(|_| cluster.is_slurm()) {
            return Err(not_without_isolation(key, "on Slurm, which isolates nothing"));
        }
    }
    let chosen = environments::choose(
        &options,
        repository,
        (&range.ends, &standing.subdir),
        (here.python.as_ref(), &prober),
        (&cache, here.sandbox.as_ref().map(|sandbox| (sandbox, isolated.passed()))),
        &merged.command,
    )?;
    let (is_here, makes_environments) = (cluster.is_none(), chosen.environments.is_some());
    if is_here {
        asked.preflight(&range, here.python.as_ref(), makes_environments)?;
    }
    let mut environment = facts(here.python.as_ref().filter(|_| is_here && !makes_environments));
    environment.extend(chosen.facts);
    let missing = chosen.environments.as_ref().and_then(Environments::missing);
    isolated.note_missing(&mut here.isolation, missing)?;
    let warning = isolated.warning(&here.isolation).filter(|_| is_here);
    warnings.extend(chosen.warnings.into_iter().chain(warning));
    warnings.extend(history::replacements(repository)?);
    if makes_environments {
        // Each commit has its own.
        here.links.retain(|(_, target)| !pyenv::is_environment(target));
    }
    environment.extend(here.added.map(|why| ("added_option".to_owned(), why.to_owned())));

    let runs_filters = request.isolation.filters == Some(FilterDrivers::Run);
    let (bench, environment_key) = if let Some(cluster) = &cluster {
        let place = on_cluster(cluster, (&cache, repository, runs_filters), &here.recipe)?;
        environment.extend(place.facts);
        let key = format!("{} {}", place.key, place.bench.shadow.checkout_key());
        (place.bench, key)
    } else {
        let bench = Workspace::new(
            &cache,
            repository,
            merged.jobs,
            here.python.as_ref(),
            chosen.environments,
            here.sandbox.clone(),
            (here.links.clone(), runs_filters),
        )?;
        let pythons: Vec<&Interpreter> = here.python.iter().chain(&here.venvs.used).collect();
        let mut outside = vec![isolated.key(&here.isolation), bench.shadow.checkout_key()];
        outside.extend(runs_unasked.map(|_| "without what it names".to_owned()));
        let key = environment_key(&here.recipe, &pythons, &outside, &here.links);
        (bench, key)
    };
    let tools = Tools { sandbox: here.sandbox.clone(), questions };
    let (plan, repository, fetched) = plan(asked, range, here, (environment, environment_key));
    Ok(Prepared { repository, plan, bench, store, warnings, _fetched: fetched, line: chosen.line, tools })
}

/// The plan of a session, and what it was made from that has to stay.
fn plan(
    asked: Asked<'_>,
    range: Range,
    here: OnThisMachine,
    (environment, environment_key): (Vec<(String, String)>, String),
) -> (Plan, Repository, TempDir) {
    let Asked { request, repository, merged, named_tests, .. } = asked;
    let Range { good, bad, ends: _, notes, laid, fetched } = range;
    let plan = Plan {
        good,
        bad,
        recipe: here.recipe,
        overlay: laid.overlay,
        command_text: command_text(&merged.command, request.shell.as_deref()),
        matching: merged.matching,
        target: request.target.as_deref().map(TestChoice::new),
        only_failing: request.only_failing,
        find_fix: request.find_fix,
        narrow: !request.no_narrow,
        // The evidence of a failure tells what brought it, not what mended it.
        watch: request.trace && !request.find_fix,
        first_parent: merged.first_parent,
        pathspecs: merged.path,
        confidence: merged.confidence,
        fresh: request.fresh,
        environment_key,
        environment,
        isolation: here.isolation,
        repository: repository.folder().to_string_lossy().into_owned(),
        notes: notes.into_iter().chain(named_tests).chain(laid.notes).collect(),
    };
    (plan, repository, fetched)
}

/// The interpreter behind the command, when there is one.
fn interpreter(
    command: &[OsString],
    folder: &Path,
    venvs: &Venvs,
    prober: &Prober<'_>,
) -> Result<Option<Interpreter>, ProbeError> {
    let Some(program) = command.first() else { return Ok(None) };
    let around = interpreter_around(program, folder);
    let name = Path::new(program).file_name().unwrap_or_default().to_string_lossy();
    // What runs another program may speak of the environment that this is in.
    if let Some(used) = venvs.used.first().filter(|_| around.is_none() && !name.starts_with("py")) {
        return Ok(Some(used.clone()));
    }
    let python = around.or_else(|| pyenv::find_python(program, folder));
    python.map(|python| prober.probe(&python)).transpose()
}
