//! How the user reaches package registries: variables and files of uv and pip.
//!
//! Both programs hand the variables that they have on to what they run, so they get these and no others. uv heeds
//! nothing of pip's settings, so those that name an index are told to it in its own words. Folders of files
//! (`find-links`) are not among them, unless there is no index: files in them have no date, and would be taken at any.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::declared::ini;
use super::proxy::{Address, address, addresses_in};

type Variables = BTreeMap<OsString, OsString>;

/// Beginnings of the names of their variables.
const PREFIXES: [&str; 2] = ["UV_", "PIP_"];
/// Of these, what only uploading needs.
const UPLOADING: [&str; 1] = ["UV_PUBLISH_"];
/// Others that they need: proxies, certificates, where settings and keys lie.
const NAMES: [&str; 9] = [
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "ssl_cert_file",
    "ssl_cert_dir",
    "netrc",
    "xdg_config_home",
    "xdg_data_home",
];
/// Settings of uv that name an index.
const INDEX_OF_UV: [&str; 4] = ["UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"];
/// Settings of pip and the same of uv.
const SAME: [(&str, &str); 3] = [
    ("index-url", "UV_DEFAULT_INDEX"),
    ("extra-index-url", "UV_EXTRA_INDEX_URL"),
    ("trusted-host", "UV_INSECURE_HOST"),
];

/// The variables that the user reaches registries with.
#[must_use]
pub fn registry_variables() -> Variables {
    variables(&std::env::vars_os().collect())
}

/// The files that tell of the user's registries.
#[must_use]
pub fn registry_files() -> Vec<PathBuf> {
    files(&std::env::vars_os().collect())
}

/// Of the user's variables, those that registries are reached with, and what pip's settings mean to uv.
pub(super) fn variables(all: &Variables) -> Variables {
    let is_theirs = |name: &OsStr| {
        let name = name.to_string_lossy();
        let begins = |with: &[&str]| with.iter().any(|prefix| name.starts_with(prefix));
        (begins(&PREFIXES) && !begins(&UPLOADING)) || NAMES.contains(&&*name.to_lowercase())
    };
    let mut kept: Variables = all
        .iter()
        .filter(|(name, _)| is_theirs(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let settings = pip_settings(all);
    let uv_config = config_folder(all).map(|folder| folder.join("uv/uv.toml"));
    let uv_files = uv_config.into_iter().chain([PathBuf::from("/etc/uv/uv.toml")]);
    let names_index = |file: PathBuf| std::fs::read_to_string(file).is_ok_and(|text| text.contains("index"));
    let has_own_index = INDEX_OF_UV.iter().any(|name| all.contains_key(OsStr::new(name)));
    if !has_own_index && !uv_files.into_iter().any(names_index) {
        for (setting, name) in SAME {
            if let Some(value) = settings.get(setting) {
                kept.insert(name.into(), value.into());
            }
        }
        if settings.get("no-index").is_some_and(|value| matches!(value.as_str(), "1" | "true" | "yes" | "on"))
        {
            kept.insert("UV_NO_INDEX".into(), "1".into());
            let folders =
                settings.get("find-links").map(|value| value.split_whitespace().collect::<Vec<_>>());
            if let Some(folders) = folders {
                kept.entry("UV_FIND_LINKS".into()).or_insert_with(|| folders.join(",").into());
            }
        }
    }
    if let Some(cert) = settings.get("cert") {
        kept.entry("SSL_CERT_FILE".into()).or_insert_with(|| cert.into());
    }
    kept
}

/// Files that uv and pip read, and those that their variables name.
pub(super) fn files(all: &Variables) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = pip_files(all);
    files.extend(config_folder(all).map(|folder| folder.join("uv")));
    if let Some(home) = path(all, "HOME") {
        let data = path(all, "XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share"));
        files.push(data.join("uv/credentials"));
    }
    let named = variables(all);
    let words = named.values().flat_map(|value| {
        let text = value.to_string_lossy().into_owned();
        text.split([',', ' ', '\n']).map(str::to_owned).collect::<Vec<_>>()
    });
    let netrc = netrc(all);
    files.extend(words.filter_map(|word| named_by(&word)).filter(|file| netrc.as_ref() != Some(file)));
    files
}

/// The file with the user's keys to hosts of all kinds.
pub(super) fn netrc(all: &Variables) -> Option<PathBuf> {
    path(all, "NETRC").or_else(|| Some(path(all, "HOME")?.join(".netrc")))
}

/// Hosts that builds are let through to beside registries: `HOST` or `HOST:PORT`, with commas between.
const OTHER_HOSTS: &str = "PYBISECT_BUILD_HOSTS";

/// The places that the user's settings name as registries. What a commit declares is not among them: it could name any.
pub(super) fn registries(all: &Variables) -> BTreeSet<Address> {
    let uv_config = config_folder(all).map(|folder| folder.join("uv/uv.toml"));
    let uv_files = uv_config.into_iter().chain([PathBuf::from("/etc/uv/uv.toml")]);
    let texts =
        pip_files(all).into_iter().chain(uv_files).filter_map(|file| std::fs::read_to_string(file).ok());
    let told = variables(all).into_iter().filter(|(name, _)| {
        let name = name.to_string_lossy();
        PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    });
    let values = told.map(|(_, value)| value.to_string_lossy().into_owned());
    let trusted = pip_settings(all).remove("trusted-host").unwrap_or_default();
    let insecure = path(all, "UV_INSECURE_HOST").unwrap_or_default().to_string_lossy().into_owned();
    let others = path(all, OTHER_HOSTS).unwrap_or_default().to_string_lossy().into_owned();
    let bare = [trusted, insecure, others]
        .map(|text| text.split([',', ' ']).filter_map(address).collect::<Vec<_>>());
    texts.chain(values).flat_map(|text| addresses_in(&text)).chain(bare.into_iter().flatten()).collect()
}

/// The proxy that pip's settings name.
pub(super) fn proxy_of_pip(all: &Variables) -> Option<String> {
    pip_settings(all).remove("proxy")
}

/// The file or folder that a word names: a path, or the address of one.
pub(super) fn named_by(word: &str) -> Option<PathBuf> {
    let path = Path::new(word.strip_prefix("file://").unwrap_or(word));
    // Not the top, and nothing right below it.
    (path.is_absolute() && path.components().count() > 2).then(|| path.to_owned())
}

fn path(all: &Variables, name: &str) -> Option<PathBuf> {
    all.get(OsStr::new(name)).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn config_folder(all: &Variables) -> Option<PathBuf> {
    path(all, "XDG_CONFIG_HOME").or_else(|| Some(path(all, "HOME")?.join(".config")))
}

/// pip's configuration files, the one that counts most last.
fn pip_files(all: &Variables) -> Vec<PathBuf> {
    let mut files = vec![PathBuf::from("/etc/pip.conf")];
    files.extend(path(all, "HOME").map(|home| home.join(".pip/pip.conf")));
    files.extend(config_folder(all).map(|folder| folder.join("pip/pip.conf")));
    files.extend(path(all, "VIRTUAL_ENV").map(|folder| folder.join("pip.conf")));
    files.extend(path(all, "PIP_CONFIG_FILE"));
    files
}

/// pip's settings for installing: from its files, then from variables. What is a list has blanks between.
fn pip_settings(all: &Variables) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    for file in pip_files(all) {
        let sections = std::fs::read_to_string(file).map(|text| ini(&text)).unwrap_or_default();
        for section in ["global", "install"] {
            for (name, lines) in sections.get(section).into_iter().flatten() {
                settings.insert(name.replace('_', "-"), lines.join(" "));
            }
        }
    }
    for (name, value) in all {
        if let Some(name) = name.to_str().and_then(|name| name.strip_prefix("PIP_")) {
            settings.insert(name.to_lowercase().replace('_', "-"), value.to_string_lossy().into_owned());
        }
    }
    settings.retain(|_, value| !value.trim().is_empty());
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Variables {
        pairs.iter().map(|&(name, value)| (name.into(), value.into())).collect()
    }

    fn value(variables: &Variables, name: &str) -> Option<String> {
        variables.get(OsStr::new(name)).map(|value| value.to_string_lossy().into_owned())
    }

    #[test]
    fn pip_settings_are_told_to_uv_unless_it_has_its_own() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".config/pip");
        std::fs::create_dir_all(&folder).unwrap();
        let text = "[global]\nindex-url = https://one.example/simple\nfind-links = /opt/wheels\n\
                    [install]\nextra-index-url =\n    https://two.example/simple\n    https://three.example/simple\n";
        std::fs::write(folder.join("pip.conf"), text).unwrap();
        let home = ("HOME", home.path().to_str().unwrap());
        let told = variables(&of(&[home, ("AWS_SECRET_ACCESS_KEY", "x"), ("UV_PUBLISH_TOKEN", "x")]));
        assert_eq!(value(&told, "UV_DEFAULT_INDEX").unwrap(), "https://one.example/simple");
        let both = "https://two.example/simple https://three.example/simple";
        assert_eq!(value(&told, "UV_EXTRA_INDEX_URL").unwrap(), both);
        for name in ["AWS_SECRET_ACCESS_KEY", "UV_PUBLISH_TOKEN", "UV_FIND_LINKS"] {
            assert_eq!(value(&told, name), None);
        }
        let told = variables(&of(&[home, ("PIP_INDEX_URL", "https://four.example/simple")]));
        assert_eq!(value(&told, "UV_DEFAULT_INDEX").unwrap(), "https://four.example/simple");
        let told = variables(&of(&[home, ("UV_INDEX_URL", "https://five.example/simple")]));
        assert_eq!(value(&told, "UV_DEFAULT_INDEX"), None);
    }

    #[test]
    fn registries_are_named_in_many_ways() {
        let all = of(&[
            ("UV_INDEX", "mine=https://one.example:8443/simple"),
            ("PIP_TRUSTED_HOST", "two.example three.example:81"),
            ("PYBISECT_BUILD_HOSTS", "four.example,127.0.0.1:9"),
            ("OTHER", "https://five.example"),
        ]);
        let found = registries(&all);
        let found: Vec<_> = found.iter().map(|place| (place.host.as_str(), place.port)).collect();
        let expected = [
            ("127.0.0.1", Some(9)),
            ("four.example", None),
            ("one.example", Some(8443)),
            ("three.example", Some(81)),
            ("two.example", None),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn without_an_index_folders_of_files_count_and_can_be_read() {
        let all = of(&[("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", "/home/ada/wheels file:///home/ada/more")]);
        let told = variables(&all);
        assert_eq!(value(&told, "UV_FIND_LINKS").unwrap(), "/home/ada/wheels,file:///home/ada/more");
        let files = files(&all);
        assert!(files.contains(&"/home/ada/wheels".into()) && files.contains(&"/home/ada/more".into()));
    }
}
