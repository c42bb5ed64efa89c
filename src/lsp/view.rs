//! A document as it is in the editor, with its project as it was read last.

use std::path::Path;

use super::{
    cursor::{DocumentSyntax, parse},
    position::PositionUnit,
    role::FileRole,
    scope::ScopeFiles,
};
use crate::{
    session::Inspected,
    source::{FileKind, Node, Overlay},
};

/// A document and its project.
pub(super) struct DocumentView<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
    pub(super) role: FileRole,
    pub(super) unit: PositionUnit,
    pub(super) overlay: &'a Overlay,
    pub(super) inspected: &'a Inspected,
}

impl DocumentView<'_> {
    pub(super) fn syntax(&self) -> DocumentSyntax {
        match self.role {
            FileRole::Config | FileRole::Accepted => DocumentSyntax::Toml,
            _ => DocumentSyntax::Yaml,
        }
    }

    /// The text of the `suite.yaml` of a case.
    pub(super) fn suite_text(&self) -> Option<String> {
        if !matches!(self.role, FileRole::Case { .. }) {
            return None;
        }
        let path = self.path.with_file_name("suite.yaml");
        self.overlay.read_text(&path, FileKind::Suite).ok()
    }

    /// The `suite.yaml` of a case, if it can be read.
    pub(super) fn suite(&self) -> Option<Node> {
        parse(&self.suite_text()?, DocumentSyntax::Yaml)
    }

    /// The document, if it can be read, or else as it was saved.
    pub(super) fn readable(&self) -> Option<Node> {
        let saved = || crate::source::read_text(self.path, FileKind::Suite).ok();
        parse(self.text, self.syntax()).or_else(|| parse(&saved()?, self.syntax()))
    }

    /// The names that can be used in the document.
    pub(super) fn scope<'n>(&self, document: &'n Node, suite: Option<&'n Node>) -> ScopeFiles<'n> {
        ScopeFiles {
            document,
            suite,
            is_suite: matches!(self.role, FileRole::Suite { .. }),
        }
    }
}
