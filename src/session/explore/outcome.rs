//! What a generated request showed.

use crate::model::{CaseFinished, Level, Outcome, Phase, Verdict};

/// The key of requests without a response.
pub(super) const NO_RESPONSE: &str = "no response";

/// What a generated request showed.
#[derive(Clone, Debug)]
pub(super) enum SentOutcome {
    /// A response with this status in which nothing is wrong.
    Passed(u16),
    /// A response that is wrong. Failures with the same key are the same one.
    Failed {
        key: String,
        problem: String,
        status: Option<u16>,
    },
    /// No response.
    Silent(String),
    /// The request was not sent, because of a step before it.
    Untested(String),
}

impl SentOutcome {
    /// Reads how the case of a request ended. Secrets are masked in it.
    pub(super) fn of(finished: &CaseFinished) -> Self {
        let attempt = &finished.last;
        let reason = || {
            let reason = attempt.reason.clone().or_else(|| attempt.summary());
            reason.unwrap_or_else(|| "the run ended".to_owned())
        };
        let step = attempt.steps.iter().find(|step| step.phase == Phase::Main);
        let Some((step, exchange)) = step.and_then(|step| Some((step, step.exchange.as_ref()?))) else {
            return Self::Untested(reason());
        };
        let status = match &exchange.outcome {
            Outcome::Response(response) => Some(response.status),
            Outcome::Malformed(_) => None,
            Outcome::Failure(_) => return Self::Silent(reason()),
        };
        if let Some(status @ 500..) = status {
            return Self::Failed {
                key: format!("status {status}"),
                problem: format!("the status is {status}"),
                status: Some(status),
            };
        }
        let failing = step.findings.iter().find(|finding| finding.level == Level::Deny);
        match (failing, status) {
            (Some(finding), _) => {
                // The values of a response differ from request to request, the violated part of the document does not.
                let place = finding.location.as_ref();
                let place = place.map(|place| format!(" {}:{}:{}", place.file, place.line, place.column));
                let at = finding.pointer.as_ref().filter(|pointer| !pointer.is_empty());
                let at = at.map(|pointer| format!(" at {pointer}")).unwrap_or_default();
                Self::Failed {
                    key: format!("{}{}", finding.check, place.unwrap_or_default()),
                    problem: format!("{}: {}{at}", finding.check, finding.message),
                    status,
                }
            }
            (None, Some(status)) if finished.verdict == Verdict::Passed => Self::Passed(status),
            (None, Some(status)) => Self::Failed {
                key: "teardown".to_owned(),
                problem: reason(),
                status: Some(status),
            },
            (None, None) => Self::Silent(reason()),
        }
    }

    /// The problem, if it is the same failure.
    pub(super) fn problem_with(&self, wanted: &str) -> Option<String> {
        match self {
            Self::Failed { key, problem, .. } if key == wanted => Some(problem.clone()),
            Self::Silent(reason) if wanted == NO_RESPONSE => Some(reason.clone()),
            _ => None,
        }
    }
}
