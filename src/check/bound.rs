//! Relations by size: of numbers, dates and lengths.

use std::{cmp::Ordering, fmt};

use chrono::{DateTime, Utc};
use serde_json::{Number, Value};

use crate::json;

/// How a value is compared with a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Equal to it.
    Equal,
    /// Greater than it.
    Greater,
    /// Greater than it, or equal.
    AtLeast,
    /// Less than it.
    Less,
    /// Less than it, or equal.
    AtMost,
}

impl Relation {
    /// Whether a value with this order relative to the bound passes.
    pub(crate) fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::Less => "<",
            Self::AtMost => "<=",
        })
    }
}

/// `3`, or `>= 1 and < 3`.
pub(super) fn show_bounds(bounds: &[(Relation, u64)]) -> String {
    match bounds {
        [(Relation::Equal, length)] => length.to_string(),
        bounds => {
            let bounds: Vec<_> = (bounds.iter())
                .map(|(relation, bound)| format!("{relation} {bound}"))
                .collect();
            bounds.join(" and ")
        }
    }
}

/// A number or a date that values are compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum RelationBound {
    /// A number, compared by value without rounding.
    Number(Number),
    /// A date as it was written, compared as a point in time.
    Date(String, DateTime<Utc>),
}

impl RelationBound {
    /// The bound that a value is: none for anything but a number or a text that is a date (RFC 3339, or of HTTP).
    pub(crate) fn new(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Some(Self::Number(number.clone())),
            Value::String(text) => Some(Self::Date(text.clone(), super::instant(text)?)),
            _ => None,
        }
    }

    /// Whether it is a number.
    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    /// The order of a value relative to the bound; none if it cannot be compared with it.
    pub(crate) fn order(&self, value: &Value) -> Option<Ordering> {
        match (self, value) {
            (Self::Number(bound), Value::Number(number)) => json::compare(number, bound),
            (Self::Date(_, bound), Value::String(text)) => Some(super::instant(text)?.cmp(bound)),
            _ => None,
        }
    }
}

impl fmt::Display for RelationBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Date(text, _) => text.fmt(f),
        }
    }
}
