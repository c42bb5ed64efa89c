//! The parts of the protocol's messages that the server reads.

use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::position::{PositionUnit, TextPosition, TextRange};

/// A document that is named.
#[derive(Debug, Deserialize)]
pub(super) struct DocumentName {
    pub(super) uri: String,
}

/// A document that is opened.
#[derive(Debug, Deserialize)]
pub(super) struct DocumentText {
    pub(super) uri: String,
    pub(super) text: String,
}

/// `textDocument/didOpen`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OpenParams {
    pub(super) text_document: DocumentText,
}

/// `textDocument/didChange`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangeParams {
    pub(super) text_document: DocumentName,
    pub(super) content_changes: Vec<TextChange>,
}

/// A change of a text: of a range, or of all of it.
#[derive(Debug, Deserialize)]
pub(super) struct TextChange {
    pub(super) range: Option<TextRange>,
    pub(super) text: String,
}

/// Parameters with a document.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DocumentParams {
    pub(super) text_document: DocumentName,
}

/// Parameters with a document and a position.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PositionParams {
    pub(super) text_document: DocumentName,
    pub(super) position: TextPosition,
}

/// `textDocument/codeAction`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActionParams {
    pub(super) text_document: DocumentName,
    pub(super) range: TextRange,
}

/// `workspace/executeCommand`.
#[derive(Debug, Deserialize)]
pub(super) struct CommandParams {
    pub(super) command: String,
    #[serde(default)]
    pub(super) arguments: Vec<Value>,
}

/// Settings of the client, in `initializationOptions`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ClientSettings {
    /// The recording that `mutate` measures, relative to the project.
    pub(super) recording: Option<String>,
    /// The target of `conforme.run`.
    pub(super) target: Option<String>,
}

/// The client's abilities and folders.
#[derive(Debug, Default)]
pub(super) struct ClientFacts {
    pub(super) unit: PositionUnit,
    pub(super) watches_files: bool,
    pub(super) folders: Vec<String>,
    pub(super) settings: ClientSettings,
}

impl ClientFacts {
    /// Reads the parameters of `initialize`. Parts of an unexpected type count as absent.
    pub(super) fn of(params: &Value) -> Self {
        let units = params.pointer("/capabilities/general/positionEncodings");
        let has_bytes = units
            .and_then(Value::as_array)
            .is_some_and(|all| all.contains(&"utf-8".into()));
        let watched = "/capabilities/workspace/didChangeWatchedFiles/dynamicRegistration";
        let folders = params.get("workspaceFolders").and_then(Value::as_array);
        let mut folders: Vec<_> = (folders.into_iter().flatten())
            .filter_map(|folder| Some(folder.get("uri")?.as_str()?.to_owned()))
            .collect();
        if folders.is_empty() {
            folders.extend(params.get("rootUri").and_then(Value::as_str).map(str::to_owned));
        }
        let settings = params.get("initializationOptions").cloned().unwrap_or_default();
        Self {
            unit: if has_bytes {
                PositionUnit::Byte
            } else {
                PositionUnit::Utf16
            },
            watches_files: params.pointer(watched).and_then(Value::as_bool) == Some(true),
            folders,
            settings: serde_json::from_value(settings).unwrap_or_default(),
        }
    }
}

/// Reads parameters; the error is a response.
pub(super) fn params<T: DeserializeOwned>(request: &Request) -> Result<T, Response> {
    serde_json::from_value(request.params.clone())
        .map_err(|error| failure(request.id.clone(), ErrorCode::InvalidParams, error.to_string()))
}

pub(super) fn failure(id: RequestId, code: ErrorCode, message: impl Into<String>) -> Response {
    Response::new_err(id, code as i32, message.into())
}

pub(super) fn notification(method: &str, params: Value) -> Message {
    Message::Notification(Notification::new(method.to_owned(), params))
}
