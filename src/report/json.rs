//! `--report json`: the events, one JSON object a line.

use std::io::{self, Write};

use super::{Reporter, Sink};
use crate::{event::Event, redact::Redacted};

/// Writes events as NDJSON.
#[derive(Debug)]
pub(super) struct Json(pub(super) Sink);

impl Reporter for Json {
    fn event(&mut self, event: &Redacted<Event>) -> io::Result<()> {
        if event.is_passing() {
            return Ok(());
        }
        let mut line = serde_json::to_vec(&**event)?;
        line.push(b'\n');
        self.0.write_all(&line)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.0.close()
    }
}
