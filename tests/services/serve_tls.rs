//! `pybisect serve` with a certificate: spoken to by whoever trusts it, and told of when it cannot be used.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::serving::{SECRET, Scene, generic, now, proof, waits};

/// A certificate that was made for this, and its key.
struct Made {
    certificate: String,
    key: String,
}

fn made() -> Made {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    Made { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
}

/// The configuration names these two files.
fn configure(scene: &Scene, certificate: &[u8], key: &[u8]) {
    let file = |name: &str, text: &[u8]| -> PathBuf {
        let path = scene.user.home().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let (certificate, key) = (file("cert.pem", certificate), file("key.pem", key));
    let lines = format!("[serve]\ncertificate = '{}'\nkey = '{}'\n", certificate.display(), key.display());
    scene.configure("[serve.hooks.generic]\n", &format!("{lines}[serve.hooks.generic]\n"));
}

/// A client that believes this certificate and no other.
fn trusting(certificate: &str) -> ureq::Agent {
    let certificate = Certificate::from_pem(certificate.as_bytes()).unwrap();
    let tls = TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(vec![certificate]))).build();
    ureq::Agent::config_builder().tls_config(tls).http_status_as_error(false).max_redirects(0).build().into()
}

#[test]
fn who_trusts_the_certificate_is_served_and_nobody_in_the_clear() {
    let scene = Scene::new("");
    let (own, other) = (made(), made());
    configure(&scene, own.certificate.as_bytes(), own.key.as_bytes());
    let server = scene.serve();
    let at = |path: &str| format!("https://127.0.0.1:{}{path}", server.port);
    assert!(server.said().contains(&at("/")), "{}", server.said());
    let client = trusting(&own.certificate);
    assert_eq!(client.get(at("/healthz")).call().unwrap().status(), 200);

    let body = generic("a", "firing", now());
    let send = || {
        let headers = proof("generic", &body, SECRET);
        let start = client.post(at("/hooks/generic"));
        headers.iter().fold(start, |request, (name, value)| request.header(*name, value)).send(&body)
    };
    assert_eq!(send().unwrap().status(), 202);
    assert_eq!(send().unwrap().status(), 200, "it is known");
    let id = loop {
        let bearer = format!("Bearer {}", server.token);
        let mut told = client.get(at("/api/v1/incidents")).header("Authorization", &bearer).call().unwrap();
        let list: serde_json::Value =
            serde_json::from_str(&told.body_mut().read_to_string().unwrap()).unwrap();
        if let Some(incident) = list["incidents"].get(0).filter(|incident| waits(incident)) {
            break incident["id"].as_str().unwrap().to_owned();
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    // What lets a browser in never travels in the clear.
    let login = client.post(at("/login")).send_form([("token", server.token.as_str())]).unwrap();
    assert_eq!(login.status(), 303);
    let cookie = login.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("; Secure"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    let page = client.get(at(&format!("/incidents/{id}"))).header("Cookie", cookie).call().unwrap();
    assert_eq!(page.status(), 200);

    let doubting = trusting(&other.certificate).get(at("/healthz")).call();
    assert!(matches!(doubting, Err(ureq::Error::Rustls(_) | ureq::Error::Io(_))), "{doubting:?}");
    let (status, text) = server.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(status == 0 && !text.contains("HTTP/1.1"), "{text}");
    assert_eq!(client.get(at("/healthz")).call().unwrap().status(), 200, "others disturb nobody");
}

#[test]
fn a_certificate_that_cannot_be_used_is_told_of_with_what_to_type() {
    let (own, other) = (made(), made());
    let binary: Vec<u8> = {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        made.cert.der().to_vec()
    };
    let locked = own.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let spoiled = own.key.replacen("\nM", "\nN", 1);
    let (certificate, key) = (own.certificate.as_bytes(), own.key.as_bytes());
    for (what, certificate, key, told) in [
        (
            "another's key",
            certificate,
            other.key.as_bytes(),
            ["serve.key", "not the key of the first certificate", "openssl pkey -pubout"],
        ),
        (
            "exchanged",
            key,
            certificate,
            ["serve.certificate", "a private key in it, and no certificate", "exchanged?"],
        ),
        ("empty", b"".as_slice(), key, ["serve.certificate", "no certificate in it", "openssl x509"]),
        ("binary", &binary, key, ["serve.certificate", "no certificate in it", "-inform der"]),
        (
            "a certificate twice",
            certificate,
            certificate,
            ["serve.key", "no private key in it", "openssl pkey"],
        ),
        ("locked", certificate, locked.as_bytes(), ["serve.key", "locked with a passphrase", "chmod 600"]),
        ("spoiled", certificate, spoiled.as_bytes(), ["serve.key", "cannot be read", "openssl pkey"]),
    ] {
        let scene = Scene::new("");
        configure(&scene, certificate, key);
        let ran = scene.user.run(scene.repo.path(), &["serve", "--check"]);
        assert_eq!(ran.code, Some(2), "{what}: {}", ran.stderr);
        for told in told {
            assert!(ran.stderr.contains(told), "{what}: {told}: {}", ran.stderr);
        }
    }
    let scene = Scene::new("");
    configure(&scene, certificate, key);
    fs::remove_file(scene.user.home().join("cert.pem")).unwrap();
    let ran = scene.user.run(scene.repo.path(), &["serve", "--check"]);
    assert!(
        ran.code == Some(2) && ran.stderr.contains("serve.certificate: failed to read"),
        "{}",
        ran.stderr
    );
}
