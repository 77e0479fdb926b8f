//! What is configured, as the server takes it: each secret read, each slip told.

use std::fs::{DirBuilder, File};
use std::io::Write as _;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::HeaderName;

use super::args::Args;
use super::shown::Shown;
use crate::cli::Error;
use crate::cli::commands::respond::{self, Watched};
use crate::cli::print;
use crate::respond::Incidents;
use crate::serve::{
    AlarmSource, Hook, Keys, NotifyTarget, Parts, PostForm, Responses, SenderProof, TlsError, tls_of,
};
use crate::session::Secrets;
use crate::setup::{cache_dir, config, parse_size};

const LISTEN: &str = "127.0.0.1:8710";
/// Bytes of a body: a message about a hundred alarms has less.
const MOST_BYTES: u64 = 512 << 10;
const LARGEST_BODY: u64 = 8 << 20;
/// A shorter secret can be guessed.
const SHORTEST_SECRET: usize = 16;

/// A server that is ready to be started.
pub(super) struct Ready {
    pub(super) parts: Parts,
    pub(super) address: SocketAddr,
    /// Where the token is that was made, when none is configured.
    pub(super) token_file: Option<PathBuf>,
    pub(super) warnings: Vec<String>,
}

/// Look at all that is configured.
pub(super) fn ready(args: &Args) -> Result<Ready, Error> {
    let Watched { service, place, config, sla, mut warnings } = respond::watched(args.repo.as_deref())?;
    let own = config.serve.unwrap_or_default();
    let here = std::env::current_dir().map_err(Error::internal)?;
    let services = cache_dir::state()?.join("services");
    let incidents = Incidents::of(&services, &service)?;
    let folder = services.join(&service).join("server");
    let address = address(args.listen.as_deref().or(own.listen.as_deref()).unwrap_or(LISTEN))?;
    let tls = tls(&own, &mut warnings)?;
    if tls.is_none() && !address.ip().is_loopback() {
        warnings.push(format!(
            "{address} is reached from elsewhere in the clear, secrets too: set `certificate` and `key`, or have a proxy \
             in front that does"
        ));
    }
    let hooks = own
        .hooks
        .iter()
        .map(|(name, table)| hook(name, table, &mut warnings))
        .collect::<Result<Vec<_>, Error>>()?;
    if hooks.is_empty() {
        warnings.push(
            "no alarms are taken: [tool.pybisect.serve.hooks.alertmanager], or another, names who may send them"
                .to_owned(),
        );
    }
    let (tokens, token_file) = tokens(&own, &folder, &mut warnings)?;
    let targets =
        own.notify.iter().map(|target| target_of(target, &mut warnings)).collect::<Result<_, _>>()?;
    let program = std::env::current_exe().map_err(Error::internal)?;
    let secret_variables: Vec<String> = own
        .hooks
        .values()
        .filter_map(|table| table.secret_env.clone())
        .chain(own.notify.iter().filter_map(|target| target.url_env.clone()))
        .chain(own.token_env.clone())
        .collect();
    let secrets = Secrets::of_user();
    let parts = Parts {
        hooks,
        tokens,
        tls,
        targets,
        link: own.public_url.as_ref().map(|url| url.trim_end_matches('/').to_owned()),
        most_bytes: most_bytes(own.max_body.as_deref())?,
        incidents,
        responses: Responses {
            program,
            words: vec!["--repo".into(), place.into()],
            folder: here,
            without: secret_variables,
        },
        folder,
        pages: Arc::new(Shown { sla }),
        log: Box::new(move |text| print::say(&secrets.hidden(text))),
    };
    Ok(Ready { parts, address, token_file, warnings })
}

fn address(text: &str) -> Result<SocketAddr, Error> {
    let found = text.to_socket_addrs().ok().and_then(|mut all| all.next());
    found.ok_or_else(|| {
        Error::usage(format!("'{text}' is no address and port")).hinted(format!("such as {LISTEN}"))
    })
}

fn most_bytes(text: Option<&str>) -> Result<usize, Error> {
    let bytes = match text {
        None => MOST_BYTES,
        Some(text) => parse_size(text)?,
    };
    if !(1024..=LARGEST_BODY).contains(&bytes) {
        return Err(Error::usage("max-body of serve is between 1K and 8M"));
    }
    usize::try_from(bytes).map_err(Error::internal)
}

fn tls(
    own: &config::Serve,
    warnings: &mut Vec<String>,
) -> Result<Option<Arc<tokio_rustls::rustls::ServerConfig>>, Error> {
    let (certificate, key) = match (&own.certificate, &own.key) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        _ => return Err(Error::usage("`certificate` and `key` of serve belong together: one is missing")),
    };
    let texts = (read("serve.certificate", certificate)?, read("serve.key", key)?);
    if is_open(key) {
        warnings.push(open_to_all("serve.key", key));
    }
    tls_of(&texts.0, &texts.1).map(Some).map_err(|error| unfit((certificate, key), &error))
}

/// What is wrong with a certificate or its key, and what to type about it.
fn unfit((certificate, key): (&Path, &Path), error: &TlsError) -> Error {
    let (certificate, key) = (certificate.display(), key.display());
    let told = if error.is_of_key() {
        format!("serve.key: {key}: {error}")
    } else {
        format!("serve.certificate: {certificate}: {error}")
    };
    let hint = match error {
        TlsError::NoCertificate | TlsError::Certificate(_) => {
            format!("in the binary form: openssl x509 -inform der -in {certificate} -out cert.pem")
        }
        TlsError::KeyAsCertificate => "are `certificate` and `key` exchanged?".to_owned(),
        TlsError::NoKey | TlsError::Key(_) => format!("see what it is: openssl pkey -noout -text -in {key}"),
        TlsError::LockedKey => format!("unlock it: openssl pkey -in {key} -out key.pem && chmod 600 key.pem"),
        TlsError::Mismatch => format!(
            "the server's own certificate stands before those that signed it; these two print the same when they belong \
             together: openssl x509 -noout -pubkey -in {certificate}; openssl pkey -pubout -in {key}"
        ),
    };
    Error::usage(told).hinted(hint)
}

fn read(what: &str, file: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(file)
        .map_err(|error| Error::usage(format!("{what}: failed to read {}: {error}", file.display())))
}

/// Whether everybody on this machine can read a file.
fn is_open(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|facts| facts.mode() & 0o004 != 0)
}

fn open_to_all(what: &str, file: &Path) -> String {
    format!("{what}: everybody on this machine can read {0} (chmod 600 {0})", file.display())
}

/// A secret, from a file or a variable.
fn secret(
    what: &str,
    (file, variable): (Option<&PathBuf>, Option<&String>),
    warnings: &mut Vec<String>,
) -> Result<Option<String>, Error> {
    match (file, variable) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(Error::usage(format!("{what}: either a file or a variable, not both"))),
        (Some(file), None) => {
            let bytes = read(what, file)?;
            if is_open(file) {
                warnings.push(open_to_all(what, file));
            }
            let text = String::from_utf8(bytes);
            text.map(Some).map_err(|_| Error::usage(format!("{what}: {} is no text", file.display())))
        }
        (None, Some(variable)) => match std::env::var(variable) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(Error::usage(format!("{what}: the variable {variable} is not set"))),
        },
    }
}

fn keys(what: &str, text: &str) -> Result<Keys, Error> {
    let keys = Keys::of_lines(text).ok_or_else(|| Error::usage(format!("{what}: the secret is empty")))?;
    if keys.shortest() < SHORTEST_SECRET {
        return Err(Error::usage(format!("{what}: a secret is shorter than {SHORTEST_SECRET} letters"))
            .hinted("make one: openssl rand -hex 32"));
    }
    Ok(keys)
}

fn hook(name: &str, table: &config::HookTable, warnings: &mut Vec<String>) -> Result<Hook, Error> {
    let what = format!("serve.hooks.{name}");
    let source = AlarmSource::of_word(name).ok_or_else(|| {
        let known: Vec<&str> = AlarmSource::ALL.iter().map(|source| source.word()).collect();
        Error::usage(format!("{what}: no sender is called so")).hinted(format!("known: {}", known.join(", ")))
    })?;
    let text = secret(&what, (table.secret_file.as_ref(), table.secret_env.as_ref()), warnings)?;
    let text = text.ok_or_else(|| {
        Error::usage(format!("{what}: anybody could send alarms"))
            .hinted("name a secret: secret-file = \"…\", or secret-env = \"NAME\"")
    })?;
    let header = |name: &Option<String>| {
        let parsed = name.as_ref().map(|name| name.to_ascii_lowercase().parse::<HeaderName>());
        parsed.transpose().map_err(|_| Error::usage(format!("{what}: that is no name of a header")))
    };
    let proof = match (table.auth, SenderProof::usual(source)) {
        (Some(config::Auth::Secret), _) => SenderProof::Secret(None),
        (Some(config::Auth::Signature), SenderProof::Secret(_)) => {
            return Err(Error::usage(format!("{what}: {name} signs nothing")));
        }
        (_, usual) => usual,
    };
    if table.timestamp_header.is_some() && matches!(proof, SenderProof::Secret(_)) {
        return Err(Error::usage(format!("{what}: no moment is signed where nothing is")));
    }
    let proof = proof.in_headers(header(&table.header)?, header(&table.timestamp_header)?);
    Ok(Hook { source, proof, keys: keys(&what, &text)?, only: table.only.clone() })
}

/// The tokens for the page. Where none is configured, one is made.
fn tokens(
    own: &config::Serve,
    folder: &Path,
    warnings: &mut Vec<String>,
) -> Result<(Keys, Option<PathBuf>), Error> {
    let given = secret("the token of serve", (own.token_file.as_ref(), own.token_env.as_ref()), warnings)?;
    if let Some(text) = given {
        return Ok((keys("the token of serve", &text)?, None));
    }
    let file = folder.join("token");
    if !file.exists() {
        let made = || -> std::io::Result<()> {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            let mut random = [0; 32];
            let failed = |_| std::io::Error::other("no random numbers");
            ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut random).map_err(failed)?;
            let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
            let mut out = File::options().write(true).create_new(true).mode(0o600).open(&file)?;
            writeln!(out, "{text}")
        };
        made().map_err(|error| Error::usage(format!("failed to write {}: {error}", file.display())))?;
    }
    let text = String::from_utf8_lossy(&read("the token of serve", &file)?).into_owned();
    Ok((keys("the token of serve", &text)?, Some(file)))
}

fn target_of(target: &config::Notify, warnings: &mut Vec<String>) -> Result<NotifyTarget, Error> {
    let what = "serve.notify";
    let form = match target.form.as_deref() {
        None | Some("json") => PostForm::Json,
        Some("slack") => PostForm::Slack,
        Some("teams") => PostForm::Teams,
        Some(other) => {
            return Err(Error::usage(format!("{what}: no form is called '{other}'"))
                .hinted("known: json, slack, teams"));
        }
    };
    let url = secret(what, (target.url_file.as_ref(), target.url_env.as_ref()), warnings)?;
    match (&target.command, url) {
        (Some(command), None) if target.form.is_none() => Ok(NotifyTarget::Command(command.clone())),
        (None, Some(url)) => {
            let url = url.trim().to_owned();
            if !url.starts_with("https://") && !url.starts_with("http://") {
                return Err(Error::usage(format!("{what}: that is no address (https://…)")));
            }
            Ok(NotifyTarget::Post { url, form })
        }
        _ => Err(Error::usage(format!("{what}: either `command`, or `url-file` or `url-env`, with `form`"))),
    }
}
