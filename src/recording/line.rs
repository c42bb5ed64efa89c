//! One line of a recording.

use serde_json::Value;

use crate::{json, model::Event};

/// Reads one line of a recording, or of `--report json`.
pub fn read_event(line: &[u8]) -> serde_json::Result<Event> {
    use serde::de::Error as _;
    // Parsed as a value first: serde's buffer for tagged content does not preserve numbers of arbitrary precision.
    let mut value = json::read(line).map_err(serde_json::Error::custom)?;
    // Variables can have any value, so they are not deserialized again: an object could be read as a number.
    let vars = value
        .get_mut("vars")
        .map(|vars| std::mem::replace(vars, Value::Object(serde_json::Map::new())));
    let mut event = serde_json::from_value(value)?;
    if let (Event::RunStarted(started), Some(vars)) = (&mut event, vars) {
        started.vars = match vars {
            Value::Object(vars) => vars.into_iter().collect(),
            _ => return Err(serde_json::Error::custom("`vars` is not an object")),
        };
    }
    Ok(event)
}
