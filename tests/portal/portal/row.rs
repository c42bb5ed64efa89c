//! The rows of the contract's table, and which of them a call falls into.

use super::call::Call;
use super::fixtures::{CUSTOMER_TENANT_ID, EXPIRED_TOKEN, FOREIGN_USER_ID, SECONDARY_TENANT_ID, TOKEN, USER_ID};
use super::guid;

/// A situation the portal can be asked in. The first nine are the contract's; the others it leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// 1: token, tenant and user are right.
    Valid,
    /// 2: no bearer token.
    NoToken,
    /// 3: a token that never was valid.
    InvalidToken,
    /// 4: a token that was valid once.
    ExpiredToken,
    /// 5: the tenant id is no GUID.
    MalformedTenant,
    /// 6: a tenant of the user, not the primary one.
    NotPrimary,
    /// 7: no customer has that tenant id.
    UnknownTenant,
    /// 8: no user has that id.
    UnknownUser,
    /// 8, second face: a user of other tenants only.
    ForeignUser,
    /// Open: the user id is no GUID.
    MalformedUser,
    /// Open: another method than POST.
    OtherMethod,
    /// Open: another path than the operation's.
    NoRoute,
}

/// Rows 2, 3 and 4: 401.
pub(crate) const UNAUTHORIZED: &[Row] = &[Row::NoToken, Row::InvalidToken, Row::ExpiredToken];
/// Rows 5 and 6: 400.
pub(crate) const BAD_REQUEST: &[Row] = &[Row::MalformedTenant, Row::NotPrimary];
/// Rows 7 and 8: 404.
pub(crate) const NOT_FOUND: &[Row] = &[Row::UnknownTenant, Row::UnknownUser, Row::ForeignUser];
/// Row 8 with both its faces: 404.
pub(crate) const NO_SUCH_USER: &[Row] = &[Row::UnknownUser, Row::ForeignUser];
/// Rows 5 to 8: those with an error body.
pub(crate) const WITH_BODY: &[Row] = &[
    Row::MalformedTenant,
    Row::NotPrimary,
    Row::UnknownTenant,
    Row::UnknownUser,
    Row::ForeignUser,
];
/// The rows with an error body that may not carry an `errorCode`.
pub(crate) const WITHOUT_CODE: &[Row] = &[
    Row::MalformedTenant,
    Row::UnknownTenant,
    Row::UnknownUser,
    Row::ForeignUser,
];
/// The eight rows of the table.
pub(crate) const CONTRACT: &[Row] = &[
    Row::Valid,
    Row::NoToken,
    Row::InvalidToken,
    Row::ExpiredToken,
    Row::MalformedTenant,
    Row::NotPrimary,
    Row::UnknownTenant,
    Row::UnknownUser,
    Row::ForeignUser,
];

/// The row a call falls into. Of two that apply, the earlier check wins: route, method, token, tenant, user.
#[must_use]
pub(crate) fn judge(call: &Call) -> Row {
    if !call.on_route {
        Row::NoRoute
    } else if call.method != "POST" {
        Row::OtherMethod
    } else {
        match call.bearer.as_deref() {
            None => Row::NoToken,
            Some(TOKEN) => behind_token(call),
            Some(EXPIRED_TOKEN) => Row::ExpiredToken,
            Some(_) => Row::InvalidToken,
        }
    }
}

/// The row a call falls into once its token is accepted.
#[must_use]
pub(crate) fn behind_token(call: &Call) -> Row {
    let primary = is(&call.tenant, CUSTOMER_TENANT_ID);
    if guid::parse(&call.tenant).is_none() {
        Row::MalformedTenant
    } else if !primary && !is(&call.tenant, SECONDARY_TENANT_ID) {
        Row::UnknownTenant
    } else if guid::parse(&call.user).is_none() {
        Row::MalformedUser
    } else if is(&call.user, USER_ID) {
        if primary { Row::Valid } else { Row::NotPrimary }
    } else if is(&call.user, FOREIGN_USER_ID) {
        Row::ForeignUser
    } else {
        Row::UnknownUser
    }
}

/// Whether `text` spells the id `known`.
#[must_use]
pub(crate) fn is(text: &str, known: &str) -> bool {
    guid::parse(text).is_some_and(|value| guid::parse(known) == Some(value))
}
