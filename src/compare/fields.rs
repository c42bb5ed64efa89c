//! What is known of header fields: which clients depend on, which vary, and which say something of the server only.

/// Fields of the connection and of framing (RFC 9110 section 7.6.1, RFC 9112 section 6): not compared.
const FRAMING: [&str; 8] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Fields about the one response or about what is in front of the API: their values vary.
const VARYING: [&str; 26] = [
    "age",
    "alt-svc",
    "cf-cache-status",
    "cf-ray",
    "date",
    "etag",
    "expires",
    "last-modified",
    "nel",
    "ratelimit-remaining",
    "ratelimit-reset",
    "report-to",
    "request-id",
    "server",
    "server-timing",
    "traceparent",
    "tracestate",
    "via",
    "x-amzn-requestid",
    "x-cache",
    "x-correlation-id",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
    "x-runtime",
    "x-trace-id",
];
/// Fields about the software and the machines that serve the API. A change of them is at most info.
pub(super) const SERVER: [&str; 22] = [
    "age",
    "alt-svc",
    "cf-cache-status",
    "cf-ray",
    "date",
    "nel",
    "report-to",
    "server",
    "server-timing",
    "via",
    "x-amz-cf-id",
    "x-amz-cf-pop",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "x-cache",
    "x-cache-hits",
    "x-generator",
    "x-powered-by",
    "x-response-time",
    "x-runtime",
    "x-served-by",
    "x-timer",
];
/// Fields without which clients fail: their removal is breaking.
pub(super) const RELIED_ON: [&str; 10] = [
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "allow",
    "content-disposition",
    "content-type",
    "link",
    "location",
];
/// Fields whose value is a list of what is offered: less is breaking, more is not.
pub(super) const OFFERS: [&str; 6] = [
    "accept-patch",
    "accept-post",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-expose-headers",
    "allow",
];
/// Other fields whose value is a list in which the order means nothing.
const LISTS: [&str; 7] = [
    "accept-ranges",
    "cache-control",
    "clear-site-data",
    "content-language",
    "permissions-policy",
    "pragma",
    "vary",
];
/// Further fields that are registered or common: with the ones above, what a name can have been meant to be.
const COMMON: [&str; 22] = [
    "content-encoding",
    "content-language",
    "content-location",
    "content-range",
    "content-security-policy",
    "deprecation",
    "preference-applied",
    "proxy-authenticate",
    "ratelimit-limit",
    "referrer-policy",
    "retry-after",
    "set-cookie",
    "strict-transport-security",
    "sunset",
    "warning",
    "www-authenticate",
    "x-content-type-options",
    "x-frame-options",
    "x-ratelimit-limit",
    "x-total-count",
    "x-xss-protection",
    "access-control-max-age",
];

pub(super) fn is_framing(name: &str) -> bool {
    FRAMING.contains(&name)
}

pub(super) fn is_varying(name: &str) -> bool {
    VARYING.contains(&name)
}

pub(super) fn is_of_server(name: &str) -> bool {
    SERVER.contains(&name)
}

pub(super) fn is_relied_on(name: &str) -> bool {
    RELIED_ON.contains(&name)
}

pub(super) fn is_offer(name: &str) -> bool {
    OFFERS.contains(&name)
}

pub(super) fn is_list(name: &str) -> bool {
    LISTS.contains(&name) || is_offer(name)
}

/// The names of all fields that are known here.
pub(super) fn known() -> impl Iterator<Item = &'static str> + Clone {
    let lists = [&FRAMING[..], &VARYING, &SERVER, &RELIED_ON, &OFFERS, &LISTS, &COMMON];
    lists.into_iter().flatten().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_lists_the_fields_of_each_level() {
        let readme = include_str!("../../README.md");
        for (fields, rest) in [
            (&RELIED_ON[..], "removed | breaking"),
            (&SERVER, "any | info"),
            (&OFFERS, "less offered, more offered | breaking, info"),
        ] {
            let names: Vec<_> = fields.iter().map(|name| format!("`{name}`")).collect();
            let row = format!("| {} | {rest} |", names.join(", "));
            assert!(readme.contains(&row), "{row}");
            assert!(fields.is_sorted());
        }
    }
}
