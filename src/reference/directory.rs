//! Customers, users and tokens, for lookup by value.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::guid::Guid;

/// All customers, users and tokens. Constant while the API runs.
#[derive(Default)]
pub(super) struct Directory {
    /// The customer's name by its tenant id.
    pub(super) customers: HashMap<Guid, String>,
    pub(super) users: HashMap<Guid, User>,
    pub(super) tokens: HashMap<String, TokenState>,
}

/// A user, with a primary tenant and optional others.
pub(super) struct User {
    pub(super) email: Arc<str>,
    pub(super) primary_tenant: Guid,
    pub(super) other_tenants: Vec<Guid>,
}

/// The state of a known token.
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
    /// The state of `token`; `None` if it was never valid.
    pub(super) fn token(&self, token: &str) -> Option<TokenState> {
        self.tokens.get(token).copied()
    }

    pub(super) fn has_customer(&self, tenant: Guid) -> bool {
        self.customers.contains_key(&tenant)
    }

    /// The user `id` in `tenant`; users of other tenants are not found.
    pub(super) fn user_of(&self, tenant: Guid, id: Guid) -> Option<&User> {
        self.users.get(&id).filter(|user| user.belongs_to(tenant))
    }
}
