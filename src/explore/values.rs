//! Values that a schema of a document allows: those at its limits, and strategies for any of them.
//!
//! A value can violate keywords that are not considered here; every request is checked before it is sent.

use proptest::{
    collection::vec,
    option::weighted,
    sample::select,
    strategy::{BoxedStrategy, Just, Strategy as _, Union},
    string::string_regex_parsed,
};
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};
use serde_json::{Map, Number, Value};

use crate::openapi::{ApiDocument, DocumentPart, FlatSchema};

/// Maximum depth of values. Deeper optional properties are left out.
const DEPTH: usize = 5;
/// Maximum number of schemas that are read for one strategy.
const SCHEMAS: usize = 3000;
/// Maximum number of alternatives of a schema.
const BRANCHES: usize = 12;
/// Maximum length of a text whose schema allows more, in characters.
const TEXT: usize = 300;
/// Maximum length of the longest text that is sent, in characters.
const LONGEST: usize = 20_000;
/// Maximum number of items of a list whose schema allows more.
const ITEMS: usize = 5;
/// Whole numbers up to here are exact in every reader.
const EXACT: i64 = (1 << 53) - 1;
/// Texts that programs often handle wrongly.
const UNUSUAL: [&str; 12] = [
    " ",
    "'",
    "\"",
    "\\",
    "%",
    "a b",
    "é",
    "\u{1F600}",
    "null",
    "0",
    "<b>",
    "../a",
];

/// Reads schemas for the values of one part of a request.
pub(super) struct Schemas<'d> {
    document: &'d ApiDocument,
    budget: usize,
    /// Maximum length of texts, in characters.
    longest: usize,
}

impl<'d> Schemas<'d> {
    /// For values in a body, or with `is_head` in a URL or a header section.
    pub(super) fn new(document: &'d ApiDocument, is_head: bool) -> Self {
        Self {
            document,
            budget: SCHEMAS,
            longest: if is_head { 500 } else { LONGEST },
        }
    }

    /// A schema with what applies together with it, once for each alternative.
    fn branches(&mut self, schema: &DocumentPart) -> Vec<FlatSchema> {
        let mut all = Vec::new();
        for branch in 0..BRANCHES {
            let flat = self.document.flat_branch(schema, branch, &mut self.budget);
            if !flat.has_branch {
                break;
            }
            all.push(flat);
        }
        all
    }

    /// Values at the limits of a schema.
    pub(super) fn edges(&mut self, schema: &DocumentPart) -> Vec<Value> {
        let mut all = Vec::new();
        for flat in self.branches(schema) {
            for value in self.edges_of(&flat) {
                if !all.contains(&value) {
                    all.push(value);
                }
            }
        }
        all
    }

    fn edges_of(&mut self, flat: &FlatSchema) -> Vec<Value> {
        if let Some(listed) = listed(flat) {
            return listed.into_iter().take(30).collect();
        }
        let mut all: Vec<Value> = match flat.kind() {
            "boolean" => vec![true.into(), false.into()],
            "integer" => whole_edges(flat).into_iter().map(Value::from).collect(),
            "number" => number_edges(flat),
            "array" => self.list_edges(flat),
            "object" | "null" => Vec::new(),
            _ => text_edges(flat, self.longest),
        };
        if is_nullable(flat) {
            all.push(Value::Null);
        }
        all
    }

    /// The shortest and the longest list.
    fn list_edges(&mut self, flat: &FlatSchema) -> Vec<Value> {
        let item = flat.items.clone().map(|items| self.edges(&items)).unwrap_or_default();
        let least = flat.length("minItems").unwrap_or(0);
        let most = flat.length("maxItems").unwrap_or(least + ITEMS).min(100);
        let of = |count: usize| -> Option<Value> {
            let items = item.iter().cycle().take(count).cloned();
            (count == 0 || !item.is_empty()).then(|| items.collect())
        };
        let singles = item.iter().map(|one| Value::Array(vec![one.clone()]));
        let all = [of(least), of(most)].into_iter().flatten();
        all.chain(singles.take(if least <= 1 { 30 } else { 0 })).collect()
    }

    /// A strategy for the values of a schema.
    pub(super) fn strategy(&mut self, schema: &DocumentPart) -> BoxedStrategy<Value> {
        self.strategy_at(schema, 0)
    }

    fn strategy_at(&mut self, schema: &DocumentPart, depth: usize) -> BoxedStrategy<Value> {
        let branches = self.branches(schema);
        let all: Vec<_> = branches.iter().map(|flat| self.flat(flat, depth)).collect();
        one_of(all.into_iter().map(|one| (1, one)))
    }

    fn flat(&mut self, flat: &FlatSchema, depth: usize) -> BoxedStrategy<Value> {
        if let Some(listed) = listed(flat) {
            return one_of([(1, select(listed).boxed())]);
        }
        let own = match flat.kind() {
            "boolean" => select(vec![Value::Bool(false), Value::Bool(true)]).boxed(),
            "integer" => whole(flat),
            "number" => number(flat),
            "array" => self.list(flat, depth),
            "object" => self.object(flat, depth),
            "null" => Just(Value::Null).boxed(),
            _ => text(flat, self.longest),
        };
        let given = flat.given(true).cloned().map(|value| (1, Just(value).boxed()));
        let null = is_nullable(flat).then(|| (1, Just(Value::Null).boxed()));
        one_of([(6, own)].into_iter().chain(given).chain(null))
    }

    fn list(&mut self, flat: &FlatSchema, depth: usize) -> BoxedStrategy<Value> {
        let least = flat.length("minItems").unwrap_or(0).min(1000);
        let most = flat
            .length("maxItems")
            .unwrap_or(usize::MAX)
            .min(least + ITEMS)
            .max(least);
        let most = if depth > DEPTH { least } else { most };
        let item = match &flat.items {
            Some(items) if most > 0 && self.budget > 0 => self.strategy_at(&items.clone(), depth + 1),
            _ => Just(Value::from("a")).boxed(),
        };
        let is_unique = flat.keywords.get("uniqueItems") == Some(&Value::Bool(true));
        let lists = vec(item, least..=most).prop_map(move |mut items| {
            if is_unique {
                let mut seen: Vec<Value> = Vec::new();
                items.retain(|item| {
                    let is_new = !seen.contains(item);
                    if is_new {
                        seen.push(item.clone());
                    }
                    is_new
                });
            }
            Value::Array(items)
        });
        lists.boxed()
    }

    fn object(&mut self, flat: &FlatSchema, depth: usize) -> BoxedStrategy<Value> {
        let mut names = Vec::new();
        let mut entries: Vec<BoxedStrategy<Option<Value>>> = Vec::new();
        for (name, property) in &flat.properties {
            let is_required = flat.required.contains(name);
            let is_left_out = !is_required && (depth >= DEPTH || self.budget == 0);
            if is_left_out || self.document.flat_branch(property, 0, &mut self.budget).is_hidden() {
                continue;
            }
            let value = self.strategy_at(property, depth + 1);
            names.push(name.clone());
            entries.push(if is_required {
                value.prop_map(Some).boxed()
            } else {
                weighted(0.5, value).boxed()
            });
        }
        for name in flat.required.iter().filter(|name| !flat.properties.contains_key(*name)) {
            let value = match &flat.additional {
                Some(additional) if self.budget > 0 => self.strategy_at(&additional.clone(), depth + 1),
                _ => Just(Value::from("a")).boxed(),
            };
            names.push(name.clone());
            entries.push(value.prop_map(Some).boxed());
        }
        let others = match &flat.additional {
            Some(additional) if depth < DEPTH && self.budget > 0 => {
                let value = self.strategy_at(&additional.clone(), depth + 1);
                vec((select(vec!["a", "b", "key 1"]), value), 0..=2).boxed()
            }
            _ => Just(Vec::new()).boxed(),
        };
        let chosen = flat.chosen.clone();
        let objects = (entries, others).prop_map(move |(values, others)| {
            let own = names
                .iter()
                .zip(values)
                .filter_map(|(name, value)| Some((name.clone(), value?)));
            let mut object: Map<String, Value> = own.collect();
            for (name, value) in others {
                object.entry(name).or_insert(value);
            }
            for (name, value) in &chosen {
                object.insert(name.clone(), value.as_str().into());
            }
            Value::Object(object)
        });
        objects.boxed()
    }
}

/// One of several strategies, by weight.
fn one_of(all: impl IntoIterator<Item = (u32, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let mut all: Vec<_> = all.into_iter().collect();
    match all.len() {
        0 => Just(Value::from("a")).boxed(),
        1 => all.swap_remove(0).1,
        _ => Union::new_weighted(all).boxed(),
    }
}

/// The values of a schema that lists them.
fn listed(flat: &FlatSchema) -> Option<Vec<Value>> {
    if let Some(constant) = flat.keywords.get("const") {
        return Some(vec![constant.clone()]);
    }
    let mut all = flat.keywords.get("enum")?.as_array()?.clone();
    if is_nullable(flat) && !all.contains(&Value::Null) {
        all.push(Value::Null);
    }
    (!all.is_empty()).then_some(all)
}

fn is_nullable(flat: &FlatSchema) -> bool {
    let is_null = |kind: &Value| kind == "null";
    let has_null = |kinds: &Value| kinds.as_array().is_some_and(|kinds| kinds.iter().any(is_null));
    flat.keywords.get("nullable") == Some(&Value::Bool(true)) || flat.keywords.get("type").is_some_and(has_null)
}

/// The lowest and the highest whole number of a schema.
#[expect(clippy::cast_possible_truncation, reason = "the limits are within the exact range")]
#[expect(clippy::cast_precision_loss, reason = "the limits are exact")]
fn whole_limits(flat: &FlatSchema) -> (i64, i64) {
    let most = match flat.text("format") {
        Some("int32") => i64::from(i32::MAX),
        _ => EXACT,
    };
    let bound = most as f64;
    let (low, high) = flat.limits(1.0);
    let low = low.map_or(-most, |low| low.ceil().clamp(-bound, bound) as i64);
    let high = high.map_or(most, |high| high.floor().clamp(-bound, bound) as i64);
    (low, high.max(low))
}

/// The step of a `multipleOf` that is a whole number.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the step is whole and within the exact range"
)]
fn step_of(flat: &FlatSchema) -> i64 {
    let step = flat
        .number("multipleOf")
        .filter(|step| step.fract() == 0.0 && (1.0..1e9).contains(step));
    step.map_or(1, |step| step as i64)
}

fn whole_edges(flat: &FlatSchema) -> Vec<i64> {
    let (low, high) = whole_limits(flat);
    let step = step_of(flat);
    let first = low.div_euclid(step) * step + if low.rem_euclid(step) == 0 { 0 } else { step };
    let last = high.div_euclid(step) * step;
    let usual = [0, 1, -1, 10, 100, 1000, 1 << 31, -(1 << 31) - 1];
    let mut all: Vec<i64> = vec![first, last, first + step, last - step];
    all.extend(usual.map(|one| one / step * step));
    let mut seen = Vec::new();
    all.retain(|one| {
        let is_new = (low..=high).contains(one) && !seen.contains(one);
        seen.push(*one);
        is_new
    });
    all
}

fn whole(flat: &FlatSchema) -> BoxedStrategy<Value> {
    let (low, high) = whole_limits(flat);
    let step = step_of(flat);
    let near = (-100).clamp(low, high)..=1000.clamp(low, high);
    let all = Union::new([near.boxed(), (low..=high).boxed()]);
    all.prop_map(move |one| Value::from(one / step * step)).boxed()
}

fn number_of(value: f64) -> Option<Value> {
    Number::from_f64(value).map(Value::Number)
}

fn number_edges(flat: &FlatSchema) -> Vec<Value> {
    let (low, high) = flat.limits(0.0);
    let usual = [0.0, 0.5, -0.5, 1.0, -1.0, 1e9, 1e-9];
    let all = low.into_iter().chain(high).chain(usual);
    let is_within = |one: &f64| low.is_none_or(|low| *one >= low) && high.is_none_or(|high| *one <= high);
    let mut values: Vec<Value> = all.filter(is_within).filter_map(number_of).collect();
    if let Some(step) = flat.number("multipleOf") {
        values = values
            .iter()
            .filter_map(Value::as_f64)
            .filter_map(|one| number_of((one / step).round() * step))
            .collect();
    }
    values.dedup();
    values
}

fn number(flat: &FlatSchema) -> BoxedStrategy<Value> {
    let (low, high) = flat.limits(0.0);
    let low = low.unwrap_or_else(|| high.map_or(-1e6, |high| high.min(0.0) - 1e6));
    let high = high.unwrap_or(low.max(0.0) + 1e6).max(low);
    let step = flat.number("multipleOf").filter(|step| *step > 0.0);
    // Few decimal places: what people write.
    let values = (0.0..=1.0f64).prop_map(move |part| {
        let one = low + (high - low) * part;
        let rounded = match step {
            Some(step) => (one / step).round() * step,
            None => (one * 100.0).round() / 100.0,
        };
        number_of(rounded.clamp(low, high)).unwrap_or_else(|| Value::from(0))
    });
    values.boxed()
}

/// The lengths that a text may have, in characters.
fn lengths(flat: &FlatSchema, longest: usize) -> (usize, usize) {
    let least = flat.length("minLength").unwrap_or(0).min(longest);
    let most = flat.length("maxLength").unwrap_or(usize::MAX).min(longest);
    (least, most.max(least))
}

fn is_free(flat: &FlatSchema) -> bool {
    !flat.has("pattern") && !flat.has("format")
}

fn text_edges(flat: &FlatSchema, longest: usize) -> Vec<Value> {
    if !is_free(flat) {
        return flat.given(true).cloned().into_iter().collect();
    }
    let (least, most) = lengths(flat, longest);
    let mut all = vec!["a".repeat(least)];
    if flat.has("maxLength") && flat.length("maxLength") == Some(most) {
        all.extend(["a".repeat(most), "\u{1F600}".repeat(most)]);
    }
    let fits = |text: &&&str| (least..=most).contains(&text.chars().count());
    all.extend(UNUSUAL.iter().filter(fits).map(|text| (*text).to_owned()));
    all.into_iter().map(Value::String).collect()
}

fn text(flat: &FlatSchema, longest: usize) -> BoxedStrategy<Value> {
    let texts = match (flat.text("pattern"), flat.text("format")) {
        (Some(pattern), _) => of_pattern(pattern),
        (None, Some(format)) => of_format(format),
        (None, None) => None,
    };
    let (least, most) = lengths(flat, longest);
    let most = most.min(least.max(TEXT));
    let texts = texts.unwrap_or_else(|| {
        let plain = vec(proptest::char::range('a', 'z'), least..=most.min(least + 10));
        let any = vec(proptest::char::any(), least..=most.min(least + 10));
        let unusual = vec(select(UNUSUAL.to_vec()), 1..=3).prop_map(|parts| parts.concat().chars().collect());
        let long = vec(proptest::char::range(' ', '~'), least..=most);
        let all = Union::new_weighted(vec![
            (4, plain.boxed()),
            (2, any.boxed()),
            (2, unusual.boxed()),
            (1, long.boxed()),
        ]);
        all.prop_map(|chars: Vec<char>| chars.into_iter().collect()).boxed()
    });
    texts.prop_map(Value::String).boxed()
}

/// Texts that match a pattern, if it can be read.
fn of_pattern(pattern: &str) -> Option<BoxedStrategy<String>> {
    // JavaScript's escape of a slash.
    let parsed = regex_syntax::Parser::new().parse(&pattern.replace("\\/", "/")).ok()?;
    Some(string_regex_parsed(&simplified(&parsed)).ok()?.boxed())
}

/// A pattern without anchors and word boundaries. Its classes are those of ASCII, as `\d` is in JSON Schema (ECMA-262), if that leaves
/// a character.
fn simplified(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Look(_) => Hir::empty(),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(simplified).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(simplified).collect()),
        HirKind::Capture(capture) => simplified(&capture.sub),
        HirKind::Repetition(repetition) => {
            let mut repetition = repetition.clone();
            repetition.sub = Box::new(simplified(&repetition.sub));
            Hir::repetition(repetition)
        }
        HirKind::Class(Class::Unicode(class)) => {
            let mut plain = class.clone();
            plain.intersect(&ClassUnicode::new([ClassUnicodeRange::new(' ', '~')]));
            let is_empty = plain.ranges().is_empty();
            Hir::class(Class::Unicode(if is_empty { class.clone() } else { plain }))
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(Class::Bytes(_)) => hir.clone(),
    }
}

/// Texts of a format that is known.
fn of_format(format: &str) -> Option<BoxedStrategy<String>> {
    let days = || (1970u32..2100, 1u32..=12, 1u32..=28);
    let date = |(year, month, day): (u32, u32, u32)| format!("{year:04}-{month:02}-{day:02}");
    Some(match format {
        "date" => days().prop_map(date).boxed(),
        "date-time" => (days(), 0u32..24, 0u32..60)
            .prop_map(move |(day, hour, minute)| format!("{}T{hour:02}:{minute:02}:00Z", date(day)))
            .boxed(),
        "uuid" => "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}".boxed(),
        "email" | "idn-email" => "[a-z]{1,8}([.+][a-z0-9]{1,5})?@example\\.test".boxed(),
        "uri" | "url" | "iri" => "https://example\\.test/[a-z]{0,8}(\\?[a-z]=[a-z0-9]{1,4})?".boxed(),
        "hostname" | "idn-hostname" => "[a-z]{1,8}\\.example\\.test".boxed(),
        "ipv4" => "(10|192\\.0|127)\\.0\\.[0-9]\\.[1-9]"
            .prop_map(|text| text.replace("192.0.0", "192.0"))
            .boxed(),
        "ipv6" => "2001:db8::[1-9a-f]{1,4}".boxed(),
        "byte" => "([A-Za-z0-9]{4}){0,5}".boxed(),
        "time" => "(0[0-9]|1[0-9]):[0-5][0-9]:00Z".boxed(),
        _ => return None,
    })
}
