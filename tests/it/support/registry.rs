//! A package registry of a few packages with upload dates, served on the loopback: uv sees it as the only one.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use tempfile::TempDir;

use super::User;

/// Makes a wheel: its file, name, version, requirements, its one module and the source of that.
const MAKE_WHEEL: &str = r#"
import sys, zipfile
path, name, version, requires, module, source = sys.argv[1:]
info = "%s-%s.dist-info/" % (name, version)
lines = ["Metadata-Version: 2.1", "Name: " + name, "Version: " + version]
lines += ["Requires-Dist: " + line for line in requires.split(",") if line]
with zipfile.ZipFile(path, "w") as wheel:
    wheel.writestr(module + ".py", source)
    wheel.writestr(info + "METADATA", "\n".join(lines) + "\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "RECORD", module + ".py,,\n")
"#;

/// Makes a source package: its file, name, version, and the source of its build backend.
const MAKE_SOURCE: &str = r#"
import io, sys, tarfile
path, name, version, backend = sys.argv[1:]
files = {
    "PKG-INFO": "Metadata-Version: 2.1\nName: %s\nVersion: %s\n" % (name, version),
    "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
    "backend.py": backend,
}
with tarfile.open(path, "w:gz") as archive:
    for file, text in files.items():
        entry = tarfile.TarInfo("%s-%s/%s" % (name, version, file))
        entry.size = len(text.encode())
        archive.addfile(entry, io.BytesIO(text.encode()))
"#;

/// The registry; it serves as long as the test runs.
pub(crate) struct Registry {
    folder: TempDir,
    listener: TcpListener,
    /// Name → files with their upload times.
    files: BTreeMap<String, Vec<(String, String)>>,
}

/// A registry that serves.
pub(crate) struct Served {
    address: String,
}

impl Registry {
    /// With a `setuptools` that does nothing, which environments of Python before 3.12 are given.
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut registry = Self { folder: TempDir::new().unwrap(), listener, files: BTreeMap::new() };
        registry.release("setuptools", "45.0", "2015-01-01T00:00:00Z", "", "");
        registry
    }

    /// Add a release with one module of the package's name. Without an upload time the registry tells of none.
    pub(crate) fn release(
        &mut self,
        name: &str,
        version: &str,
        uploaded: &str,
        requires: &str,
        source: &str,
    ) {
        self.release_module((name, name), version, uploaded, requires, source);
    }

    /// The same with a module of another name than the package's.
    pub(crate) fn release_module(
        &mut self,
        (name, module): (&str, &str),
        version: &str,
        uploaded: &str,
        requires: &str,
        source: &str,
    ) {
        let file = format!("{name}-{version}-py3-none-any.whl");
        let status = Command::new("python3")
            .args(["-c", MAKE_WHEEL])
            .arg(self.folder.path().join(&file))
            .args([name, version, requires, module, source])
            .status()
            .unwrap();
        assert!(status.success());
        self.files.entry(name.to_owned()).or_default().push((file, uploaded.to_owned()));
    }

    /// Add a release that has to be built, by a build backend of its own: the source of a module with a `build_wheel`.
    pub(crate) fn release_source(&mut self, name: &str, version: &str, backend: &str) {
        let file = format!("{name}-{version}.tar.gz");
        let status = Command::new("python3")
            .args(["-c", MAKE_SOURCE])
            .arg(self.folder.path().join(&file))
            .args([name, version, backend])
            .status()
            .unwrap();
        assert!(status.success());
        let uploaded = "2015-01-01T00:00:00Z".to_owned();
        self.files.entry(name.to_owned()).or_default().push((file, uploaded));
    }

    /// Serve from now on.
    pub(crate) fn serve(self) -> Served {
        let address = format!("http://{}", self.listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in self.listener.incoming().flatten() {
                // A client that goes away is no failure of the registry.
                drop(self.answer(&stream));
            }
        });
        Served { address }
    }

    fn answer(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        let mut first = String::new();
        reader.read_line(&mut first)?;
        let mut line = String::new();
        while reader.read_line(&mut line)? > 2 {
            line.clear();
        }
        let path = first.split_whitespace().nth(1).unwrap_or_default().trim_end_matches('/');
        let name = path.rsplit('/').next().unwrap_or_default();
        let (kind, body) = if path.starts_with("/simple/") {
            match self.files.get(name) {
                Some(files) => ("application/vnd.pypi.simple.v1+json", index(name, files).into_bytes()),
                None => ("", Vec::new()),
            }
        } else {
            ("application/octet-stream", std::fs::read(self.folder.path().join(name)).unwrap_or_default())
        };
        let status = if body.is_empty() { "404 Not Found" } else { "200 OK" };
        let mut stream = stream;
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        )?;
        if !first.starts_with("HEAD") {
            stream.write_all(&body)?;
        }
        Ok(())
    }
}

fn index(name: &str, files: &[(String, String)]) -> String {
    let files: Vec<serde_json::Value> = files
        .iter()
        .map(|(file, uploaded)| {
            let mut entry =
                serde_json::json!({"filename": file, "url": format!("/files/{file}"), "hashes": {}});
            if !uploaded.is_empty() {
                entry["upload-time"] = uploaded.as_str().into();
            }
            entry
        })
        .collect();
    serde_json::json!({"meta": {"api-version": "1.1"}, "name": name, "files": files}).to_string()
}

impl Served {
    /// Its address for uv and pip.
    pub(crate) fn url(&self) -> String {
        format!("{}/simple", self.address)
    }

    /// The variables that make uv use this registry and nothing else.
    pub(crate) fn variables(&self) -> [(&'static str, String); 3] {
        [
            ("UV_DEFAULT_INDEX", self.url()),
            ("UV_NO_CONFIG", "1".to_owned()),
            ("NO_PROXY", "127.0.0.1".to_owned()),
        ]
    }
}

/// A user for whom environments can be made; says so when they cannot. Without uv they cannot be made, and without a
/// loopback it cannot reach the registry.
#[expect(clippy::print_stdout, reason = "a test that passes by says why")]
pub(crate) fn user_with_environments() -> Option<User> {
    let reaches = || std::net::TcpStream::connect(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?);
    if which::which("uv").is_err() || reaches().is_err() {
        println!("not tested: there is no uv, or no loopback");
        return None;
    }
    Some(User::new())
}
