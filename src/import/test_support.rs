//! What the tests of all formats use.

use super::{SuiteDraft, files};
use crate::{
    openapi::ApiDocument,
    source::{Diagnostics, Sources},
};

/// A document in one file, `a.yaml`.
pub(super) fn document(text: &str) -> ApiDocument {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yaml"), text).unwrap();
    let (mut sources, mut errors) = (Sources::new(folder.path()), Diagnostics::default());
    let document = ApiDocument::open(folder.path(), "a.yaml", &mut sources, &mut errors);
    document.unwrap_or_else(|| panic!("{}", errors.render(&sources, false)))
}

/// All files of a draft as one text.
pub(super) fn written(draft: &SuiteDraft) -> String {
    let files = files(draft, None);
    let files = files
        .iter()
        .map(|file| format!("== {}\n{}", file.path, String::from_utf8_lossy(&file.bytes)));
    files.collect()
}

/// A text contains these parts in this order.
pub(super) fn assert_parts(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest
            .find(part)
            .unwrap_or_else(|| panic!("no `{part}` in the rest of:\n{text}"));
        rest = &rest[at + part.len()..];
    }
}
