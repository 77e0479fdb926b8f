//! The services of the cluster in this process: what it says to each call.

use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
use bazel_remote_apis::google::bytestream::{
    QueryWriteStatusRequest, QueryWriteStatusResponse, ReadRequest, ReadResponse, WriteRequest,
    WriteResponse, byte_stream_server::ByteStream,
};
use bazel_remote_apis::google::longrunning::{
    CancelOperationRequest, DeleteOperationRequest, GetOperationRequest, ListOperationsRequest,
    ListOperationsResponse, Operation, WaitOperationRequest, operations_server::Operations,
};
use bazel_remote_apis::google::protobuf::Empty;
use prost::Message as _;
use reapi::action_cache_server::ActionCache;
use reapi::capabilities_server::Capabilities;
use reapi::content_addressable_storage_server::ContentAddressableStorage;
use reapi::execution_server::Execution;
use tonic::{Code, Request, Response, Status, Streaming};

use super::fake_cluster::{Shared, Stream, digest_of, name_of};

type Answer<T> = Result<Response<T>, Status>;

fn stream<T: Send + 'static>(items: Vec<Result<T, Status>>) -> Stream<T> {
    let (send, receive) = tokio::sync::mpsc::channel(items.len().max(1));
    items.into_iter().for_each(|item| drop(send.try_send(item)));
    tokio_stream::wrappers::ReceiverStream::new(receive)
}

#[tonic::async_trait]
impl Capabilities for Shared {
    async fn get_capabilities(
        &self,
        request: Request<reapi::GetCapabilitiesRequest>,
    ) -> Answer<reapi::ServerCapabilities> {
        drop(self.enter(&request)?);
        Ok(Response::new(reapi::ServerCapabilities {
            cache_capabilities: Some(reapi::CacheCapabilities {
                digest_functions: vec![1],
                ..Default::default()
            }),
            execution_capabilities: Some(reapi::ExecutionCapabilities {
                digest_function: 1,
                exec_enabled: true,
                ..Default::default()
            }),
            ..Default::default()
        }))
    }
}

#[tonic::async_trait]
impl ContentAddressableStorage for Shared {
    type GetTreeStream = Stream<reapi::GetTreeResponse>;
    type GetChunkMappingStream = Stream<reapi::GetChunkMappingResponse>;

    async fn find_missing_blobs(
        &self,
        request: Request<reapi::FindMissingBlobsRequest>,
    ) -> Answer<reapi::FindMissingBlobsResponse> {
        let mut state = self.enter(&request)?;
        state.questions += 1;
        let mut missing_blob_digests = request.into_inner().blob_digests;
        missing_blob_digests.retain(|digest| !state.blobs.contains_key(&digest.hash));
        Ok(Response::new(reapi::FindMissingBlobsResponse { missing_blob_digests }))
    }

    async fn batch_update_blobs(
        &self,
        request: Request<reapi::BatchUpdateBlobsRequest>,
    ) -> Answer<reapi::BatchUpdateBlobsResponse> {
        let mut state = self.enter(&request)?;
        state.largest_batch = state.largest_batch.max(request.get_ref().encoded_len());
        let mut responses = Vec::new();
        for blob in request.into_inner().requests {
            let digest = digest_of(&blob.data);
            if Some(&digest) != blob.digest.as_ref() {
                return Err(Status::invalid_argument("a wrong digest"));
            }
            state.blobs.insert(digest.hash.clone(), blob.data);
            let response =
                reapi::batch_update_blobs_response::Response { digest: Some(digest), status: None };
            responses.push(response);
        }
        Ok(Response::new(reapi::BatchUpdateBlobsResponse { responses }))
    }

    async fn batch_read_blobs(
        &self,
        _: Request<reapi::BatchReadBlobsRequest>,
    ) -> Answer<reapi::BatchReadBlobsResponse> {
        Err(Status::unimplemented("not here"))
    }

    async fn get_tree(&self, _: Request<reapi::GetTreeRequest>) -> Answer<Self::GetTreeStream> {
        Err(Status::unimplemented("not here"))
    }

    async fn split_blob(&self, _: Request<reapi::SplitBlobRequest>) -> Answer<reapi::SplitBlobResponse> {
        Err(Status::unimplemented("not here"))
    }

    async fn get_chunk_mapping(
        &self,
        _: Request<reapi::GetChunkMappingRequest>,
    ) -> Answer<Self::GetChunkMappingStream> {
        Err(Status::unimplemented("not here"))
    }

    async fn register_chunk_mapping(
        &self,
        _: Request<Streaming<reapi::RegisterChunkMappingRequest>>,
    ) -> Answer<reapi::RegisterChunkMappingResponse> {
        Err(Status::unimplemented("not here"))
    }

    async fn splice_blob(&self, _: Request<reapi::SpliceBlobRequest>) -> Answer<reapi::SpliceBlobResponse> {
        Err(Status::unimplemented("not here"))
    }
}

#[tonic::async_trait]
impl ByteStream for Shared {
    type ReadStream = Stream<ReadResponse>;

    async fn read(&self, request: Request<ReadRequest>) -> Answer<Self::ReadStream> {
        let state = self.enter(&request)?;
        let request = request.into_inner();
        let name = request.resource_name.rsplit('/').nth(1).unwrap_or_default();
        let bytes = state.blobs.get(name).ok_or_else(|| Status::not_found("no such content"))?;
        let from = usize::try_from(request.read_offset).unwrap().min(bytes.len());
        let to = (from + usize::try_from(request.read_limit).unwrap()).min(bytes.len());
        let parts = bytes[from..to].chunks(1 << 16).map(|data| Ok(ReadResponse { data: data.to_vec() }));
        Ok(Response::new(stream(parts.collect())))
    }

    async fn write(&self, request: Request<Streaming<WriteRequest>>) -> Answer<WriteResponse> {
        drop(self.enter(&request)?);
        let mut parts = request.into_inner();
        let (mut name, mut bytes) = (String::new(), Vec::new());
        while let Some(part) = parts.message().await? {
            if name.is_empty() {
                name = part.resource_name;
            }
            bytes.extend(part.data);
        }
        let digest = digest_of(&bytes);
        if !name.ends_with(&format!("/blobs/{}/{}", digest.hash, digest.size_bytes)) {
            return Err(Status::invalid_argument("a wrong digest"));
        }
        self.0.lock().unwrap().blobs.insert(digest.hash, bytes);
        Ok(Response::new(WriteResponse { committed_size: digest.size_bytes }))
    }

    async fn query_write_status(
        &self,
        _: Request<QueryWriteStatusRequest>,
    ) -> Answer<QueryWriteStatusResponse> {
        Err(Status::unimplemented("not here"))
    }
}

#[tonic::async_trait]
impl ActionCache for Shared {
    async fn get_action_result(
        &self,
        request: Request<reapi::GetActionResultRequest>,
    ) -> Answer<reapi::ActionResult> {
        let state = self.enter(&request)?;
        let result = state.results.get(&name_of(request.get_ref().action_digest.as_ref())).cloned();
        result.map(Response::new).ok_or_else(|| Status::not_found("never run"))
    }

    async fn update_action_result(
        &self,
        _: Request<reapi::UpdateActionResultRequest>,
    ) -> Answer<reapi::ActionResult> {
        Err(Status::permission_denied("not yours"))
    }
}

#[tonic::async_trait]
impl Execution for Shared {
    type ExecuteStream = Stream<Operation>;
    type WaitExecutionStream = Stream<Operation>;

    async fn execute(&self, request: Request<reapi::ExecuteRequest>) -> Answer<Self::ExecuteStream> {
        let mut state = self.enter(&request)?;
        let request = request.into_inner();
        let action = name_of(request.action_digest.as_ref());
        let name = format!("operations/{}", state.operations.len());
        state.operations.insert(name.clone(), action.clone());
        let hangs = state.faults.hangs;
        drop(state);
        if !hangs {
            let (shared, name) = (self.clone(), name.clone());
            tokio::task::spawn_blocking(move || {
                let response = shared.response(&action, !request.skip_cache_lookup);
                shared.0.lock().unwrap().ended.insert(name, response);
            });
        }
        Ok(Response::new(self.follow(name)))
    }

    async fn wait_execution(
        &self,
        request: Request<reapi::WaitExecutionRequest>,
    ) -> Answer<Self::WaitExecutionStream> {
        let state = self.enter(&request)?;
        let name = request.into_inner().name;
        if !state.operations.contains_key(&name) {
            return Err(Status::new(Code::NotFound, "no such operation"));
        }
        drop(state);
        Ok(Response::new(self.follow(name)))
    }
}

#[tonic::async_trait]
impl Operations for Shared {
    async fn list_operations(&self, _: Request<ListOperationsRequest>) -> Answer<ListOperationsResponse> {
        Err(Status::unimplemented("not here"))
    }

    async fn get_operation(&self, _: Request<GetOperationRequest>) -> Answer<Operation> {
        Err(Status::unimplemented("not here"))
    }

    async fn delete_operation(&self, _: Request<DeleteOperationRequest>) -> Answer<Empty> {
        Err(Status::unimplemented("not here"))
    }

    async fn cancel_operation(&self, request: Request<CancelOperationRequest>) -> Answer<Empty> {
        let mut state = self.enter(&request)?;
        state.cancelled.insert(request.into_inner().name);
        Ok(Response::new(Empty::default()))
    }

    async fn wait_operation(&self, _: Request<WaitOperationRequest>) -> Answer<Operation> {
        Err(Status::unimplemented("not here"))
    }
}
