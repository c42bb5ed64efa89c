//! Who exists: customers, users and tokens, for look-up by value.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::guid::Guid;

/// Everyone the reference API knows. It does not change while the API runs.
#[derive(Default)]
pub(super) struct Directory {
    /// The customer's name by its tenant id.
    pub(super) customers: HashMap<Guid, String>,
    pub(super) users: HashMap<Guid, User>,
    pub(super) tokens: HashMap<String, TokenState>,
}

/// A user, who belongs to one tenant primarily and may belong to others.
pub(super) struct User {
    pub(super) email: Arc<str>,
    pub(super) primary_tenant: Guid,
    pub(super) other_tenants: Vec<Guid>,
}

/// What a known token is worth.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TokenState {
    Valid,
    Expired,
}

impl User {
    pub(super) fn belongs_to(&self, tenant: Guid) -> bool {
        self.primary_tenant == tenant || self.other_tenants.contains(&tenant)
    }
}

impl Directory {
    /// What `token` is worth; `None` for one that was never valid.
    pub(super) fn token(&self, token: &str) -> Option<TokenState> {
        self.tokens.get(token).copied()
    }

    pub(super) fn has_customer(&self, tenant: Guid) -> bool {
        self.customers.contains_key(&tenant)
    }

    /// The user `id` as `tenant` sees them: users of other tenants only do not exist for it.
    pub(super) fn user_of(&self, tenant: Guid, id: Guid) -> Option<&User> {
        self.users.get(&id).filter(|user| user.belongs_to(tenant))
    }
}
