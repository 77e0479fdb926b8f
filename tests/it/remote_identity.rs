//! A cluster that wants to know who asks: by a certificate and by a word, both of which are told nowhere.

use std::path::Path;
use std::process::Command;

use rcgen::{CertificateParams, Issuer, KeyPair};
use tonic::transport::Identity;

use crate::support::fake_cluster::{FakeCluster, Faults};
use crate::support::run::Ran;
use crate::support::{TestRepo, User, culprit};

const WORD: &str = "swordfish-7781";

/// An authority, and what it has signed: certificates with their keys.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn signed(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// The lines of a key that nobody else has.
fn lines_of(key: &str) -> impl Iterator<Item = &str> {
    key.lines().filter(|line| !line.starts_with("-----"))
}

fn find(user: &User, repo: &Path, endpoint: &str) -> (Command, Vec<String>) {
    let words =
        ["find", "--json", "-", "--good", "HEAD~3", "--executor", endpoint, "--", "python3", "smoke.py"];
    let mut command = user.command(repo, &words);
    command.env("CLUSTER_WORD", WORD).env("XDG_CONFIG_HOME", user.home().join(".config"));
    let said = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
    (command, said)
}

#[test]
fn only_who_shows_a_certificate_is_let_in_and_no_secret_is_told() {
    let mut repo = TestRepo::new();
    repo.write("smoke.py", "import app\nassert app.total([1, 2]) == 3\n");
    let mut broken = String::new();
    for at in 0..4 {
        let body = if at < 2 { "sum(values)" } else { "sum(values[1:])" };
        let commit = repo
            .write("app.py", format!("def total(values):\n    return {body}\n"))
            .write("n", at.to_string());
        let commit = commit.commit("release");
        if at == 2 {
            broken = commit.to_string();
        }
    }
    repo.check_out();
    let (ours, others) = (Authority::new(), Authority::new());
    let (server, server_key) = ours.signed("localhost");
    let faults = Faults { token: Some(format!("Bearer {WORD}")), ..Faults::default() };
    let cluster = FakeCluster::with_mutual_tls(faults, Identity::from_pem(server, server_key), &ours.pem);
    let endpoint = format!("grpcs://localhost:{}", cluster.address.port());
    let user = User::new();
    let folder = user.home().join(".config/pybisect");
    std::fs::create_dir_all(&folder).unwrap();
    let configure = |identity: Option<(String, String)>, header: &str| {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let shown = identity.map(|(certificate, key)| {
            let (certificate, key) = (write("me.pem", &certificate), write("me.key", &key));
            format!("tls-certificate = \"{certificate}\"\ntls-key = \"{key}\"\n")
        });
        let (authority, shown) = (write("ca.pem", &ours.pem), shown.unwrap_or_default());
        let text = format!("[tool.pybisect.executor]\ntls-ca = \"{authority}\"\n{shown}{header}");
        write("config.toml", &text);
    };
    let header = "[tool.pybisect.executor.headers]\nauthorization = { env = \"CLUSTER_WORD\", prefix = \"Bearer \" }\n";
    let run = || Ran::from(find(&user, repo.path(), &endpoint).0.output().unwrap());
    let (me, stranger) = (ours.signed("me"), others.signed("me"));
    for identity in [None, Some(stranger.clone())] {
        configure(identity, header);
        let ran = run();
        assert_eq!(ran.code, Some(2), "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains("tls-certificate"), "{}", ran.stderr);
        let is_told = lines_of(&stranger.1).chain([WORD]).any(|secret| ran.stderr.contains(secret));
        assert!(!is_told, "{}", ran.stderr);
    }
    // A certificate alone is not enough where a word is wanted, too.
    configure(Some(me.clone()), "");
    let ran = run();
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("does not let you in"), "{}", ran.stderr);
    assert_eq!(cluster.runs(), 0);
    configure(Some(me.clone()), header);
    let (mut command, said) = find(&user, repo.path(), &endpoint);
    let ran = Ran::from(command.output().unwrap());
    let report: serde_json::Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{}", ran.stderr));
    assert_eq!((ran.code, culprit(&report)), (Some(0), broken.as_str()), "{report:#}");
    assert!(cluster.runs() > 0);
    // Nor do they stand in what is kept, or in a list of processes.
    let mut told = vec![ran.stdout.into_bytes(), ran.stderr.into_bytes(), said.join(" ").into_bytes()];
    let kept = walkdir::WalkDir::new(user.cache()).into_iter().map(Result::unwrap);
    let kept: Vec<_> = kept.filter(|entry| entry.file_type().is_file()).collect();
    assert!(!kept.is_empty());
    told.extend(kept.iter().map(|entry| std::fs::read(entry.path()).unwrap()));
    for secret in lines_of(&me.1).chain([WORD]) {
        let holds = |text: &Vec<u8>| text.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!told.iter().any(holds), "a secret is told");
    }
}
