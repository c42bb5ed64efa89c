//! The values of variables, innermost first: row, case, suite, target, default.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    time::Instant,
};

use serde_json::Value;

use super::late::{CASE_ID, Late, case_id, ids};
use crate::{
    model::marks_of,
    project::{RUN_ID, Target, Token, TokenUse, filtered_mark},
    suite::{BASE_URL, Case, Filter, JsonDef, NamedValue, Template, TemplatePart, is_reserved},
};

/// Maximum length of a text after substitution, in bytes.
pub(super) const MAX_TEXT: usize = 1 << 20;
/// Maximum size of all values that are substituted in one case, nested ones included, in bytes.
const MAX_SUBSTITUTED: usize = 32 << 20;
/// The size of a value besides its text, in bytes.
const VALUE: usize = 32;

/// The variables of one case on one target.
pub(super) struct Scope<'a> {
    case: &'a Case,
    target: &'a Target,
    late: &'a Late,
    /// Whether a value was used that is not the same for all rows.
    has_row: Cell<bool>,
    /// Whether an id of the run or of the case was used.
    uses_ids: Cell<bool>,
    /// A captured value that is used and was not captured.
    uncaptured: RefCell<Option<String>>,
    /// A token that is used and must be obtained first.
    awaited: RefCell<Option<String>>,
    /// The tokens that are used.
    tokens: RefCell<Vec<TokenUse>>,
    /// A variable without a value: the plan skips such cases, so this is an internal error.
    missing: Cell<bool>,
    /// A variable that a filter did not change: the case would send the value that it must avoid.
    unchanged: RefCell<Option<String>>,
    /// Whether a value was used that is not known when a case is planned.
    is_unknown: Cell<bool>,
    /// Why a value cannot be used in its location.
    unfit: RefCell<Option<String>>,
    /// The size of what was substituted so far.
    substituted: Cell<usize>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(case: &'a Case, target: &'a Target, late: &'a Late) -> Self {
        Self {
            case,
            target,
            late,
            has_row: Cell::new(false),
            uses_ids: Cell::new(false),
            uncaptured: RefCell::new(None),
            awaited: RefCell::new(None),
            tokens: RefCell::new(Vec::new()),
            missing: Cell::new(false),
            unchanged: RefCell::new(None),
            is_unknown: Cell::new(false),
            unfit: RefCell::new(None),
            substituted: Cell::new(0),
        }
    }

    /// Why a value cannot be used in its location.
    pub(super) fn unfit(&self) -> Option<String> {
        self.unfit.borrow().clone()
    }

    /// A variable that a filter did not change.
    pub(super) fn unchanged(&self) -> Option<String> {
        self.unchanged.borrow().clone()
    }

    /// A captured value that is used and was not captured.
    pub(super) fn uncaptured(&self) -> Option<String> {
        self.uncaptured.borrow().clone()
    }

    /// A token that is used and must be obtained first.
    pub(super) fn awaited(&self) -> Option<String> {
        self.awaited.borrow().clone()
    }

    /// The tokens that are used.
    pub(super) fn tokens(&self) -> Vec<TokenUse> {
        self.tokens.borrow().clone()
    }

    /// Uses what a further scope of the same request uses.
    pub(super) fn add_tokens(&self, other: &Self) {
        self.tokens.borrow_mut().extend(other.tokens());
        if let Some(name) = other.awaited() {
            self.awaited.replace(Some(name));
        }
    }

    /// Runs a function, and returns whether its result is the same for every row.
    pub(super) fn watched<T>(&self, make: impl FnOnce() -> T) -> (T, bool) {
        self.has_row.set(false);
        let value = make();
        (value, !self.has_row.get() && !self.has_error())
    }

    /// The result of a function; none if it used a value that has an error, or is not known when a case is planned.
    pub(super) fn known<T>(&self, make: impl FnOnce() -> T) -> Option<T> {
        let before = self.is_unknown.replace(false);
        let value = make();
        let is_unknown = self.is_unknown.get();
        self.is_unknown.set(before || is_unknown);
        (!is_unknown && !self.has_error()).then_some(value)
    }

    /// Whether a value could not be used.
    pub(super) fn has_error(&self) -> bool {
        let is_set = |reason: &RefCell<Option<String>>| reason.borrow().is_some();
        self.is_incomplete()
            || [&self.unfit, &self.unchanged, &self.uncaptured, &self.awaited]
                .into_iter()
                .any(is_set)
    }

    /// Whether some variable had no value.
    pub(super) fn is_incomplete(&self) -> bool {
        self.missing.get()
    }

    /// The value of the row, the case or the suite.
    fn own(&self, name: &str) -> Option<&'a JsonDef> {
        let of_row = self.case.row().and_then(|row| row.get(name));
        self.has_row.set(self.has_row.get() || of_row.is_some());
        of_row
            .or_else(|| self.case.def.vars.get(name))
            .or_else(|| self.case.suite.def.vars.get(name))
    }

    /// Counts substituted values. Above the limit, substitution stops and the case is an error.
    fn charge(&self, name: &str, size: usize) -> bool {
        let all = self.substituted.get().saturating_add(size);
        self.substituted.set(all);
        if all > MAX_SUBSTITUTED {
            self.refuse(name);
        }
        all <= MAX_SUBSTITUTED
    }

    fn refuse(&self, name: &str) {
        let mut unfit = self.unfit.borrow_mut();
        unfit.get_or_insert_with(|| {
            format!("`{name}` makes a text that is too long: after substitution, the limit is 1 MiB")
        });
    }

    fn value(&self, name: &str) -> Value {
        if let Some(own) = self.own(name) {
            if !self.charge(name, VALUE) {
                return Value::Null;
            }
            let value = self.late.once(name, || self.json(own));
            // A generated value that is known already was not seen when it was made.
            self.has_row.set(self.has_row.get() || self.late.has_generated(name));
            self.charge(name, size(&value));
            return value;
        }
        self.uses_ids
            .set(self.uses_ids.get() || matches!(name, RUN_ID | CASE_ID));
        if let Some(id) = self.late.id(name) {
            return id.clone();
        }
        if let Some(token) = self.target.tokens.get(name) {
            return self.token(token);
        }
        if let Some(value) = self.target.value(name) {
            return value;
        }
        let default = self
            .case
            .suite
            .def
            .inputs
            .iter()
            .find(|(input, _)| input == name)
            .and_then(|(_, input)| input.value.default.clone());
        default.map_or_else(|| self.late_value(name), Value::String)
    }

    /// The current value of a token. It can change between two rows.
    fn token(&self, token: &Token) -> Value {
        self.has_row.set(true);
        if self.late.is_planned() {
            return marks_of(&token.name)[0].clone().into();
        }
        let Some((secret, used)) = token.current(Instant::now()) else {
            self.awaited.replace(Some(token.name.clone()));
            return Value::Null;
        };
        let mut tokens = self.tokens.borrow_mut();
        if !tokens.contains(&used) {
            tokens.push(used);
        }
        Value::String(secret.expose().to_owned())
    }

    /// The value of a name that is generated or captured.
    fn late_value(&self, name: &str) -> Value {
        self.has_row.set(true);
        let value = match name {
            CASE_ID => {
                let run_id = self.target.value(RUN_ID).unwrap_or_default();
                Some(case_id(run_id.as_str().unwrap_or_default(), &self.case.id).into())
            }
            // A target has it in a run; the readiness check and `validate` come before.
            RUN_ID => Some("0".repeat(10).into()),
            BASE_URL => Some(self.target.base.to_string().into()),
            _ if is_reserved(name) => self.late.generate(name),
            _ if self.case.def.captures(name) => {
                self.is_unknown.set(self.is_unknown.get() || self.late.is_planned());
                let captured = self.late.captured(name);
                if captured.is_none() {
                    self.uncaptured.borrow_mut().get_or_insert_with(|| name.to_owned());
                    return Value::Null;
                }
                captured
            }
            _ => None,
        };
        value.unwrap_or_else(|| {
            self.missing.set(true);
            Value::Null
        })
    }

    /// Whether `run_id` or `case_id` was used.
    pub(super) fn uses_ids(&self) -> bool {
        self.uses_ids.get()
    }

    /// The `run_id` and `case_id` of the case, if there is a run.
    pub(super) fn ids(&self) -> Option<[(&'static str, String); 2]> {
        ids(self.target, &self.case.id)
    }

    /// The variables that the row and the case define, with their values as text, if they can be text.
    pub(super) fn made_here(&self) -> Vec<(String, String)> {
        let row = self.case.row().into_iter().flat_map(NamedValue::names);
        let names = row.chain(self.case.def.vars.names());
        names
            .filter_map(|name| match self.value(name) {
                Value::String(text) => Some((name.to_owned(), text)),
                value @ Value::Number(_) => Some((name.to_owned(), value.to_string())),
                _ => None,
            })
            .collect()
    }

    /// Whether a text is left out, because it contains `{{ name | optional }}` and the value is null.
    pub(super) fn omits(&self, template: &Template) -> bool {
        template.optional().any(|name| self.value(name).is_null())
    }

    /// The same for a JSON value.
    pub(super) fn omits_json(&self, def: &JsonDef) -> bool {
        matches!(def, JsonDef::Text(template) if self.omits(template))
    }

    /// A value after a filter.
    fn filtered(&self, name: &str, filter: Filter, value: String) -> String {
        if filter == Filter::Optional {
            return value;
        }
        if let Some(mark) = self.recorded(name, filter) {
            return mark;
        }
        if let Some(filtered) = self.late.filter(&value, filter) {
            return filtered;
        }
        // When a case is planned, a captured value is not known.
        let is_unknown = self.late.is_planned() && self.case.def.captures(name);
        match filter.apply(&value) {
            Ok(filtered) => {
                if filter.must_change() && filtered == value && !is_unknown {
                    self.unchanged.replace(Some(name.to_owned()));
                }
                filtered
            }
            Err(_) if is_unknown => value,
            Err(reason) => {
                let mut unfit = self.unfit.borrow_mut();
                unfit.get_or_insert_with(|| format!("`{name}` {reason}"));
                value
            }
        }
    }

    /// The mark for a filtered secret in a recording.
    fn recorded(&self, name: &str, filter: Filter) -> Option<String> {
        if self.own(name).is_some() {
            return None;
        }
        let mut secrets = [name].into_iter().chain(self.target.secrets.keys().map(String::as_str));
        // A login case masks what it captures with the name of the token.
        let masked = secrets.find(|secret| self.late.is_mark(name, secret));
        let captured = masked.map(|secret| filtered_mark(secret, filter));
        captured.or_else(|| self.target.recorded_mark(name, filter))
    }

    /// A value as text: a string without quotes, a number or boolean as JSON; `None` for other types.
    fn plain(&self, name: &str) -> Cow<'a, str> {
        if let Some(JsonDef::Plain(Value::String(text))) = self.own(name)
            && self.charge(name, 2 * VALUE + text.len())
        {
            return Cow::Borrowed(text);
        }
        match self.value(name) {
            Value::String(text) => Cow::Owned(text),
            value @ (Value::Bool(_) | Value::Number(_)) => Cow::Owned(value.to_string()),
            value => {
                let kind = match value {
                    Value::Null => "null",
                    Value::Array(_) => "a list",
                    _ => "a mapping",
                };
                let mut unfit = self.unfit.borrow_mut();
                unfit.get_or_insert_with(|| format!("`{name}` is {kind} here, which cannot be used in text"));
                Cow::Borrowed("")
            }
        }
    }

    /// A template as text; `wrap` is applied to each variable's value.
    pub(super) fn text_with(&self, template: &Template, wrap: impl Fn(&str) -> Cow<'_, str>) -> String {
        let mut all = String::new();
        for part in &template.parts {
            let (name, value) = match part {
                TemplatePart::Text(text) => {
                    all.push_str(text);
                    continue;
                }
                TemplatePart::Variable(name, filters) => {
                    let mut value = self.plain(name);
                    for filter in filters {
                        value = Cow::Owned(self.filtered(name, *filter, value.into_owned()));
                    }
                    (name, value)
                }
            };
            all.push_str(&wrap(&value));
            if all.len() > MAX_TEXT {
                self.refuse(name);
                return String::new();
            }
        }
        all
    }

    /// A template as text.
    pub(super) fn text(&self, template: &Template) -> String {
        self.text_with(template, |value| Cow::Borrowed(value))
    }

    /// A value; a string that consists of one variable takes the variable's type.
    pub(super) fn json(&self, def: &JsonDef) -> Value {
        match def {
            JsonDef::Plain(value) => value.clone(),
            JsonDef::Text(template) => match template.as_variable() {
                Some(name) => self.value(name),
                None => Value::String(self.text(template)),
            },
            JsonDef::List(items) => {
                let items = items.iter().filter(|item| !self.omits_json(item));
                items.map(|item| self.json(item)).collect()
            }
            JsonDef::Map(entries) => entries
                .iter()
                .filter(|(_, value)| !self.omits_json(value))
                .map(|(key, value)| (key.clone(), self.json(value)))
                .collect(),
        }
    }
}

/// Approximate size of a value in memory.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => VALUE + text.len(),
        Value::Array(items) => VALUE + items.iter().map(size).sum::<usize>(),
        Value::Object(entries) => {
            VALUE
                + entries
                    .iter()
                    .map(|(key, value)| VALUE + key.len() + size(value))
                    .sum::<usize>()
        }
        _ => VALUE,
    }
}
