//! The standing rules of HTTP: on for every answer, each with an id and a level that a suite or a case can set.

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

use super::{Finding, Level, view::ResponseView};
use crate::model::Request;

/// A standing rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// `http/syntax`
    Syntax,
    /// `http/date`
    Date,
    /// `http/no-content`
    NoContent,
    /// `http/content-type`
    ContentType,
    /// `http/json`
    Json,
    /// `http/length`
    Length,
    /// `http/coding`
    Coding,
    /// `http/challenge`
    Challenge,
    /// `http/allow`
    Allow,
    /// `http/status`
    Status,
    /// `http/range`
    Range,
    /// `http/fields`
    Fields,
    /// `http/recommended`
    Recommended,
    /// `http/leak`
    Leak,
}

/// What is known of a rule without running it.
#[derive(Clone, Copy, Debug)]
pub struct RuleInfo {
    /// The rule.
    pub rule: Rule,
    /// Its stable id.
    pub id: &'static str,
    /// Its level unless a suite or case sets another.
    pub level: Level,
    /// What it demands, in one sentence, with its source.
    pub demands: &'static str,
    run: fn(&Request, &ResponseView<'_>) -> Option<Finding>,
}

/// Every standing rule, in the order in which findings show. A new rule is one row here and one function.
pub const RULES: [RuleInfo; 14] = [
    RuleInfo {
        rule: Rule::Syntax,
        id: "http/syntax",
        level: Level::Deny,
        demands: "status line, field lines and chunks follow the HTTP/1.1 syntax, also in details that readers forgive (RFC 9112)",
        run: syntax::check,
    },
    RuleInfo {
        rule: Rule::Date,
        id: "http/date",
        level: Level::Deny,
        demands: "exactly one valid `Date` on 2xx, 3xx and 4xx (RFC 9110 §6.6.1, §5.6.7)",
        run: date::check,
    },
    RuleInfo {
        rule: Rule::NoContent,
        id: "http/no-content",
        level: Level::Deny,
        demands: "no content on 204, 205, 304 and in response to HEAD, and no framing fields on 204 (RFC 9110 §8.6, §9.3.2, §15.3.5, §15.3.6, §15.4.5)",
        run: framing::no_content,
    },
    RuleInfo {
        rule: Rule::ContentType,
        id: "http/content-type",
        level: Level::Deny,
        demands: "`Content-Type` is one media type (RFC 9110 §8.3)",
        run: content::content_type,
    },
    RuleInfo {
        rule: Rule::Json,
        id: "http/json",
        level: Level::Deny,
        demands: "a JSON media type holds one strict UTF-8 document without duplicate keys (RFC 8259, RFC 7493 §2.3)",
        run: content::json,
    },
    RuleInfo {
        rule: Rule::Length,
        id: "http/length",
        level: Level::Deny,
        demands: "the content is as long as it was declared to be, and is declared one way (RFC 9112 §6)",
        run: framing::length,
    },
    RuleInfo {
        rule: Rule::Coding,
        id: "http/coding",
        level: Level::Deny,
        demands: "the content has a coding that the request accepts (RFC 9110 §8.4, §12.4.2, §12.5.3)",
        run: coding::check,
    },
    RuleInfo {
        rule: Rule::Challenge,
        id: "http/challenge",
        level: Level::Warn,
        demands: "401 carries `WWW-Authenticate` (RFC 9110 §15.5.2)",
        run: fields::challenge,
    },
    RuleInfo {
        rule: Rule::Allow,
        id: "http/allow",
        level: Level::Deny,
        demands: "405 carries `Allow` (RFC 9110 §15.5.6)",
        run: fields::allow,
    },
    RuleInfo {
        rule: Rule::Status,
        id: "http/status",
        level: Level::Deny,
        demands: "the status code is from 100 to 599 and one that this request can get: 101, 206, 304 (RFC 9110 §7.8, §14.2, §15)",
        run: status::check,
    },
    RuleInfo {
        rule: Rule::Range,
        id: "http/range",
        level: Level::Deny,
        demands: "206 states its range and is as long as that; 416 states the length (RFC 9110 §14.4, §15.3.7, §15.5.17)",
        run: range::check,
    },
    RuleInfo {
        rule: Rule::Fields,
        id: "http/fields",
        level: Level::Deny,
        demands: "other fields of HTTP are valid, not repeated, and present where a status requires them (RFC 9110, RFC 9111)",
        run: fields::syntax,
    },
    RuleInfo {
        rule: Rule::Recommended,
        id: "http/recommended",
        level: Level::Warn,
        demands: "what HTTP recommends: `Content-Type` with content, `Location` with a redirect, valid cookies (RFC 9110, RFC 6265)",
        run: recommended::check,
    },
    RuleInfo {
        rule: Rule::Leak,
        id: "http/leak",
        level: Level::Deny,
        demands: "an error body shows no stack trace, framework error page, database error or connection string",
        run: leak::check,
    },
];

/// The level of each rule for one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleLevels([Level; RULES.len()]);

impl Default for RuleLevels {
    fn default() -> Self {
        Self(RULES.map(|info| info.level))
    }
}

impl RuleLevels {
    /// Sets the level of the rule with this id; false if there is none.
    pub fn set(&mut self, id: &str, level: Level) -> bool {
        let index = RULES.iter().position(|info| info.id == id);
        if let Some(index) = index {
            self.0[index] = level;
        }
        index.is_some()
    }
}

/// Runs every rule that is not off.
pub(super) fn check(levels: &RuleLevels, request: &Request, view: &ResponseView<'_>, findings: &mut Vec<Finding>) {
    for (info, level) in RULES.iter().zip(levels.0) {
        if level == Level::Off {
            continue;
        }
        if let Some(mut finding) = (info.run)(request, view) {
            finding.check = info.id.into();
            finding.level = level;
            findings.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::{Finding, ResponseView};
    use crate::model::{Answer, Content, Request};

    pub(super) fn request(method: &str, headers: &[(&str, &str)]) -> Request {
        Request {
            method: method.to_owned(),
            url: "http://127.0.0.1/a".to_owned(),
            headers: owned(headers),
            body: Content::default(),
        }
    }

    pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        Answer {
            version: "HTTP/1.1".to_owned(),
            status,
            reason: None,
            headers: owned(headers),
            body: body.to_owned().into(),
            cut: None,
            excess: Content::default(),
            syntax: Vec::new(),
            received: Utc::now(),
            elapsed_us: 0,
        }
    }

    /// What a rule finds.
    pub(super) fn run(
        rule: fn(&Request, &ResponseView<'_>) -> Option<Finding>,
        request: &Request,
        answer: &Answer,
    ) -> Option<Finding> {
        rule(request, &ResponseView::new(answer, 1 << 20))
    }

    fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        owned.collect()
    }
}
