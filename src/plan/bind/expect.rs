//! The expectations of headers and bodies, with the values of variables.

use std::{sync::Arc, time::Duration};

use regex::Regex;

use super::Binding;
use crate::{
    check::{
        BodyExpectation, BodyTest, CookieExpectation, CookieTest, EventsExpectation, HeaderExpectation, HeaderTest,
        LinesExpectation, Matcher, Pattern, PatternKind, Relation, RelationBound, TextTest, XmlExpectation, XmlPath,
    },
    model::Response,
    source::{Diagnostic, parse_duration},
    suite::{
        self, CookieDef, CookieTestDef, DurationDef, HeaderDef, JsonDef, MatcherDef, PatternDef, PatternDefKind,
        Template, TextTestDef, Written,
    },
    text,
};

impl Binding<'_> {
    pub(super) fn headers(&self) -> Result<Vec<HeaderExpectation>, Diagnostic> {
        let trailers = self.expect.trailers.iter();
        let trailers = trailers.map(|(name, test)| (format!("{}{name}", Response::TRAILER), test));
        let headers = self.expect.headers.iter().map(|(name, test)| (name.clone(), test));
        let of = |(name, header): (String, &Written<HeaderDef>)| {
            Ok(HeaderExpectation {
                name,
                test: match &header.value {
                    HeaderDef::Present => HeaderTest::Present,
                    HeaderDef::Absent => HeaderTest::Absent,
                    HeaderDef::Value(tests) => HeaderTest::Value(self.text_tests(tests)?),
                },
                location: self.sources.location(header.span),
            })
        };
        headers.chain(trailers).map(of).collect()
    }

    pub(super) fn cookies(&self) -> Result<Vec<CookieExpectation>, Diagnostic> {
        let of = |(name, cookie): &(String, Written<CookieDef>)| {
            let tests = cookie.value.as_ref();
            let tests = tests.map(|tests| {
                tests
                    .iter()
                    .map(|test| self.cookie_test(test))
                    .collect::<Result<_, _>>()
            });
            Ok(CookieExpectation {
                name: name.clone(),
                tests: tests.transpose()?,
                location: self.sources.location(cookie.span),
            })
        };
        self.expect.cookies.iter().map(of).collect()
    }

    fn cookie_test(&self, def: &CookieTestDef) -> Result<CookieTest, Diagnostic> {
        Ok(match def {
            CookieTestDef::Value(tests) => CookieTest::Value(self.text_tests(tests)?),
            CookieTestDef::Path(path) => CookieTest::Path(self.scope.text(path)),
            CookieTestDef::Domain(domain) => CookieTest::Domain(self.scope.text(domain)),
            CookieTestDef::Flag(flag, is_set) => CookieTest::Flag(*flag, *is_set),
            CookieTestDef::SameSite(value) => CookieTest::SameSite(*value),
            CookieTestDef::MaxAge(bounds) => CookieTest::MaxAge(self.length(bounds)?),
        })
    }

    pub(super) fn body(&self) -> Result<Vec<BodyExpectation>, Diagnostic> {
        let def = &self.expect.body;
        let mut all = Vec::new();
        let mut add = |test, span| {
            let location = self.sources.location(span);
            all.push(BodyExpectation { test, location });
        };
        for (test, span) in def.tests(&|def| self.scope.json(def)) {
            add(test, span);
        }
        if let Some(json) = &def.json {
            add(BodyTest::Json(Arc::new(self.pattern(json)?)), json.span);
        }
        if let Some(xml) = &def.xml {
            let test = |(path, pattern): &(XmlPath, PatternDef)| Ok((path.clone(), self.pattern(pattern)?));
            let tests = xml.value.tests.iter().map(test).collect::<Result<_, _>>()?;
            add(BodyTest::Xml(Arc::new(XmlExpectation { tests })), xml.span);
        }
        if let Some(lines) = &def.lines {
            let expectation = LinesExpectation {
                format: lines.value.format,
                separator: lines.value.separator,
                pattern: self.pattern(&lines.value.pattern)?,
            };
            add(BodyTest::Lines(Arc::new(expectation)), lines.span);
        }
        if let Some(digest) = &def.sha256 {
            let text = self.scope.known(|| self.scope.text(&digest.value));
            if text.as_ref().is_some_and(|text| !suite::is_sha256(text)) {
                return Err(suite::wrong_sha256(digest.span));
            }
            let text = text.unwrap_or_default().to_ascii_lowercase();
            add(BodyTest::Sha256(text), digest.span);
        }
        if let Some(bytes) = &def.bytes {
            add(BodyTest::Bytes(self.length(&bytes.value)?), bytes.span);
        }
        if let Some(text) = &def.text {
            add(BodyTest::Text(self.text_tests(&text.value)?), text.span);
        }
        Ok(all)
    }

    /// The events of an event stream.
    pub(super) fn events(&self) -> Result<Option<EventsExpectation>, Diagnostic> {
        let Some(Written { value: def, span }) = self.expect.events.as_deref() else {
            return Ok(None);
        };
        let pattern = |def: &Option<PatternDef>| def.as_ref().map(|def| self.pattern(def)).transpose();
        let listed = def.first.as_ref().map_or(0, |first| match &first.kind {
            PatternDefKind::Array(items) => items.len(),
            _ => 0,
        });
        let count = match &def.count {
            None => listed,
            Some(count) => match self.scope.known(|| self.scope.json(&count.value)) {
                None => listed,
                Some(value) => {
                    let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
                    let number = number.filter(|number| (1..=suite::MAX_EVENTS).contains(number));
                    number.ok_or_else(|| suite::wrong_count(count.span))?
                }
            },
        };
        if count < listed {
            return Err(suite::fewer_events(*span, listed));
        }
        let within = match &def.within {
            Some(within) => self.duration(within)?,
            None => self.timeout()?,
        };
        Ok(Some(EventsExpectation {
            count,
            within,
            first: pattern(&def.first)?,
            each: pattern(&def.each)?,
            location: self.sources.location(*span),
        }))
    }

    fn text_tests(&self, defs: &[TextTestDef]) -> Result<Vec<TextTest>, Diagnostic> {
        defs.iter()
            .map(|def| {
                Ok(match def {
                    TextTestDef::Equals(text) => TextTest::Equals(self.scope.text(text)),
                    TextTestDef::Matches(pattern) => TextTest::Matches(self.regex(pattern)?),
                    TextTestDef::Contains(text) => TextTest::Contains(self.contained(text)?),
                    TextTestDef::OneOf(all) => TextTest::OneOf(all.iter().map(|one| self.scope.text(one)).collect()),
                    TextTestDef::Within(limit) => TextTest::Within(self.duration(limit)?),
                })
            })
            .collect()
    }

    /// The text that must be contained. Only variables can make it empty: constants were checked before.
    fn contained(&self, template: &Template) -> Result<String, Diagnostic> {
        let text = self.scope.text(template);
        let has_value = !self.scope.is_incomplete() && self.scope.unfit().is_none();
        if text.is_empty() && has_value {
            return Err(suite::contains_nothing(template.span));
        }
        Ok(text)
    }

    /// A pattern; the values of variables in it are literal.
    fn regex(&self, template: &Template) -> Result<Arc<Regex>, Diagnostic> {
        let text = self.scope.text_with(template, |value| regex::escape(value).into());
        // A pattern with variables differs from row to row: caching them would only use memory.
        if template.as_constant().is_some() {
            return text::regex(&text).map_err(|reason| Diagnostic::new(template.span, reason));
        }
        let pattern = text::regex_once(&text).map_err(|reason| Diagnostic::new(template.span, reason))?;
        if !self.scope.is_incomplete() && text::matches_every_text(&pattern) {
            return Err(suite::matches_everything(template.span));
        }
        Ok(pattern)
    }

    fn pattern(&self, def: &PatternDef) -> Result<Pattern, Diagnostic> {
        let kind = match &def.kind {
            PatternDefKind::Value(value) => PatternKind::Value(self.scope.json(value)),
            PatternDefKind::Object(entries) => PatternKind::Object(self.properties(entries)?),
            PatternDefKind::Array(items) => {
                PatternKind::Array(items.iter().map(|item| self.pattern(item)).collect::<Result<_, _>>()?)
            }
            PatternDefKind::Match(tests) => {
                PatternKind::Match(tests.iter().map(|test| self.matcher(test)).collect::<Result<_, _>>()?)
            }
        };
        Ok(Pattern {
            kind,
            location: self.sources.location(def.span),
        })
    }

    fn matcher(&self, def: &MatcherDef) -> Result<Matcher, Diagnostic> {
        Ok(match def {
            MatcherDef::Equals(value) => Matcher::Equals(self.scope.json(value)),
            MatcherDef::Matches(pattern) => Matcher::Matches(self.regex(pattern)?),
            MatcherDef::Type(types) => Matcher::Type(types.clone()),
            MatcherDef::Any(present) => Matcher::Any(*present),
            MatcherDef::OneOf(all) => Matcher::OneOf(all.iter().map(|one: &JsonDef| self.scope.json(one)).collect()),
            MatcherDef::Within(limit) => Matcher::Within(self.duration(limit)?),
            MatcherDef::Status => Matcher::Status,
            MatcherDef::Contains(inner) => {
                let bound = self.pattern(inner)?;
                let is_empty =
                    matches!(&bound.kind, PatternKind::Value(serde_json::Value::String(text)) if text.is_empty());
                if is_empty {
                    return Err(suite::contains_nothing(inner.span));
                }
                Matcher::Contains(Box::new(bound))
            }
            MatcherDef::Each(inner) => Matcher::Each(Box::new(self.pattern(inner)?)),
            MatcherDef::Length(bounds) => Matcher::Length(self.length(bounds)?),
            MatcherDef::Compare(relation, bound) => Matcher::Compare(*relation, self.compare_bound(bound)?),
            MatcherDef::Not(inner) => Matcher::Not(Box::new(self.pattern(inner)?)),
            MatcherDef::Only(entries) => Matcher::Only(self.properties(entries)?),
            MatcherDef::Unordered(items) => {
                Matcher::Unordered(items.iter().map(|item| self.pattern(item)).collect::<Result<_, _>>()?)
            }
            MatcherDef::Schema(schema) => Matcher::Schema(Arc::clone(schema)),
        })
    }

    fn properties(&self, entries: &[(String, PatternDef)]) -> Result<Vec<(String, Pattern)>, Diagnostic> {
        let property = |(key, value): &(String, PatternDef)| Ok((key.clone(), self.pattern(value)?));
        entries.iter().map(property).collect()
    }

    /// A duration. Any text passes as long as the values of variables are not known.
    pub(super) fn duration(&self, def: &DurationDef) -> Result<Duration, Diagnostic> {
        let template = match def {
            DurationDef::Fixed(duration) => return Ok(*duration),
            DurationDef::Variable(template) => template,
        };
        let Some(text) = self.scope.known(|| self.scope.text(template)) else {
            return Ok(Duration::ZERO);
        };
        parse_duration(&text).map_err(|_| {
            let names: Vec<_> = template.variables().map(|name| format!("`{name}`")).collect();
            let message = format!("{} does not give a duration here", names.join(" and "));
            // The value is written in the row, not where the duration is used.
            Diagnostic::new(self.case.span, message).help("a duration is `250ms`, `10s` or `5m`, from 1ms to 366d")
        })
    }

    /// A number or a date to compare with. Anything passes as long as the values of variables are not known.
    fn compare_bound(&self, def: &Written<JsonDef>) -> Result<RelationBound, Diagnostic> {
        match self.scope.known(|| self.scope.json(&def.value)) {
            None => Ok(RelationBound::Number(0.into())),
            Some(value) => RelationBound::new(&value).ok_or_else(|| suite::not_comparable(def.span)),
        }
    }

    fn length(&self, bounds: &[(Relation, Written<JsonDef>)]) -> Result<Vec<(Relation, u64)>, Diagnostic> {
        let bound =
            |(relation, size): &(Relation, Written<JsonDef>)| match self.scope.known(|| self.scope.json(&size.value)) {
                None => Ok((*relation, 0)),
                Some(value) => match value.as_u64() {
                    Some(length) => Ok((*relation, length)),
                    None => Err(suite::wrong_size(size.span)),
                },
            };
        bounds.iter().map(bound).collect()
    }
}
