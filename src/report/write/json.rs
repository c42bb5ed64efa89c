//! JSON: the events of a run as NDJSON, and any other subject as one document.

use std::io::{self, Write};

use crate::{
    mask::{Masked, Reporter},
    model::Event,
    report::{ReportOutput, escape::json::inert, model::JsonDocument},
};

/// Writes a document.
pub(in crate::report) fn write(data: &dyn JsonDocument, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", inert(&data.json()?))
}

/// Writes events as NDJSON.
#[derive(Debug)]
pub(in crate::report) struct Json(pub(in crate::report) ReportOutput);

impl Reporter for Json {
    fn event(&mut self, event: &Masked<Event>) -> io::Result<()> {
        if event.is_transient() {
            return Ok(());
        }
        let line = serde_json::to_string(&**event)?;
        writeln!(self.0, "{}", inert(&line))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.0.close()
    }
}
