//! Values that are known only while a case runs: captured from responses, or generated.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use chrono::{SecondsFormat, Utc};
use ring::digest::{SHA256, digest};
use serde_json::Value;

use crate::{
    model::{Step, marks_of},
    project::{RUN_ID, Target},
    suite::Filter,
};

/// Number of characters of `run_id` and `case_id`.
const ID: usize = 10;
/// Replaces a value that is not known when a case is planned. It can be sent and compared in every position.
const UNKNOWN: &str = "100";

/// A new `run_id`: lower-case letters and digits.
pub fn new_run_id() -> String {
    short_id(uuid::Uuid::new_v4().as_bytes())
}

/// The name of the id of a case in a run.
pub(super) const CASE_ID: &str = "case_id";

/// The `run_id` and `case_id` of a case, if there is a run.
pub(super) fn ids(target: &Target, case: &str) -> Option<[(&'static str, String); 2]> {
    let run_id = target.value(RUN_ID)?.as_str()?.to_owned();
    let case_id = case_id(&run_id, case);
    Some([(RUN_ID, run_id), (CASE_ID, case_id)])
}

/// The `case_id` of a case in a run.
pub(crate) fn case_id(run_id: &str, case: &str) -> String {
    short_id(digest(&SHA256, format!("{run_id}\n{case}").as_bytes()).as_ref())
}

/// Ten characters of base 36 from random or hashed bytes.
fn short_id(bytes: &[u8]) -> String {
    let number = bytes
        .iter()
        .take(16)
        .fold(0_u128, |all, byte| all << 8 | u128::from(*byte));
    let digit = |place: u32| {
        let digit = u32::try_from(number / 36_u128.pow(place) % 36).unwrap_or_default();
        char::from_digit(digit, 36).unwrap_or('0')
    };
    (0..).take(ID).map(digit).collect()
}

/// A text that occurs nowhere else.
fn new_token() -> String {
    short_id(uuid::Uuid::new_v4().as_bytes()) + &new_run_id()
}

/// The late values of one attempt of a case.
#[derive(Debug, Default)]
pub struct Late {
    /// Whether the case is only planned: no value is known, and none is needed.
    is_planned: bool,
    /// Whether generated values come from a recording.
    is_recorded: bool,
    captured: BTreeMap<String, Value>,
    /// The URL that the step with `follow` requests.
    location: Option<String>,
    /// Values that were generated for variables of the case, for all steps.
    of_case: RefCell<BTreeMap<String, Value>>,
    /// Values that were generated for the current step.
    of_step: RefCell<BTreeMap<String, Value>>,
    /// Number of generated values that were used.
    uses: Cell<u32>,
    /// Values in place of those of the run: `run_id` and `case_id`.
    ids: BTreeMap<String, Value>,
    /// The tokens that are used in place of values; none if the values themselves are used.
    tokens: RefCell<Vec<LateToken>>,
}

/// A text in place of a captured or generated value.
#[derive(Clone, Debug)]
pub struct LateToken {
    /// The name of the value, with the filters that have changed it: `session | base64`.
    pub name: String,
    /// The text.
    pub token: String,
    /// The value that it replaces.
    pub value: String,
}

impl Late {
    /// For a plan: every late value has a substitute.
    pub(super) fn planned() -> Self {
        Self {
            is_planned: true,
            ..Self::default()
        }
    }

    /// Whether the case is only planned.
    pub(super) fn is_planned(&self) -> bool {
        self.is_planned
    }

    /// For responses of a recording: generated values are set by [`Late::begin_recorded`].
    pub fn recorded() -> Self {
        Self {
            is_recorded: true,
            ..Self::default()
        }
    }

    /// For one step of a recording, with all values that are recorded with it.
    pub fn of_recorded(step: &Step) -> Self {
        let mut late = Self::recorded();
        late.captured.clone_from(&step.captures);
        late.begin_recorded(&step.generated);
        late
    }

    /// The same values, with a token that occurs nowhere else in place of each captured text and number, of `uuid` and `now`,
    /// and of the `ids` of the run.
    #[must_use]
    pub fn with_tokens(&self, ids: &[(&str, &str)]) -> Self {
        let mut tokens = Vec::new();
        let mut token = |name: &str, value: &Value| -> Value {
            let (token, value, new) = match value {
                Value::String(text) => {
                    let token = new_token();
                    (token.clone(), text.clone(), Value::String(token))
                }
                Value::Number(number) => {
                    // 15 digits: exact in every reader.
                    let random = uuid::Uuid::new_v4().as_u128() % 100_000_000_000_000;
                    let new = 900_000_000_000_000_u64 + u64::try_from(random).unwrap_or_default();
                    (new.to_string(), number.to_string(), new.into())
                }
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return value.clone(),
            };
            let name = name.to_owned();
            tokens.push(LateToken { name, token, value });
            new
        };
        let captured = self.captured.iter();
        let captured = captured
            .map(|(name, value)| (name.clone(), token(name, value)))
            .collect();
        let of_step = self.of_step.borrow();
        let of_step = (of_step.iter()).map(|(name, value)| (name.clone(), token(name, value)));
        let of_step = RefCell::new(of_step.collect());
        let ids = ids.iter();
        let ids = ids.map(|(name, value)| ((*name).to_owned(), token(name, &Value::from(*value))));
        Self {
            captured,
            ids: ids.collect(),
            location: self.location.clone(),
            of_case: self.of_case.clone(),
            of_step,
            tokens: RefCell::new(tokens),
            ..Self::default()
        }
    }

    /// The tokens that are used in place of values, with those that [`Late::filter`] has added.
    pub fn tokens(&self) -> Vec<LateToken> {
        self.tokens.borrow().clone()
    }

    /// What a filter makes of a token: a new token for the filtered value, or that value if a command cannot filter it. None
    /// if the text is not a token.
    pub(super) fn filter(&self, text: &str, filter: Filter) -> Option<String> {
        let mut tokens = self.tokens.borrow_mut();
        let known = tokens.iter().find(|known| known.token == text)?;
        let value = filter.apply(&known.value).ok()?;
        let names = Filter::NAMES.iter();
        let name = names
            .filter(|(_, one)| *one == filter && filter != Filter::Unix)
            .map(|(name, _)| name)
            .next();
        let Some(name) = name else { return Some(value) };
        let name = format!("{} | {name}", known.name);
        let token = new_token();
        tokens.push(LateToken {
            name,
            token: token.clone(),
            value,
        });
        Some(token)
    }

    /// A value in place of an id of the run.
    pub(super) fn id(&self, name: &str) -> Option<&Value> {
        self.ids.get(name)
    }

    /// Begins a step: what was generated for the one before is dropped.
    pub fn begin(&mut self) {
        self.location = None;
        self.of_step.get_mut().clear();
    }

    /// Begins a recorded step with the values that were generated for it.
    pub fn begin_recorded(&mut self, generated: &BTreeMap<String, Value>) {
        self.begin();
        for (name, value) in generated {
            let values = if crate::suite::is_reserved(name) {
                &mut self.of_step
            } else {
                &mut self.of_case
            };
            values.get_mut().insert(name.clone(), value.clone());
        }
    }

    /// Adds a captured value.
    pub fn capture(&mut self, name: &str, value: Value) {
        self.captured.insert(name.to_owned(), value);
    }

    /// Adds a captured value, unless there is one of this name.
    pub fn capture_once(&mut self, name: &str, value: &Value) {
        self.captured.entry(name.to_owned()).or_insert_with(|| value.clone());
    }

    /// Sets the URL of a step with `follow`.
    pub fn follow(&mut self, url: String) {
        self.location = Some(url);
    }

    /// The URL of a step with `follow`.
    pub(crate) fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// The values that were generated for the current step, and those of variables that were first used in it.
    pub(super) fn generated(&self) -> BTreeMap<String, Value> {
        let mut all = self.of_step.borrow().clone();
        all.extend(
            self.of_case
                .borrow()
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        all
    }

    /// Captured and generated values as text, by name.
    pub(super) fn texts(&self) -> Vec<(String, String)> {
        let text = |(name, value): (&String, &Value)| match value {
            Value::String(text) => Some((name.clone(), text.clone())),
            Value::Number(number) => Some((name.clone(), number.to_string())),
            _ => None,
        };
        let generated = self.generated();
        self.captured.iter().chain(&generated).filter_map(text).collect()
    }

    /// A captured value. If the case is only planned, any name has one.
    pub(crate) fn captured(&self, name: &str) -> Option<Value> {
        if self.is_planned {
            return Some(UNKNOWN.into());
        }
        self.captured.get(name).cloned()
    }

    /// Whether a captured value of a recording is only known as the mask of this secret.
    pub(super) fn is_mark(&self, name: &str, secret: &str) -> bool {
        let captured = self.captured.get(name).and_then(Value::as_str);
        self.is_recorded && captured.is_some_and(|value| value == marks_of(secret)[0])
    }

    /// `uuid` or `now`: a new value for each step.
    pub(super) fn generate(&self, name: &str) -> Option<Value> {
        if !matches!(name, "uuid" | "now") {
            return None;
        }
        self.uses.set(self.uses.get() + 1);
        let mut of_step = self.of_step.borrow_mut();
        if let Some(known) = of_step.get(name) {
            return Some(known.clone());
        }
        let value: Value = match name {
            _ if self.is_recorded => return None,
            "uuid" if self.is_planned => uuid::Uuid::nil().to_string().into(),
            "uuid" => uuid::Uuid::new_v4().to_string().into(),
            _ => Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true).into(),
        };
        of_step.insert(name.to_owned(), value.clone());
        Some(value)
    }

    /// Whether a variable of the case contains a generated value.
    pub(super) fn has_generated(&self, name: &str) -> bool {
        self.of_case.borrow().contains_key(name)
    }

    /// The value of a variable of the case. If it contains a generated value, it is made once.
    pub(super) fn once(&self, name: &str, make: impl FnOnce() -> Value) -> Value {
        if let Some(known) = self.of_case.borrow().get(name) {
            return known.clone();
        }
        let uses = self.uses.get();
        let value = make();
        if self.uses.get() != uses {
            self.of_case.borrow_mut().insert(name.to_owned(), value.clone());
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_are_ten_lower_case_letters_and_digits() {
        let ids: Vec<_> = (0..50).map(|_| new_run_id()).collect();
        for id in &ids {
            assert_eq!(id.len(), ID);
            assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{id}");
        }
        assert_ne!(ids[0], ids[1]);
        assert_ne!(case_id(&ids[0], "s/a"), case_id(&ids[0], "s/b"));
        assert_eq!(case_id("r", "s/a"), case_id("r", "s/a"));
    }

    #[test]
    fn uuid_is_new_for_each_step_and_the_same_within_it() {
        let mut late = Late::default();
        let first = late.generate("uuid").unwrap();
        assert_eq!(late.generate("uuid"), Some(first.clone()));
        let of_case = late.once("key", || late.generate("uuid").unwrap());
        late.begin();
        let second = late.generate("uuid").unwrap();
        assert_ne!(second, first);
        assert_eq!(late.once("key", || late.generate("uuid").unwrap()), of_case);
        let mut recorded = Late::recorded();
        recorded.begin_recorded(&late.generated());
        assert_eq!(recorded.generate("uuid"), Some(second));
        assert_eq!(recorded.once("key", || unreachable!()), of_case);
        assert_eq!(recorded.generate("now"), None);
    }
}
