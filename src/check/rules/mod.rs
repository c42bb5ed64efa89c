//! The built-in rules: checked for every response, each with an id and a level that a suite or a case can set.

mod coding;
mod content;
mod date;
mod fields;
mod framing;
mod leak;
mod range;
mod recommended;
mod status;
mod syntax;

pub(crate) use date::imf_fixdate;

use super::{sink::FindingSink, view::ResponseView};
use crate::model::{CheckId, Finding, Layer, Level, Location, Request};

/// A built-in rule.
#[derive(Clone, Copy, Debug)]
pub struct RuleInfo {
    /// Its stable id.
    pub id: &'static str,
    /// Its level unless a suite or case sets another.
    pub level: Level,
    /// Its requirement, in one sentence, with its source.
    pub requirement: &'static str,
    /// The parts of a response that it is about, if it is about single parts.
    pub parts: &'static [RulePart],
    /// Absent for the rules of `check::openapi`.
    run: Option<fn(&Request, &ResponseView<'_>) -> Option<Violation>>,
}

/// A part of a response that a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulePart {
    /// A header field.
    Header(&'static str),
    /// Any header field, as it decides how the response is read.
    AnyHeader,
    /// The body.
    Body,
    /// The body; findings quote a part of it that begins and ends anywhere.
    BodyExcerpt,
}

impl RuleInfo {
    /// Whether it is about a header field.
    pub(crate) fn is_about_header(&self, name: &str) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|part| *part == RulePart::AnyHeader || matches!(part, RulePart::Header(field) if *field == name))
    }

    /// Whether it is about the body.
    pub(crate) fn is_about_body(&self) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|part| matches!(part, RulePart::Body | RulePart::BodyExcerpt))
    }

    /// Whether its findings quote a part of the body that begins and ends anywhere.
    pub(crate) fn quotes_excerpt(&self) -> bool {
        self.parts.contains(&RulePart::BodyExcerpt)
    }
}

/// The built-in rule with this id.
pub(crate) fn rule_of(check: &CheckId) -> Option<&'static RuleInfo> {
    let CheckId::Rule(_) = check else { return None };
    RULES.iter().find(|rule| rule.id == check.as_str())
}

/// A violation of a rule. It becomes a finding with the id and the level of the rule.
#[derive(Debug)]
struct Violation {
    message: String,
    expected: String,
    actual: String,
}

impl Violation {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            expected: String::new(),
            actual: String::new(),
        }
    }

    fn expected(mut self, text: impl Into<String>) -> Self {
        self.expected = text.into();
        self
    }

    fn actual(mut self, text: impl Into<String>) -> Self {
        self.actual = text.into();
        self
    }
}

/// Every built-in rule, in the order in which findings show. A new rule is a row here and a file.
pub static RULES: [RuleInfo; 19] = [
    RuleInfo {
        id: "http/syntax",
        level: Level::Deny,
        requirement: "status line, field lines and chunks follow the HTTP/1.1 syntax, also in details that lenient parsers accept (RFC 9112)",
        parts: &[],
        run: Some(syntax::check),
    },
    RuleInfo {
        id: "http/date",
        level: Level::Deny,
        requirement: "exactly one valid `Date` on 2xx, 3xx and 4xx (RFC 9110 §6.6.1, §5.6.7)",
        parts: &[RulePart::Header("date")],
        run: Some(date::check),
    },
    RuleInfo {
        id: "http/no-content",
        level: Level::Deny,
        requirement: "no content on 204, 205, 304 and in response to HEAD, and no framing fields on 204 (RFC 9110 §8.6, §9.3.2, §15.3.5, §15.3.6, §15.4.5)",
        parts: &[RulePart::Body],
        run: Some(framing::no_content),
    },
    RuleInfo {
        id: "http/content-type",
        level: Level::Deny,
        requirement: "`Content-Type` is one media type (RFC 9110 §8.3)",
        parts: &[RulePart::Header("content-type"), RulePart::Body],
        run: Some(content::content_type),
    },
    RuleInfo {
        id: "http/json",
        level: Level::Deny,
        requirement: "content with a JSON media type is one strict UTF-8 document without duplicate keys (RFC 8259, RFC 7493 §2.3)",
        parts: &[RulePart::Body],
        run: Some(content::json),
    },
    RuleInfo {
        id: "http/length",
        level: Level::Deny,
        requirement: "the content has the declared length, which is declared once (RFC 9112 §6)",
        parts: &[RulePart::Body],
        run: Some(framing::length),
    },
    RuleInfo {
        id: "http/coding",
        level: Level::Deny,
        requirement: "the content has a coding that the request accepts (RFC 9110 §8.4, §12.4.2, §12.5.3)",
        parts: &[RulePart::Header("content-encoding")],
        run: Some(coding::check),
    },
    RuleInfo {
        id: "http/challenge",
        level: Level::Warn,
        requirement: "401 carries `WWW-Authenticate` (RFC 9110 §15.5.2)",
        parts: &[RulePart::Header("www-authenticate")],
        run: Some(fields::challenge),
    },
    RuleInfo {
        id: "http/allow",
        level: Level::Deny,
        requirement: "405 carries `Allow` (RFC 9110 §15.5.6)",
        parts: &[RulePart::Header("allow")],
        run: Some(fields::allow),
    },
    RuleInfo {
        id: "http/status",
        level: Level::Deny,
        requirement: "the status code is from 100 to 599 and one that this request can get: 101, 206, 304 (RFC 9110 §7.8, §14.2, §15)",
        parts: &[],
        run: Some(status::check),
    },
    RuleInfo {
        id: "http/range",
        level: Level::Deny,
        requirement: "206 states its range and has its length; 416 states the length (RFC 9110 §14.4, §15.3.7, §15.5.17)",
        parts: &[],
        run: Some(range::check),
    },
    RuleInfo {
        id: "http/fields",
        level: Level::Deny,
        requirement: "other fields of HTTP are valid, not repeated, and present where a status requires them (RFC 9110, RFC 9111)",
        parts: &[],
        run: Some(fields::syntax),
    },
    RuleInfo {
        id: "http/recommended",
        level: Level::Warn,
        requirement: "what HTTP recommends: `Content-Type` with content, `Location` with a redirect, valid cookies (RFC 9110, RFC 6265)",
        parts: &[],
        run: Some(recommended::check),
    },
    RuleInfo {
        id: "http/leak",
        level: Level::Deny,
        requirement: "an error body shows no stack trace, framework error page, database error or connection string",
        parts: &[RulePart::AnyHeader, RulePart::BodyExcerpt],
        run: Some(leak::check),
    },
    RuleInfo {
        id: "openapi/status",
        level: Level::Deny,
        requirement: "the OpenAPI document declares the status; 400, 401, 403, 404, 405, 415, 422 and 429 are at most a warning",
        parts: &[],
        run: None,
    },
    RuleInfo {
        id: "openapi/media-type",
        level: Level::Deny,
        requirement: "the OpenAPI document declares the media type for the status",
        parts: &[RulePart::Header("content-type"), RulePart::Body],
        run: None,
    },
    RuleInfo {
        id: "openapi/body",
        level: Level::Deny,
        requirement: "JSON content is valid under its schema in the OpenAPI document",
        parts: &[RulePart::Body],
        run: None,
    },
    RuleInfo {
        id: "openapi/header",
        level: Level::Deny,
        requirement: "the header fields that the OpenAPI document requires are present, and declared ones are valid under their schemas",
        parts: &[RulePart::AnyHeader],
        run: None,
    },
    RuleInfo {
        id: "openapi/request",
        level: Level::Warn,
        requirement: "the OpenAPI document declares the request of a case that expects success: its operation, parameters and content",
        parts: &[],
        run: None,
    },
];

/// The level of each rule for one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleLevels([Level; RULES.len()]);

impl Default for RuleLevels {
    fn default() -> Self {
        Self(RULES.each_ref().map(|info| info.level))
    }
}

impl RuleLevels {
    /// No rule is checked.
    pub(crate) fn all_off() -> Self {
        let mut levels = Self::default();
        levels.0.fill(Level::Off);
        levels
    }

    /// The level of the rule with this id; off if the id is unknown.
    pub(super) fn of(&self, id: &str) -> Level {
        let index = RULES.iter().position(|info| info.id == id);
        index.map_or(Level::Off, |index| self.0[index])
    }

    /// Whether no rule about the document of the API is checked.
    pub(super) fn is_openapi_off(&self) -> bool {
        let mut levels = RULES.iter().zip(self.0);
        levels.all(|(info, level)| level == Level::Off || !info.id.starts_with("openapi/"))
    }

    /// Sets the level of the rule with this id; false if there is no such rule.
    pub fn set(&mut self, id: &str, level: Level) -> bool {
        let index = RULES.iter().position(|info| info.id == id);
        if let Some(index) = index {
            self.0[index] = level;
        }
        index.is_some()
    }
}

/// Runs every rule that is not off.
pub(super) fn check(
    levels: &RuleLevels,
    location: &Location,
    request: &Request,
    view: &ResponseView<'_>,
    sink: &mut impl FindingSink,
) {
    for (info, level) in RULES.iter().zip(levels.0) {
        let Some(run) = info.run.filter(|_| level != Level::Off) else {
            continue;
        };
        if let Some(violation) = run(request, view) {
            sink.report(Layer::Rules, level, || {
                let finding = Finding::new(CheckId::rule(info.id), violation.message);
                let mut finding = finding
                    .expected(violation.expected)
                    .actual(violation.actual)
                    .location(location);
                finding.level = level;
                [finding]
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::{ResponseView, Violation};
    use crate::model::{Content, Request, Response};

    pub(super) fn request(method: &str, headers: &[(&str, &str)]) -> Request {
        Request {
            method: method.to_owned(),
            url: "http://127.0.0.1/a".to_owned(),
            headers: owned(headers),
            body: Content::default(),
        }
    }

    pub(super) fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        Response {
            version: "HTTP/1.1".to_owned(),
            status,
            reason: None,
            headers: owned(headers),
            body: body.to_owned().into(),
            trailers: Vec::new(),
            cut: None,
            stopped: None,
            excess: Content::default(),
            syntax: Vec::new(),
            received: Utc::now(),
            elapsed_us: 0,
        }
    }

    /// What a rule finds.
    pub(super) fn run(
        rule: fn(&Request, &ResponseView<'_>) -> Option<Violation>,
        request: &Request,
        response: &Response,
    ) -> Option<Violation> {
        rule(request, &ResponseView::new(response, 1 << 20))
    }

    fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        owned.collect()
    }
}
