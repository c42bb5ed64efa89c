//! `body/lines`: a body of JSON documents, one a line (NDJSON), or a CSV document (RFC 4180), as a list of values.

use serde_json::{Map, Value};

use super::{Finding, Pattern, ResponseView, pattern, sink::FindingSink};
use crate::{
    json::{read, show},
    model::{CheckId, Location},
};

/// The form of the lines of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFormat {
    /// One JSON document a line.
    Ndjson,
    /// Comma-separated values with a header row.
    Csv,
}

impl LineFormat {
    /// The names as they are written in cases.
    pub const NAMES: [(&'static str, Self); 2] = [("ndjson", Self::Ndjson), ("csv", Self::Csv)];
}

/// An expectation of the lines of a body.
#[derive(Clone, Debug)]
pub struct LinesExpectation {
    /// The form; by default that of the media type.
    pub format: Option<LineFormat>,
    /// The separator of the fields of CSV; by default a comma, and a tab for `text/tab-separated-values`.
    pub separator: Option<char>,
    /// A pattern of the list of all lines.
    pub pattern: Pattern,
}

/// A value, and the number of the line where it begins.
type Numbered = (usize, Value);

/// Why lines cannot be read: the line, and the fault.
#[derive(Debug, PartialEq, Eq)]
struct BadLine(usize, String);

pub(super) fn check(
    expected: &LinesExpectation,
    location: &Location,
    view: &ResponseView<'_>,
    sink: &mut impl FindingSink,
) {
    let layer = CheckId::BodyLines.info().layer;
    let (format, separator) = form(expected, view);
    let lines = match format {
        LineFormat::Ndjson => view.bytes().map_err(|error| error.to_string()).map(ndjson),
        LineFormat::Csv => view.strict_text().map(|text| csv(&text, separator)),
    };
    let lines = match lines {
        Ok(Ok(lines)) => lines,
        Ok(Err(BadLine(line, reason))) => {
            let (message, expected) = match format {
                LineFormat::Ndjson => ("a line is not valid JSON", "one strict JSON document in each line"),
                LineFormat::Csv => ("the body is not valid CSV", "CSV with a header row (RFC 4180)"),
            };
            return sink.fail(layer, || {
                Finding::new(CheckId::BodyLines, message)
                    .expected(expected)
                    .actual(format!("line {line}: {reason}"))
                    .location(location)
            });
        }
        Err(reason) => {
            return sink.fail(layer, || {
                Finding::new(CheckId::BodyLines, "the body cannot be read as text")
                    .expected("text in its declared coding and charset")
                    .actual(format!("{reason}: {}", view.shown()))
                    .location(location)
            });
        }
    };
    let (numbers, values): (Vec<usize>, Vec<Value>) = lines.into_iter().unzip();
    let value = Value::Array(values);
    pattern::match_at(&expected.pattern, Some(&value), view, sink, |mut finding| {
        finding.check = CheckId::BodyLines;
        let pointer = finding.pointer.as_deref().unwrap_or_default();
        let item = pointer.split('/').nth(1).and_then(|item| item.parse::<usize>().ok());
        if let (Some(line), Some(actual)) = (item.and_then(|item| numbers.get(item)), &mut finding.actual) {
            *actual = format!("line {line}: {actual}");
        }
        finding
    });
}

/// The form of the lines: as the case states, or as the media type does.
fn form(expected: &LinesExpectation, view: &ResponseView<'_>) -> (LineFormat, char) {
    let essence = view.media_type().map_or("", |kind| kind.essence.as_str());
    let of_type = match essence {
        "text/csv" | "text/tab-separated-values" => LineFormat::Csv,
        _ => LineFormat::Ndjson,
    };
    let separator = match essence {
        "text/tab-separated-values" => '\t',
        _ => ',',
    };
    (
        expected.format.unwrap_or(of_type),
        expected.separator.unwrap_or(separator),
    )
}

/// Reads JSON documents. Lines end in LF or CRLF; blank lines are ignored.
fn ndjson(bytes: &[u8]) -> Result<Vec<Numbered>, BadLine> {
    let mut values = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
            continue;
        }
        // The reader knows one line only.
        let bad = |reason: String| BadLine(index + 1, reason.replace(" at line 1 column", " at column"));
        let value = read(line).map_err(|error| bad(error.to_string()))?;
        values.push((index + 1, value));
    }
    Ok(values)
}

/// Reads CSV: the first record names the properties of the others, whose values are strings.
fn csv(text: &str, separator: char) -> Result<Vec<Numbered>, BadLine> {
    let mut records = Records {
        rest: text,
        line: 1,
        separator,
    };
    let Some((_, names)) = records.next_record()? else {
        return Err(BadLine(1, "the header row is missing".to_owned()));
    };
    if let Some(twice) = (names.iter().enumerate()).find(|(at, name)| names[..*at].contains(name)) {
        return Err(BadLine(
            1,
            format!("the column {} is named twice", show(&twice.1.as_str().into())),
        ));
    }
    let mut values = Vec::new();
    while let Some((line, fields)) = records.next_record()? {
        if fields.len() != names.len() {
            let reason = format!("{} fields; the header row has {}", fields.len(), names.len());
            return Err(BadLine(line, reason));
        }
        let row: Map<String, Value> = names
            .iter()
            .cloned()
            .zip(fields.into_iter().map(Value::String))
            .collect();
        values.push((line, Value::Object(row)));
    }
    Ok(values)
}

struct Records<'t> {
    rest: &'t str,
    line: usize,
    separator: char,
}

impl Records<'_> {
    /// The next record and its first line. An empty line has one field only in a document of one column.
    fn next_record(&mut self) -> Result<Option<(usize, Vec<String>)>, BadLine> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let first = self.line;
        let mut fields = Vec::new();
        loop {
            fields.push(self.field()?);
            if let Some(rest) = self.rest.strip_prefix(self.separator) {
                self.rest = rest;
                continue;
            }
            let end = ["\r\n", "\n"].iter().find_map(|end| self.rest.strip_prefix(end));
            self.rest = end.unwrap_or(self.rest);
            self.line += 1;
            return Ok(Some((first, fields)));
        }
    }

    fn field(&mut self) -> Result<String, BadLine> {
        let separator = self.separator;
        let Some(mut quoted) = self.rest.strip_prefix('"') else {
            let is_end = |sign: char| sign == separator || sign == '\n';
            let end = self.rest.find(is_end).unwrap_or(self.rest.len());
            let (field, rest) = self.rest.split_at(end);
            let cut = if rest.starts_with('\n') {
                field.strip_suffix('\r')
            } else {
                None
            };
            let field = cut.unwrap_or(field);
            if field.contains(['"', '\r']) {
                let reason = "a quote or a line break in a field that is not quoted";
                return Err(BadLine(self.line, reason.to_owned()));
            }
            self.rest = &self.rest[field.len()..];
            return Ok(field.to_owned());
        };
        let (first, mut field) = (self.line, String::new());
        loop {
            let Some((part, after)) = quoted.split_once('"') else {
                return Err(BadLine(first, "a quote is not closed".to_owned()));
            };
            field.push_str(part);
            self.line += part.matches('\n').count();
            if let Some(rest) = after.strip_prefix('"') {
                field.push('"');
                quoted = rest;
                continue;
            }
            let is_end = |rest: &str| rest.is_empty() || rest.starts_with("\r\n") || rest.starts_with('\n');
            if !is_end(after) && !after.starts_with(separator) {
                return Err(BadLine(self.line, "text follows a closing quote".to_owned()));
            }
            self.rest = after;
            return Ok(field);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_read_as_lines_or_refused(text in "(\"|,|;|\r|\n|a|1|\\{|\\}|\u{e9}){0,30}") {
            for rows in [csv(&text, ','), csv(&text, ';'), ndjson(text.as_bytes())] {
                let lines = text.matches('\n').count() + 1;
                match rows {
                    Ok(rows) => prop_assert!(rows.is_sorted_by(|a, b| a.0 < b.0) && rows.iter().all(|(line, _)| *line <= lines)),
                    Err(BadLine(line, _)) => prop_assert!((1..=lines).contains(&line)),
                }
            }
        }
    }

    #[test]
    fn each_line_of_ndjson_is_a_document() {
        let lines = |text: &str| ndjson(text.as_bytes());
        let expected = vec![(1, json!({"a": 1})), (3, json!(2))];
        for text in ["{\"a\": 1}\n\n2\n", "{\"a\": 1}\r\n\r\n2", "{\"a\": 1}\n \n2\n\n\n"] {
            assert_eq!(lines(text), Ok(expected.clone()), "{text:?}");
        }
        assert_eq!(lines(""), Ok(Vec::new()));
        assert_eq!(lines("\n\n"), Ok(Vec::new()));
        for (text, line) in [
            ("1\n{\n}", 2),
            ("1\n2 3", 2),
            ("1\n2\n{\"a\":1,\"a\":2}", 3),
            ("\u{feff}1", 1),
            ("1,\n", 1),
        ] {
            assert_eq!(lines(text).unwrap_err().0, line, "{text:?}");
        }
        let reason = lines("1\n{\"a\"}").unwrap_err().1;
        assert!(reason.contains("at column") && !reason.contains("line 1"), "{reason}");
    }

    #[test]
    fn rows_of_csv_are_objects_of_strings() {
        let text = "id,name,note\r\n1,\"A, \"\"b\"\"\",\"two\r\nlines\"\r\n2,,x";
        let expected = vec![
            (2, json!({"id": "1", "name": "A, \"b\"", "note": "two\r\nlines"})),
            (4, json!({"id": "2", "name": "", "note": "x"})),
        ];
        assert_eq!(csv(text, ','), Ok(expected));
        assert_eq!(csv("a;b\n1,5;2\n", ';'), Ok(vec![(2, json!({"a": "1,5", "b": "2"}))]));
        assert_eq!(
            csv("a\n\n1\n", ','),
            Ok(vec![(2, json!({"a": ""})), (3, json!({"a": "1"}))])
        );
        assert_eq!(csv("a,b", ','), Ok(Vec::new()));
        assert_eq!(csv("a,b\n1,\n", ','), Ok(vec![(2, json!({"a": "1", "b": ""}))]));
        for (text, line) in [
            ("", 1),
            ("a,a\n1,2", 1),
            ("a,b\n1,2\n3", 3),
            ("a,b\n1,2,3", 2),
            ("a\n\"1\n2\n", 2),
            ("a\n\"1\n2\"x\n", 3),
            ("a\n1\"2", 2),
            ("a\r1", 1),
            ("a,b\n1,2\n\n", 3),
        ] {
            assert_eq!(csv(text, ',').unwrap_err().0, line, "{text:?}");
        }
    }
}
