//! The messages of a mailbox as the response to a step.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::{sync::watch, time::Instant};

use crate::{
    mail::{MailError, Mailbox},
    model::{Failure, FailureKind, Outcome, Response},
    plan::Bound,
};

/// The messages of a mailbox as the response to a step; none if the run ends before.
pub(super) async fn read(
    mailbox: Option<&Arc<Mailbox>>,
    since: DateTime<Utc>,
    bound: &Bound,
    ends: &watch::Sender<bool>,
) -> Option<Outcome> {
    let start = Instant::now();
    let elapsed = || u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    let failed = |kind: FailureKind, message: String| {
        Some(Outcome::Failure(Failure {
            kind,
            message,
            elapsed_us: elapsed(),
        }))
    };
    let Some(mailbox) = mailbox else {
        return failed(
            FailureKind::Connect,
            "the mailbox is not available in this command".to_owned(),
        );
    };
    let to = bound.request.headers.first().map_or("", |(_, to)| to.as_str());
    let mut ends = ends.subscribe();
    let read = tokio::select! {
        biased;
        read = mailbox.messages(to, Some(since)) => read,
        _ = ends.wait_for(|is_ending| *is_ending) => return None,
    };
    match read {
        Ok(messages) => Some(Outcome::Response(Response::mailbox(messages.to_string(), elapsed()))),
        Err(error) => {
            let kind = match &error {
                MailError::Timeout { .. } => FailureKind::Timeout,
                // These are limits, and what exceeds them stays in the mailbox.
                MailError::Size { .. }
                | MailError::Count { .. }
                | MailError::Rejected { .. }
                | MailError::Message { .. } => FailureKind::TooLarge,
                MailError::Address { .. } | MailError::Listen { .. } | MailError::Read { .. } => FailureKind::Connect,
            };
            failed(kind, error.to_string())
        }
    }
}
