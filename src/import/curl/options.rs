//! The options of curl, and what each means for the request.

/// What an option means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OptionMeaning {
    /// It is part of the request and has a value.
    Value(OptionPart),
    /// It is part of the request and has no value.
    Flag(OptionPart),
    /// It only changes what curl prints or how it connects, and has a value or not.
    Ignored { has_value: bool },
    /// It changes what is sent or how the response is handled, and a case has nothing for it.
    Unsupported { has_value: bool, reason: &'static str },
}

/// A part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OptionPart {
    Method,
    Header,
    Data,
    DataRaw,
    DataBinary,
    DataUrlencode,
    Json,
    Get,
    Form,
    FormString,
    User,
    Bearer,
    Cookie,
    UserAgent,
    Referer,
    Head,
    Url,
    UrlQuery,
    Upload,
    Compressed,
    Range,
    MaxTime,
    PathAsIs,
    GlobOff,
    Next,
}

const FILES: &str =
    "certificates and keys belong to the target: `ca_file`, `client_cert`, `client_key` in conforme.toml";
const AUTH: &str = "only Basic and Bearer authentication have a counterpart";
const PROXY: &str = "the proxy is that of the environment";
const OTHER: &str = "it has no counterpart";

/// Long options, with the short one if there is one.
const OPTIONS: &[(&str, Option<char>, OptionMeaning)] = {
    use OptionMeaning::{Flag, Ignored, Unsupported, Value};
    use OptionPart as P;
    const fn no_value() -> OptionMeaning {
        Ignored { has_value: false }
    }
    const fn with_value() -> OptionMeaning {
        Ignored { has_value: true }
    }
    const fn not(has_value: bool, reason: &'static str) -> OptionMeaning {
        Unsupported { has_value, reason }
    }
    &[
        ("request", Some('X'), Value(P::Method)),
        ("header", Some('H'), Value(P::Header)),
        ("data", Some('d'), Value(P::Data)),
        ("data-ascii", None, Value(P::Data)),
        ("data-raw", None, Value(P::DataRaw)),
        ("data-binary", None, Value(P::DataBinary)),
        ("data-urlencode", None, Value(P::DataUrlencode)),
        ("json", None, Value(P::Json)),
        ("get", Some('G'), Flag(P::Get)),
        ("form", Some('F'), Value(P::Form)),
        ("form-string", None, Value(P::FormString)),
        ("user", Some('u'), Value(P::User)),
        ("oauth2-bearer", None, Value(P::Bearer)),
        ("cookie", Some('b'), Value(P::Cookie)),
        ("user-agent", Some('A'), Value(P::UserAgent)),
        ("referer", Some('e'), Value(P::Referer)),
        ("head", Some('I'), Flag(P::Head)),
        ("url", None, Value(P::Url)),
        ("url-query", None, Value(P::UrlQuery)),
        ("upload-file", Some('T'), Value(P::Upload)),
        ("compressed", None, Flag(P::Compressed)),
        ("range", Some('r'), Value(P::Range)),
        ("max-time", Some('m'), Value(P::MaxTime)),
        ("path-as-is", None, Flag(P::PathAsIs)),
        ("globoff", Some('g'), Flag(P::GlobOff)),
        ("next", Some(':'), Flag(P::Next)),
        (
            "location",
            Some('L'),
            not(
                false,
                "redirects are not followed: check the `location`, or add a step with `follow`",
            ),
        ),
        ("location-trusted", None, not(false, "redirects are not followed")),
        (
            "insecure",
            Some('k'),
            not(false, "certificates are always verified: set `ca_file` of the target"),
        ),
        ("cacert", None, not(true, FILES)),
        ("capath", None, not(true, FILES)),
        ("cert", Some('E'), not(true, FILES)),
        ("cert-type", None, not(true, FILES)),
        ("key", None, not(true, FILES)),
        ("key-type", None, not(true, FILES)),
        ("pass", None, not(true, FILES)),
        ("digest", None, not(false, AUTH)),
        ("ntlm", None, not(false, AUTH)),
        ("negotiate", None, not(false, AUTH)),
        ("anyauth", None, not(false, AUTH)),
        ("aws-sigv4", None, not(true, AUTH)),
        ("netrc", Some('n'), not(false, AUTH)),
        ("netrc-file", None, not(true, AUTH)),
        ("proxy", Some('x'), not(true, PROXY)),
        ("proxy-user", Some('U'), not(true, PROXY)),
        ("proxy-header", None, not(true, PROXY)),
        ("preproxy", None, not(true, PROXY)),
        ("socks5", None, not(true, PROXY)),
        ("socks5-hostname", None, not(true, PROXY)),
        ("config", Some('K'), not(true, OTHER)),
        ("time-cond", Some('z'), not(true, OTHER)),
        ("continue-at", Some('C'), not(true, OTHER)),
        ("etag-compare", None, not(true, OTHER)),
        ("connect-to", None, not(true, "set `base_url` of the target")),
        ("resolve", None, not(true, "set `base_url` of the target")),
        ("unix-socket", None, not(true, "set `base_url` of the target")),
        ("interface", None, not(true, OTHER)),
        ("request-target", None, not(true, OTHER)),
        ("tr-encoding", None, not(false, OTHER)),
        ("expand-data", None, not(true, OTHER)),
        ("variable", None, not(true, OTHER)),
        ("basic", None, no_value()),
        ("silent", Some('s'), no_value()),
        ("show-error", Some('S'), no_value()),
        ("include", Some('i'), no_value()),
        ("show-headers", None, no_value()),
        ("verbose", Some('v'), no_value()),
        ("fail", Some('f'), no_value()),
        ("fail-with-body", None, no_value()),
        ("fail-early", None, no_value()),
        ("no-buffer", Some('N'), no_value()),
        ("progress-bar", Some('#'), no_value()),
        ("progress-meter", None, no_value()),
        ("no-progress-meter", None, no_value()),
        ("output", Some('o'), with_value()),
        ("output-dir", None, with_value()),
        ("create-dirs", None, no_value()),
        ("remote-name", Some('O'), no_value()),
        ("remote-name-all", None, no_value()),
        ("remote-header-name", Some('J'), no_value()),
        ("write-out", Some('w'), with_value()),
        ("dump-header", Some('D'), with_value()),
        ("cookie-jar", Some('c'), with_value()),
        ("stderr", None, with_value()),
        ("trace", None, with_value()),
        ("trace-ascii", None, with_value()),
        ("trace-time", None, no_value()),
        ("disable", Some('q'), no_value()),
        ("ipv4", Some('4'), no_value()),
        ("ipv6", Some('6'), no_value()),
        ("http1.0", Some('0'), not(false, OTHER)),
        ("http1.1", None, no_value()),
        ("http2", None, no_value()),
        ("http2-prior-knowledge", None, no_value()),
        ("http3", None, no_value()),
        ("tlsv1", Some('1'), no_value()),
        ("tlsv1.2", None, no_value()),
        ("tlsv1.3", None, no_value()),
        ("tls-max", None, with_value()),
        ("ssl-reqd", None, no_value()),
        ("ssl-no-revoke", None, no_value()),
        ("proto", None, with_value()),
        ("proto-default", None, with_value()),
        ("proto-redir", None, with_value()),
        ("connect-timeout", None, with_value()),
        ("keepalive-time", None, with_value()),
        ("no-keepalive", None, no_value()),
        ("tcp-nodelay", None, no_value()),
        ("limit-rate", None, with_value()),
        ("speed-limit", Some('Y'), with_value()),
        ("speed-time", Some('y'), with_value()),
        ("max-redirs", None, with_value()),
        ("max-filesize", None, with_value()),
        ("retry", None, with_value()),
        ("retry-delay", None, with_value()),
        ("retry-max-time", None, with_value()),
        ("retry-all-errors", None, no_value()),
        ("retry-connrefused", None, no_value()),
        ("noproxy", None, with_value()),
        ("parallel", Some('Z'), no_value()),
        ("parallel-max", None, with_value()),
        ("raw", None, no_value()),
        ("xattr", None, no_value()),
        ("ciphers", None, with_value()),
    ]
};

/// The meaning of a long option, which may be abbreviated as curl allows.
pub(super) fn long(name: &str) -> Option<(&'static str, OptionMeaning)> {
    let exact = OPTIONS.iter().find(|(known, ..)| *known == name);
    let mut similar = OPTIONS.iter().filter(|(known, ..)| known.starts_with(name));
    let only = || similar.next().filter(|_| similar.next().is_none());
    exact.or_else(only).map(|(known, _, meaning)| (*known, *meaning))
}

/// The meaning of a short option.
pub(super) fn short(letter: char) -> Option<(&'static str, OptionMeaning)> {
    let mut all = OPTIONS.iter();
    all.find(|(_, known, _)| *known == Some(letter))
        .map(|(name, _, meaning)| (*name, *meaning))
}

/// All long options, for suggestions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().map(|(name, ..)| *name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn options_are_unique() {
        let names: BTreeSet<_> = names().collect();
        let letters: BTreeSet<_> = OPTIONS.iter().filter_map(|(_, letter, _)| *letter).collect();
        assert_eq!(names.len(), OPTIONS.len());
        assert_eq!(
            letters.len(),
            OPTIONS.iter().filter(|(_, letter, _)| letter.is_some()).count()
        );
        assert_eq!(long("data").unwrap().0, "data");
        assert_eq!(long("data-u").unwrap().0, "data-urlencode");
        assert_eq!(long("data-"), None);
        assert_eq!(short('X').unwrap().0, "request");
    }
}
