//! Checks the entries of a seed against each other and against the contract.

use std::ops::Range;

use toml::Spanned;

use super::directory::{Directory, TokenState, User};
use super::guid::Guid;
use super::seed_document::{CustomerEntry, FixtureEntries, TokenEntry, UserEntry};
use super::seed_error::{Located, SeedFault};

/// Checks that entries are unique and that the tenants of users exist.
pub(super) fn admit(
    customers: Vec<CustomerEntry>,
    users: Vec<UserEntry>,
    tokens: Vec<TokenEntry>,
) -> Result<Directory, Located> {
    let mut directory = Directory::default();
    for customer in customers {
        directory.admit_customer(customer)?;
    }
    for user in users {
        directory.admit_user(user)?;
    }
    for token in tokens {
        directory.admit_token(token)?;
    }
    Ok(directory)
}

/// Checks every fixture against the contract's description of the variable of that name.
pub(super) fn check_fixtures(entries: &FixtureEntries, directory: &Directory) -> Result<(), Located> {
    let user = directory.users.get(entries.user_id.get_ref());
    let foreign_user = directory.users.get(entries.foreign_user_id.get_ref());
    let customer_tenant = *entries.customer_tenant_id.get_ref();
    let secondary_tenant = *entries.secondary_tenant_id.get_ref();
    let worth = |token: &Spanned<String>| directory.token(token.get_ref());

    require(user.is_some(), "user_id", "the id of a user", entries.user_id.span())?;
    require(
        user.is_some_and(|user| user.primary_tenant == customer_tenant),
        "customer_tenant_id",
        "the primary tenant of the user `user_id`",
        entries.customer_tenant_id.span(),
    )?;
    require(
        user.is_some_and(|user| user.other_tenants.contains(&secondary_tenant)),
        "secondary_tenant_id",
        "a tenant of the user `user_id` other than the primary one",
        entries.secondary_tenant_id.span(),
    )?;
    require(
        !directory.has_customer(*entries.unknown_tenant_id.get_ref()),
        "unknown_tenant_id",
        "an id that no customer has",
        entries.unknown_tenant_id.span(),
    )?;
    require(
        foreign_user.is_some_and(|user| !user.belongs_to(customer_tenant)),
        "foreign_user_id",
        "the id of a user who does not belong to the tenant `customer_tenant_id`",
        entries.foreign_user_id.span(),
    )?;
    require(
        !directory.users.contains_key(entries.unknown_user_id.get_ref()),
        "unknown_user_id",
        "an id that no user has",
        entries.unknown_user_id.span(),
    )?;
    require(
        worth(&entries.token) == Some(TokenState::Valid),
        "token",
        "a token listed as valid",
        entries.token.span(),
    )?;
    require(
        worth(&entries.expired_token) == Some(TokenState::Expired),
        "expired_token",
        "a token listed as expired",
        entries.expired_token.span(),
    )?;
    require(
        worth(&entries.invalid_token).is_none(),
        "invalid_token",
        "a token that is not listed",
        entries.invalid_token.span(),
    )?;
    check_token_syntax(&entries.invalid_token)
}

fn require(holds: bool, variable: &'static str, meaning: &'static str, span: Range<usize>) -> Result<(), Located> {
    if holds {
        Ok(())
    } else {
        Err((SeedFault::Fixture { variable, meaning }, span))
    }
}

/// The prefix, if a path can begin with it.
pub(super) fn check_prefix(prefix: Spanned<String>) -> Result<String, Located> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let is_segment = |segment: &str| !segment.is_empty() && segment.chars().all(is_plain);
    let text = prefix.get_ref();
    let holds = text.is_empty()
        || text
            .strip_prefix('/')
            .is_some_and(|segments| segments.split('/').all(is_segment));
    if holds {
        Ok(prefix.into_inner())
    } else {
        Err((SeedFault::Prefix, prefix.span()))
    }
}

fn check_token_syntax(token: &Spanned<String>) -> Result<(), Located> {
    let body = token.get_ref().trim_end_matches('=');
    let holds = !body.is_empty() && body.chars().all(|c| c.is_ascii_alphanumeric() || "-._~+/".contains(c));
    if holds {
        Ok(())
    } else {
        Err((SeedFault::TokenSyntax, token.span()))
    }
}

impl Directory {
    fn admit_customer(&mut self, entry: CustomerEntry) -> Result<(), Located> {
        let id = *entry.tenant_id.get_ref();
        if let Some(name) = self.customers.insert(id, entry.name) {
            return Err((SeedFault::RepeatedTenant { id, name }, entry.tenant_id.span()));
        }
        Ok(())
    }

    fn admit_user(&mut self, entry: UserEntry) -> Result<(), Located> {
        let mut user = User {
            email: entry.email.into(),
            primary_tenant: self.known_tenant(&entry.primary_tenant)?,
            other_tenants: Vec::with_capacity(entry.other_tenants.len()),
        };
        for other in &entry.other_tenants {
            let tenant = self.known_tenant(other)?;
            if user.belongs_to(tenant) {
                return Err((SeedFault::RepeatedMembership(tenant), other.span()));
            }
            user.other_tenants.push(tenant);
        }
        let id = *entry.id.get_ref();
        if let Some(first) = self.users.insert(id, user) {
            return Err((
                SeedFault::RepeatedUser {
                    id,
                    email: first.email.to_string(),
                },
                entry.id.span(),
            ));
        }
        Ok(())
    }

    fn known_tenant(&self, id: &Spanned<Guid>) -> Result<Guid, Located> {
        let tenant = *id.get_ref();
        if self.has_customer(tenant) {
            Ok(tenant)
        } else {
            Err((SeedFault::UnknownTenant(tenant), id.span()))
        }
    }

    fn admit_token(&mut self, entry: TokenEntry) -> Result<(), Located> {
        let span = entry.value.span();
        check_token_syntax(&entry.value)?;
        if self.tokens.insert(entry.value.into_inner(), entry.state).is_some() {
            return Err((SeedFault::RepeatedToken, span));
        }
        Ok(())
    }
}
