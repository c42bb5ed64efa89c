//! Decodes nodes to definitions: expectations of cookies.

use super::{
    decode::DecodeContext,
    decode_expect::{text, written},
    decode_pattern::relations,
    def::{CookieDef, CookieTestDef, Written},
};
use crate::{
    check::{CookieFlag, SameSite, is_token},
    source::{Diagnostic, Fields, Node, boolean},
};

pub(super) fn cookies(node: &Node, cx: &mut DecodeContext<'_>) -> Vec<(String, Written<CookieDef>)> {
    cx.entries(node, "a mapping of cookies", |cx, key, value| {
        if !is_token(&key.text) {
            let error = Diagnostic::new(key.span, format!("`{}` cannot be the name of a cookie", key.text));
            cx.error(error.help("a name is a token (RFC 6265 §4.1.1)"));
            return None;
        }
        let def = cookie(value, cx)?;
        Some((key.text.to_string(), written(value, Some(def))?))
    })
}

fn cookie(node: &Node, cx: &mut DecodeContext<'_>) -> Option<CookieDef> {
    let before = cx.errors.len();
    let mut fields = Fields::of(node, "tests of a cookie", cx.errors)?;
    let present = fields.read("present", cx.errors, boolean);
    let mut tests = Vec::new();
    tests.extend(
        fields
            .take("value")
            .and_then(|node| text(node, cx))
            .map(CookieTestDef::Value),
    );
    tests.extend(
        fields
            .take("path")
            .and_then(|node| cx.template(node))
            .map(CookieTestDef::Path),
    );
    tests.extend(
        fields
            .take("domain")
            .and_then(|node| cx.template(node))
            .map(CookieTestDef::Domain),
    );
    for (key, flag) in [
        ("http_only", CookieFlag::HttpOnly),
        ("secure", CookieFlag::Secure),
        ("partitioned", CookieFlag::Partitioned),
    ] {
        let is_set = fields.read(key, cx.errors, boolean);
        tests.extend(is_set.map(|is_set| CookieTestDef::Flag(flag, is_set)));
    }
    tests.extend(fields.take("same_site").and_then(|node| same_site(node, cx)));
    tests.extend(
        fields
            .take("max_age")
            .and_then(|node| relations(node, cx))
            .map(CookieTestDef::MaxAge),
    );
    fields.finish(cx.errors);
    if cx.errors.len() > before {
        return None;
    }
    match (present, tests.is_empty()) {
        (Some(false), true) => Some(None),
        (Some(false), false) => {
            cx.error(Diagnostic::new(
                node.span,
                "a cookie that is not set has nothing to test",
            ));
            None
        }
        (None, true) => {
            let error = Diagnostic::new(node.span, "nothing is tested here");
            cx.error(error.help("write `present: true` for a cookie with any value"));
            None
        }
        (_, _) => Some(Some(tests)),
    }
}

fn same_site(node: &Node, cx: &mut DecodeContext<'_>) -> Option<CookieTestDef> {
    let text = cx.string(node)?;
    let known = SameSite::NAMES
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(&text));
    if known.is_none() {
        let error = Diagnostic::new(node.span, format!("`{text}` is not a value of `SameSite`"));
        cx.error(error.suggest(&text, SameSite::NAMES.iter().map(|(name, _)| *name)));
    }
    known.map(|(_, value)| CookieTestDef::SameSite(value))
}
