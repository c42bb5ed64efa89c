//! Two JSON bodies side by side.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::Utc;
use serde_json::{Map, Number, Value};

use super::{
    ChangeRule as Rule,
    difference::{Difference, Part, Told},
    format::{Format, date_time},
};
use crate::check::{PutBack, json};

/// Most items of an array that are looked at one by one.
const ITEMS: usize = 10_000;
/// This near to the moment of its answer, in seconds, an instant is the present one.
const PRESENT: i64 = 300;
/// Names of properties that hold text for people.
const MESSAGES: [&str; 11] = [
    "message",
    "msg",
    "detail",
    "title",
    "description",
    "reason",
    "hint",
    "text",
    "error_description",
    "errormessage",
    "error_message",
];

pub(super) fn compare(a: Told<'_>, b: Told<'_>, one: &Value, other: &Value, out: &mut Vec<Difference>) {
    let mut walk = Walk {
        a,
        b,
        out,
        seen: BTreeSet::new(),
        only_shape: false,
    };
    walk.values("", "", one, other);
}

struct Walk<'t, 'o> {
    a: Told<'t>,
    b: Told<'t>,
    out: &'o mut Vec<Difference>,
    /// One change is told once, however many items of an array show it.
    seen: BTreeSet<(Rule, String, String)>,
    /// Whether items are compared that need not be the same: then their values tell nothing.
    only_shape: bool,
}

impl Walk<'_, '_> {
    fn tell(&mut self, mut difference: Difference, kind: &str) {
        if self.only_shape && (difference.rule.is_of_value() || difference.rule == Rule::BodyOrderChanged) {
            return;
        }
        let Part::Body(pointer) = &difference.part else {
            return;
        };
        if self.seen.insert((difference.rule, pointer.clone(), kind.to_owned())) {
            kind.clone_into(&mut difference.kind);
            self.out.push(difference);
        }
    }

    fn add(&mut self, rule: Rule, pointer: &str, before: Option<&Value>, after: Option<&Value>) {
        let (before, after) = (
            before.map(|value| show(value, &self.a)),
            after.map(|value| show(value, &self.b)),
        );
        let part = Part::Body(pointer.to_owned());
        self.tell(Difference::new(rule, part, before.as_deref(), after.as_deref()), "");
    }

    fn values(&mut self, pointer: &str, name: &str, a: &Value, b: &Value) {
        match (a, b) {
            (Value::Null, Value::Null) => {}
            (Value::Bool(one), Value::Bool(other)) if one == other => {}
            (Value::Null, _) => self.add(Rule::BodyNoLongerNull, pointer, Some(a), Some(b)),
            (_, Value::Null) => self.add(Rule::BodyBecameNull, pointer, Some(a), Some(b)),
            (Value::Array(one), Value::Array(other)) => self.arrays(pointer, one, other),
            (Value::Array(_), _) => self.add(Rule::BodyNoLongerArray, pointer, Some(a), Some(b)),
            (_, Value::Array(_)) => self.add(Rule::BodyBecameArray, pointer, Some(a), Some(b)),
            (Value::Object(one), Value::Object(other)) => self.objects(pointer, one, other),
            (Value::String(one), Value::String(other)) => self.strings(pointer, name, one, other),
            (Value::Number(one), Value::Number(other)) => self.numbers(pointer, one, other),
            (Value::Bool(_), Value::Bool(_)) => self.add(Rule::BodyValueChanged, pointer, Some(a), Some(b)),
            _ => self.add(Rule::BodyTypeChanged, pointer, Some(a), Some(b)),
        }
    }

    fn numbers(&mut self, pointer: &str, a: &Number, b: &Number) {
        let (one, other) = (Value::Number(a.clone()), Value::Number(b.clone()));
        // `400.0` is an integer, however it is spelled.
        let rule = match (json::is_whole(a), json::is_whole(b)) {
            _ if json::equal(&one, &other) || self.a.means(&a.to_string(), &self.b, &b.to_string()) => return,
            (true, false) => Rule::BodyIntegerToNumber,
            (false, true) => Rule::BodyNumberToInteger,
            _ => Rule::BodyValueChanged,
        };
        self.add(rule, pointer, Some(&one), Some(&other));
    }

    fn strings(&mut self, pointer: &str, name: &str, a: &str, b: &str) {
        if self.a.means(a, &self.b, b) {
            return;
        }
        let rule = match (Format::of(a), Format::of(b)) {
            (one, other) if one == other => {
                if one == Format::Text && is_message(name, a, b) {
                    Rule::BodyMessageChanged
                } else {
                    Rule::BodyValueChanged
                }
            }
            (Format::Text, _) => Rule::BodyFormatGained,
            (_, Format::Text) => Rule::BodyFormatLost,
            _ => Rule::BodyFormatChanged,
        };
        let quoted = |text: &str, of: &Told<'_>| show(&Value::from(text), of);
        let (before, after) = (quoted(a, &self.a), quoted(b, &self.b));
        let mut difference = Difference::new(rule, Part::Body(pointer.to_owned()), Some(&before), Some(&after));
        difference.is_fleeting = rule == Rule::BodyValueChanged && self.is_fleeting(a, b);
        self.tell(difference, "");
    }

    /// Whether both are made anew for each answer: ids that nobody else has, and instants as far from their answers.
    fn is_fleeting(&self, a: &str, b: &str) -> bool {
        if Format::of(a) == Format::Uuid {
            return true;
        }
        let away = |text: &str, of: &Told<'_>| {
            let at = date_time(text)?;
            Some(
                at.signed_duration_since(of.answer.received.with_timezone(&Utc))
                    .num_seconds(),
            )
        };
        match (away(a, &self.a), away(b, &self.b)) {
            (Some(one), Some(other)) => (one.abs() <= PRESENT && other.abs() <= PRESENT) || (one - other).abs() <= 2,
            _ => false,
        }
    }

    fn objects(&mut self, pointer: &str, a: &Map<String, Value>, b: &Map<String, Value>) {
        let keyed = |map: &'_ Map<String, Value>, of: &Told<'_>| -> BTreeMap<String, Value> {
            map.iter()
                .map(|(key, value)| (of.put_back(key), value.clone()))
                .collect()
        };
        // Names of properties are rarely values of a target: a copy is made only where one is.
        let has_names = |map: &Map<String, Value>, of: &Told<'_>| map.keys().any(|key| of.put_back(key) != **key);
        if has_names(a, &self.a) || has_names(b, &self.b) {
            let (a, b) = (keyed(a, &self.a), keyed(b, &self.b));
            let own: BTreeMap<&str, &Value> = a.iter().map(|(key, value)| (key.as_str(), value)).collect();
            let other: BTreeMap<&str, &Value> = b.iter().map(|(key, value)| (key.as_str(), value)).collect();
            self.properties(pointer, &own, &other);
        } else {
            let own: BTreeMap<&str, &Value> = a.iter().map(|(key, value)| (key.as_str(), value)).collect();
            let other: BTreeMap<&str, &Value> = b.iter().map(|(key, value)| (key.as_str(), value)).collect();
            self.properties(pointer, &own, &other);
        }
    }

    fn properties(&mut self, pointer: &str, a: &BTreeMap<&str, &Value>, b: &BTreeMap<&str, &Value>) {
        // An object without anything is no body to read.
        let vanished = match (a.is_empty(), b.is_empty()) {
            (false, true) => Some(Rule::BodyVanished),
            (true, false) => Some(Rule::BodyAppeared),
            _ => None,
        };
        if let Some(rule) = vanished.filter(|_| pointer.is_empty()) {
            return self.add(rule, pointer, None, None);
        }
        if let Some(key) = wrapper(a, b) {
            let part = Part::Body(pointer.to_owned());
            return self.tell(Difference::new(Rule::BodyWrapped, part, None, Some(key)), key);
        }
        if let Some(key) = wrapper(b, a) {
            let part = Part::Body(pointer.to_owned());
            return self.tell(Difference::new(Rule::BodyUnwrapped, part, Some(key), None), key);
        }
        let mut removed: BTreeSet<&str> = a.keys().filter(|key| !b.contains_key(*key)).copied().collect();
        let mut added: BTreeSet<&str> = b.keys().filter(|key| !a.contains_key(*key)).copied().collect();
        for (key, other) in self.same_names(&removed, &added) {
            removed.remove(key);
            added.remove(other);
            self.values(&json::step(pointer, key), key, a[key], b[other]);
        }
        let renamed = self.renamed(a, b, &mut removed, &mut added);
        let (styled, others): (Vec<_>, Vec<_>) = renamed.into_iter().partition(|(one, other)| bare(one) == bare(other));
        if styled.len() > 1 {
            let list = |names: Vec<&str>| names.join(", ");
            let before = list(styled.iter().map(|pair| pair.0).collect());
            let after = list(styled.iter().map(|pair| pair.1).collect());
            let part = Part::Body(pointer.to_owned());
            self.tell(
                Difference::new(Rule::BodyNamingChanged, part, Some(&before), Some(&after)),
                "",
            );
        }
        let alone = if styled.len() > 1 { Vec::new() } else { styled };
        for (one, other) in others.into_iter().chain(alone) {
            let part = Part::Body(pointer.to_owned());
            let (before, after) = (json::step("", one), json::step("", other));
            // The pair of names in one order, so that the way back is the same change seen from the other side.
            let kind = if one < other {
                format!("{one}/{other}")
            } else {
                format!("{other}/{one}")
            };
            self.tell(
                Difference::new(Rule::BodyPropertyRenamed, part, Some(&before[1..]), Some(&after[1..])),
                &kind,
            );
        }
        for key in removed {
            self.add(
                Rule::BodyPropertyRemoved,
                &json::step(pointer, key),
                a.get(key).copied(),
                None,
            );
        }
        for key in added {
            self.add(
                Rule::BodyPropertyAdded,
                &json::step(pointer, key),
                None,
                b.get(key).copied(),
            );
        }
        for (key, value) in a {
            if let Some(other) = b.get(key) {
                self.values(&json::step(pointer, key), key, value, other);
            }
        }
    }

    /// Names that are values of the targets, where two variables have one value on a target.
    fn same_names<'k>(&self, removed: &BTreeSet<&'k str>, added: &BTreeSet<&'k str>) -> Vec<(&'k str, &'k str)> {
        let is_name = |key: &&&str| key.contains("{{ ");
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for key in removed.iter().filter(is_name) {
            let other = added.iter().filter(is_name).find(|other| {
                let means = |names: &PutBack| names.fill_plain(key) == names.fill_plain(other);
                !pairs.iter().any(|pair| pair.1 == **other) && (means(self.a.names) || means(self.b.names))
            });
            pairs.extend(other.map(|other| (*key, *other)));
        }
        pairs
    }

    /// Removals and additions that belong together: by a name in another style, by the value, by the only value of the
    /// kind. What could belong to several belongs to none.
    fn renamed<'k>(
        &self,
        a: &BTreeMap<&'k str, &Value>,
        b: &BTreeMap<&'k str, &Value>,
        removed: &mut BTreeSet<&'k str>,
        added: &mut BTreeSet<&'k str>,
    ) -> Vec<(&'k str, &'k str)> {
        let mut pairs = Vec::new();
        if removed.is_empty() || added.is_empty() {
            return pairs;
        }
        let marks: [Mark<'_>; 3] = [
            Box::new(|key, value, _| Some(format!("{} {}", bare(key), json_type(value)))),
            Box::new(|_, value, of| is_telling(value).then(|| of.put_back(&json::show(value)))),
            Box::new(|_, value, _| Some(shape(value))),
        ];
        for mark in marks {
            let found = |names: &BTreeSet<&'k str>, values: &BTreeMap<&'k str, &Value>, of: &Told<'_>| {
                let mut found: HashMap<String, Option<&'k str>> = HashMap::new();
                for name in names {
                    if let Some(mark) = values.get(name).and_then(|value| mark(name, value, of)) {
                        found.entry(mark).and_modify(|one| *one = None).or_insert(Some(*name));
                    }
                }
                found
            };
            let (one, other) = (found(removed, a, &self.a), found(added, b, &self.b));
            let mut new: Vec<_> = (one.into_iter())
                .filter_map(|(mark, name)| Some((name?, (*other.get(&mark)?)?)))
                .collect();
            new.sort_unstable();
            for (name, new_name) in &new {
                removed.remove(name);
                added.remove(new_name);
            }
            pairs.extend(new);
        }
        pairs
    }

    fn arrays(&mut self, pointer: &str, a: &[Value], b: &[Value]) {
        let at = format!("{pointer}/*");
        let (one, other): (Vec<_>, Vec<_>) = (
            a.iter().take(ITEMS).map(|item| normal(item, &self.a)).collect(),
            b.iter().take(ITEMS).map(|item| normal(item, &self.b)).collect(),
        );
        if a.len() != b.len() {
            let rule = if a.len() > b.len() {
                Rule::BodyFewerItems
            } else {
                Rule::BodyMoreItems
            };
            let part = Part::Body(pointer.to_owned());
            let (before, after) = (format!("{} items", a.len()), format!("{} items", b.len()));
            self.tell(Difference::new(rule, part, Some(&before), Some(&after)), "");
        } else if one == other {
            // Numbers can be spelled in two ways: their types are looked at below.
        } else {
            let (mut sorted, mut sorted_other) = (one.clone(), other.clone());
            sorted.sort_unstable();
            sorted_other.sort_unstable();
            if sorted == sorted_other {
                return self.add(
                    Rule::BodyOrderChanged,
                    pointer,
                    Some(&Value::from(a)),
                    Some(&Value::from(b)),
                );
            }
        }
        if a.len() == b.len() {
            for (one, other) in a.iter().zip(b).take(ITEMS) {
                self.values(&at, "", one, other);
            }
        } else if let (Some(one), Some(other)) = (merged(a), merged(b)) {
            // Which item of one list is which of the other, nobody knows.
            let before = std::mem::replace(&mut self.only_shape, true);
            self.values(&at, "", &one, &other);
            self.only_shape = before;
        }
    }
}

fn show(value: &Value, of: &Told<'_>) -> String {
    let text = json::show(value);
    // Of a long text only the beginning is shown.
    if text.len() > 10_000 { text } else { of.put_back(&text) }
}

/// What a property can be known by.
type Mark<'m> = Box<dyn Fn(&str, &Value, &Told<'_>) -> Option<String> + 'm>;

/// All that the items of an array have, in one: the first value of each property.
fn merged(items: &[Value]) -> Option<Value> {
    let first = items.first()?;
    if !items.iter().take(ITEMS).all(Value::is_object) {
        return Some(first.clone());
    }
    let mut all = Map::new();
    for (key, value) in items.iter().take(ITEMS).filter_map(Value::as_object).flatten() {
        if all.get(key).is_none_or(Value::is_null) {
            all.insert(key.clone(), value.clone());
        }
    }
    Some(Value::Object(all))
}

/// The property of `outer` that holds everything that `inner` has, which `outer` itself has no longer.
fn wrapper<'k>(inner: &BTreeMap<&str, &Value>, outer: &BTreeMap<&'k str, &Value>) -> Option<&'k str> {
    let holds = |key: &str, value: &Value| {
        let Value::Object(held) = value else { return false };
        let is_there = |name: &&str| held.contains_key(*name);
        let has_left = |name: &&str| *name == key || !outer.contains_key(name);
        inner.keys().all(|name| is_there(name) && has_left(name)) && !inner.get(key).is_some_and(|own| own.is_object())
    };
    if inner.is_empty() {
        return None;
    }
    outer.iter().find(|(key, value)| holds(key, value)).map(|(key, _)| *key)
}

fn is_message(name: &str, a: &str, b: &str) -> bool {
    let is_prose = |text: &str| text.trim().contains(char::is_whitespace);
    MESSAGES.contains(&name.to_ascii_lowercase().as_str()) || (is_prose(a) && is_prose(b))
}

/// A name without what styles of names differ in.
fn bare(name: &str) -> String {
    name.chars()
        .filter(|sign| !matches!(sign, '_' | '-' | '.' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Whether a value is its own: many properties are `true`, `0` or empty.
fn is_telling(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::Number(number) => number.to_string().len() > 1,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
    }
}

fn shape(value: &Value) -> String {
    match value {
        Value::String(text) => Format::of(text).name().to_owned(),
        Value::Array(items) => format!("array of {}", items.first().map_or_else(String::new, shape)),
        Value::Object(entries) => {
            let names: BTreeSet<_> = entries.keys().collect();
            format!("object of {names:?}")
        }
        other => json_type(other).to_owned(),
    }
}

/// A value as text that is equal where values mean the same.
fn normal(value: &Value, of: &Told<'_>) -> String {
    fn write(value: &Value, of: &Told<'_>, out: &mut String) {
        match value {
            Value::Object(entries) => {
                let sorted: BTreeMap<_, _> = entries.iter().map(|(key, value)| (of.put_back(key), value)).collect();
                out.push('{');
                for (key, value) in sorted {
                    out.push_str(&Value::from(key).to_string());
                    out.push(':');
                    write(value, of, out);
                    out.push(',');
                }
                out.push('}');
            }
            Value::Array(items) => {
                out.push('[');
                for item in items {
                    write(item, of, out);
                    out.push(',');
                }
                out.push(']');
            }
            Value::String(text) => out.push_str(&Value::from(of.put_back(text)).to_string()),
            Value::Number(number) => out.push_str(&of.put_back(&json::plain(number).to_string())),
            other => out.push_str(&other.to_string()),
        }
    }
    let mut out = String::new();
    write(value, of, &mut out);
    out
}
