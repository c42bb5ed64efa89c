//! The success criteria of a step as expectations.

use serde_json::{Value as Json, json};

use super::expression::WorkflowScope;
use crate::{
    import::{DraftExpect, json_tests::JsonTests, names::short, openapi::plain},
    json,
};

/// The operators of conditions, the longer ones first.
const OPERATORS: [&str; 6] = ["==", "!=", "<=", ">=", "<", ">"];

/// The expectations so far.
pub(super) struct StepCriteria<'s> {
    scope: &'s WorkflowScope,
    /// The codes that all conditions accept.
    statuses: Vec<u16>,
    has_status: bool,
    tests: JsonTests,
    headers: Vec<(String, Json)>,
    text: Option<Json>,
    notes: Vec<String>,
}

impl<'s> StepCriteria<'s> {
    pub(super) fn new(scope: &'s WorkflowScope) -> Self {
        Self {
            scope,
            statuses: (200..600).collect(),
            has_status: false,
            tests: JsonTests::default(),
            headers: Vec::new(),
            text: None,
            notes: Vec::new(),
        }
    }

    /// Adds a criterion; one without a counterpart is noted.
    pub(super) fn add(&mut self, criterion: &Json) {
        let condition = criterion.get("condition").and_then(Json::as_str).unwrap_or_default();
        let context = criterion.get("context").and_then(Json::as_str).unwrap_or_default();
        let kind = criterion.get("type");
        let kind = kind.and_then(|kind| kind.as_str().or_else(|| kind.get("type")?.as_str()));
        let added = match kind {
            None | Some("simple") => self.all(condition),
            Some("regex") => self.regex(context, condition),
            Some("jsonpath") => self.json_path(context, condition),
            Some(_) => None,
        };
        if added.is_none() {
            self.notes.push(format!("the criterion `{}`", short(&plain(condition))));
        }
    }

    /// Conditions that are joined by `&&`.
    fn all(&mut self, condition: &str) -> Option<()> {
        let parts = split(condition, "&&");
        let mut added = Some(());
        for part in parts {
            let part = part.trim();
            let inner = part.strip_prefix('(').and_then(|part| part.strip_suffix(')'));
            let part = inner.filter(|inner| !inner.contains(['(', ')'])).unwrap_or(part);
            let one = self.any(part);
            added = added.and(one);
        }
        added
    }

    /// Conditions that are joined by `||`: several are about the status.
    fn any(&mut self, condition: &str) -> Option<()> {
        let parts = split(condition, "||");
        if let [only] = &*parts {
            return self.simple(only);
        }
        let tests = parts.iter().map(|part| status_test(part)).collect::<Option<Vec<_>>>()?;
        self.has_status = true;
        self.statuses
            .retain(|status| tests.iter().any(|(operator, code)| compare(*status, operator, *code)));
        Some(())
    }

    fn simple(&mut self, condition: &str) -> Option<()> {
        if let Some((operator, code)) = status_test(condition) {
            self.has_status = true;
            self.statuses.retain(|status| compare(*status, operator, code));
            return Some(());
        }
        let (left, operator, right) = operands(condition)?;
        let right = self.literal(right)?;
        let matcher = match operator {
            "==" => right,
            "!=" => json!({ "$not": right }),
            "<" => json!({ "$lt": right }),
            "<=" => json!({ "$lte": right }),
            ">" => json!({ "$gt": right }),
            _ => json!({ "$gte": right }),
        };
        if let Some(name) = left.strip_prefix("$response.header.") {
            self.headers
                .push((name.to_ascii_lowercase(), matcher.is_string().then_some(matcher)?));
            return Some(());
        }
        let pointer = left.strip_prefix("$response.body#/")?;
        let path: Vec<_> = pointer.split('/').map(json::unescaped).collect();
        self.tests.insert(&path, matcher)
    }

    fn literal(&self, text: &str) -> Option<Json> {
        let text = text.trim();
        for quote in ['\'', '"'] {
            let inner = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
            if let Some(inner) = inner {
                return Some(plain(&inner.replace(&format!("{quote}{quote}"), &quote.to_string())).into());
            }
        }
        if text.starts_with('$') {
            return self.scope.expression(text);
        }
        serde_json::from_str(text)
            .ok()
            .filter(|value: &Json| !value.is_object() && !value.is_array())
    }

    fn regex(&mut self, context: &str, pattern: &str) -> Option<()> {
        let pattern = plain(pattern);
        if context == "$statusCode" {
            let regex = crate::text::regex_once(&pattern).ok()?;
            self.has_status = true;
            self.statuses.retain(|status| regex.is_match(&status.to_string()));
            return Some(());
        }
        let matcher = json!({ "$matches": pattern });
        if let Some(name) = context.strip_prefix("$response.header.") {
            self.headers
                .push((name.to_ascii_lowercase(), json!({ "matches": pattern })));
            return Some(());
        }
        if context == "$response.body" && self.text.is_none() {
            self.text = Some(json!({ "matches": pattern }));
            return Some(());
        }
        let pointer = context.strip_prefix("$response.body#/")?;
        let path: Vec<_> = pointer.split('/').map(json::unescaped).collect();
        self.tests.insert(&path, matcher)
    }

    /// `$.a.b`, which exists, or `$.a[?@.b == 'c']`, which selects an item.
    fn json_path(&mut self, context: &str, path: &str) -> Option<()> {
        if context != "$response.body" {
            return None;
        }
        let path = path.trim().strip_prefix('$')?;
        let (names, filter) = match path.split_once("[?") {
            Some((names, filter)) => (names, Some(filter.strip_suffix(']')?)),
            None => (path, None),
        };
        let is_name =
            |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        let path: Vec<String> = names.split('.').skip(1).map(str::to_owned).collect();
        if (names.is_empty() && filter.is_none()) || !path.iter().all(|name| is_name(name)) {
            return None;
        }
        let Some(filter) = filter else {
            return self.tests.insert(&path, json!({ "$any": true }));
        };
        let filter = filter.trim();
        let filter = filter
            .strip_prefix('(')
            .and_then(|filter| filter.strip_suffix(')'))
            .unwrap_or(filter);
        let (left, operator, right) = operands(filter)?;
        let name = left
            .strip_prefix("@.")
            .filter(|name| is_name(name) && operator == "==")?;
        let matcher = json!({ "$contains": { name: self.literal(right)? } });
        if path.is_empty() {
            // The body itself is the list.
            let is_free = self.tests.value.is_none();
            self.tests.value = Some(matcher).filter(|_| is_free).or(self.tests.value.take());
            return is_free.then_some(());
        }
        self.tests.insert(&path, matcher)
    }

    /// Writes the expectations. `usual` is the status that is expected if no criterion states one.
    pub(super) fn finish(mut self, usual: Json, expect: &mut DraftExpect) {
        expect.status = if self.has_status {
            listed(&self.statuses).unwrap_or_else(|| {
                self.notes.push("the criterion about the status".to_owned());
                usual
            })
        } else {
            usual
        };
        expect.headers = self.headers;
        expect.body.extend(self.tests.value.map(|value| ("json", value)));
        expect.body.extend(self.text.map(|text| ("text", text)));
        expect.notes = self.notes;
    }
}

/// The parts of a condition between operators outside quotes.
fn split<'t>(text: &'t str, operator: &str) -> Vec<&'t str> {
    let mut parts = Vec::new();
    let mut quote = None;
    let mut start = 0;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if at >= start && text[at..].starts_with(operator) => {
                parts.push(&text[start..at]);
                start = at + operator.len();
            }
            Some(_) | None => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// The sides of a comparison and its operator.
fn operands(condition: &str) -> Option<(&str, &'static str, &str)> {
    let (at, operator) = (condition.char_indices()).find_map(|(at, _)| {
        let operator = OPERATORS
            .iter()
            .find(|operator| condition[at..].starts_with(**operator))?;
        Some((at, *operator))
    })?;
    Some((
        condition[..at].trim(),
        operator,
        condition[at + operator.len()..].trim(),
    ))
}

/// A comparison of the status code.
fn status_test(condition: &str) -> Option<(&'static str, u16)> {
    let (left, operator, right) = operands(condition)?;
    let code = right.trim_matches(['\'', '"']).parse().ok()?;
    (left == "$statusCode").then_some((operator, code))
}

fn compare(status: u16, operator: &str, code: u16) -> bool {
    match operator {
        "==" => status == code,
        "!=" => status != code,
        "<" => status < code,
        "<=" => status <= code,
        ">" => status > code,
        _ => status >= code,
    }
}

/// Statuses as an expectation: whole classes, and a few codes.
fn listed(statuses: &[u16]) -> Option<Json> {
    const MAX: usize = 8;
    let mut all = Vec::new();
    for class in 2..6_u16 {
        let own: Vec<_> = statuses.iter().filter(|status| **status / 100 == class).collect();
        match own.len() {
            100 => all.push(Json::from(format!("{class}xx"))),
            count if count <= MAX => all.extend(own.into_iter().map(|status| Json::from(*status))),
            _ => return None,
        }
    }
    match all.len() {
        0 => None,
        1 => all.pop(),
        _ => Some(all.into()),
    }
}
