//! YAML that can be pasted into a case.

use std::fmt::Write as _;

use serde_json::Value;

use crate::text::quoted_yaml;

/// Keys of short tests, which are written on one line.
const TESTS: [&str; 5] = ["present", "empty", "within", "contains", "matches"];

/// A mapping as YAML in blocks; tests and lists are written on one line.
pub(super) fn render(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    out
}

fn block(value: &Value, indent: usize, out: &mut String) {
    let Value::Object(entries) = value else { return };
    for (name, value) in entries {
        let _ = write!(out, "{:indent$}{}:", "", key(name));
        match value {
            Value::Object(entries) if !entries.is_empty() && !is_test(value) => {
                out.push('\n');
                block(value, indent + 2, out);
            }
            value => {
                out.push(' ');
                flow(value, out);
                out.push('\n');
            }
        }
    }
}

fn is_test(value: &Value) -> bool {
    let entries = value.as_object();
    entries.is_some_and(|entries| {
        let is_matcher = |name: &str| name.starts_with('$') && !name.starts_with("$$");
        entries.keys().all(|name| is_matcher(name))
            || entries.len() == 1
                && entries
                    .iter()
                    .all(|(name, value)| TESTS.contains(&name.as_str()) && !value.is_object() && !value.is_array())
    })
}

fn flow(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => out.push_str(&quoted_yaml(text)),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                flow(item, out);
            }
            out.push(']');
        }
        Value::Object(entries) if entries.is_empty() => out.push_str("{}"),
        Value::Object(entries) => {
            out.push_str("{ ");
            for (at, (name, value)) in entries.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                out.push_str(&key(name));
                out.push_str(": ");
                flow(value, out);
            }
            out.push_str(" }");
        }
        // Some YAML parsers read an exponent without a fraction as a string.
        Value::Number(number) => match number.to_string() {
            text if text.contains('.') => out.push_str(&text),
            text => out.push_str(&text.replacen('e', ".0e", 1)),
        },
        other => drop(write!(out, "{other}")),
    }
}

fn key(text: &str) -> String {
    let (sigil, name) = text.split_at(usize::from(text.starts_with('$')));
    let is_plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if is_plain
        && name.starts_with(|sign: char| sign.is_ascii_alphabetic())
        && !["true", "false", "null"].contains(&name)
    {
        format!("{sigil}{name}")
    } else {
        quoted_yaml(text)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::source::{Diagnostics, Node, Sources, parse_yaml};

    #[test]
    fn rendered_values_are_read_back_unchanged() {
        let value = json!({
            "expect": { "status": 404, "headers": { "etag": { "present": true }, "x-a": "a: b # c" }, "body": { "json": {
                "true": 1, "1": 2, "a b": "x", "": null, "$each": 3, "é": "\u{7f}\u{85}\u{2028}\u{202e}\u{feff}\u{0}\u{1f600}\u{e0001}",
                "list": [{ "n": { "$type": "string" } }, [], {}, "\"\\'- ? : ,[]{}&*!|>%@`"], "big": 12_345_678_901_234_567_890_u64,
                "##vso[x]": "##vso[x] ##[error]", "text": "line\r\n::error:: \ttab ", "f": 1.5e300, "no": "no", "n": "~",
            } } }
        });
        let text = render(&value);
        let mut sources = Sources::new("");
        let file = sources.add(Path::new("a.yaml"), text.clone());
        let mut errors = Diagnostics::default();
        let node = parse_yaml(&text, file, &mut errors);
        assert!(errors.is_empty(), "{text}{}", errors.render(&sources, false));
        assert_eq!(node.as_ref().map(Node::to_json), Some(value), "{text}");
        for line in text.lines() {
            assert_eq!(crate::report::visible(line), line);
        }
    }
}
