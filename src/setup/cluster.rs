//! Trials on a cluster instead of this machine: what is asked of it, and reaching it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::config;
#[cfg(not(feature = "remote"))]
use super::error::Error;
use super::request::Request;
use super::workspace::TrialPlace;
use crate::executor::WorkerFacts;
use crate::git::{Repository, Shadow};
use crate::model::TrialSpec;
use crate::model::event::Isolation;

/// The name of Slurm where an address could stand.
const SLURM: &str = "slurm";
/// Where trials of a cluster look for programs, unless the configuration says otherwise.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How long a trial may run there, when the user does not say.
const LONGEST: Duration = Duration::from_secs(1800);
/// Trials at the same time, likewise.
const JOBS: usize = 16;
/// How long a cluster that does not answer is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// A cluster that is to run the trials.
pub(super) struct ClusterRequest {
    pub(super) endpoint: String,
    pub(super) executor: config::ExecutorConfig,
    pub(super) jobs: usize,
    pub(super) timeout: Duration,
    #[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "only others remember anything"))]
    pub(super) fresh: bool,
}

/// A cluster that was reached, and whose workers do what they are told.
pub(super) struct Cluster {
    pub(super) place: TrialPlace,
    /// What the report says of it.
    pub(super) facts: Vec<(String, String)>,
    /// What makes outcomes there the same.
    pub(super) key: String,
}

/// What the trials of a session are made of, where a cluster is reached.
#[derive(Clone, Copy)]
pub(super) struct ClusterSession<'a> {
    pub(super) repository: &'a Repository,
    pub(super) shadow: &'a Shadow,
    pub(super) cache: &'a Path,
    pub(super) recipe: &'a TrialSpec,
}

impl ClusterSession<'_> {
    /// The program that workers have to have: what the set-up may bring, or the tree has, is not looked for before.
    pub(super) fn program(&self) -> Option<&str> {
        let program = self.recipe.command.first().and_then(|program| program.to_str());
        let is_theirs = |program: &&str| !program.contains('/') || program.starts_with('/');
        program.filter(is_theirs).filter(|_| self.recipe.setup.is_none())
    }
}

/// The cluster that a request and the configuration name; `None` for this machine.
pub(super) fn wanted(
    request: &Request,
    config: &config::Config,
    timeout: Option<Duration>,
) -> Option<ClusterRequest> {
    let executor = config.executor.clone().unwrap_or_default();
    let endpoint = request.executor.clone().or_else(|| executor.endpoint.clone());
    let endpoint = endpoint.filter(|endpoint| endpoint != "local")?;
    let jobs = request.jobs.map(usize::from).or(executor.jobs).unwrap_or(JOBS).clamp(1, 512);
    let timeout = timeout.unwrap_or(LONGEST);
    Some(ClusterRequest { endpoint, executor, jobs, timeout, fresh: request.fresh })
}

impl ClusterRequest {
    /// Whether it is Slurm.
    pub(super) fn is_slurm(&self) -> bool {
        self.endpoint == SLURM
    }

    /// What isolation is in force there, as far as it is known from here.
    pub(super) fn isolation(&self) -> Isolation {
        if !self.is_slurm() {
            return Isolation { by: "cluster".to_owned(), ..Isolation::default() };
        }
        let in_force = ["process-group", "private-home", "private-tmp", "clean-environment"];
        Isolation {
            by: SLURM.to_owned(),
            in_force: in_force.map(str::to_owned).to_vec(),
            missing: vec![
                "files, network and processes of the nodes are those of your account: Slurm".to_owned(),
            ],
            network: "host".to_owned(),
            ..Isolation::default()
        }
    }

    /// What the report says of it, and of its workers.
    pub(super) fn facts(&self, worker: &WorkerFacts) -> Vec<(String, String)> {
        let WorkerFacts { system, program, python } = worker.clone();
        let mut facts = vec![("executor".to_owned(), self.endpoint.clone()), ("workers".to_owned(), system)];
        facts.extend(python.map(|version| ("python_version".to_owned(), version)));
        facts.extend(program.map(|path| ("program".to_owned(), path)));
        facts
    }

    /// The variables of its trials: none of this machine's but those that are passed by name.
    pub(super) fn variables(&self, passed: &[String]) -> BTreeMap<OsString, OsString> {
        let is_passed = |name: &str| {
            let fits = |pattern: &String| match pattern.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => pattern == name,
            };
            passed.iter().any(fits)
        };
        let mut all: BTreeMap<OsString, OsString> =
            [("PATH", PATH), ("LANG", "C.UTF-8")].map(|(name, value)| (name.into(), value.into())).into();
        all.extend(std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_passed)));
        let own = self.executor.environment.iter();
        all.extend(own.map(|(name, value)| (name.into(), value.into())));
        all
    }
}

/// A path in which `~` is the user's home.
pub(super) fn in_home(path: &Path) -> PathBuf {
    let home = || std::env::var_os("HOME").map(PathBuf::from);
    match path.strip_prefix("~") {
        Ok(rest) => home().map_or_else(|| path.to_owned(), |home| home.join(rest)),
        Err(_) => path.to_owned(),
    }
}

/// There is only Slurm in this build.
#[cfg(not(feature = "remote"))]
pub(super) fn connect(_: &ClusterRequest, _: ClusterSession<'_>) -> Result<Cluster, Error> {
    Err(Error::usage("this pybisect was built without clusters that are reached by an address")
        .hinted("build it with: cargo install pybisect --features remote"))
}

#[cfg(feature = "remote")]
pub(super) use self::connected::connect;

#[cfg(feature = "remote")]
mod connected {
    use std::path::{Path, PathBuf};

    use super::{Cluster, ClusterRequest, ClusterSession, PATIENCE, in_home};
    use crate::executor::WorkerFacts;
    use crate::executor::remote::{RemoteError, RemoteExecutor, RemoteSettings, Secret, TlsSettings};
    use crate::model::{CancelToken, TrialSpec};
    use crate::setup::config::SecretSource;
    use crate::setup::error::Error;
    use crate::setup::workspace::TrialPlace;
    use crate::store::DigestCache;

    /// Reach it and try it out.
    pub(in crate::setup) fn connect(
        request: &ClusterRequest,
        session: ClusterSession<'_>,
    ) -> Result<Cluster, Error> {
        let settings = settings(request)?;
        let ClusterSession { shadow, recipe, .. } = session;
        let objects = shadow.repository().reopen()?;
        let checkout = std::sync::Arc::clone(shadow.borrowed().checkout());
        // Where it cannot be kept, blobs are hashed each time.
        let digests = DigestCache::open(session.cache).ok();
        // A signal ends the program, as long as nobody listens.
        let cancel = CancelToken::new();
        let executor = RemoteExecutor::connect(settings, objects, checkout, digests, &cancel)
            .map_err(|error| refused(&error))?;
        let worker = executor.probe(&recipe.environment, session.program(), &cancel);
        let worker = worker.map_err(|error| refused(&error))?;
        let (key, mut facts) = (key(request, recipe, &worker), request.facts(&worker));
        let image = request.executor.properties.get("container-image");
        facts.extend(image.map(|image| ("image".to_owned(), image.clone())));
        Ok(Cluster { place: TrialPlace::Cluster(Box::new(executor)), facts, key })
    }

    fn key(request: &ClusterRequest, recipe: &TrialSpec, worker: &WorkerFacts) -> String {
        let ClusterRequest { endpoint, executor, .. } = request;
        let (instance, properties) = (&executor.instance, &executor.properties);
        let TrialSpec { environment, tree_paths, .. } = recipe;
        format!("cluster/1 {endpoint} {instance:?} {properties:?} {worker:?} {environment:?} {tree_paths:?}")
    }

    fn settings(request: &ClusterRequest) -> Result<RemoteSettings, Error> {
        let ClusterRequest { endpoint, executor, jobs, timeout, fresh } = request;
        let headers = executor.headers.iter();
        let headers = headers.map(|(name, source)| Ok((name.clone(), secret(name, source)?)));
        let read = |path: &Option<PathBuf>| path.as_deref().map(read).transpose();
        let (certificate, key) = (read(&executor.tls_certificate)?, read(&executor.tls_key)?);
        let identity = match (certificate, key) {
            (Some(certificate), Some(key)) => {
                let key = String::from_utf8(key)
                    .map_err(|_| Error::usage("executor.tls-key is no PEM file: it is not text"))?;
                Some((certificate, Secret::new(key)))
            }
            (None, None) => None,
            _ => {
                return Err(Error::usage("executor.tls-certificate and executor.tls-key go together"));
            }
        };
        let settings = RemoteSettings {
            endpoint: endpoint.clone(),
            instance: executor.instance.clone().unwrap_or_default(),
            properties: executor.properties.clone(),
            headers: headers.collect::<Result<_, Error>>()?,
            tls: TlsSettings { authorities: read(&executor.tls_ca)?, identity },
            jobs: *jobs,
            timeout: *timeout,
            patience: PATIENCE,
            fresh: *fresh,
        };
        settings.address().map_err(|why| {
            Error::usage(why).hinted("like this: --executor grpc://localhost:8980, or grpcs:// with TLS")
        })?;
        Ok(settings)
    }

    /// What a header says; the words of errors do not have it.
    fn secret(name: &str, source: &SecretSource) -> Result<Secret, Error> {
        let wrong = |what: String| Error::usage(format!("executor.headers.{name}: {what}"));
        let text = match (&source.env, &source.file) {
            (Some(variable), None) => std::env::var(variable)
                .map_err(|_| wrong(format!("the variable {variable} is not set, or is no text")))?,
            (None, Some(file)) => {
                String::from_utf8(read(file)?).map_err(|_| wrong(format!("{} is no text", file.display())))?
            }
            _ => {
                return Err(wrong("it names either a variable or a file".to_owned())
                    .hinted("like this: authorization = { env = 'CLUSTER_TOKEN', prefix = 'Bearer ' }"));
            }
        };
        Ok(Secret::new(format!("{}{}", source.prefix, text.trim_end_matches(['\r', '\n']))))
    }

    fn read(path: &Path) -> Result<Vec<u8>, Error> {
        let path = in_home(path);
        std::fs::read(&path).map_err(|error| Error::usage(format!("cannot read {}: {error}", path.display())))
    }

    /// What can be done about it.
    fn refused(error: &RemoteError) -> Error {
        let told = |hint: &str| Error::usage(error.to_string()).hinted(hint);
        match error {
            RemoteError::NoAnswer { endpoint, .. } if endpoint.starts_with("grpcs://") => told(
                "is it running there? One that wants to know you hangs up without a certificate that it trusts: \
                 executor.tls-certificate and tls-key; --executor local runs trials here",
            ),
            RemoteError::NoAnswer { .. } => told("is it running there? --executor local runs trials here"),
            RemoteError::Certificate { .. } => told(
                "grpcs:// needs a certificate that is trusted: executor.tls-ca names who signed it; \
                 executor.tls-certificate and tls-key are shown to servers that want to know you",
            ),
            RemoteError::Denied { .. } => told(
                "a token goes into the configuration: \
                 executor.headers.authorization = { env = 'CLUSTER_TOKEN', prefix = 'Bearer ' }",
            ),
            RemoteError::NotAble { .. } => told("executor.instance names the part of it that executes"),
            RemoteError::BadWorker { .. } => told(
                "nothing that they say of your tests would mean anything: choose other workers with \
                 executor.properties, or have them mended",
            ),
            RemoteError::NoProgram { program, .. } => told(&format!(
                "name a program that they have, an image with executor.properties.container-image, or where \
                 {program} is with executor.environment.PATH"
            )),
            other => Error::usage(other.to_string()),
        }
    }
}
