//! JSON: one document as the subject defines it.

use std::io::{self, Write};

use crate::report::{escape::json::inert, model::JsonDocument};

/// Writes a document.
pub(in crate::report) fn write(data: &dyn JsonDocument, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", inert(&data.json()?))
}
