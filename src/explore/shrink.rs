//! Simpler inputs for one that fails.

use serde_json::{Number, Value};

use super::{ExploredInput, PartValue};

/// Maximum number of characters or items that are left out one at a time.
const ONE_BY_ONE: usize = 24;

/// Inputs with fewer changes first, then with simpler values.
pub(super) fn simpler(input: &ExploredInput) -> Vec<ExploredInput> {
    let mut all = Vec::new();
    let changed = &input.0;
    if changed.len() > 1 {
        let single = changed.iter().map(|(index, value)| [(*index, value.clone())].into());
        all.extend(single.map(ExploredInput));
        if changed.len() > 2 {
            for index in changed.keys() {
                let mut fewer = input.clone();
                fewer.0.remove(index);
                all.push(fewer);
            }
        }
    }
    for (index, value) in changed {
        let PartValue::Value(value) = value else { continue };
        for simpler in simpler_values(value) {
            let mut other = input.clone();
            other.0.insert(*index, PartValue::Value(simpler));
            all.push(other);
        }
    }
    all
}

/// Values that are simpler than another, the simplest first.
fn simpler_values(value: &Value) -> Vec<Value> {
    match value {
        Value::Null | Value::Bool(false) => Vec::new(),
        Value::Bool(true) => vec![Value::Bool(false)],
        Value::Number(number) => numbers(number),
        Value::String(text) => texts(text).into_iter().map(Value::String).collect(),
        Value::Array(items) => lists(items),
        Value::Object(entries) => {
            let mut all = Vec::new();
            for key in entries.keys() {
                let mut fewer = entries.clone();
                fewer.remove(key);
                all.push(Value::Object(fewer));
            }
            for (key, value) in entries {
                for simpler in simpler_values(value) {
                    let mut other = entries.clone();
                    other.insert(key.clone(), simpler);
                    all.push(Value::Object(other));
                }
            }
            all
        }
    }
}

/// Numbers on the way to zero: in halves, so that a limit is found in few steps.
fn numbers(number: &Number) -> Vec<Value> {
    let Ok(whole) = number.to_string().parse::<i128>() else {
        let Some(float) = number.as_f64().filter(|float| float.is_finite()) else {
            return Vec::new();
        };
        let truncated = float.trunc();
        let all = [0.0, truncated, truncated / 2.0, (float * 10.0).trunc() / 10.0];
        let mut all: Vec<f64> = all.into_iter().filter(|one| one.abs() < float.abs()).collect();
        all.dedup();
        let numbers = all.into_iter().filter_map(|one| {
            let text = if one.fract() == 0.0 && one.abs() < 1e15 {
                format!("{one:.0}")
            } else {
                one.to_string()
            };
            serde_json::from_str(&text).ok()
        });
        return numbers.collect();
    };
    let mut all = Vec::new();
    if whole < 0 {
        all.push(-whole);
    }
    let mut left = whole;
    while left != 0 {
        all.push(whole - left);
        left /= 2;
    }
    let numbers = all
        .into_iter()
        .filter_map(|one| serde_json::from_str(&one.to_string()).ok());
    numbers.collect()
}

fn texts(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let text = |chars: &[char]| chars.iter().collect::<String>();
    let mut all: Vec<String> = shorter(&chars).iter().map(|chars| text(chars)).collect();
    if chars.iter().any(|c| *c != 'a') && chars.len() > 1 {
        all.push("a".repeat(chars.len()));
    }
    let mut others = 0;
    for (at, c) in chars.iter().enumerate() {
        if *c != 'a' && others < ONE_BY_ONE {
            others += 1;
            let mut other = chars.clone();
            other[at] = 'a';
            all.push(text(&other));
        }
    }
    all
}

fn lists(items: &[Value]) -> Vec<Value> {
    let mut all: Vec<Value> = shorter(items).into_iter().map(Value::Array).collect();
    for (at, item) in items.iter().enumerate().take(ONE_BY_ONE) {
        for simpler in simpler_values(item) {
            let mut other = items.to_vec();
            other[at] = simpler;
            all.push(Value::Array(other));
        }
    }
    all
}

/// Without all, without halves and smaller runs, and without one item.
fn shorter<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    let mut all = Vec::new();
    let mut size = items.len();
    while size > 0 {
        for start in (0..items.len()).step_by(size).take(ONE_BY_ONE) {
            let end = (start + size).min(items.len());
            all.push([&items[..start], &items[end..]].concat());
        }
        size /= 2;
    }
    all
}
