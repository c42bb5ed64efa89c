//! The errors of a project as diagnostics of its files.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::position::{LineIndex, PositionUnit, TextRange};
use crate::{
    session::Inspected,
    source::{Diagnostic, Diagnostics, Overlay, Sources},
};

/// Maximum number of diagnostics of one file.
const MAX_OF_FILE: usize = 200;

/// An error or a warning at a range of a file.
#[derive(Clone, Debug)]
pub(super) struct ShownDiagnostic {
    pub(super) range: TextRange,
    message: String,
    is_error: bool,
    /// A range and the text that corrects it.
    pub(super) correction: Option<(TextRange, String)>,
}

impl ShownDiagnostic {
    /// A failed check of a run.
    pub(super) fn of_run(range: TextRange, message: String) -> Self {
        Self {
            range,
            message,
            is_error: true,
            correction: None,
        }
    }

    /// The diagnostic of the protocol.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "range": self.range,
            "severity": if self.is_error { 1 } else { 2 },
            "source": "conforme",
            "message": self.message,
        })
    }
}

/// The diagnostics of every file of a project that has any.
pub(super) fn of_project(
    inspected: &Inspected,
    overlay: &Overlay,
    unit: PositionUnit,
) -> BTreeMap<PathBuf, Vec<ShownDiagnostic>> {
    let mut gathered = Gathered {
        inspected,
        overlay,
        unit,
        found: BTreeMap::new(),
    };
    gathered.add(&inspected.errors, &inspected.workspace.sources, true);
    gathered.add(&inspected.warnings, &inspected.workspace.sources, false);
    let (errors, sources) = &inspected.accepted_errors;
    gathered.add(errors, sources, true);
    gathered.found
}

struct Gathered<'a> {
    inspected: &'a Inspected,
    overlay: &'a Overlay,
    unit: PositionUnit,
    found: BTreeMap<PathBuf, Vec<ShownDiagnostic>>,
}

impl Gathered<'_> {
    fn add(&mut self, all: &Diagnostics, sources: &Sources, is_error: bool) {
        // The lines of a file are found once.
        let mut of_file = BTreeMap::<_, Vec<_>>::new();
        for diagnostic in all.sorted(sources) {
            of_file
                .entry(diagnostic.span.map(|span| span.file))
                .or_default()
                .push(diagnostic);
        }
        for (file, diagnostics) in of_file {
            let Some(file) = file else {
                for diagnostic in diagnostics {
                    self.add_general(diagnostic, is_error);
                }
                continue;
            };
            let lines = LineIndex::new(sources.text(file), self.unit);
            let shown = diagnostics.into_iter().take(MAX_OF_FILE).map(|diagnostic| {
                let range = diagnostic.span.map(|span| lines.bytes(span)).unwrap_or_default();
                let correction = diagnostic.correction(sources);
                ShownDiagnostic {
                    range: lines.range(range),
                    message: self.message(diagnostic),
                    is_error,
                    correction: correction.map(|(bytes, text)| (lines.range(bytes), text)),
                }
            });
            let shown: Vec<_> = shown.collect();
            self.found.entry(sources.full_path(file)).or_default().extend(shown);
        }
    }

    /// An error without a location is shown at the file that it names, or else at `conforme.toml`.
    fn add_general(&mut self, diagnostic: &Diagnostic, is_error: bool) {
        let project = &self.inspected.workspace.project;
        let named = diagnostic.message.split('`').skip(1).step_by(2);
        let mut paths = named.flat_map(|name| [project.root.join(name), project.schemas.join(name)]);
        let is_file = |path: &PathBuf| self.overlay.text(path).is_some() || path.is_file();
        let path = paths
            .find(is_file)
            .unwrap_or_else(|| project.root.join("conforme.toml"));
        let shown = ShownDiagnostic {
            range: self.position_in(&path, &diagnostic.message),
            message: self.message(diagnostic),
            is_error,
            correction: None,
        };
        self.found.entry(path).or_default().push(shown);
    }

    /// The position that a message names as "line 2 column 3"; otherwise the start of the file.
    fn position_in(&self, path: &Path, message: &str) -> TextRange {
        let number = |word: &str| {
            let text = message.rsplit_once(word)?.1;
            let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            text[..end].parse::<usize>().ok()
        };
        let text = self.overlay.text(path).map(ToString::to_string);
        let text = text.or_else(|| std::fs::read_to_string(path).ok());
        let (Some(line), Some(column), Some(text)) = (number("line "), number("column "), text) else {
            return TextRange::default();
        };
        let lines = LineIndex::new(&text, self.unit);
        // The column counts bytes.
        let start = text
            .split_inclusive('\n')
            .take(line.saturating_sub(1))
            .map(str::len)
            .sum::<usize>();
        let at = (start + column.saturating_sub(1)).min(text.len());
        lines.range(at..at + 1)
    }

    fn message(&self, diagnostic: &Diagnostic) -> String {
        let label = diagnostic.label.as_ref().map(|label| format!(" ({label})"));
        let help = diagnostic.help.as_ref().map(|help| format!("\nhelp: {help}"));
        let text = format!(
            "{}{}{}",
            diagnostic.message,
            label.unwrap_or_default(),
            help.unwrap_or_default()
        );
        self.inspected.mask.text(&text)
    }
}
