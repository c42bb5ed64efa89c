//! What a request asks of the operation: the ids and the token in it.

use super::request::Request;

/// The path before the tenant id.
const BEFORE_TENANT: &str = "/api/v1.0/customers/";

/// A request as the operation understands it. A fault may change what was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Call {
    /// The method.
    pub method: String,
    /// The path as written, without the query.
    pub path: String,
    /// Whether the path is the operation's.
    pub on_route: bool,
    /// The whole `Authorization` value, when there is one.
    pub authorization: Option<String>,
    /// The bearer token; `None` when no token is provided.
    pub bearer: Option<String>,
    /// The tenant id as written.
    pub raw_tenant: String,
    /// The tenant id, percent-decoded once: what is judged.
    pub tenant: String,
    /// The tenant id as the message will repeat it.
    pub echo: String,
    /// The user id, percent-decoded once.
    pub user: String,
}

impl Call {
    /// Takes the ids and the token out of a request.
    #[must_use]
    pub(crate) fn of(request: &Request) -> Self {
        let path = request.target.split('?').next().unwrap_or_default();
        let authorization = request.header("authorization");
        let mut call = Self {
            method: request.method.clone(),
            path: path.to_owned(),
            bearer: authorization.as_deref().and_then(bearer),
            authorization,
            ..Self::default()
        };
        call.route(path);
        call
    }

    /// Takes the ids out of `path`, if it is the operation's.
    pub(crate) fn route(&mut self, path: &str) {
        let ids = ids(path);
        let (tenant, user) = ids.unwrap_or_default();
        self.on_route = ids.is_some();
        tenant.clone_into(&mut self.raw_tenant);
        self.tenant = decode(tenant);
        self.echo.clone_from(&self.tenant);
        self.user = decode(user);
    }
}

/// Tenant id and user id of the operation's path, as written.
fn ids(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix(BEFORE_TENANT)?;
    let parts: Vec<&str> = rest.split('/').collect();
    match parts[..] {
        [tenant, "users", user, "sendActivationEmail"] => Some((tenant, user)),
        _ => None,
    }
}

/// The token of an `Authorization` value, when its scheme is `Bearer` (in any case) and the token is not empty.
fn bearer(authorization: &str) -> Option<String> {
    let (scheme, token) = authorization.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.to_owned())
}

/// Percent-decodes a path segment once; what is no escape stays, what is no UTF-8 becomes U+FFFD.
#[must_use]
pub(crate) fn decode(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let escape = bytes
            .get(index + 1..index + 3)
            .filter(|_| bytes[index] == b'%')
            .and_then(hex);
        decoded.push(escape.unwrap_or(bytes[index]));
        index += if escape.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    text.bytes()
        .all(|digit| digit.is_ascii_hexdigit())
        .then(|| u8::from_str_radix(text, 16).ok())?
}
