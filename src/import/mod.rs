//! Requests of other tools as suites: a format is read into a [`SuiteDraft`], and a draft is written as the files of a suite.
//!
//! A draft sends the same bytes as the original. Credentials become secret inputs, and everything that has no
//! counterpart is noted where it was.

mod arazzo;
mod body;
mod bruno;
mod credentials;
mod curl;
mod draft;
mod error;
mod groups;
mod har;
mod http_file;
mod hurl;
mod json_tests;
mod names;
mod openapi;
mod postman;
mod shape;
mod source_text;
#[cfg(test)]
mod test_support;
mod tool_request;
mod traffic;
mod url;
mod variables;
mod write;
mod yaml;

pub use arazzo::{arazzo, arazzo_sources};
pub use bruno::bruno;
pub use curl::curl;
pub use draft::{
    DraftCapture, DraftCase, DraftContent, DraftExpect, DraftInput, DraftPart, DraftPartContent, DraftQuery,
    DraftRequest, DraftResponse, DraftStep, SuiteDraft,
};
pub use error::ImportError;
pub use har::har;
pub use http_file::http;
pub use hurl::hurl;
pub use names::{Names, Value};
pub use openapi::openapi;
pub use postman::postman;
pub use traffic::{TrafficDocument, TrafficGathering};

use error::ReadFile;
pub use write::{DraftFile, files};

/// A JSON value as YAML for people. Its texts contain variables as they are.
pub(crate) fn yaml_of(value: &serde_json::Value) -> String {
    yaml::YamlNode::json(value, &str::to_owned).document()
}
