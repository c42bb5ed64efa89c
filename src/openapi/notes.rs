//! Errors and warnings about a document. A warning is reported once for each kind, at its first location.

use std::collections::BTreeMap;

use super::{DocumentPart, files::DocumentFiles};
use crate::source::{Diagnostic, Diagnostics};

/// A warning of one kind.
#[derive(Debug)]
struct Note {
    part: DocumentPart,
    of_key: bool,
    count: usize,
    message: String,
    help: String,
}

/// Everything that is reported about a document.
#[derive(Debug, Default)]
pub(super) struct DocumentNotes {
    errors: Diagnostics,
    notes: BTreeMap<&'static str, Note>,
}

impl DocumentNotes {
    /// An error at a part; empty help is none.
    pub(super) fn error(&mut self, files: &DocumentFiles, part: &DocumentPart, message: impl Into<String>, help: &str) {
        let error = match files.span(part, true) {
            Some(span) => Diagnostic::new(span, message),
            None => Diagnostic::general(message),
        };
        self.errors.push(if help.is_empty() { error } else { error.help(help) });
    }

    /// A warning of a kind, which is shown at its first location only.
    pub(super) fn warn(&mut self, kind: &'static str, part: DocumentPart, message: impl Into<String>, help: &str) {
        let note = self.notes.entry(kind).or_insert_with(|| Note {
            part,
            of_key: true,
            count: 0,
            message: message.into(),
            help: help.to_owned(),
        });
        note.count += 1;
    }

    /// The errors and the warnings.
    pub(super) fn finish(self, files: &DocumentFiles) -> (Diagnostics, Diagnostics) {
        let mut warnings = Diagnostics::default();
        for note in self.notes.into_values() {
            let more = match note.count {
                1 => String::new(),
                count => format!(" ({count} times)"),
            };
            let message = format!("{}{more}", note.message);
            let warning = match files.span(&note.part, note.of_key) {
                Some(span) => Diagnostic::new(span, message),
                None => Diagnostic::general(message),
            };
            let is_plain = note.help.is_empty();
            warnings.push(if is_plain { warning } else { warning.help(note.help) });
        }
        (self.errors, warnings)
    }
}
