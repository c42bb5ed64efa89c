//! Properties of header fields, in one table that `compare` and `mutate` use.
//!
//! | property | `compare` | `mutate` |
//! |---|---|---|
//! | [`FRAMING`] | not compared | not changed |
//! | [`SERVER`] | a change is at most info | not changed |
//! | [`TRACING`] | the value is not compared | not changed |
//! | [`VARYING`] | the value is not compared | changed, but no advice contains the value |
//! | [`RELIED_ON`] | its removal is breaking | changed |
//! | [`OFFER`], [`LIST`] | compared as a set | changed |

/// Fields of the connection and of framing (RFC 9110 section 7.6.1, RFC 9112 section 6): they follow the message.
const FRAMING: u8 = 1;
/// Fields about the software and the machines that serve the API: no contract is about them.
const SERVER: u8 = 1 << 1;
/// Ids of a request and of its trace: no contract is about their values.
const TRACING: u8 = 1 << 2;
/// Other fields whose value depends on the time or on proxies in front of the API.
const VARYING: u8 = 1 << 3;
/// Fields that clients require.
const RELIED_ON: u8 = 1 << 4;
/// Fields whose value is a list of offers: fewer items are breaking, more are not.
const OFFER: u8 = 1 << 5;
/// Other fields whose value is a list without a significant order.
const LIST: u8 = 1 << 6;
/// Other fields, which are listed so that misspelled names can be detected.
const OTHER: u8 = 0;

/// The fields in lower case, sorted.
const FIELDS: [(&str, u8); 84] = [
    ("accept-patch", OFFER),
    ("accept-post", OFFER),
    ("accept-ranges", LIST),
    ("access-control-allow-credentials", RELIED_ON),
    ("access-control-allow-headers", RELIED_ON | OFFER),
    ("access-control-allow-methods", RELIED_ON | OFFER),
    ("access-control-allow-origin", RELIED_ON),
    ("access-control-expose-headers", RELIED_ON | OFFER),
    ("access-control-max-age", OTHER),
    ("age", SERVER | VARYING),
    ("allow", RELIED_ON | OFFER),
    ("alt-svc", SERVER | VARYING),
    ("cache-control", LIST),
    ("cf-cache-status", SERVER | VARYING),
    ("cf-ray", SERVER | VARYING),
    ("clear-site-data", LIST),
    ("connection", FRAMING),
    ("content-disposition", RELIED_ON),
    ("content-encoding", OTHER),
    ("content-language", LIST),
    ("content-length", FRAMING),
    ("content-location", OTHER),
    ("content-range", OTHER),
    ("content-security-policy", OTHER),
    ("content-type", RELIED_ON),
    ("date", SERVER | VARYING),
    ("deprecation", OTHER),
    ("etag", VARYING),
    ("expires", VARYING),
    ("keep-alive", FRAMING),
    ("last-modified", VARYING),
    ("link", RELIED_ON),
    ("location", RELIED_ON),
    ("nel", SERVER | VARYING),
    ("permissions-policy", LIST),
    ("pragma", LIST),
    ("preference-applied", OTHER),
    ("proxy-authenticate", OTHER),
    ("proxy-connection", FRAMING),
    ("ratelimit-limit", OTHER),
    ("ratelimit-remaining", VARYING),
    ("ratelimit-reset", VARYING),
    ("referrer-policy", OTHER),
    ("report-to", SERVER | VARYING),
    ("request-id", TRACING),
    ("retry-after", OTHER),
    ("server", SERVER),
    ("server-timing", SERVER | VARYING),
    ("set-cookie", OTHER),
    ("strict-transport-security", OTHER),
    ("sunset", OTHER),
    ("te", FRAMING),
    ("traceparent", TRACING),
    ("tracestate", TRACING),
    ("trailer", FRAMING),
    ("transfer-encoding", FRAMING),
    ("upgrade", FRAMING),
    ("vary", LIST),
    ("via", SERVER | VARYING),
    ("warning", OTHER),
    ("www-authenticate", OTHER),
    ("x-amz-cf-id", SERVER),
    ("x-amz-cf-pop", SERVER),
    ("x-amzn-requestid", TRACING),
    ("x-aspnet-version", SERVER),
    ("x-aspnetmvc-version", SERVER),
    ("x-cache", SERVER | VARYING),
    ("x-cache-hits", SERVER),
    ("x-content-type-options", OTHER),
    ("x-correlation-id", TRACING),
    ("x-frame-options", OTHER),
    ("x-generator", SERVER),
    ("x-powered-by", SERVER),
    ("x-ratelimit-limit", OTHER),
    ("x-ratelimit-remaining", VARYING),
    ("x-ratelimit-reset", VARYING),
    ("x-request-id", TRACING),
    ("x-response-time", SERVER),
    ("x-runtime", SERVER | VARYING),
    ("x-served-by", SERVER),
    ("x-timer", SERVER),
    ("x-total-count", OTHER),
    ("x-trace-id", TRACING),
    ("x-xss-protection", OTHER),
];

fn has(name: &str, property: u8) -> bool {
    let known = FIELDS.binary_search_by(|(known, _)| (*known).cmp(name));
    known.is_ok_and(|at| FIELDS[at].1 & property != 0)
}

pub(crate) fn is_framing(name: &str) -> bool {
    has(name, FRAMING)
}

/// Whether the value differs from response to response.
pub(crate) fn is_varying(name: &str) -> bool {
    has(name, VARYING | TRACING)
}

pub(crate) fn is_of_server(name: &str) -> bool {
    has(name, SERVER)
}

/// Whether a field is about the creation or delivery of a response and not about its meaning.
pub(crate) fn is_incidental(name: &str) -> bool {
    has(name, FRAMING | SERVER | TRACING)
}

pub(crate) fn is_relied_on(name: &str) -> bool {
    has(name, RELIED_ON)
}

pub(crate) fn is_offer(name: &str) -> bool {
    has(name, OFFER)
}

pub(crate) fn is_list(name: &str) -> bool {
    has(name, LIST | OFFER)
}

/// The names of all fields that are known here.
pub(crate) fn known() -> impl Iterator<Item = &'static str> + Clone {
    FIELDS.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_table_is_sorted_and_matches_the_documentation() {
        assert!(FIELDS.is_sorted_by(|one, other| one.0 < other.0));
        let page = include_str!("../../docs/reference/changes.md");
        for (property, rest) in [
            (RELIED_ON, "removed | breaking"),
            (SERVER, "any | info"),
            (OFFER, "less offered, more offered | breaking, info"),
        ] {
            let names: Vec<_> = known()
                .filter(|name| has(name, property))
                .map(|name| format!("`{name}`"))
                .collect();
            let row = format!("| {} | {rest} |", names.join(", "));
            assert!(page.contains(&row), "{row}");
        }
    }
}
