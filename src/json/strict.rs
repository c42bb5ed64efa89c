//! Reading JSON strictly (RFC 8259, RFC 7493 §2.3): UTF-8 without a byte order mark, one document, no duplicate keys.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Why bytes are not one strict JSON document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(String);

/// Reads one document. Numbers keep their digits; nesting is bounded at 127 levels.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, Unreadable> {
    if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) {
        return Err(Unreadable("it begins with a byte order mark".to_owned()));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Unreadable(format!("byte {} is not UTF-8", error.valid_up_to() + 1)))?;
    if text.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
        return Err(Unreadable("it is empty".to_owned()));
    }
    serde_json::from_str::<Strict>(text)
        .map(|strict| strict.0)
        .map_err(|error| Unreadable(error.to_string()))
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

/// The key under which `serde_json` passes a number with its digits.
const NUMBER: &str = "$serde_json::private::Number";

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.is_empty() && key == NUMBER {
                match entries.next_value_seed(AfterNumberKey)? {
                    DigitsOrValue::Digits(digits) => {
                        return digits.parse::<Number>().map(Value::Number).map_err(de::Error::custom);
                    }
                    DigitsOrValue::Value(value) => drop(map.insert(key, value)),
                }
                continue;
            }
            if map.contains_key(&key) {
                return Err(de::Error::custom(format_args!("duplicate key {key:?}")));
            }
            let Strict(value) = entries.next_value()?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

/// The value after a key named [`NUMBER`].
enum DigitsOrValue {
    /// The digits of a number.
    Digits(String),
    /// The value of a property that has this name in the document.
    Value(Value),
}

/// Distinguishes a number from an object with this key: `serde_json` passes the digits of a number as an owned string,
/// and the strings of a document as borrowed ones. A test fails if this changes.
#[derive(Clone, Copy)]
struct AfterNumberKey;

impl<'de> DeserializeSeed<'de> for AfterNumberKey {
    type Value = DigitsOrValue;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<DigitsOrValue, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AfterNumberKey {
    type Value = DigitsOrValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        StrictVisitor.expecting(f)
    }

    fn visit_unit<E: de::Error>(self) -> Result<DigitsOrValue, E> {
        StrictVisitor.visit_unit().map(DigitsOrValue::Value)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<DigitsOrValue, E> {
        StrictVisitor.visit_bool(value).map(DigitsOrValue::Value)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<DigitsOrValue, E> {
        StrictVisitor.visit_u64(value).map(DigitsOrValue::Value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<DigitsOrValue, E> {
        StrictVisitor.visit_i64(value).map(DigitsOrValue::Value)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<DigitsOrValue, E> {
        StrictVisitor.visit_f64(value).map(DigitsOrValue::Value)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<DigitsOrValue, E> {
        StrictVisitor.visit_str(value).map(DigitsOrValue::Value)
    }

    fn visit_string<E: de::Error>(self, digits: String) -> Result<DigitsOrValue, E> {
        Ok(DigitsOrValue::Digits(digits))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<DigitsOrValue, A::Error> {
        StrictVisitor.visit_seq(items).map(DigitsOrValue::Value)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<DigitsOrValue, A::Error> {
        StrictVisitor.visit_map(entries).map(DigitsOrValue::Value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::read;

    #[test]
    fn a_private_number_key_is_a_property() {
        let object = |inner: Value| {
            let mut all = serde_json::Map::new();
            all.insert("$serde_json::private::Number".to_owned(), inner);
            Value::Object(all)
        };
        for (text, expected) in [
            (r#"{"$serde_json::private::Number":"5"}"#, object("5".into())),
            (r#"{"\u0024serde_json::private::Number":"\u0035"}"#, object("5".into())),
            (r#"{"$serde_json::private::Number":"x"}"#, object("x".into())),
            (r#"{"$serde_json::private::Number":5}"#, object(json!(5))),
            (r#"{"$serde_json::private::Number":null}"#, object(Value::Null)),
            (r#"{"$serde_json::private::Number":["5"]}"#, object(json!(["5"]))),
            (
                r#"{"$serde_json::private::Number":{"$serde_json::private::Number":"5"}}"#,
                object(object("5".into())),
            ),
        ] {
            assert_eq!(read(text.as_bytes()), Ok(expected.clone()), "{text}");
            let again = read(expected.to_string().as_bytes());
            assert_eq!(again, Ok(expected), "{text}");
        }
        let two = read(br#"{"$serde_json::private::Number":"5","a":1}"#);
        assert_eq!(
            two.map(|value| value.as_object().map(serde_json::Map::len)),
            Ok(Some(2))
        );
        assert!(
            error(br#"{"$serde_json::private::Number":"5","$serde_json::private::Number":"5"}"#).contains("duplicate")
        );
        let raw = read(br#"{"$serde_json::private::RawValue":"5"}"#);
        assert_eq!(raw.map(|value| value.is_object()), Ok(true));
    }

    fn error(bytes: &[u8]) -> String {
        read(bytes).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn bytes_other_than_one_strict_document_are_rejected() {
        for (bytes, part) in [
            (&b""[..], "empty"),
            (b" \n", "empty"),
            (b"\xEF\xBB\xBF{}", "byte order mark"),
            (b"\"\xff\"", "not UTF-8"),
            (b"{}{}", "trailing characters"),
            (b"{} x", "trailing characters"),
            (b"{'a':1}", "key must be a string"),
            (b"{\"a\":1,\"a\":1}", "duplicate key \"a\""),
            (b"{\"a\":1,\"\\u0061\":1}", "duplicate key \"a\""),
            (b"[{\"a\":{\"b\":1,\"b\":2}}]", "duplicate key \"b\""),
            (b"[NaN]", "expected value"),
            (b"[01]", "invalid number"),
            (b"[1,]", "trailing comma"),
            (b"\"\\ud800\"", "hex escape"),
            (b"{\"a\":", "EOF"),
        ] {
            assert!(error(bytes).contains(part), "{bytes:?}: {}", error(bytes));
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = [b"[".repeat(200_000), b"]".repeat(200_000)].concat();
        assert!(error(&deep).contains("recursion limit"));
    }

    #[test]
    fn numbers_keep_their_digits() {
        let value = read(b"[123456789012345678901234567890, 1.10, 4e2, -0]");
        assert_eq!(
            value.map(|value| value.to_string()),
            Ok("[123456789012345678901234567890,1.10,4e+2,-0]".to_owned())
        );
    }
}
