//! Rows of `explored` as text, and their way into a case file.

use std::{fs, io::Write as _, path::Path};

use serde_json::{Value, json};

use crate::{
    import::yaml_of,
    source::{Diagnostics, FileId, Kind, Node, parse_yaml},
};

/// A row: its name, a note (none if it is empty), the step, and what its request changes.
pub(super) type ExploredRow = (String, String, Option<String>, Value);

/// The name of a row that is only sent. In the order of the names, rows are in the order of their numbers.
pub(super) fn name_of(index: usize) -> String {
    format!("explored-{index:04}")
}

/// Rows as YAML, without indentation.
pub(super) fn yaml_rows(rows: &[ExploredRow]) -> String {
    let rows = rows.iter().map(|(name, note, step, request)| {
        let mut row = json!({ "request": request });
        if !note.is_empty() {
            row["note"] = note.as_str().into();
        }
        if let Some(step) = step {
            row["step"] = step.as_str().into();
        }
        (name.clone(), row)
    });
    yaml_of(&Value::Object(rows.collect()))
}

/// Adds rows to the `explored` of a case file. The rest of the file stays as it is. The error is the reason.
pub(super) fn add_rows(path: &Path, rows: &str) -> Result<(), String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let new = with_rows(&text, rows)?;
    let write = || {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(new.as_bytes())?;
        file.as_file().set_permissions(fs::metadata(path)?.permissions())?;
        // A link stays one.
        file.persist(path.canonicalize()?).map_err(|error| error.error)
    };
    write().map(drop).map_err(|error| error.to_string())
}

fn read(text: &str) -> Option<Node> {
    let mut errors = Diagnostics::default();
    let node = parse_yaml(text, FileId::default(), &mut errors)?;
    errors.is_empty().then_some(node)
}

fn with_rows(text: &str, rows: &str) -> Result<String, String> {
    let before = read(text).ok_or("the file has changed and is not valid YAML")?;
    let new = inserted(text, &before, rows).ok_or("`explored` or the whole file is not written in block style")?;
    // What was written is what was meant, and nothing else has changed.
    let mut wanted = before.to_json();
    let added = read(rows).map(|node| node.to_json()).unwrap_or_default();
    let table = wanted
        .as_object_mut()
        .map(|all| all.entry("explored").or_insert_with(|| json!({})));
    if let (Some(Value::Object(table)), Value::Object(added)) = (table, added) {
        table.extend(added);
    }
    let is_as_wanted = read(&new).is_some_and(|node| node.to_json() == wanted);
    if is_as_wanted {
        Ok(new)
    } else {
        Err("rows cannot be added to its text".to_owned())
    }
}

/// The text with rows at the end of `explored`, or with a new `explored` at its end.
fn inserted(text: &str, node: &Node, rows: &str) -> Option<String> {
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let indented = |indent: usize| -> String {
        let lines = rows.lines().map(|line| match line {
            "" => line_end.to_owned(),
            line => format!("{}{line}{line_end}", " ".repeat(indent)),
        });
        lines.collect()
    };
    let Kind::Map(entries) = &node.kind else { return None };
    let at = entries.iter().position(|(key, _)| &*key.text == "explored");
    let Some(at) = at else {
        let text = text.trim_end_matches(['\n', '\r', ' ']);
        return Some(format!("{text}{line_end}explored:{line_end}{}", indented(2)));
    };
    let (key, table) = &entries[at];
    let (first, _) = table.entries().first()?;
    let indent = usize::try_from(first.span.column.checked_sub(1)?).ok()?;
    if first.span.line <= key.span.line || indent <= usize::try_from(key.span.column).ok()?.saturating_sub(1) {
        return None;
    }
    // The next key of the case, or the end; comments and empty lines before a key belong to it.
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let next = entries.get(at + 1).map(|(next, _)| next.span.line);
    let mut end = next.map_or(lines.len(), |line| {
        usize::try_from(line).unwrap_or_default().saturating_sub(1)
    });
    while end > 0
        && lines
            .get(end - 1)
            .is_some_and(|line| line.trim().is_empty() || line.starts_with('#'))
    {
        end -= 1;
    }
    let mut before = lines.get(..end)?.concat();
    if !before.ends_with('\n') {
        before.push_str(line_end);
    }
    Some(format!("{before}{}{}", indented(indent), lines.get(end..)?.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = "found-2:\n  request: { query: { limit: 0 } }\n";

    #[test]
    fn rows_are_added_and_the_rest_of_the_file_stays() {
        for (before, after) in [
            (
                "a: 1 # comment\n",
                "a: 1 # comment\nexplored:\n  found-2:\n    request: { query: { limit: 0 } }\n",
            ),
            (
                "a: 1",
                "a: 1\nexplored:\n  found-2:\n    request: { query: { limit: 0 } }\n",
            ),
            (
                "a: 1\r\nb: 2\r\n",
                "a: 1\r\nb: 2\r\nexplored:\r\n  found-2:\r\n    request: { query: { limit: 0 } }\r\n",
            ),
            (
                "explored:\n    x: { request: {} }\n\n# about b\nb: 2\n",
                "explored:\n    x: { request: {} }\n    found-2:\n      request: { query: { limit: 0 } }\n\n# about b\nb: 2\n",
            ),
            (
                "b: 2\nexplored:\n  x:\n    request: {}",
                "b: 2\nexplored:\n  x:\n    request: {}\n  found-2:\n    request: { query: { limit: 0 } }\n",
            ),
        ] {
            assert_eq!(with_rows(before, ROWS).as_deref(), Ok(after), "{before:?}");
        }
    }

    #[test]
    fn rows_that_cannot_be_added_leave_the_file_alone() {
        for before in [
            "{ a: 1 }\n",
            "explored: { x: { request: {} } }\nb: 2\n",
            "a: 1\n...\n",
            "a: [\n",
            "a: |\n  text\n\n\n\nexplored: null\n",
        ] {
            assert!(with_rows(before, ROWS).is_err(), "{before:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.yaml");
        fs::write(&path, "{ a: 1 }\n").unwrap();
        assert!(add_rows(&path, ROWS).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "{ a: 1 }\n");
    }

    #[test]
    fn text_of_rows_is_read_as_it_was() {
        let request =
            json!({ "query": { "q": "a: \u{0}\u{1F600}'\"\n #" }, "body": { "json": { "$$a": [null, "{{ x }}"] } } });
        let rows = yaml_rows(&[(
            "found-1".to_owned(),
            "seed 1: x".to_owned(),
            Some("list".to_owned()),
            request,
        )]);
        let text = with_rows("a: 1\n", &rows).unwrap();
        let row = read(&text).unwrap().to_json()["explored"]["found-1"].take();
        assert_eq!(row["step"], "list");
        assert_eq!(row["request"]["query"]["q"], "a: \u{0}\u{1F600}'\"\n #");
        // A case reads two `$` as one.
        assert_eq!(row["request"]["body"]["json"]["$$$a"][1], "{{ x }}");
    }
}
