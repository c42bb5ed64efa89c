//! Files of variables: `--vars-file`.

use std::{ffi::OsStr, path::Path};

use serde_json::Value;

use crate::{
    json,
    source::{Diagnostic, Diagnostics, FileId, FileKind, Kind, Node, Sources, parse_toml, parse_yaml, read_text},
    suite::is_name,
};

/// A variable of a file.
#[derive(Debug, PartialEq)]
pub(super) struct FileVariable {
    pub(super) name: String,
    pub(super) value: Value,
    /// Its line, from one.
    pub(super) line: usize,
}

/// Reads a file of variables: YAML, TOML or JSON by its extension, otherwise lines of `name=value`. Errors contain no text of
/// the file except names, because a secret can be in it.
pub(super) fn read(path: &Path) -> Result<Vec<FileVariable>, Diagnostic> {
    let shown = path.display();
    let wrong = |line: usize, message: &str| Diagnostic::general(format!("{shown}:{line}: {message}"));
    let text = read_text(path, FileKind::Variables)
        .map_err(|error| Diagnostic::general(format!("failed to read the variables file `{shown}`: {error}")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let extension = path.extension().map(OsStr::to_ascii_lowercase);
    let all = match extension.as_ref().and_then(|extension| extension.to_str()) {
        Some("yaml" | "yml") => {
            let mut errors = Diagnostics::default();
            let node = parse_yaml(text, FileId::default(), &mut errors);
            of_node(node, &errors)
        }
        Some("toml") => {
            let (mut sources, mut errors) = (Sources::default(), Diagnostics::default());
            let file = sources.add(path, text.to_owned());
            let node = parse_toml(&sources, file, &mut errors);
            of_node(node, &errors)
        }
        Some("json") => of_json(text),
        _ => of_lines(text),
    };
    let all = all.map_err(|(line, message)| wrong(line, &message))?;
    for one in &all {
        let is_scalar = matches!(one.value, Value::String(_) | Value::Number(_) | Value::Bool(_));
        if !is_scalar {
            let message = format!("the variable `{}` is not a string, a number or a boolean", one.name);
            return Err(wrong(one.line, &message));
        }
    }
    Ok(all)
}

type FileFault = (usize, String);

fn of_node(node: Option<Node>, errors: &Diagnostics) -> Result<Vec<FileVariable>, FileFault> {
    if let Some(error) = errors.first() {
        let line = error.span.map_or(1, |span| span.line as usize);
        return Err((line, error.message.clone()));
    }
    let Some(node) = node else { return Ok(Vec::new()) };
    match &node.kind {
        Kind::Map(entries) => Ok(entries
            .iter()
            .map(|(key, value)| FileVariable {
                name: key.text.to_string(),
                value: value.to_json(),
                line: key.span.line as usize,
            })
            .collect()),
        Kind::Null => Ok(Vec::new()),
        _ => Err((1, format!("expected variables by name, found {}", node.describe()))),
    }
}

fn of_json(text: &str) -> Result<Vec<FileVariable>, FileFault> {
    let value = json::read(text.as_bytes()).map_err(|error| (1, format!("not valid JSON: {error}")))?;
    let Value::Object(entries) = value else {
        return Err((1, "expected an object with variables by name".to_owned()));
    };
    let line = |name: &str| {
        let at = text.find(&Value::from(name).to_string()).unwrap_or_default();
        text[..at].matches('\n').count() + 1
    };
    let all = entries.into_iter().map(|(name, value)| FileVariable {
        line: line(&name),
        name,
        value,
    });
    Ok(all.collect())
}

/// Lines of `name=value`. A number, `true`, `false` and a JSON string in quotes have their type; anything else is text.
fn of_lines(text: &str) -> Result<Vec<FileVariable>, FileFault> {
    let mut all: Vec<FileVariable> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let (line, number) = (line.trim(), index + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let entry = line.split_once('=').map(|(name, value)| (name.trim(), value.trim()));
        let Some((name, value)) = entry.filter(|(name, _)| is_name(name)) else {
            let message = "this line is not `name=value`; other formats are known by `.yaml`, `.toml` and `.json`";
            return Err((number, message.to_owned()));
        };
        if let Some(first) = all.iter().find(|known| known.name == name) {
            return Err((number, format!("`{name}` is set twice, first in line {}", first.line)));
        }
        let typed = serde_json::from_str(value).ok();
        let typed = typed.filter(|value| matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_)));
        all.push(FileVariable {
            name: name.to_owned(),
            value: typed.unwrap_or_else(|| value.into()),
            line: number,
        });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_as(name: &str, text: &str) -> Result<Vec<(String, Value, usize)>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let all = read(&path).map_err(|error| error.message.replace(&path.display().to_string(), name))?;
        Ok(all.into_iter().map(|one| (one.name, one.value, one.line)).collect())
    }

    #[test]
    fn values_have_their_types_in_every_format() {
        let expected = |lines: [usize; 4]| {
            let values = [json!("x y"), json!(12), json!(true), json!("007")];
            let all = ["a", "b", "c", "d"].into_iter().zip(values).zip(lines);
            Ok(all
                .map(|((name, value), line)| (name.to_owned(), value, line))
                .collect())
        };
        for (name, text, lines) in [
            ("v.yaml", "a: x y\n# c\nb: 12\nc: true\nd: '007'\n", [1, 3, 4, 5]),
            (
                "V.YML",
                "\u{feff}a: x y\r\nb: 12\r\nc: true\r\nd: '007'\r\n",
                [1, 2, 3, 4],
            ),
            ("v.toml", "a = \"x y\"\nb = 12\nc = true\nd = \"007\"\n", [1, 2, 3, 4]),
            (
                "v.json",
                "{\n\"a\": \"x y\",\n\"b\": 12, \"c\": true,\n\"d\": \"007\" }",
                [2, 3, 3, 4],
            ),
            ("v.vars", "a=x y\nb = 12\r\n\n# c\nc=true\nd=007", [1, 2, 5, 6]),
            ("vars", "a=\"x y\"\nb=12\nc=true\nd=\"007\"", [1, 2, 3, 4]),
        ] {
            assert_eq!(read_as(name, text), expected(lines), "{name}");
        }
        assert_eq!(read_as("v.yaml", ""), Ok(Vec::new()));
        assert_eq!(
            read_as("v", "a=b=c\nb="),
            Ok(vec![("a".to_owned(), json!("b=c"), 1), ("b".to_owned(), json!(""), 2)])
        );
    }

    #[test]
    fn faults_of_files_name_their_line() {
        for (name, text, message) in [
            ("v.yaml", "a: 1\na: 2\n", "v.yaml:2: duplicate key `a`"),
            ("v.yaml", "a: 1\nb: [1]\n", "v.yaml:2: the variable `b` is not"),
            ("v.yaml", "- a\n", "v.yaml:1: expected variables by name, found a list"),
            ("v.toml", "a = 1\nb\n", "v.toml:2: "),
            ("v.json", "[1]", "v.json:1: expected an object"),
            ("v.json", "{\n\"a\": null }", "v.json:2: the variable `a` is not"),
            ("v.json", "{", "v.json:1: not valid JSON"),
            ("v.env", "a=1\nb\n", "v.env:2: this line is not `name=value`"),
            ("v", "a=1\na=2\n", "v:2: `a` is set twice, first in line 1"),
        ] {
            let error = read_as(name, text).unwrap_err();
            assert!(error.starts_with(message), "{error}");
        }
        assert!(read(Path::new("/nonexistent/v")).is_err());
    }
}
