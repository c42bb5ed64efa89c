//! Values that a schema does not allow, each by one of its keywords.

use std::collections::BTreeSet;

use serde_json::{Number, Value};

use super::ProbeKind;

/// Maximum length of a text that is too long, in characters.
const MAX_TEXT: u64 = 100_000;
/// Whole numbers from here on are not exact in every reader.
const EXACT: i128 = 1 << 53;
/// Formats that every reader checks in the same way for a text that has nothing of them, with such a text.
const FORMATS: [(&str, &str); 6] = [
    ("date", "not-a-date"),
    ("date-time", "not-a-date-time"),
    ("email", "not-an-email"),
    ("ipv4", "not-an-address"),
    ("ipv6", "not-an-address"),
    ("uuid", "not-a-uuid"),
];
/// A text that is not a number, not a boolean, and not a usual word.
const TEXT: &str = "abc";

/// The keywords of the schemas that apply, or could apply, to one value.
pub(super) struct Facets<'d>(pub(super) Vec<&'d Value>);

impl<'d> Facets<'d> {
    fn values(&self, keyword: &'static str) -> impl Iterator<Item = &'d Value> {
        self.0.iter().filter_map(move |schema| schema.get(keyword))
    }

    fn numbers(&self, keyword: &'static str) -> impl Iterator<Item = &'d Number> {
        self.values(keyword).filter_map(|value| match value {
            Value::Number(number) => Some(number),
            _ => None,
        })
    }

    /// The largest of the lengths; limits of several schemas apply together.
    pub(super) fn at_least(&self, keyword: &'static str) -> Option<u64> {
        self.values(keyword).filter_map(Value::as_u64).max()
    }

    pub(super) fn at_most(&self, keyword: &'static str) -> Option<u64> {
        self.values(keyword).filter_map(Value::as_u64).min()
    }

    pub(super) fn is_true(&self, keyword: &'static str) -> bool {
        self.values(keyword).any(|value| *value == true)
    }

    pub(super) fn has_false(&self, keyword: &'static str) -> bool {
        self.values(keyword).any(|value| *value == false)
    }

    /// The names of types.
    pub(super) fn types(&self) -> BTreeSet<&'d str> {
        let all = self.values("type").flat_map(|kind| match kind {
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            kind => kind.as_str().into_iter().collect::<Vec<_>>(),
        });
        all.collect()
    }

    /// The names of declared properties, in order of their names.
    pub(super) fn properties(&self) -> BTreeSet<&'d str> {
        let all = self.values("properties").filter_map(Value::as_object);
        all.flat_map(|entries| entries.keys().map(String::as_str)).collect()
    }

    /// A value that the schema probably allows.
    pub(super) fn sample(&self) -> Value {
        let listed = self.values("enum").filter_map(Value::as_array).flatten();
        if let Some(value) = listed.chain(self.values("const")).next() {
            return value.clone();
        }
        let types = self.types();
        if types.contains("integer") || types.contains("number") {
            let low = self.numbers("minimum").next().cloned();
            return low.map_or_else(|| 1.into(), Value::Number);
        }
        if types.contains("boolean") {
            return true.into();
        }
        let length = self.at_least("minLength").unwrap_or(1).clamp(1, MAX_TEXT);
        "a".repeat(usize::try_from(length).unwrap_or(1)).into()
    }

    /// Values that are not allowed, by kind; of each kind, the first that proves to be invalid is taken. `base` is a value
    /// that is allowed.
    pub(super) fn misses(&self, base: Option<&Value>) -> Vec<(ProbeKind, Vec<Value>)> {
        let mut all = vec![(ProbeKind::WrongType, self.other_types())];
        self.number_misses(base, &mut all);
        self.text_misses(base, &mut all);
        let listed: Vec<_> = self.values("enum").filter_map(Value::as_array).flatten().collect();
        if !listed.is_empty() {
            all.push((ProbeKind::Enum, unlisted(&listed)));
        }
        let constants: Vec<_> = self.values("const").collect();
        if !constants.is_empty() {
            all.push((ProbeKind::Const, unlisted(&constants)));
        }
        all.retain(|(_, values)| !values.is_empty());
        all
    }

    /// Values of other types than those that are declared, the least likely to be converted first.
    fn other_types(&self) -> Vec<Value> {
        let types = self.types();
        if types.is_empty() {
            return Vec::new();
        }
        let is_number = types.contains("integer") || types.contains("number");
        let others = [
            (!types.contains("string")).then(|| Value::from(TEXT)),
            (!is_number).then(|| 42.into()),
            (!types.contains("boolean")).then(|| true.into()),
            (!types.contains("object")).then(|| Value::Object(serde_json::Map::new())),
        ];
        others.into_iter().flatten().collect()
    }

    fn number_misses(&self, base: Option<&Value>, all: &mut Vec<(ProbeKind, Vec<Value>)>) {
        let starts = || {
            let own = base.and_then(|base| match base {
                Value::Number(number) => Some(number),
                _ => None,
            });
            let limits = self.numbers("minimum").chain(self.numbers("maximum"));
            own.into_iter().chain(limits)
        };
        let types = self.types();
        if types.contains("integer") && !types.contains("number") {
            let halves = starts().filter_map(as_whole).filter(|whole| whole.abs() < EXACT);
            let halves = halves.flat_map(|whole| [format!("{whole}.5"), format!("{}.5", whole - 1)]);
            let halves = halves.chain(["1.5".to_owned()]).filter_map(|text| number(&text));
            all.push((ProbeKind::Fraction, halves.map(Value::Number).collect()));
        }
        let step = || self.numbers("multipleOf").find_map(as_whole).unwrap_or(1);
        let near = |keyword, exclusive, sign: i128| {
            let at = self.numbers(exclusive).cloned();
            let beyond = self.numbers(keyword).chain(self.numbers(exclusive));
            let beyond = beyond.flat_map(|limit| [moved(limit, sign), moved(limit, sign * step())]);
            let values: Vec<_> = at.chain(beyond.flatten()).map(Value::Number).collect();
            values
        };
        all.push((ProbeKind::BelowMinimum, near("minimum", "exclusiveMinimum", -1)));
        all.push((ProbeKind::AboveMaximum, near("maximum", "exclusiveMaximum", 1)));
        let mut odd = Vec::new();
        for divisor in self.numbers("multipleOf") {
            if as_whole(divisor).is_some() {
                odd.extend(starts().filter_map(|start| moved(start, 1)));
                odd.extend(moved(divisor, 1));
                odd.extend(number("1"));
            } else if let Some(half) = divisor.as_f64().map(|divisor| divisor * 1.5) {
                odd.extend(number(&half.to_string()));
            }
        }
        all.push((ProbeKind::NotMultiple, odd.into_iter().map(Value::Number).collect()));
    }

    fn text_misses(&self, base: Option<&Value>, all: &mut Vec<(ProbeKind, Vec<Value>)>) {
        let is_plain = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let own = base.and_then(Value::as_str).filter(is_plain);
        let sample = self.sample();
        let text = own.or(sample.as_str()).filter(is_plain).unwrap_or("a");
        if let Some(length) = self
            .at_least("minLength")
            .filter(|length| (1..=MAX_TEXT).contains(length))
        {
            let length = usize::try_from(length - 1).unwrap_or_default();
            let cut: String = text.chars().take(length).collect();
            all.push((ProbeKind::TooShort, vec![cut.into(), "a".repeat(length).into()]));
        }
        if let Some(length) = self.at_most("maxLength").filter(|length| *length < MAX_TEXT) {
            let length = usize::try_from(length + 1).unwrap_or_default();
            let last = text.chars().last().unwrap_or('a');
            let padded: String = text.chars().chain(std::iter::repeat(last)).take(length).collect();
            all.push((ProbeKind::TooLong, vec![padded.into(), "a".repeat(length).into()]));
        }
        if self.values("pattern").next().is_some() {
            let near = [
                format!("{text}!"),
                format!("!{text}"),
                format!("!{}", text.get(1..).unwrap_or_default()),
            ];
            let others = ["!", "-", "0", "a", "A", "_"].map(str::to_owned);
            let values = near.into_iter().chain(others).map(Value::String);
            all.push((ProbeKind::Pattern, values.collect()));
        }
        let formats = self.values("format").filter_map(Value::as_str);
        let malformed = formats.filter_map(|name| FORMATS.iter().find(|(known, _)| *known == name));
        all.push((ProbeKind::Format, malformed.map(|(_, text)| (*text).into()).collect()));
    }
}

/// Values that are not listed, of a type of the listed ones first.
fn unlisted(listed: &[&Value]) -> Vec<Value> {
    let mut all = Vec::new();
    if listed.iter().any(|value| value.is_string()) {
        all.push(Value::from("undeclared"));
    }
    let numbers = listed.iter().filter_map(|value| match value {
        Value::Number(number) => moved(number, 1),
        _ => None,
    });
    all.extend(numbers.map(Value::Number));
    let booleans = listed.iter().filter_map(|value| value.as_bool());
    all.extend(booleans.map(|value| Value::from(!value)));
    all.retain(|value| !listed.contains(&value));
    all
}

fn as_whole(number: &Number) -> Option<i128> {
    number.to_string().parse().ok()
}

fn number(text: &str) -> Option<Number> {
    serde_json::from_str(text).ok()
}

/// A number plus another. Where numbers are not exact in every reader, it is moved far enough to be different.
fn moved(from: &Number, by: i128) -> Option<Number> {
    if let Some(whole) = as_whole(from) {
        let by = if whole.abs() >= EXACT - 1 {
            by.signum() * whole.abs()
        } else {
            by
        };
        return number(&whole.checked_add(by)?.to_string());
    }
    let from = from.as_f64().filter(|from| from.abs() < 1e15)?;
    // At most a few steps: an exact conversion.
    let by = i32::try_from(by).ok()?;
    number(&(from + f64::from(by)).to_string())
}
