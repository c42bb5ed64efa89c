//! Activations: the e-mails that the reference API sends, or would have sent without a mail server.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::guid::Guid;
use super::timestamp::Timestamp;

/// Maximum number of activations that are kept, to limit memory. Older
/// ones are dropped; all are counted.
pub const ACTIVATIONS_KEPT: usize = 10_000;

/// An activation e-mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Activation {
    /// The tenant in the request, which is the user's primary one.
    pub tenant: Guid,
    /// The user in the request.
    pub user: Guid,
    /// The address that the e-mail goes to.
    pub email: Arc<str>,
    /// The time of the response.
    pub at: Timestamp,
}

/// The activations so far, shared by all connections.
#[derive(Debug, Default)]
pub(super) struct ActivationLog(Mutex<RecentActivations>);

#[derive(Debug, Default)]
struct RecentActivations {
    newest: VecDeque<Activation>,
    total: u64,
}

impl ActivationLog {
    pub(super) fn record(&self, activation: Activation) {
        let mut entries = self.entries();
        if entries.newest.len() == ACTIVATIONS_KEPT {
            entries.newest.pop_front();
        }
        entries.newest.push_back(activation);
        entries.total += 1;
    }

    /// The newest activations, oldest first, and how many there were in all.
    pub(super) fn snapshot(&self) -> (Vec<Activation>, u64) {
        let entries = self.entries();
        (entries.newest.iter().cloned().collect(), entries.total)
    }

    pub(super) fn total(&self) -> u64 {
        self.entries().total
    }

    // A push leaves the list valid at every step, so a poisoned lock can be used.
    fn entries(&self) -> MutexGuard<'_, RecentActivations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
