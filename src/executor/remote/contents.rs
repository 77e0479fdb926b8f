//! The cluster's store of contents: what is missing there is sent, what came of a trial is read.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;
use tonic::Status;

use super::api::{
    BatchUpdateBlobsRequest, BlobUpload, ByteStreamClient, ContentAddressableStorageClient,
    FindMissingBlobsRequest, ReadRequest, ServerCapabilities, WriteRequest,
};
use super::connection::{CallError, Connection, PROMPT};
use super::digest::ContentId;
use super::trees::{Folder, Origin, TreeMaker};
use crate::executor::worker::output::{HEAD, TAIL, captured, shortened};
use crate::model::{CancelToken, Captured};

/// What servers take in one message, unless they say less: gRPC's own limit, less what the rest of it takes.
const LARGEST_BATCH: usize = 3_500_000;
/// Contents asked for in one message.
const MOST_ASKED: usize = 10_000;
/// Messages under way at the same time.
const MOST_AT_ONCE: usize = 4;
const CHUNK: usize = 1 << 20;

/// What was sent, for those who measure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Contents that were missing.
    pub blobs: u64,
    /// The bytes of all that was sent.
    pub bytes: u64,
    /// Messages that asked what is missing.
    pub questions: u64,
}

/// The cluster's store of contents.
pub(super) struct Contents {
    connection: Connection,
    largest_batch: usize,
    /// Contents that are known to be there, and folders with all that is in them.
    present: Mutex<HashSet<ContentId>>,
    sent: Mutex<Sent>,
}

type Wanted = BTreeMap<ContentId, Origin>;

impl Contents {
    pub(super) fn new(connection: Connection, capabilities: &ServerCapabilities) -> Self {
        let stated =
            capabilities.cache_capabilities.as_ref().map_or(0, |cache| cache.max_batch_total_size_bytes);
        let stated = usize::try_from(stated).ok().filter(|&stated| stated > 0);
        // The names of the contents take room as well.
        let largest_batch = stated.map_or(LARGEST_BATCH, |stated| (stated / 8 * 7).min(LARGEST_BATCH));
        Self { connection, largest_batch, present: Mutex::default(), sent: Mutex::default() }
    }

    pub(super) fn sent(&self) -> Sent {
        *lock(&self.sent)
    }

    /// Have all of these folders there, with what is in them, and these contents; as few messages as it takes.
    pub(super) async fn bring(
        &self,
        maker: &Mutex<TreeMaker>,
        folders: &[Arc<Folder>],
        more: &[(ContentId, Vec<u8>)],
        cancel: &CancelToken,
    ) -> Result<(), CallError> {
        let mut wanted = Wanted::new();
        let mut whole = Vec::new();
        {
            let present = lock(&self.present);
            let mut seen = HashSet::new();
            folders.iter().for_each(|folder| collect(folder, &present, &mut seen, &mut wanted, &mut whole));
            let more = more.iter().filter(|(id, _)| !present.contains(id));
            wanted.extend(more.map(|(id, bytes)| (*id, Origin::Bytes(bytes.as_slice().into()))));
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let missing = self.missing(wanted.keys().copied().collect(), cancel).await?;
        self.send(maker, missing.iter().filter_map(|id| Some((*id, wanted.get(id)?))).collect(), cancel)
            .await?;
        let mut present = lock(&self.present);
        present.extend(wanted.keys().copied());
        present.extend(whole);
        Ok(())
    }

    /// What is there is not known any more: it is asked for anew.
    pub(super) fn forget(&self) {
        lock(&self.present).clear();
    }

    /// Send contents that the server says it lacks, whatever it said before.
    pub(super) async fn send_again(
        &self,
        maker: &Mutex<TreeMaker>,
        folder: &Arc<Folder>,
        more: &[(ContentId, Vec<u8>)],
        lacking: &HashSet<ContentId>,
        cancel: &CancelToken,
    ) -> Result<(), CallError> {
        let mut wanted = Wanted::new();
        collect(folder, &HashSet::new(), &mut HashSet::new(), &mut wanted, &mut Vec::new());
        wanted.extend(more.iter().map(|(id, bytes)| (*id, Origin::Bytes(bytes.as_slice().into()))));
        let lacking = lacking.iter().filter_map(|id| Some((*id, wanted.get(id)?))).collect();
        self.send(maker, lacking, cancel).await
    }

    async fn missing(&self, ids: Vec<ContentId>, cancel: &CancelToken) -> Result<Vec<ContentId>, CallError> {
        let mut missing = Vec::new();
        for ids in ids.chunks(MOST_ASKED) {
            let request = FindMissingBlobsRequest {
                instance_name: self.connection.instance.clone(),
                blob_digests: ids.iter().map(|id| id.to_proto()).collect(),
                digest_function: 0,
            };
            lock(&self.sent).questions += 1;
            let ask = |service| {
                let request = timed(request.clone());
                async move { ContentAddressableStorageClient::new(service).find_missing_blobs(request).await }
            };
            let answer = self.connection.call(cancel, ask).await?.into_inner();
            missing.extend(answer.missing_blob_digests.iter().filter_map(ContentId::of_proto));
        }
        Ok(missing)
    }

    async fn send(
        &self,
        maker: &Mutex<TreeMaker>,
        contents: Vec<(ContentId, &Origin)>,
        cancel: &CancelToken,
    ) -> Result<(), CallError> {
        let mut under_way: JoinSet<Result<(), CallError>> = JoinSet::new();
        let mut batch: Vec<(ContentId, Vec<u8>)> = Vec::new();
        let mut room = self.largest_batch;
        for (id, origin) in contents {
            let found = lock(maker).bytes(origin).map_err(|error| CallError::Answer(error.to_string()))?;
            let bytes =
                found.ok_or_else(|| CallError::Answer("a blob is gone from the repository".to_owned()))?;
            {
                let mut sent = lock(&self.sent);
                sent.blobs += 1;
                sent.bytes += id.bytes();
            }
            if bytes.len() > self.largest_batch / 2 {
                under_way.spawn(write(self.connection.clone(), id, bytes, cancel.clone()));
            } else {
                // A content's name takes some bytes, too.
                let takes = bytes.len() + 100;
                if takes > room {
                    let full = std::mem::take(&mut batch);
                    under_way.spawn(update(self.connection.clone(), full, cancel.clone()));
                    room = self.largest_batch;
                }
                room -= takes;
                batch.push((id, bytes));
            }
            while under_way.len() >= MOST_AT_ONCE {
                joined(&mut under_way).await?;
            }
        }
        if !batch.is_empty() {
            under_way.spawn(update(self.connection.clone(), batch, cancel.clone()));
        }
        while !under_way.is_empty() {
            joined(&mut under_way).await?;
        }
        Ok(())
    }

    /// What a command wrote: whole when short, otherwise its beginning and its end.
    pub(super) async fn text(&self, id: ContentId, cancel: &CancelToken) -> Result<Captured, CallError> {
        let size = id.bytes();
        if size <= HEAD + TAIL {
            return Ok(captured(&self.read(id, 0, size, cancel).await?));
        }
        let head = self.read(id, 0, HEAD, cancel).await?;
        let tail = self.read(id, size - TAIL, TAIL, cancel).await?;
        Ok(shortened(&head, &tail, size))
    }

    /// A part of a content.
    pub(super) async fn read(
        &self,
        id: ContentId,
        offset: u64,
        length: u64,
        cancel: &CancelToken,
    ) -> Result<Vec<u8>, CallError> {
        if length == 0 {
            return Ok(Vec::new());
        }
        let limit = i64::try_from(length).unwrap_or(i64::MAX);
        let request = ReadRequest {
            resource_name: self.connection.resource(&format!("blobs/{}/{}", id.hex(), id.size)),
            read_offset: i64::try_from(offset).unwrap_or(i64::MAX),
            read_limit: limit,
        };
        let most = usize::try_from(length).unwrap_or(usize::MAX);
        let ask = |service| {
            let request = timed(request.clone());
            async move {
                let mut stream = ByteStreamClient::new(service).read(request).await?.into_inner();
                let mut bytes = Vec::new();
                while let Some(part) = stream.message().await? {
                    bytes.extend_from_slice(&part.data);
                    if bytes.len() > most {
                        return Err(Status::data_loss("more bytes than were asked for"));
                    }
                }
                Ok(bytes)
            }
        };
        let bytes = self.connection.call(cancel, ask).await?;
        if bytes.len() < most {
            return Err(CallError::Answer("a content ends early".to_owned()));
        }
        let is_whole = offset == 0 && length == id.bytes();
        if is_whole && ContentId::of(&bytes) != id {
            return Err(CallError::Answer("a content is not the one that was asked for".to_owned()));
        }
        Ok(bytes)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call that is given up when no answer comes.
pub(super) fn timed<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(PROMPT);
    request
}

/// Contents of a folder that are not known to be there, and the folders that are whole with them.
fn collect(
    folder: &Arc<Folder>,
    present: &HashSet<ContentId>,
    seen: &mut HashSet<ContentId>,
    wanted: &mut Wanted,
    whole: &mut Vec<ContentId>,
) {
    if present.contains(&folder.id) || !seen.insert(folder.id) {
        return;
    }
    whole.push(folder.id);
    wanted.insert(folder.id, Origin::Bytes(Arc::clone(&folder.message)));
    let files = folder.files.iter().filter(|(id, _)| !present.contains(id));
    wanted.extend(files.map(|(id, origin)| (*id, origin.clone())));
    folder.folders.iter().for_each(|inner| collect(inner, present, seen, wanted, whole));
}

async fn joined(under_way: &mut JoinSet<Result<(), CallError>>) -> Result<(), CallError> {
    match under_way.join_next().await {
        Some(Ok(result)) => result,
        Some(Err(error)) => Err(CallError::Answer(error.to_string())),
        None => Ok(()),
    }
}

/// Send contents in one message.
async fn update(
    connection: Connection,
    batch: Vec<(ContentId, Vec<u8>)>,
    cancel: CancelToken,
) -> Result<(), CallError> {
    let requests =
        batch.into_iter().map(|(id, data)| BlobUpload { digest: Some(id.to_proto()), data, compressor: 0 });
    let request = BatchUpdateBlobsRequest {
        instance_name: connection.instance.clone(),
        requests: requests.collect(),
        digest_function: 0,
    };
    let ask = |service| {
        let request = timed(request.clone());
        async move {
            let client = ContentAddressableStorageClient::new(service);
            let answer = client.max_encoding_message_size(usize::MAX).batch_update_blobs(request).await?;
            // Each has a word of its own; one that is refused for want of room may be taken later.
            for response in answer.into_inner().responses {
                if let Some(status) = response.status.filter(|status| status.code != 0) {
                    return Err(Status::new(status.code.into(), status.message));
                }
            }
            Ok(())
        }
    };
    connection.call(&cancel, ask).await
}

/// Send a large content by itself.
async fn write(
    connection: Connection,
    id: ContentId,
    bytes: Vec<u8>,
    cancel: CancelToken,
) -> Result<(), CallError> {
    let bytes = Arc::new(bytes);
    let ask = |service| {
        let bytes = Arc::clone(&bytes);
        let name = connection.resource(&format!("uploads/{}/blobs/{}/{}", uuid(), id.hex(), id.size));
        async move {
            let count = bytes.len().div_ceil(CHUNK);
            let parts = (0..count).map(move |at| {
                let (from, to) = (at * CHUNK, ((at + 1) * CHUNK).min(bytes.len()));
                WriteRequest {
                    resource_name: if at == 0 { name.clone() } else { String::new() },
                    write_offset: i64::try_from(from).unwrap_or(i64::MAX),
                    finish_write: to == bytes.len(),
                    data: bytes[from..to].to_vec(),
                }
            });
            let answer = ByteStreamClient::new(service).write(tokio_stream::iter(parts)).await?.into_inner();
            // Less than all of it is taken where somebody else sent the same.
            if answer.committed_size == id.size || answer.committed_size == -1 {
                Ok(())
            } else {
                Err(Status::unavailable("the content was not taken in full"))
            }
        }
    };
    connection.call(&cancel, ask).await
}

/// A name that nobody else uses.
fn uuid() -> String {
    use ring::rand::SecureRandom as _;
    let mut bytes = [0; 16];
    // Without randomness, another upload of the same content is disturbed at worst, and made again.
    let _filled = ring::rand::SystemRandom::new().fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
