//! Reads mappings: known keys are taken by name; a remaining key is an error with the nearest name.

use std::time::Duration;

use super::{Diagnostic, Diagnostics, Kind, Node};

/// A mapping that is being read. Take the fields, then call [`Fields::finish`].
pub(crate) struct Fields<'n> {
    node: &'n Node,
    what: &'static str,
    known: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// Reads `node` as a mapping; `what` names it in messages ("a case", "a target").
    pub(crate) fn of(node: &'n Node, what: &'static str, errors: &mut Diagnostics) -> Option<Self> {
        if !matches!(node.kind, Kind::Map(_)) {
            errors.push(expected(node, what));
            return None;
        }
        Some(Self {
            node,
            what,
            known: Vec::new(),
        })
    }

    /// The value under `name`; `null` counts as absent (inheritance has taken its meaning already).
    pub(crate) fn take(&mut self, name: &'static str) -> Option<&'n Node> {
        self.known.push(name);
        self.node.get(name).filter(|value| !value.is_null())
    }

    /// The value under `name`, read by `read`.
    pub(crate) fn read<T>(
        &mut self,
        name: &'static str,
        errors: &mut Diagnostics,
        read: impl FnOnce(&'n Node, &mut Diagnostics) -> Option<T>,
    ) -> Option<T> {
        let node = self.take(name)?;
        read(node, errors)
    }

    /// Reports every unknown key.
    pub(crate) fn finish(self, errors: &mut Diagnostics) {
        for (key, _) in self.node.entries() {
            if !self.known.contains(&&*key.text) {
                errors.push(
                    Diagnostic::new(key.span, format!("unknown key `{}` in {}", key.text, self.what))
                        .label("not known here")
                        .suggest(&key.text, self.known.iter().copied()),
                );
            }
        }
    }
}

/// "expected X, found Y" at a node.
fn expected(node: &Node, what: &str) -> Diagnostic {
    Diagnostic::new(node.span, format!("expected {what}, found {}", node.describe()))
        .label(format!("this is {}", node.describe()))
}

/// A string. A number or boolean is an error with the help to quote it, because converting it could change the text.
pub(crate) fn string(node: &Node, errors: &mut Diagnostics) -> Option<String> {
    match &node.kind {
        Kind::String(text) => Some(text.clone()),
        Kind::Number(_) | Kind::Bool(_) => {
            errors.push(expected(node, "a string").help("put it in quotes"));
            None
        }
        _ => {
            errors.push(expected(node, "a string"));
            None
        }
    }
}

/// `true` or `false`.
pub(crate) fn boolean(node: &Node, errors: &mut Diagnostics) -> Option<bool> {
    if let Kind::Bool(value) = node.kind {
        return Some(value);
    }
    let mut error = expected(node, "`true` or `false`");
    if let Kind::String(text) = &node.kind
        && ["yes", "no", "on", "off"].contains(&text.to_lowercase().as_str())
    {
        error = error.help("booleans are written `true` and `false`");
    }
    errors.push(error);
    None
}

/// A whole number from `low` to `high`.
pub(crate) fn integer(node: &Node, low: u64, high: u64, errors: &mut Diagnostics) -> Option<u64> {
    if let Kind::Number(number) = &node.kind
        && let Some(value) = number.as_u64()
        && (low..=high).contains(&value)
    {
        return Some(value);
    }
    errors.push(expected(node, &format!("a whole number from {low} to {high}")));
    None
}

/// A list, each item read by `read`; a single item is read as a list of one.
pub(crate) fn list<T>(
    node: &Node,
    errors: &mut Diagnostics,
    mut read: impl FnMut(&Node, &mut Diagnostics) -> Option<T>,
) -> Option<Vec<T>> {
    let Kind::List(items) = &node.kind else {
        return read(node, errors).map(|item| vec![item]);
    };
    let read: Vec<_> = items.iter().filter_map(|item| read(item, errors)).collect();
    (read.len() == items.len()).then_some(read)
}

/// A duration such as `250ms`, `10s`, `5m` or `1h`.
pub(crate) fn duration(node: &Node, errors: &mut Diagnostics) -> Option<Duration> {
    let text = match &node.kind {
        Kind::String(text) => text.clone(),
        Kind::Number(number) => number.to_string(),
        _ => {
            errors.push(expected(node, "a duration").help("write it as `250ms`, `10s` or `5m`"));
            return None;
        }
    };
    match parse_duration(&text) {
        Ok(value) => Some(value),
        Err(reason) => {
            errors.push(Diagnostic::new(node.span, reason).help("write it as `250ms`, `10s` or `5m`"));
            None
        }
    }
}

/// Reads `250ms`, `1.5s`, `5m`, `1h`, `2d`; a unit is required and the value is above zero and at most 366 days.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (value, unit) = text.split_at(digits);
    let scale = match unit.trim() {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        "" => return Err(format!("`{text}` has no unit of time")),
        _ => return Err(format!("`{text}` is not a duration")),
    };
    let value: f64 = value.parse().map_err(|_| format!("`{text}` is not a duration"))?;
    let seconds = value * scale;
    if !(seconds > 0.0 && seconds <= 366.0 * 86_400.0) {
        return Err(format!("`{text}` is not between 1ms and 366d"));
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| format!("`{text}` is not a duration"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse_duration;

    #[test]
    fn durations_need_a_unit_and_a_bound() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_duration("5m"), Ok(Duration::from_mins(5)));
        for wrong in ["", "5", "0s", "-1s", "5 weeks", "1e9s", "1..2s", "400d", "s"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
