//! A trial as an action: the same trial is the same action for everybody.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Component, Path};
use std::sync::Arc;
use std::time::Duration;

use super::api::{Action, Command, Duration as ProtoDuration, EnvironmentVariable, Platform, Property};
use super::digest::{ContentId, encoded};
use super::settings::RemoteSettings;
use super::trees::Folder;
use crate::executor::worker::script::{HOME, INPUTS, OWN, SCRIPT, STATE, TREE, script};
use crate::model::TrialSpec;

/// Changes when actions mean something else than before.
const VERSION: &str = "pybisect-trial/1";

/// An action with all that has to be there for it to run.
pub(super) struct Prepared {
    pub(super) id: ContentId,
    pub(super) root: Arc<Folder>,
    /// The messages of the action itself.
    pub(super) messages: Vec<(ContentId, Vec<u8>)>,
    pub(super) has_setup: bool,
}

/// What else decides which action it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity<'a> {
    /// How often the same was run before.
    pub(super) repeat: u32,
    /// Whether nobody is to have its result.
    pub(super) is_private: bool,
    /// What tells it from others of the same recipe.
    pub(super) salt: &'a str,
}

/// The action of a recipe on a tree.
pub(super) fn action(
    settings: &RemoteSettings,
    tree: Arc<Folder>,
    recipe: &TrialSpec,
    identity: Identity<'_>,
) -> Result<Prepared, String> {
    let home = folder_of(recipe.home.iter().map(|file| (Path::new(&file.path), file.content.as_slice())))?;
    let inputs = folder_of(recipe.inputs.iter().map(|file| (file.path.as_path(), file.content.as_slice())))?;
    let own = Folder::of(vec![(SCRIPT, script(recipe), true)], vec![(HOME.to_owned(), home)]);
    let folders = [(INPUTS, inputs), (OWN, own), (TREE, tree)];
    let root = Folder::of(Vec::new(), folders.map(|(name, folder)| (name.to_owned(), folder)).to_vec());
    let properties = settings.properties.iter();
    let properties = properties.map(|(name, value)| Property { name: name.clone(), value: value.clone() });
    let platform = Some(Platform { properties: properties.collect() });
    let outputs = recipe.outputs.iter().map(|path| format!("{INPUTS}/{}", path.to_string_lossy()));
    let mut output_paths: Vec<String> = outputs.chain([STATE.to_owned()]).collect();
    output_paths.sort();
    #[expect(deprecated, reason = "older servers read the platform of the command")]
    let command = Command {
        arguments: ["/bin/sh".to_owned(), format!("{OWN}/{SCRIPT}")].to_vec(),
        environment_variables: variables(&recipe.variables())?,
        output_paths,
        platform: platform.clone(),
        ..Command::default()
    };
    let (command, command_bytes) = encoded(&command);
    let salt = format!("{VERSION} {} {}", identity.repeat, identity.salt);
    let action = Action {
        command_digest: Some(command.to_proto()),
        input_root_digest: Some(root.id.to_proto()),
        timeout: Some(duration(settings.timeout)),
        do_not_cache: identity.is_private,
        salt: salt.into_bytes(),
        platform,
    };
    let (id, action_bytes) = encoded(&action);
    let messages = vec![(command, command_bytes), (id, action_bytes)];
    Ok(Prepared { id, root, messages, has_setup: recipe.setup.is_some() })
}

fn duration(time: Duration) -> ProtoDuration {
    ProtoDuration {
        seconds: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(time.subsec_nanos()).unwrap_or_default(),
    }
}

/// In the order of their names, as the protocol wants them.
fn variables(all: &BTreeMap<OsString, OsString>) -> Result<Vec<EnvironmentVariable>, String> {
    let text = |word: &OsString| word.to_str().map(str::to_owned);
    let one = |(name, value): (&OsString, &OsString)| {
        let (name, value) = (text(name), text(value));
        let shown = name.clone().unwrap_or_default();
        match (name, value) {
            (Some(name), Some(value)) => Ok(EnvironmentVariable { name, value }),
            _ => Err(format!("the variable {shown} cannot be sent: it is not UTF-8")),
        }
    };
    all.iter().map(one).collect()
}

/// Files by their paths, as a folder.
fn folder_of<'f>(files: impl Iterator<Item = (&'f Path, &'f [u8])>) -> Result<Arc<Folder>, String> {
    #[derive(Default)]
    struct Node<'f> {
        files: Vec<(&'f str, Vec<u8>, bool)>,
        folders: BTreeMap<&'f str, Self>,
    }
    impl Node<'_> {
        fn finish(self) -> Arc<Folder> {
            let folders = self.folders.into_iter().map(|(name, node)| (name.to_owned(), node.finish()));
            Folder::of(self.files, folders.collect())
        }
    }
    let mut top = Node::default();
    for (path, content) in files {
        let parts = path.components().map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        });
        let parts: Option<Vec<&str>> = parts.collect();
        let wrong = || format!("the file {} cannot be sent", path.display());
        let parts = parts.ok_or_else(wrong)?;
        let (name, folders) = parts.split_last().ok_or_else(wrong)?;
        let node = folders.iter().fold(&mut top, |node, folder| node.folders.entry(folder).or_default());
        node.files.push((name, content.to_vec(), false));
    }
    Ok(top.finish())
}
