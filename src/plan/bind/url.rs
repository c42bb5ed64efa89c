//! The URL of a request.

use std::sync::Arc;

use percent_encoding::utf8_percent_encode;

use super::{
    super::scope::{MAX_TEXT, Scope},
    Binding, SharedParts,
};
use crate::{
    source::{Diagnostic, Span},
    suite::{self, ENCODED, QueryDef, Template},
};

/// Whether [`ENCODED`] leaves a byte as it is.
fn is_unreserved(byte: u8) -> bool {
    UNRESERVED[usize::from(byte)]
}

const UNRESERVED: [bool; 256] = unreserved();

const fn unreserved() -> [bool; 256] {
    let mut all = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        all[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        byte += 1;
    }
    all
}

/// The bytes that may be sent in a path.
const IN_PATH: [bool; 256] = in_path();

const fn in_path() -> [bool; 256] {
    let mut all = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        let is_excluded = matches!(
            byte,
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | b'?' | b'#'
        );
        all[byte as usize] = byte.is_ascii_graphic() && !is_excluded;
        byte += 1;
    }
    all
}

/// Maximum length in bytes of a URL that is known to be valid without parsing it.
const MAX_PLAIN: usize = 32 * 1024;

/// Whether a URL of a valid base URL and this path with an encoded query is valid.
fn is_plain(path: &str) -> bool {
    path.is_empty() || path.starts_with(['/', '?'])
}

impl Binding<'_> {
    pub(super) fn url(&self) -> Result<String, Diagnostic> {
        if self.step.follow.is_some() {
            let location = self.late.location().unwrap_or(&self.binder.base);
            return self.with_query(location.to_owned());
        }
        let def = &self.step.request;
        let base = match self.endpoint() {
            Some(endpoint) => endpoint.base_url.trim_end_matches('/'),
            None => &self.binder.base,
        };
        let mut url = base.to_owned();
        if let Some(path) = &def.path {
            let text = self.with_params(&self.scope.text(path), path.span)?;
            let is_bad = |c: &char| !c.is_ascii() || !IN_PATH[*c as usize];
            if !text.bytes().all(|byte| IN_PATH[usize::from(byte)])
                && let Some(bad) = text.chars().find(is_bad)
            {
                return Err(Diagnostic::new(
                    path.span,
                    format!("the path contains {bad:?}, which is not allowed in a URL"),
                )
                .help("give it as a path parameter: those are percent-encoded"));
            }
            url.push_str(&text);
        }
        url = self.with_query(url)?;
        let is_encoded = matches!(def.query, QueryDef::Fields(_)) && self.step.endpoint.is_none();
        let is_plain = is_encoded && is_plain(&url[base.len()..]);
        if !(is_plain && url.len() <= MAX_PLAIN) && url.parse::<http::Uri>().is_err() {
            let span = def.path.as_ref().map_or(self.case.span, |path| path.span);
            let shown: String = url.chars().take(200).collect();
            return Err(Diagnostic::new(span, format!("`{shown}` is not a valid URL")));
        }
        Ok(url)
    }

    /// A URL with the query of the step, after its own query if it has one.
    fn with_query(&self, mut url: String) -> Result<String, Diagnostic> {
        let query = match &self.step.request.query {
            QueryDef::Fields(fields) => self.pairs(fields),
            QueryDef::Raw(raw) => {
                let text = self.scope.text(raw);
                if let Some(wrong) = suite::wrong_query(&text, raw.span) {
                    return Err(wrong);
                }
                text
            }
        };
        let is_raw = matches!(self.step.request.query, QueryDef::Raw(_));
        if is_raw || !query.is_empty() {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&query);
        }
        Ok(url)
    }

    /// A path with its parameters, percent-encoded, in place of `{name}`.
    fn with_params(&self, path: &str, span: Span) -> Result<String, Diagnostic> {
        let mut text = String::with_capacity(path.len() + 64);
        let mut rest = path;
        while let Some(open) = memchr::memchr(b'{', rest.as_bytes()) {
            let (before, braced) = rest.split_at(open);
            text.push_str(before);
            let named = braced[1..].split_once('}').and_then(|(name, after)| {
                let params = &self.step.request.params;
                let (_, value) = params.iter().find(|(known, _)| known == name)?;
                Some((value, after))
            });
            let Some((value, after)) = named else {
                text.push('{');
                rest = &braced[1..];
                continue;
            };
            let value = self.scope.text(value);
            if value.bytes().all(is_unreserved) {
                text.push_str(&value);
            } else {
                text.extend(utf8_percent_encode(&value, ENCODED));
            }
            rest = after;
            if text.len() > MAX_TEXT {
                return Err(Diagnostic::new(
                    span,
                    "with its parameters, the path is longer than 1 MiB",
                ));
            }
        }
        text.push_str(rest);
        Ok(text)
    }

    /// `a=b&c=d`, percent-encoded.
    pub(super) fn pairs(&self, fields: &[(String, Vec<Template>)]) -> String {
        let mut pairs = Vec::new();
        for (name, values) in fields {
            for value in values.iter().filter(|value| !self.scope.omits(value)) {
                let value = self.scope.text(value);
                pairs.push(format!(
                    "{}={}",
                    utf8_percent_encode(name, ENCODED),
                    utf8_percent_encode(&value, ENCODED)
                ));
            }
        }
        pairs.join("&")
    }

    /// The error of [`Binding::url`], if any. After the first row of a table with a constant path, only values that are
    /// too long or that cannot be text are errors.
    pub(super) fn check_url(&self) -> Result<(), Diagnostic> {
        let def = &self.step.request;
        let is_constant = def.path.as_ref().is_none_or(|path| path.as_constant().is_some());
        let QueryDef::Fields(fields) = &def.query else {
            return self.url().map(drop);
        };
        if !is_constant || self.case.def.examples.len() < 2 {
            return self.url().map(drop);
        }
        let address = (Arc::as_ptr(&self.case.def).addr(), self.index);
        let known = self
            .all_shared()
            .get(&address)
            .and_then(|(_, shared)| shared.url_length);
        if let Some(known) = known {
            let scope = Scope::new(self.case, &self.binder.target, self.late);
            let params = def.params.iter().map(|(_, value)| value);
            let values = params.chain(fields.iter().flat_map(|(_, values)| values));
            // One byte is encoded as three at most.
            let values = values.filter(|value| !scope.omits(value));
            let encoded: usize = values.map(|value| 3 * scope.text(value).len()).sum();
            if known + encoded <= MAX_PLAIN && !scope.has_error() {
                return Ok(());
            }
        }
        let url = self.url()?;
        let mut all = self.all_shared();
        let (_, shared) = all
            .entry(address)
            .or_insert_with(|| (Arc::clone(&self.case.def), SharedParts::default()));
        shared.url_length = Some(url.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreserved_bytes_are_not_encoded() {
        for byte in 0..=0x7f_u8 {
            let text = char::from(byte).to_string();
            let is_same = utf8_percent_encode(&text, ENCODED).to_string() == text;
            assert_eq!(is_unreserved(byte), is_same, "{text:?}");
        }
        assert!((0x80..=0xff_u8).all(|byte| !is_unreserved(byte)));
    }

    #[test]
    fn url_that_is_not_parsed_is_valid() {
        let all: String = (0..=0x7f_u8)
            .filter(|byte| IN_PATH[usize::from(*byte)])
            .map(char::from)
            .collect();
        let long = format!("/{}", "a".repeat(MAX_PLAIN));
        for path in ["", "/", "//", "?a=b", "/?a=b%20", &format!("/{all}"), &long] {
            assert!(is_plain(path), "{path}");
            let url = format!("http://host:8080{path}");
            assert!(url.parse::<http::Uri>().is_ok(), "{url}");
        }
        assert!(!is_plain("@host/") && !is_plain(":80"));
    }
}
