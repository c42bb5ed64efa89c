//! The `cookie/NAME` checks: cookies that a response sets (RFC 6265 §4.1).

use super::{Finding, Relation, TextTest, bound::show_bounds, sink::FindingSink};
use crate::model::{CheckId, Layer, Location, Response};

/// An expectation of a cookie.
#[derive(Clone, Debug)]
pub struct CookieExpectation {
    /// Name, case-sensitive.
    pub name: String,
    /// The tests; none if the response must not set it.
    pub tests: Option<Vec<CookieTest>>,
    /// Its line.
    pub location: Location,
}

/// A test of a cookie.
#[derive(Clone, Debug)]
pub enum CookieTest {
    /// Its value passes all of these.
    Value(Vec<TextTest>),
    /// It has this `Path`.
    Path(String),
    /// It has this `Domain`, without a leading dot.
    Domain(String),
    /// It has the attribute without a value, or does not have it.
    Flag(CookieFlag, bool),
    /// It has this `SameSite`.
    SameSite(SameSite),
    /// Its `Max-Age` in seconds passes all of these.
    MaxAge(Vec<(Relation, u64)>),
}

/// An attribute of a cookie without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieFlag {
    /// `HttpOnly`
    HttpOnly,
    /// `Secure`
    Secure,
    /// `Partitioned`
    Partitioned,
}

impl CookieFlag {
    fn attribute(self) -> &'static str {
        match self {
            Self::HttpOnly => "HttpOnly",
            Self::Secure => "Secure",
            Self::Partitioned => "Partitioned",
        }
    }
}

/// The requests of other sites that a cookie is sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// None of them.
    Strict,
    /// Navigations.
    Lax,
    /// All of them.
    None,
}

impl SameSite {
    /// All values by name.
    pub const NAMES: [(&'static str, SameSite); 3] = [
        ("strict", SameSite::Strict),
        ("lax", SameSite::Lax),
        ("none", SameSite::None),
    ];

    fn name(self) -> &'static str {
        Self::NAMES
            .into_iter()
            .find(|(_, value)| *value == self)
            .map_or("", |(name, _)| name)
    }
}

/// A cookie as a response sets it.
struct SetCookie<'v> {
    value: &'v str,
    /// Attributes in their order, without whitespace around names and values.
    attributes: Vec<(&'v str, &'v str)>,
}

impl<'v> SetCookie<'v> {
    /// The cookie in a field line, if it has this name.
    fn parse(line: &'v str, name: &str) -> Option<Self> {
        let mut parts = line.split(';');
        let (own, value) = parts.next()?.split_once('=')?;
        let attributes = parts.map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (name.trim(), value.trim())
        });
        (own.trim() == name).then(|| Self {
            value: value.trim(),
            attributes: attributes.filter(|(name, _)| !name.is_empty()).collect(),
        })
    }

    /// The value of an attribute; the last one counts (RFC 6265 §5.3).
    fn attribute(&self, name: &str) -> Option<&'v str> {
        let mut from_last = self.attributes.iter().rev();
        from_last
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }

    fn passes(&self, test: &CookieTest, response: &Response) -> bool {
        match test {
            CookieTest::Value(tests) => {
                let equal = |a: &str, b: &str| a == b;
                tests
                    .iter()
                    .all(|test| test.passes(self.value, response.received, equal))
            }
            CookieTest::Path(path) => self.attribute("path") == Some(path),
            CookieTest::Domain(domain) => {
                let bare = |domain: &str| domain.trim_start_matches('.').to_ascii_lowercase();
                self.attribute("domain")
                    .is_some_and(|actual| bare(actual) == bare(domain))
            }
            CookieTest::Flag(flag, is_set) => self.attribute(flag.attribute()).is_some() == *is_set,
            CookieTest::SameSite(wanted) => {
                (self.attribute("samesite")).is_some_and(|actual| actual.eq_ignore_ascii_case(wanted.name()))
            }
            CookieTest::MaxAge(bounds) => {
                let seconds = self.attribute("max-age").and_then(|text| text.parse::<i64>().ok());
                let seconds = seconds.map(|seconds| u64::try_from(seconds).unwrap_or(0));
                seconds.is_some_and(|actual| {
                    bounds
                        .iter()
                        .all(|(relation, bound)| relation.accepts(actual.cmp(bound)))
                })
            }
        }
    }

    /// The attributes. The value is a credential, so it is not quoted.
    fn shown(&self, name: &str) -> String {
        let mut text = format!("{name}=…");
        for (attribute, value) in &self.attributes {
            text.push_str("; ");
            text.push_str(attribute);
            if !value.is_empty() {
                text.push('=');
                text.push_str(value);
            }
        }
        text
    }
}

fn words(test: &CookieTest) -> String {
    match test {
        CookieTest::Value(tests) => {
            let tests: Vec<_> = tests.iter().map(ToString::to_string).collect();
            format!("the value {}", tests.join(" and "))
        }
        CookieTest::Path(path) => format!("Path={path}"),
        CookieTest::Domain(domain) => format!("Domain={domain}"),
        CookieTest::Flag(flag, true) => flag.attribute().to_owned(),
        CookieTest::Flag(flag, false) => format!("no {}", flag.attribute()),
        CookieTest::SameSite(value) => format!("SameSite={}", value.name()),
        CookieTest::MaxAge(bounds) => format!("Max-Age {}", show_bounds(bounds)),
    }
}

pub(super) fn check(expected: &CookieExpectation, response: &Response, sink: &mut impl FindingSink) {
    let name = &expected.name;
    let cookies: Vec<_> = (response.header("set-cookie"))
        .filter_map(|line| SetCookie::parse(line, name))
        .collect();
    let shown = || {
        let all: Vec<_> = cookies.iter().map(|cookie| cookie.shown(name)).collect();
        all.join(" and ")
    };
    let mut add = |message: &str, wanted: &dyn Fn() -> String, actual: &dyn Fn() -> String| {
        sink.fail(Layer::Headers, || {
            Finding::new(CheckId::cookie(name), message)
                .expected(wanted())
                .actual(actual())
                .location(&expected.location)
        });
    };
    let absent = || "(absent)".to_owned();
    let Some(tests) = &expected.tests else {
        if !cookies.is_empty() {
            add("unexpected cookie", &absent, &shown);
        }
        return;
    };
    if cookies.is_empty() {
        let wanted = || tests.iter().map(words).collect::<Vec<_>>().join(", ");
        let wanted = || {
            if tests.is_empty() {
                "(present)".to_owned()
            } else {
                wanted()
            }
        };
        return add("missing cookie", &wanted, &absent);
    }
    if cookies
        .iter()
        .any(|cookie| tests.iter().all(|test| cookie.passes(test, response)))
    {
        return;
    }
    // All tests must pass for the same cookie, so the failing ones of the best cookie are reported.
    let failing = cookies
        .iter()
        .map(|cookie| tests.iter().filter(|test| !cookie.passes(test, response)));
    let fewest = failing.map(Iterator::collect::<Vec<_>>).min_by_key(Vec::len);
    let wanted = || {
        fewest
            .iter()
            .flatten()
            .map(|test| words(test))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let message = match cookies.len() {
        1 => "unexpected cookie",
        _ => "no cookie of this name passes all tests",
    };
    add(message, &wanted, &shown);
}
