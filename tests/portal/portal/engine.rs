//! From a request to the bytes of its response, with the memory of what was asked before.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::behavior::{Behavior, Scene, Turn};
use super::call::Call;
use super::clock::Moment;
use super::request::Request;
use super::response::Response;
use super::row;
use super::wire::Wire;

/// Responds to requests; independent of connections.
pub(crate) struct Engine {
    behavior: Behavior,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    past: Vec<Turn>,
    mails: usize,
}

impl Engine {
    /// An engine with nothing in its memory.
    #[must_use]
    pub(crate) fn new(behavior: Behavior) -> Self {
        Self {
            behavior,
            memory: Mutex::default(),
        }
    }

    /// How it behaves.
    #[must_use]
    pub(crate) fn behavior(&self) -> &Behavior {
        &self.behavior
    }

    /// The response to `request`; it and its mails are remembered.
    pub(crate) fn respond(&self, request: &Request) -> Wire {
        let mut memory = self.memory();
        let mut call = Call::of(request);
        let due = row::judge(&call);
        self.behavior.understand(&mut call);
        let scene = Scene {
            call: &call,
            past: &memory.past,
            now: Moment::now(),
        };
        let row = self.behavior.decide(row::judge(&call), &scene);
        let mut response = Response::to(row, &call, scene.now);
        self.behavior.revise(&mut response, &scene);
        memory.mails += response.mails;
        memory.past.push(Turn { call, row: due });
        drop(memory);
        let mut wire = Wire::of(&response, request.keep_alive);
        self.behavior.distort(&mut wire);
        wire
    }

    /// How many mails were sent.
    pub(crate) fn mails(&self) -> usize {
        self.memory().mails
    }

    /// Number of requests with a response.
    pub(crate) fn requests(&self) -> usize {
        self.memory().past.len()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
