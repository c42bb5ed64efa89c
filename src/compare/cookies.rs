//! Cookies that responses set, compared by name and attributes (RFC 6265 section 4.1). Values and dates vary.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::{
    ChangeLevel, ChangeRule as Rule,
    difference::{ChangedPart, Difference},
};
use crate::model::{HIDDEN, Response};

/// A cookie as a response sets it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cookie<'v> {
    name: &'v str,
    /// Attributes by name in lower case; without a value, an empty one.
    attributes: BTreeMap<String, &'v str>,
}

impl<'v> Cookie<'v> {
    /// Reads a `Set-Cookie` value; `None` where a recording hides all of it.
    fn parse(value: &'v str) -> Option<Self> {
        let mut parts = value.split(';');
        let (name, content) = parts.next()?.split_once('=')?;
        let mut attributes = BTreeMap::new();
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = name.trim().to_ascii_lowercase();
            if !name.is_empty() {
                // The last one counts (RFC 6265 section 5.3).
                attributes.insert(name, value.trim());
            }
        }
        if attributes.get("path").is_some_and(|path| path.is_empty()) {
            attributes.remove("path");
        }
        let name = name.trim();
        (!name.contains(HIDDEN) && (!name.is_empty() || !content.is_empty())).then_some(Self { name, attributes })
    }

    fn has(&self, attribute: &str) -> bool {
        self.attributes.contains_key(attribute)
    }

    /// How strictly the cookie is kept from other sites.
    fn same_site(&self) -> u8 {
        let of = |value: &&str| match value.to_ascii_lowercase().as_str() {
            "strict" => 3,
            "lax" => 2,
            "none" => 0,
            // Browsers treat any other value as absent.
            _ => 1,
        };
        self.attributes.get("samesite").map_or(1, of)
    }

    fn domain(&self) -> Option<String> {
        let domain = self.attributes.get("domain")?;
        Some(domain.trim_start_matches('.').to_ascii_lowercase())
    }

    /// Whether it outlives the session, or is removed by this response.
    fn life(&self) -> &'static str {
        let age = self.attributes.get("max-age").and_then(|age| age.parse::<i64>().ok());
        let is_over = |text: &&str| chrono::DateTime::parse_from_rfc2822(text).is_ok_and(|at| at.timestamp() <= 86_400);
        match (age, self.attributes.get("expires")) {
            (Some(age), _) if age <= 0 => "removed",
            (None, Some(at)) if is_over(at) => "removed",
            (Some(_), _) | (None, Some(_)) => "kept",
            (None, None) => "session",
        }
    }

    /// Name and attributes, without what varies.
    fn shown(&self) -> String {
        let mut out = format!("{}={HIDDEN}", self.name);
        for (name, written) in [
            ("path", "Path"),
            ("domain", "Domain"),
            ("max-age", "Max-Age"),
            ("expires", "Expires"),
            ("secure", "Secure"),
            ("httponly", "HttpOnly"),
            ("samesite", "SameSite"),
            ("partitioned", "Partitioned"),
        ] {
            match self.attributes.get(name) {
                None => {}
                Some(&"") => {
                    let _ = write!(out, "; {written}");
                }
                Some(value) => {
                    let _ = write!(out, "; {written}={value}");
                }
            }
        }
        out
    }
}

/// The cookies of a response by name; of those with one name, each by its index.
fn cookies(response: &Response) -> Option<BTreeMap<(&str, usize), Cookie<'_>>> {
    let mut all = BTreeMap::new();
    for value in response.header("set-cookie") {
        let cookie = Cookie::parse(value)?;
        let number = all.keys().filter(|(name, _)| *name == cookie.name).count();
        all.insert((cookie.name, number), cookie);
    }
    Some(all)
}

/// The differences between the cookies of two responses. Cookies whose names are masked in a recording are not compared.
pub(super) fn compare(a: &Response, b: &Response, out: &mut Vec<Difference>) {
    let (Some(before), Some(after)) = (cookies(a), cookies(b)) else {
        return;
    };
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
    for (name, number) in keys {
        let key = (name, number);
        let new = |rule: Rule, one: Option<&Cookie<'_>>, other: Option<&Cookie<'_>>| {
            let part = ChangedPart::Header("set-cookie".to_owned());
            let (one, other) = (one.map(Cookie::shown), other.map(Cookie::shown));
            let mut difference = Difference::new(rule, part, one.as_deref(), other.as_deref());
            name.clone_into(&mut difference.kind);
            difference
        };
        match (before.get(&key), after.get(&key)) {
            (Some(one), None) => out.push(new(Rule::HeaderCookieRemoved, Some(one), None)),
            (None, Some(other)) => out.push(new(Rule::HeaderCookieAdded, None, Some(other))),
            (Some(one), Some(other)) => {
                if is_weaker(one, other) {
                    out.push(new(Rule::HeaderCookieWeakened, Some(one), Some(other)));
                }
                if is_weaker(other, one) {
                    out.push(new(Rule::HeaderCookieRestricted, Some(one), Some(other)));
                }
                let path = |cookie: &Cookie<'_>| cookie.attributes.get("path").map(|path| (*path).to_owned());
                let is_scope = one.domain() != other.domain() || path(one) != path(other);
                if is_scope || one.life() != other.life() {
                    let mut difference = new(Rule::HeaderCookieChanged, Some(one), Some(other));
                    if other.life() == "removed" && one.life() != "removed" {
                        difference.level = Some((
                            ChangeLevel::Breaking,
                            "the response removes a cookie that it used to set",
                        ));
                    }
                    out.push(difference);
                }
            }
            (None, None) => {}
        }
    }
}

/// Whether `after` lacks a protection that `before` has.
fn is_weaker(before: &Cookie<'_>, after: &Cookie<'_>) -> bool {
    let lost = |attribute| before.has(attribute) && !after.has(attribute);
    lost("httponly") || lost("secure") || lost("partitioned") || after.same_site() < before.same_site()
}

/// Makes a response set one cookie as the other response does, or not at all.
pub(super) fn replace(response: &mut Response, other: &Response, name: &str) {
    let is_it = |value: &str| Cookie::parse(value).is_some_and(|cookie| cookie.name == name);
    response
        .headers
        .retain(|(field, value)| !(field.eq_ignore_ascii_case("set-cookie") && is_it(value)));
    let new = other.header("set-cookie").filter(|value| is_it(value));
    response
        .headers
        .extend(new.map(|value| ("set-cookie".to_owned(), value.to_owned())));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(cookies: &[&str]) -> Response {
        let headers: Vec<_> = cookies.iter().map(|value| ["set-cookie", value]).collect();
        serde_json::from_value(serde_json::json!({
            "version": "HTTP/1.1", "status": 200, "headers": headers, "received": "2026-01-01T00:00:00Z",
            "elapsed_us": 1,
        }))
        .unwrap()
    }

    fn rules(before: &[&str], after: &[&str]) -> Vec<(&'static str, String)> {
        let mut out = Vec::new();
        compare(&response(before), &response(after), &mut out);
        out.into_iter().map(|one| (one.rule.id(), one.kind)).collect()
    }

    #[test]
    fn cookies_are_compared_by_name_and_attributes() {
        const FULL: &str = "a=1; Path=/; HttpOnly; Secure; SameSite=Lax";
        let one = |before: &str, after: &str| -> Vec<&'static str> {
            rules(&[before], &[after]).into_iter().map(|(rule, _)| rule).collect()
        };
        assert_eq!(one(FULL, "a=2; path=/; secure; httponly; samesite=lax"), [""; 0]);
        assert_eq!(
            one(
                "a=1; Max-Age=60",
                "a=1; Max-Age=59; Expires=Wed, 01 Jan 2031 00:00:00 GMT"
            ),
            [""; 0]
        );
        for weaker in [
            "a=1; Path=/; Secure; SameSite=Lax",
            "a=1; Path=/; HttpOnly; SameSite=Lax",
            "a=1; Path=/; HttpOnly; Secure",
            "a=1; Path=/; HttpOnly; Secure; SameSite=None",
        ] {
            assert_eq!(one(FULL, weaker), ["header/cookie-weakened"], "{weaker}");
            assert_eq!(one(weaker, FULL), ["header/cookie-restricted"], "{weaker}");
        }
        assert_eq!(one("a=1; Path=/", "a=1; Path=/x"), ["header/cookie-changed"]);
        assert_eq!(one("a=1; Domain=.example.com", "a=1; Domain=example.com"), [""; 0]);
        assert_eq!(one("a=1", "a=1; Domain=example.com"), ["header/cookie-changed"]);
        assert_eq!(one("a=1", "a=; Max-Age=0"), ["header/cookie-changed"]);
        assert_eq!(one("a=1; Max-Age=60", "a=1"), ["header/cookie-changed"]);
        assert_eq!(one("[hidden]", "a=1"), [""; 0]);
    }

    #[test]
    fn cookies_that_are_new_or_gone_are_named() {
        let seen = rules(&["a=1", "b=1"], &["b=2", "c=1"]);
        let expected = [("header/cookie-removed", "a"), ("header/cookie-added", "c")];
        assert_eq!(seen, expected.map(|(rule, name)| (rule, name.to_owned())));
    }
}
