//! Receivers of events.

use std::{io, ops::Deref};

use crate::model::Event;

/// A value without secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct Masked<T>(pub(super) T);

impl Masked<Event> {
    /// An event of a recording: it was masked before it was written.
    pub(crate) fn recorded(event: Event) -> Self {
        Self(event)
    }

    /// The event, to be checked again.
    pub(crate) fn into_inner(self) -> Event {
        self.0
    }
}

impl<T> Deref for Masked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Takes events, one after the other, in the order in which they happen. `()` ignores them.
pub trait Reporter {
    /// Takes one event.
    fn event(&mut self, event: &Masked<Event>) -> io::Result<()>;

    /// Flushes buffered output. Called several times a second during a run.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Called at the end of the run: writes buffered output and completes the file.
    fn finish(&mut self) -> io::Result<()>;

    /// Whether it reads the exchanges of cases that passed. If no report does, they are dropped before secrets would
    /// have to be masked in them.
    fn reads_passed_exchanges(&self) -> bool {
        true
    }

    /// Whether it shows that cases have started. If no report does, these events are not made.
    fn shows_starts(&self) -> bool {
        false
    }
}

impl Reporter for () {
    fn event(&mut self, _: &Masked<Event>) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn reads_passed_exchanges(&self) -> bool {
        false
    }
}
