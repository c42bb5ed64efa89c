//! The events of a run as NDJSON, one JSON object per line.

use std::io::{self, Write};

use super::{ReportOutput, Reporter, escape::json::inert};
use crate::{mask::Masked, model::Event};

/// Writes events as NDJSON.
#[derive(Debug)]
pub(super) struct Json(pub(super) ReportOutput);

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
