//! The standing rules of HTTP: on for every answer, each with an id and a level that a suite or a case can set.

mod coding;
mod content;
mod date;
mod fields;
mod framing;
mod leak;

pub(crate) use date::imf_fixdate;

use super::{Finding, Level, view::ResponseView};
use crate::exchange::{Answer, Request};

/// A standing rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
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
pub const RULES: [RuleInfo; 9] = [
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
        demands: "no content and no framing of content on 204 and 304 (RFC 9110 §8.6, §15.3.5, §15.4.5)",
        run: framing::no_content,
    },
    RuleInfo {
        rule: Rule::ContentType,
        id: "http/content-type",
        level: Level::Deny,
        demands: "one valid `Content-Type` if there is a body, and none if there is no body (RFC 9110 §8.3)",
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
        demands: "content is not compressed unless the request accepts it (RFC 9110 §8.4, §12.5.3)",
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
        rule: Rule::Leak,
        id: "http/leak",
        level: Level::Deny,
        demands: "an error body shows no stack trace, framework error page or connection string",
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

/// Whether the message may carry content at all (RFC 9110 §6.4.1).
fn may_have_content(request: &Request, answer: &Answer) -> bool {
    request.method != "HEAD" && !matches!(answer.status, 100..=199 | 204 | 304)
}
