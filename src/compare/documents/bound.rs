//! The limits of a schema, in one form for all versions.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use crate::json;

/// What a limit is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum BoundKind {
    Minimum,
    Maximum,
    MinLength,
    MaxLength,
    MinItems,
    MaxItems,
    MinProperties,
    MaxProperties,
    MultipleOf,
    UniqueItems,
}

/// The keywords with one number each; a lower limit that is 0 is none.
const PLAIN: [(&str, BoundKind); 6] = [
    ("minLength", BoundKind::MinLength),
    ("maxLength", BoundKind::MaxLength),
    ("minItems", BoundKind::MinItems),
    ("maxItems", BoundKind::MaxItems),
    ("minProperties", BoundKind::MinProperties),
    ("maxProperties", BoundKind::MaxProperties),
];

/// A limit.
#[derive(Clone, Debug)]
pub(super) struct ValueBound {
    value: Number,
    is_exclusive: bool,
}

/// How one limit differs from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BoundChange {
    Tightened,
    Widened,
    Other,
}

impl BoundKind {
    fn is_lower(self) -> bool {
        matches!(
            self,
            Self::Minimum | Self::MinLength | Self::MinItems | Self::MinProperties
        )
    }

    /// Its keyword.
    pub(super) fn keyword(self) -> &'static str {
        match self {
            Self::Minimum => "minimum",
            Self::Maximum => "maximum",
            Self::MultipleOf => "multipleOf",
            Self::UniqueItems => "uniqueItems",
            _ => PLAIN
                .iter()
                .find(|(_, kind)| *kind == self)
                .map_or("", |(name, _)| name),
        }
    }
}

impl ValueBound {
    fn new(value: &Number, is_exclusive: bool) -> Self {
        Self {
            value: value.clone(),
            is_exclusive,
        }
    }

    /// The limits in a schema, with the keywords that set them.
    pub(super) fn all(entries: &Map<String, Value>) -> Vec<(BoundKind, &'static str, Self)> {
        let number = |key: &str| match entries.get(key) {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        };
        let mut all = Vec::new();
        for (kind, plain, exclusive) in [
            (BoundKind::Minimum, "minimum", "exclusiveMinimum"),
            (BoundKind::Maximum, "maximum", "exclusiveMaximum"),
        ] {
            // In 3.0 the exclusive keyword is a flag; since 3.1 it is the limit itself.
            let is_flagged = entries.get(exclusive).is_some_and(|value| *value == true);
            all.extend(number(plain).map(|value| (kind, plain, Self::new(value, is_flagged))));
            if let Some(value) = number(exclusive) {
                let bound = Self::new(value, true);
                match all.pop_if(|(known, ..)| *known == kind) {
                    Some((_, _, known)) => all.push((kind, exclusive, known.and(&bound, kind))),
                    None => all.push((kind, exclusive, bound)),
                }
            }
        }
        for (keyword, kind) in PLAIN {
            let value = number(keyword).filter(|value| !(kind.is_lower() && value.as_f64() == Some(0.0)));
            all.extend(value.map(|value| (kind, keyword, Self::new(value, false))));
        }
        let multiple = number("multipleOf").map(|value| Self::new(value, false));
        all.extend(multiple.map(|bound| (BoundKind::MultipleOf, "multipleOf", bound)));
        if entries.get("uniqueItems").is_some_and(|value| *value == true) {
            let bound = Self::new(&Number::from(1), false);
            all.push((BoundKind::UniqueItems, "uniqueItems", bound));
        }
        all
    }

    /// The stricter of two limits.
    pub(super) fn and(self, other: &Self, kind: BoundKind) -> Self {
        match self.change(other, kind) {
            Some(BoundChange::Tightened) => other.clone(),
            _ => self,
        }
    }

    /// How another limit differs from this one; none if both mean the same.
    pub(super) fn change(&self, new: &Self, kind: BoundKind) -> Option<BoundChange> {
        let order = json::compare(&self.value, &new.value);
        if kind == BoundKind::UniqueItems {
            return None;
        }
        if kind == BoundKind::MultipleOf {
            return (order != Some(Ordering::Equal)).then(|| self.multiple(new));
        }
        match (order, kind.is_lower()) {
            (None, _) => Some(BoundChange::Other),
            (Some(Ordering::Equal), _) => match (self.is_exclusive, new.is_exclusive) {
                (false, true) => Some(BoundChange::Tightened),
                (true, false) => Some(BoundChange::Widened),
                _ => None,
            },
            (Some(Ordering::Less), true) | (Some(Ordering::Greater), false) => Some(BoundChange::Tightened),
            (Some(Ordering::Greater), true) | (Some(Ordering::Less), false) => Some(BoundChange::Widened),
        }
    }

    fn multiple(&self, new: &Self) -> BoundChange {
        let whole = |number: &Number| number.as_u64().filter(|value| *value > 0);
        match (whole(&self.value), whole(&new.value)) {
            (Some(old), Some(new)) if new % old == 0 => BoundChange::Tightened,
            (Some(old), Some(new)) if old % new == 0 => BoundChange::Widened,
            _ => BoundChange::Other,
        }
    }

    /// The limit as text: `minimum 1`, `more than 0`.
    pub(super) fn text(&self, kind: BoundKind) -> String {
        match (kind, self.is_exclusive) {
            (BoundKind::UniqueItems, _) => "uniqueItems".to_owned(),
            (BoundKind::Minimum, true) => format!("exclusiveMinimum {}", self.value),
            (BoundKind::Maximum, true) => format!("exclusiveMaximum {}", self.value),
            _ => format!("{} {}", kind.keyword(), self.value),
        }
    }
}
