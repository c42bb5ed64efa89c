//! Requests of other tools as suites: a format is read into a [`SuiteDraft`], and a draft is written as the files of a suite.
//!
//! A draft sends the same bytes as the original. Credentials become secret inputs, and everything that has no
//! counterpart is noted where it was.

mod body;
mod credentials;
mod curl;
mod draft;
mod names;
mod write;
mod yaml;

pub use curl::{ImportError, curl};
pub use draft::{DraftCase, DraftContent, DraftInput, DraftQuery, DraftRequest, SuiteDraft};
pub use names::{Names, Value};
pub use write::{DraftFile, files};
