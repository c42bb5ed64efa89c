//! Which client sends a step.

use crate::suite::{AuthDef, StepDef};

/// The client of steps with this endpoint and identity. Clients share no connections.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientKey {
    /// The endpoint, if it is not the target itself.
    pub endpoint: Option<String>,
    /// The client certificate, if it is not that of the target; `none` for none.
    pub identity: Option<String>,
    /// Whether requests are not signed although the target signs them.
    pub is_unsigned: bool,
}

impl ClientKey {
    /// The key for a step; none for the client of the target.
    pub fn of(step: &StepDef) -> Option<Self> {
        let key = Self {
            endpoint: step.endpoint.as_ref().map(|endpoint| endpoint.value.clone()),
            identity: step.identity.as_ref().map(|identity| identity.value.clone()),
            is_unsigned: matches!(&step.request.auth, Some(auth) if matches!(auth.value, AuthDef::None)),
        };
        (key.endpoint.is_some() || key.identity.is_some() || key.is_unsigned).then_some(key)
    }
}
