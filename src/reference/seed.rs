//! Reads a seed: the customers, users and tokens of the reference API, and the values of the variables of the
//! contract.

use std::fmt;
use std::sync::Arc;

use toml::Spanned;

use super::directory::Directory;
use super::guid::Guid;
use super::seed_check::{admit, check_fixtures, check_prefix};
use super::seed_document::{FixtureEntries, SeedDocument};
use super::seed_error::{Located, SeedError};

/// The embedded seed.
const EMBEDDED: &str = include_str!("seed.toml");

/// Default path prefix of the API.
const DEFAULT_PREFIX: &str = "/api";

/// The customers, users and tokens of the reference API. A value of this type is valid.
pub struct Seed {
    prefix: String,
    directory: Arc<Directory>,
    fixtures: Fixtures,
}

/// The nine variables that the contract requires of a deployment, by the contract's names and in its
/// order.
#[derive(Clone, PartialEq, Eq)]
pub struct Fixtures {
    variables: [(&'static str, String); 6],
    secrets: [(&'static str, String); 3],
    user_email: Option<String>,
}

impl Seed {
    /// The embedded seed. A test checks that it is valid.
    #[must_use]
    pub fn embedded() -> Self {
        Self::parse(EMBEDDED).unwrap_or_else(|error| unreachable!("the embedded seed is tested: {error}"))
    }

    /// Reads a seed in TOML, of the form of the embedded one.
    ///
    /// # Errors
    /// The first fault, with its line and column: see [`super::SeedFault`].
    pub fn parse(text: &str) -> Result<Self, SeedError> {
        SeedDocument::read(text)
            .and_then(Self::check)
            .map_err(|located| SeedError::new(text, located))
    }

    /// The contract's variables, filled from this seed.
    #[must_use]
    pub fn fixtures(&self) -> &Fixtures {
        &self.fixtures
    }

    /// The prefix before `/v1.0/...` in the API's paths: empty, or with a leading `/` and no trailing
    /// slash.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory)
    }

    fn check(document: SeedDocument) -> Result<Self, Located> {
        let prefix = match document.prefix {
            Some(prefix) => check_prefix(prefix)?,
            None => DEFAULT_PREFIX.to_owned(),
        };
        let directory = admit(document.customers, document.users, document.tokens)?;
        check_fixtures(&document.fixtures, &directory)?;
        Ok(Self {
            prefix,
            fixtures: Fixtures::of(document.fixtures, &directory),
            directory: Arc::new(directory),
        })
    }
}

/// Shows sizes only, because a seed may contain tokens of a user.
impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seed")
            .field("prefix", &self.prefix)
            .field("customers", &self.directory.customers.len())
            .field("users", &self.directory.users.len())
            .field("tokens", &self.directory.tokens.len())
            .finish_non_exhaustive()
    }
}

impl Fixtures {
    /// Public values: ids, each written as 8-4-4-4-12 in lower case.
    #[must_use]
    pub fn variables(&self) -> &[(&'static str, String)] {
        &self.variables
    }

    /// The address of the user that `user_id` names: its e-mails are sent there.
    #[must_use]
    pub fn user_email(&self) -> Option<&str> {
        self.user_email.as_deref()
    }

    /// Secret values: tokens.
    #[must_use]
    pub fn secrets(&self) -> &[(&'static str, String)] {
        &self.secrets
    }
}

impl Fixtures {
    fn of(entries: FixtureEntries, directory: &Directory) -> Self {
        let user = directory.users.get(entries.user_id.get_ref());
        let user_email = user.map(|user| user.email.to_string());
        let id = |entry: Spanned<Guid>| entry.into_inner().to_string();
        Self {
            variables: [
                ("customer_tenant_id", id(entries.customer_tenant_id)),
                ("secondary_tenant_id", id(entries.secondary_tenant_id)),
                ("unknown_tenant_id", id(entries.unknown_tenant_id)),
                ("user_id", id(entries.user_id)),
                ("foreign_user_id", id(entries.foreign_user_id)),
                ("unknown_user_id", id(entries.unknown_user_id)),
            ],
            secrets: [
                ("token", entries.token.into_inner()),
                ("expired_token", entries.expired_token.into_inner()),
                ("invalid_token", entries.invalid_token.into_inner()),
            ],
            user_email,
        }
    }
}
