//! Errors of a seed, with their locations.

use std::ops::Range;

use thiserror::Error;

use super::guid::Guid;

/// An unusable seed, with the location of the error.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {fault}")]
pub struct SeedError {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// The error.
    pub fault: SeedFault,
}

/// Kinds of errors in a seed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SeedFault {
    /// The text is not TOML, or not of the form of a seed: an unknown, missing or repeated key, a
    /// wrong type, a malformed identifier.
    #[error("{0}")]
    Form(String),
    /// The prefix is neither empty nor made of `/` and plain path segments (RFC 3986, section 2.3).
    #[error(
        "the prefix must be empty, or one or more times `/` and a segment of letters, digits, \
         `-`, `.`, `_`, `~`"
    )]
    Prefix,
    /// Two customers have one tenant id.
    #[error("tenant {id} is the customer {name:?} already")]
    RepeatedTenant {
        /// The id they share.
        id: Guid,
        /// The name of the first of them.
        name: String,
    },
    /// Two users have one id.
    #[error("user {id} is {email} already")]
    RepeatedUser {
        /// The id they share.
        id: Guid,
        /// The address of the first of them.
        email: String,
    },
    /// A user's tenant is named twice among the primary one and the others.
    #[error("the user belongs to tenant {0} already")]
    RepeatedMembership(Guid),
    /// A token is listed twice.
    #[error("the token is listed already")]
    RepeatedToken,
    /// A user's tenant belongs to no customer.
    #[error("no customer has the tenant id {0}")]
    UnknownTenant(Guid),
    /// A token could not be sent as it is (RFC 6750, section 2.1).
    #[error("a token is made of letters, digits, `-`, `.`, `_`, `~`, `+`, `/`, and `=` at the end")]
    TokenSyntax,
    /// A fixture violates the contract's description of the variable of that name.
    #[error("`{variable}` must be {meaning}")]
    Fixture {
        /// The name of the variable.
        variable: &'static str,
        /// The contract's description of it.
        meaning: &'static str,
    },
}

/// An error and its byte range.
pub(super) type Located = (SeedFault, Range<usize>);

impl SeedError {
    pub(super) fn new(text: &str, (fault, span): Located) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            fault,
        }
    }
}
