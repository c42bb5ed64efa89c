//! Equality of JSON values, independent of key order and the spelling of numbers.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// Whether two values are equal.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => same_number(a, b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

/// Whether two numbers have the same value, without rounding at any size.
fn same_number(a: &Number, b: &Number) -> bool {
    let (a, b) = (a.as_str(), b.as_str());
    a == b || matches!((Decimal::parse(a), Decimal::parse(b)), (Some(a), Some(b)) if a == b)
}

/// The order of two numbers by value, without rounding; none if an exponent is out of range.
pub(crate) fn compare(a: &Number, b: &Number) -> Option<Ordering> {
    Some(Decimal::parse(a.as_str())?.order(&Decimal::parse(b.as_str())?))
}

/// A number in canonical form: without exponent, superfluous zeros and negative zero, unless that is very long.
pub(crate) fn plain(number: &Number) -> Number {
    let plain = Decimal::parse(number.as_str()).and_then(|decimal| decimal.plain());
    plain
        .and_then(|plain| plain.parse().ok())
        .unwrap_or_else(|| number.clone())
}

/// Whether a number of any size has no fraction, such as `1.0` and `1e400`.
pub(crate) fn is_whole(number: &Number) -> bool {
    Decimal::parse(number.as_str()).is_some_and(|decimal| decimal.exponent >= 0)
}

/// A decimal number: `digits` without zeros at either end, times ten to `exponent`.
#[derive(PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn order(&self, other: &Self) -> Ordering {
        let sign = |one: &Self| i8::from(!one.digits.is_empty()) * if one.negative { -1 } else { 1 };
        let signs = sign(self).cmp(&sign(other));
        if signs.is_ne() || self.digits.is_empty() {
            return signs;
        }
        // The power of ten of the first digit decides; digits without zeros at the end compare as text.
        let power = |one: &Self| i128::from(one.exponent) + one.digits.len() as i128;
        let size = (power(self).cmp(&power(other))).then_with(|| self.digits.cmp(&other.digits));
        if self.negative { size.reverse() } else { size }
    }

    fn plain(&self) -> Option<String> {
        let length = i64::try_from(self.digits.len()).ok()?;
        if self.digits.is_empty() {
            return Some("0".to_owned());
        }
        if !(-60..=60).contains(&self.exponent) {
            return None;
        }
        let sign = if self.negative { "-" } else { "" };
        if self.exponent >= 0 {
            let zeros = usize::try_from(self.exponent).ok()?;
            return Some(format!("{sign}{}{}", self.digits, "0".repeat(zeros)));
        }
        let point = length + self.exponent;
        if point > 0 {
            let (whole, fraction) = self.digits.split_at(usize::try_from(point).ok()?);
            return Some(format!("{sign}{whole}.{fraction}"));
        }
        let zeros = usize::try_from(-point).ok()?;
        Some(format!("{sign}0.{}{}", "0".repeat(zeros), self.digits))
    }

    fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let kept = all.trim_end_matches('0');
        let digits = kept.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                digits,
                exponent: 0,
            });
        }
        let dropped = i64::try_from(all.len() - kept.len()).ok()?;
        let exponent = exponent
            .checked_sub(i64::try_from(fraction.len()).ok()?)?
            .checked_add(dropped)?;
        Some(Self {
            negative,
            digits,
            exponent,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{compare, equal};

    fn same(a: &str, b: &str) -> bool {
        let read = |text: &str| super::super::read(text.as_bytes()).unwrap_or(Value::Null);
        equal(&read(a), &read(b))
    }

    #[test]
    fn numbers_are_ordered_by_value_at_any_size() {
        let ascending = [
            "-1e400",
            "-100.5",
            "-100",
            "-99.9",
            "-1e-9",
            "0",
            "1e-400",
            "0.09",
            "0.1",
            "1",
            "1.5",
            "2",
            "10",
            "10.01",
            "9007199254740993",
            "9007199254740994",
            "1e400",
        ];
        let number = |text: &str| serde_json::from_str::<serde_json::Number>(text).unwrap();
        for (at, one) in ascending.iter().enumerate() {
            for (other_at, other) in ascending.iter().enumerate() {
                assert_eq!(
                    compare(&number(one), &number(other)),
                    Some(at.cmp(&other_at)),
                    "{one} {other}"
                );
            }
        }
        assert_eq!(
            compare(&number("1.50"), &number("15e-1")),
            Some(std::cmp::Ordering::Equal)
        );
        assert_eq!(compare(&number("-0"), &number("0.0")), Some(std::cmp::Ordering::Equal));
    }

    #[test]
    fn numbers_are_equal_by_value_at_any_size() {
        for (a, b) in [
            ("400", "400.0"),
            ("400", "4e2"),
            ("0", "-0"),
            ("0.0", "0e9"),
            ("1E+2", "100"),
            ("0.01", "1e-2"),
            ("1e400", "10e399"),
        ] {
            assert!(same(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("400", "401"),
            ("1", "-1"),
            ("9007199254740993", "9007199254740992"),
            ("0.1", "0.10000000000000000001"),
            ("1e99999999999999999999", "2e99999999999999999999"),
            ("1", "true"),
            ("400", "\"400\""),
        ] {
            assert!(!same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn one_spelling_for_one_number() {
        for (given, plain) in [
            ("400.0", "400"),
            ("4e2", "400"),
            ("-0", "0"),
            ("1.10", "1.1"),
            ("5e-3", "0.005"),
            ("12.5e1", "125"),
            ("-1234e-2", "-12.34"),
            ("9007199254740993", "9007199254740993"),
        ] {
            let number = given.parse().map(|number| super::plain(&number).to_string());
            assert_eq!(number.ok().as_deref(), Some(plain));
        }
    }

    #[test]
    fn order_of_keys_does_not_matter_and_order_of_items_does() {
        assert!(same(r#"{"a":1,"b":[1,2]}"#, r#"{ "b":[1.0,2], "a":1 }"#));
        assert!(!same("[1,2]", "[2,1]"));
        assert!(!same(r#"{"a":1}"#, r#"{"a":1,"b":null}"#));
    }
}
