//! The protocol's messages and clients, by short names.

pub(super) use bazel_remote_apis::build::bazel::remote::execution::v2::action_cache_client::ActionCacheClient;
pub(super) use bazel_remote_apis::build::bazel::remote::execution::v2::batch_update_blobs_request::Request as BlobUpload;
pub(super) use bazel_remote_apis::build::bazel::remote::execution::v2::capabilities_client::CapabilitiesClient;
pub(super) use bazel_remote_apis::build::bazel::remote::execution::v2::command::EnvironmentVariable;
pub(super) use bazel_remote_apis::build::bazel::remote::execution::v2::content_addressable_storage_client::ContentAddressableStorageClient;
pub(super) use bazel_remote_apis::build::bazel::remote::execution::v2::digest_function::Value as DigestFunction;
pub(super) use bazel_remote_apis::build::bazel::remote::execution::v2::execution_client::ExecutionClient;
pub(super) use bazel_remote_apis::build::bazel::remote::execution::v2::platform::Property;
pub(super) use bazel_remote_apis::build::bazel::remote::execution::v2::{
    Action, ActionResult, BatchUpdateBlobsRequest, Command, Digest, Directory, DirectoryNode, ExecuteRequest,
    ExecuteResponse, ExecutedActionMetadata, FileNode, FindMissingBlobsRequest, GetActionResultRequest,
    GetCapabilitiesRequest, Platform, ServerCapabilities, SymlinkNode, Tree, WaitExecutionRequest,
};
pub(super) use bazel_remote_apis::google::bytestream::byte_stream_client::ByteStreamClient;
pub(super) use bazel_remote_apis::google::bytestream::{ReadRequest, WriteRequest};
pub(super) use bazel_remote_apis::google::longrunning::operation::Result as OperationResult;
pub(super) use bazel_remote_apis::google::longrunning::operations_client::OperationsClient;
pub(super) use bazel_remote_apis::google::longrunning::{CancelOperationRequest, Operation};
#[cfg(test)]
pub(super) use bazel_remote_apis::google::protobuf::Any;
pub(super) use bazel_remote_apis::google::protobuf::{Duration, Timestamp};
pub(super) use bazel_remote_apis::google::rpc::Status as ResponseStatus;
