//! The form of a seed file, before its entries are compared.
//!
//! Every value keeps its location, for errors that are found later.

use serde::Deserialize;
use toml::Spanned;

use super::directory::TokenState;
use super::guid::Guid;
use super::seed_error::{Located, SeedFault};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedDocument {
    pub(super) prefix: Option<Spanned<String>>,
    pub(super) customers: Vec<CustomerEntry>,
    pub(super) users: Vec<UserEntry>,
    pub(super) tokens: Vec<TokenEntry>,
    pub(super) fixtures: FixtureEntries,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CustomerEntry {
    pub(super) tenant_id: Spanned<Guid>,
    pub(super) name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserEntry {
    pub(super) id: Spanned<Guid>,
    pub(super) email: String,
    pub(super) primary_tenant: Spanned<Guid>,
    #[serde(default)]
    pub(super) other_tenants: Vec<Spanned<Guid>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenEntry {
    pub(super) value: Spanned<String>,
    pub(super) state: TokenState,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FixtureEntries {
    pub(super) customer_tenant_id: Spanned<Guid>,
    pub(super) secondary_tenant_id: Spanned<Guid>,
    pub(super) unknown_tenant_id: Spanned<Guid>,
    pub(super) user_id: Spanned<Guid>,
    pub(super) foreign_user_id: Spanned<Guid>,
    pub(super) unknown_user_id: Spanned<Guid>,
    pub(super) token: Spanned<String>,
    pub(super) expired_token: Spanned<String>,
    pub(super) invalid_token: Spanned<String>,
}

impl SeedDocument {
    /// Reads the text's form; the entries are compared later.
    pub(super) fn read(text: &str) -> Result<Self, Located> {
        toml::from_str(text).map_err(|error| {
            (
                SeedFault::Form(error.message().to_owned()),
                error.span().unwrap_or_default(),
            )
        })
    }
}
